//! The fear: what comes back from a backup is not what was there.
#![allow(clippy::unwrap_used)] // in helpers, too

mod backup_common;
mod store_common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use backup_common::{BackedUp, furnish, names, restore_into, take, told};
use qnect_core::facts::Facts;
use qnect_core::record::Record;
use qnect_storage::{BackupError, Lane, examine};
use store_common::{NOW, marked, master, open, owner, run, session, session_id, until};

/// Backups that are taken while it is written.
const BACKUPS: &str = "QNECT_BACKUPS";
/// Sessions that each commit of the writer changes together.
const AT_ONCE: u64 = 16;

#[test]
fn a_restored_folder_holds_what_was_backed_up_and_keeps_what_is_written_then() {
    let backed_up = BackedUp::new(20);
    let folder = backed_up.path("restored");
    let inventory = backed_up.restore("restored").unwrap();
    assert_eq!(inventory, backed_up.inventory);
    assert_eq!(names(&folder), ["db", "high-water.mark", "keys.table"], "and nothing else is left");
    assert_eq!(marked(&folder), inventory.commit);

    let storage = open(&folder);
    assert_eq!(told(&storage, &backed_up.furnished), backed_up.told);
    take(storage.backup().unwrap(), &backed_up.path("again")).unwrap();
    drop(storage);
    let again = examine(&backed_up.path("again"), &master()).unwrap();
    assert_eq!(again.logical, inventory.logical);

    // What is written after a restore is there after a restart, and after the next one.
    let mut rounds = Vec::new();
    for round in 0..3 {
        let storage = open(&folder);
        for (before, lines) in &rounds {
            assert_eq!(&told(&storage, before), lines, "before round {round}");
        }
        let more = furnish(&storage, 5);
        drop(storage);
        let storage = open(&folder);
        let lines = told(&storage, &more);
        assert_eq!(told(&storage, &backed_up.furnished)[..20], backed_up.told[..20]);
        rounds.push((more, without_scans(&lines)));
        for (before, lines) in &mut rounds {
            *lines = told(&storage, before);
        }
    }
    take(open(&folder).backup().unwrap(), &backed_up.path("later")).unwrap();
    let later = examine(&backed_up.path("later"), &master()).unwrap();
    assert!(later.commit > inventory.commit && later.rows > inventory.rows && later.logical != inventory.logical);
}

/// Scans are those of everybody, so they grow with each round.
fn without_scans(lines: &[String]) -> Vec<String> {
    lines.iter().filter(|line| !line.starts_with("ScanRecord")).cloned().collect()
}

#[test]
fn a_backup_under_load_is_one_commit_and_no_other() {
    let root = tempfile::tempdir().unwrap();
    let backups = std::env::var(BACKUPS).map_or(5, |n| n.parse().unwrap());
    let storage = open(&root.path().join("data"));
    let new = storage.register(&[owner(1)], NOW).unwrap()[0];
    let ids: Vec<_> = (0..AT_ONCE).map(|number| session_id(&storage, new.code.tag(), number)).collect();
    // From here on every round is one commit, and what a row says is the round's number.
    let write = |round: u64| {
        let advanced = |&id: &_| {
            let mut session = session(id, new.owner);
            session.facts = Facts::from_bits(round as u16);
            session.dialed_at = Some(NOW.plus(qnect_core::time::Span::from_millis(round)));
            Record::SessionAdvanced(Box::new(session))
        };
        let records = ids.iter().map(advanced).collect();
        run(storage.promise(Lane::Webhooks, records).unwrap().kept()).unwrap();
    };
    write(0);
    take(storage.backup().unwrap(), &root.path().join("first")).unwrap();
    let first = examine(&root.path().join("first"), &master()).unwrap().commit;
    let (written, enough) = (AtomicU64::new(0), AtomicBool::new(false));
    let taken: Vec<_> = std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1.. {
                write(round);
                written.store(round, Ordering::Release);
                if enough.load(Ordering::Acquire) {
                    return;
                }
            }
        });
        let one = |number: u64| {
            let seen = written.load(Ordering::Acquire);
            until("the writer goes on", || written.load(Ordering::Acquire) > seen);
            let path = root.path().join(format!("backup{number}"));
            let before = written.load(Ordering::Acquire);
            take(storage.backup().unwrap(), &path).unwrap();
            (path, before)
        };
        let taken = (0..backups).map(one).collect();
        enough.store(true, Ordering::Release);
        taken
    });
    take(storage.backup_keys().unwrap(), &root.path().join("keys")).unwrap();
    drop(storage);
    println!("counted: {} backups under load, each restored", taken.len());
    for (path, before) in taken {
        let folder = path.with_extension("restored");
        let inventory = restore_into(&folder, &path, Some(&root.path().join("keys")), &master()).unwrap();
        let storage = open(&folder);
        let round = inventory.commit - first;
        assert!(round >= before, "what was acknowledged before a backup began is in it");
        for &id in &ids {
            let session = run(storage.session(id)).unwrap().unwrap();
            assert_eq!(session.dialed_at.unwrap().since(NOW).as_millis(), round, "of commit {}", inventory.commit);
        }
    }
}

#[test]
fn an_empty_store_has_a_backup_too() {
    let root = tempfile::tempdir().unwrap();
    let storage = open(&root.path().join("data"));
    let [backup, keys] = ["backup", "keys"].map(|name| root.path().join(name));
    take(storage.backup().unwrap(), &backup).unwrap();
    take(storage.backup_keys().unwrap(), &keys).unwrap();
    let folder = root.path().join("restored");
    let inventory = restore_into(&folder, &backup, Some(&keys), &master()).unwrap();
    assert_eq!((inventory.commit, inventory.rows), (0, 0));
    furnish(&open(&folder), 1);
}

#[test]
fn one_is_made_at_a_time_and_one_that_nobody_takes_harms_nobody() {
    let root = tempfile::tempdir().unwrap();
    let storage = open(&root.path().join("data"));
    let furnished = furnish(&storage, 5);
    let under_way = storage.backup().unwrap();
    assert!(matches!(storage.backup(), Err(BackupError::Busy)));
    assert!(matches!(storage.backup_keys(), Err(BackupError::Busy)));
    assert_eq!(told(&storage, &furnished)[..5].len(), 5, "the store goes on");
    drop(under_way);
    // Its thread sees that nobody is there when it has the next piece.
    let mut next = None;
    until("the next one may begin", || {
        next = storage.backup().ok();
        next.is_some()
    });

    // It waits for someone to take its pieces when the store is closed.
    let mut left = next.unwrap();
    assert!(left.next_blocking().unwrap().is_some());
    storage.close();
    assert!(!*storage.failed().borrow(), "no thread was left behind");
    let end = loop {
        match left.next_blocking() {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    // Whether all of it had found room before the close is the thread's luck.
    assert!(matches!(end, Ok(None) | Err(BackupError::BrokenOff)), "{end:?}");
    assert!(matches!(storage.backup(), Err(BackupError::BrokenOff)));
}

#[test]
fn a_store_that_has_failed_is_no_source() {
    let root = tempfile::tempdir().unwrap();
    let storage = open(&root.path().join("data"));
    furnish(&storage, 1);
    storage.faults().fail_next_commit();
    let promise = storage.promise(Lane::Webhooks, Vec::new()).unwrap();
    run(promise.kept()).unwrap_err();
    until("it has failed", || *storage.failed().borrow());
    assert!(matches!(storage.backup(), Err(BackupError::Failed)));
}
