//! The fear: half of a backup is restored, or over something, or with keys that do not fit it, and a store opens there.
#![allow(clippy::unwrap_used)] // in helpers, too

mod backup_common;
mod store_common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use backup_common::{BackedUp, furnish, names, restore_into, take, told};
use qnect_core::leg::LegId;
use qnect_core::phone::Phone;
use qnect_core::record::Record;
use qnect_storage::keys::{KeyError, MasterKey};
use qnect_storage::{BackupError, Lane, NewOwner, NewVehicle, StorageError, examine};
use store_common::{NOW, master, open, owner, run, session, session_id, try_open};

/// Restores that are killed.
const CYCLES: &str = "QNECT_CYCLES";
const CHILD_ROOT: &str = "QNECT_TEST_CHILD_ROOT";

fn as_before(folder: &Path, expected: &[&str]) {
    assert_eq!(names(folder), expected, "what was not restored leaves nothing behind");
}

#[test]
fn nothing_is_restored_over_anything() {
    let backed_up = BackedUp::new(2);
    for stands_there in ["db", "high-water.mark", "precious", "restore.unfinishee", "control.sock"] {
        let folder = backed_up.path(stands_there);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(stands_there), "x").unwrap();
        let error = backed_up.restore(stands_there).unwrap_err();
        assert!(matches!(&error, BackupError::NotEmpty { found, .. } if found == stands_there), "{error}");
        as_before(&folder, &[stands_there]);
        assert_eq!(fs::read(folder.join(stands_there)).unwrap(), b"x");
    }
    let again = backed_up.restore("data").unwrap_err();
    assert!(matches!(again, BackupError::NotEmpty { .. }), "the source itself: {again}");
    // What a new file system has is nothing.
    fs::create_dir_all(backed_up.path("new/lost+found")).unwrap();
    backed_up.restore("new").unwrap();
    assert_eq!(told(&open(&backed_up.path("new")), &backed_up.furnished), backed_up.told);
}

#[test]
fn a_key_table_has_to_be_there_and_fit() {
    let backed_up = BackedUp::new(2);
    let (backup, keys) = (backed_up.path("backup"), backed_up.path("keys"));
    let folder = backed_up.path("new");
    let restore = |keys: Option<&Path>, master: &MasterKey| restore_into(&folder, &backup, keys, master);
    let missing = restore(None, &master()).unwrap_err();
    assert!(matches!(missing, BackupError::KeysMissing { .. }) && missing.to_string().contains("--keys"), "{missing}");
    as_before(&folder, &[]);
    let wrong = restore(Some(&keys), &MasterKey::from_bytes([8; 32])).unwrap_err();
    assert!(matches!(wrong, BackupError::WrongMaster { .. }), "{wrong}");

    // Fewer keys of the same table: its file cut off behind a whole entry.
    let all = fs::read(&keys).unwrap();
    let older = backed_up.path("older");
    fs::write(&older, &all[..all.len() - 128]).unwrap();
    let error = restore(Some(&older), &master()).unwrap_err();
    assert!(matches!(error, BackupError::KeysOlder { .. }), "{error}");
    as_before(&folder, &[]);
    assert_eq!(fs::read(&older).unwrap().len(), all.len() - 128, "the file that was given is left as it is");

    // More keys, of another table under the same master.
    let other = BackedUp::new(5);
    let error = restore(Some(&other.path("keys")), &master()).unwrap_err();
    assert!(matches!(error, BackupError::KeysOfAnother), "{error}");
    let mut damaged = all.clone();
    damaged[200] ^= 1;
    fs::write(&older, &damaged).unwrap();
    let error = restore(Some(&older), &master()).unwrap_err();
    assert!(matches!(error, BackupError::Keys(KeyError::Damaged { .. })), "{error}");
    as_before(&folder, &[]);

    // One that stands there is used, and never replaced.
    fs::write(folder.join("keys.table"), &all).unwrap();
    let error = restore(Some(&other.path("keys")), &master()).unwrap_err();
    assert!(matches!(error, BackupError::KeysThere { .. }), "{error}");
    assert_eq!(fs::read(folder.join("keys.table")).unwrap(), all);
    restore(None, &master()).unwrap();
    assert_eq!(told(&open(&folder), &backed_up.furnished), backed_up.told);

    // A later table of the same epoch has what it takes.
    let storage = open(&backed_up.path("data"));
    furnish(&storage, 3);
    take(storage.backup_keys().unwrap(), &keys).unwrap();
    drop(storage);
    backed_up.restore("with later keys").unwrap();
}

#[test]
fn a_damaged_backup_leaves_no_folder_behind() {
    let backed_up = BackedUp::new(2);
    let mut bytes = fs::read(backed_up.path("backup")).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(backed_up.path("backup"), bytes).unwrap();
    let error = backed_up.restore("new").unwrap_err();
    assert!(matches!(error, BackupError::Damaged { .. }), "{error}");
    as_before(&backed_up.path("new"), &[]);
}

#[test]
fn a_half_restored_folder_does_not_open_and_is_restored_again() {
    let backed_up = BackedUp::new(2);
    let folder = backed_up.path("new");
    let keys = fs::read(backed_up.path("keys")).unwrap();
    // As each step of a restore leaves it.
    let steps: [&[&str]; 5] = [
        &["restore.unfinished/"],
        &["restore.unfinished/keys.table", "restore.unfinished/db/"],
        &["restore.unfinished/keys.table", "restore.unfinished/db/0.jnl", "restore.unfinished/high-water.mark"],
        &["keys.table", "restore.unfinished/db/0.jnl", "restore.unfinished/high-water.mark"],
        &["keys.table", "high-water.mark", "restore.unfinished/db/0.jnl"],
    ];
    for step in steps {
        for path in step {
            let path = folder.join(path);
            if path.to_str().unwrap().ends_with('/') {
                fs::create_dir_all(&path).unwrap();
                continue;
            }
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, if path.ends_with("keys.table") { &keys[..] } else { b"unfinished" }).unwrap();
        }
        let refused = try_open(&folder).unwrap_err();
        assert!(matches!(refused, StorageError::HalfRestored(_)), "{step:?}: {refused}");
        assert!(refused.to_string().contains("qnect restore"), "what to do: {refused}");
        backed_up.restore("new").unwrap();
        as_before(&folder, &["db", "high-water.mark", "keys.table"]);
        assert_eq!(told(&open(&folder), &backed_up.furnished), backed_up.told, "{step:?}");
        fs::remove_dir_all(&folder).unwrap();
    }
    // Behind the last step the folder is complete.
    backed_up.restore("new").unwrap();
    fs::create_dir(folder.join("restore.unfinished")).unwrap();
    assert_eq!(told(&open(&folder), &backed_up.furnished), backed_up.told);
}

#[test]
fn only_one_restore_is_in_a_folder() {
    let backed_up = BackedUp::new(1);
    let folder = backed_up.path("new");
    fs::create_dir(&folder).unwrap();
    let handle = fs::File::open(&folder).unwrap();
    handle.lock().unwrap();
    assert!(matches!(backed_up.restore("new").unwrap_err(), BackupError::Restoring { .. }));
    drop(handle);
    backed_up.restore("new").unwrap();
}

#[test]
fn a_restore_that_is_killed_is_all_or_nothing() {
    let backed_up = BackedUp::new(200);
    let cycles: u64 = std::env::var(CYCLES).map_or(10, |n| n.parse().unwrap());
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let folder = backed_up.path("new");
    let (mut complete, mut begun) = (0, 0);
    for cycle in 0..cycles {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(CHILD_ROOT, backed_up.root.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // From its first step on; a restore of this size takes some tens of milliseconds.
        let _ = lines.by_ref().map_while(Result::ok).find(|line| line.ends_with("begins"));
        let (stay, killed) = std::sync::mpsc::channel::<()>();
        let _ = killed.recv_timeout(std::time::Duration::from_millis((seed + cycle * 37) % 150));
        drop(stay);
        child.kill().unwrap();
        child.wait().unwrap();
        let stands_there = names(&folder);
        if stands_there.contains(&"db".to_owned()) {
            complete += 1;
        } else {
            begun += usize::from(!stands_there.is_empty());
            if stands_there.contains(&"restore.unfinished".to_owned()) {
                assert!(matches!(try_open(&folder).unwrap_err(), StorageError::HalfRestored(_)), "{stands_there:?}");
            }
            backed_up.restore("new").unwrap();
        }
        assert_eq!(told(&open(&folder), &backed_up.furnished), backed_up.told, "cycle {cycle}: {stands_there:?}");
        fs::remove_dir_all(&folder).unwrap();
    }
    println!("counted: {cycles} killed restores: {complete} were complete, {begun} had begun");
}

/// No test of its own: the process that is killed.
#[test]
fn child() {
    let Some(root) = std::env::var_os(CHILD_ROOT) else {
        return;
    };
    let root = PathBuf::from(root);
    fs::create_dir_all(root.join("new")).unwrap();
    println!("\nbegins");
    restore_into(&root.join("new"), &root.join("backup"), Some(&root.join("keys")), &master()).unwrap();
}

#[test]
fn a_backup_shows_nothing_that_names_a_person_or_lets_one_in() {
    const NAME: &str = "Kanarienvogel Flattermann";
    const EMAIL: &str = "canary@cage.example";
    const VEHICLE: &str = "KA01CANARY4711";
    const LEG: &str = "b7c6f1e2-canary-leg";
    const PHONE: u64 = 918_765_432_109;
    let root = tempfile::tempdir().unwrap();
    let storage = open(&root.path().join("data"));
    let canary = NewOwner {
        name: NAME.into(),
        email: EMAIL.into(),
        phone: Phone::from_digits(PHONE).unwrap(),
        vehicle: Some(NewVehicle(VEHICLE.into())),
        ..owner(1)
    };
    let new = storage.register(&[canary], NOW).unwrap()[0];
    let id = session_id(&storage, new.code.tag(), 0x0123_4567_89ab_cdef);
    let mut session = session(id, new.owner);
    session.scanner_leg = LegId::new(LEG);
    run(storage.promise(Lane::Webhooks, vec![Record::SessionAdvanced(Box::new(session))]).unwrap().kept()).unwrap();
    let [backup, keys] = ["backup", "keys"].map(|name| root.path().join(name));
    take(storage.backup().unwrap(), &backup).unwrap();
    take(storage.backup_keys().unwrap(), &keys).unwrap();
    let key_table = fs::read(&keys).unwrap();
    let mut canaries: Vec<(&str, Vec<u8>)> = vec![
        ("the name", NAME.into()),
        ("the e-mail", EMAIL.into()),
        ("the vehicle", VEHICLE.into()),
        ("the leg", LEG.into()),
        ("the phone", PHONE.to_string().into()),
        ("the phone, big-endian", PHONE.to_be_bytes()[3..].into()),
        ("the time zone", "Asia/Kolkata".into()),
        ("the session's secret", 0x0123_4567_89ab_cdef_u64.to_be_bytes().into()),
        ("the session", id.to_string().into()),
        ("the tag", new.code.tag().as_u64().to_be_bytes().into()),
        ("the owner", new.owner.0.to_be_bytes().into()),
        ("the code", new.code.to_string().into()),
    ];
    // The key table names owners by their random ids, beside their sealed keys.
    let in_keys = |what: &str| what == "the owner";
    canaries.push(("a key of the table", key_table[128 + 48..128 + 80].into()));
    let stands_in = |bytes: &[u8], canary: &[u8]| bytes.windows(canary.len()).any(|window| window == canary);
    let bytes = fs::read(&backup).unwrap();
    for (what, canary) in &canaries {
        assert!(!stands_in(&bytes, canary), "{what} stands in the backup");
        let expected = in_keys(what) || *what == "a key of the table";
        assert_eq!(stands_in(&key_table, canary), expected, "{what} in the backup of the key table");
    }
    assert_eq!(examine(&backup, &master()).unwrap().bytes, bytes.len() as u64);
}
