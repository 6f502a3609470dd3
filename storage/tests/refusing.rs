//! The fear: a folder that is not whole, or not ours, is served from.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use qnect_core::record::Record;
use qnect_core::tag_code::TagId;
use qnect_storage::keys::{KeyError, MasterKey};
use qnect_storage::{Lane, OpenOptions, ReadError, RegisteredOwner, Storage, StorageError};
use store_common::{NOW, copy, marked, open, owner, run, session, session_id, try_open};

/// A folder with an owner and a session.
fn used(folder: &Path) -> RegisteredOwner {
    let storage = open(folder);
    let registered = storage.register(&[owner(1)], NOW).unwrap()[0];
    let id = session_id(&storage, registered.code.tag(), 1);
    let record = Record::SessionOpened(Box::new(session(id, registered.owner)));
    run(storage.promise(Lane::Sessions, vec![record]).unwrap().kept()).unwrap();
    storage.close();
    registered
}

#[test]
fn a_database_that_ends_below_the_mark_is_refused() {
    let (folder, earlier) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    used(folder.path());
    copy(&folder.path().join("db"), earlier.path());
    let then = marked(folder.path());
    used(folder.path());
    let since = marked(folder.path());
    assert!(since > then);

    std::fs::remove_dir_all(folder.path().join("db")).unwrap();
    copy(earlier.path(), &folder.path().join("db"));
    match try_open(folder.path()).unwrap_err() {
        StorageError::Lost { found, marked } => assert_eq!((found, marked), (then, since)),
        other => panic!("{other}"),
    }
}

#[test]
fn a_missing_database_is_refused_and_no_keys_are_made_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path());
    std::fs::remove_dir_all(folder.path().join("db")).unwrap();
    std::fs::remove_file(folder.path().join("keys.table")).unwrap();
    assert!(matches!(try_open(folder.path()), Err(StorageError::Lost { found: 0, .. })));
    assert!(!folder.path().join("keys.table").exists());
}

#[test]
fn a_damaged_mark_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path());
    for damaged in [vec![], vec![0; 15], vec![0; 16], vec![0; 17]] {
        std::fs::write(folder.path().join("high-water.mark"), damaged).unwrap();
        assert!(matches!(try_open(folder.path()), Err(StorageError::Unreadable { .. })));
    }
}

#[test]
fn a_new_folder_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    drop(open(&folder));
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_folder_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    assert!(matches!(try_open(folder.path()), Err(StorageError::InUse(_))));
    drop(storage);
    open(folder.path());
}

#[test]
fn a_missing_key_table_beside_an_old_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path());
    std::fs::remove_file(folder.path().join("keys.table")).unwrap();
    let refused = try_open(folder.path()).unwrap_err();
    assert!(matches!(refused, StorageError::Keys(KeyError::TableMissing { .. })), "{refused}");
    assert!(!folder.path().join("keys.table").exists(), "and none is made");
}

#[test]
fn another_master_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path());
    let other = MasterKey::from_bytes([8; 32]);
    let options = OpenOptions::new(folder.path(), &other);
    let refused = Storage::open(&options, |floor| move || floor).unwrap_err();
    assert!(matches!(refused, StorageError::Keys(KeyError::WrongMaster { .. })), "{refused}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let refused = try_open(&folder.path().join("file")).unwrap_err();
    assert!(refused.to_string().contains("file"), "{refused}");
}

#[test]
fn an_unknown_format_is_told_and_not_guessed() {
    for keyspace in ["tags", "owners", "sessions"] {
        let folder = tempfile::tempdir().unwrap();
        let tag = used(folder.path()).code.tag();
        change_first_row(folder.path(), keyspace, |value| value[0] = 2);
        let storage = open(folder.path());
        assert!(!*storage.failed().borrow());
        assert_unreadable(&storage, tag, keyspace);
        if keyspace == "sessions" {
            drop(storage);
            let storage = open(folder.path());
            let walked = storage.walk_sessions(NOW, |_| panic!("a session was guessed"));
            assert!(matches!(walked, Err(StorageError::Unreadable { .. })));
            assert!(*storage.failed().borrow());
        }
    }
}

#[test]
fn a_truncated_row_is_told_and_not_guessed() {
    for keyspace in ["tags", "owners", "sessions"] {
        let folder = tempfile::tempdir().unwrap();
        let tag = used(folder.path()).code.tag();
        for keep in [0, 1, 5] {
            change_first_row(folder.path(), keyspace, |value| value.truncate(keep));
            assert_unreadable(&open(folder.path()), tag, keyspace);
        }
    }
}

#[test]
fn an_unknown_format_of_the_head_refuses_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path());
    change_first_row(folder.path(), "head", |value| value[0] = 2);
    let refused = try_open(folder.path()).unwrap_err();
    assert!(matches!(refused, StorageError::Unreadable { keyspace: "head", .. }), "{refused}");
}

fn assert_unreadable(storage: &Storage, tag: TagId, expected: &str) {
    match run(storage.revive(tag, NOW)).unwrap_err() {
        ReadError::Storage(StorageError::Unreadable { keyspace, .. }) => assert_eq!(keyspace, expected),
        other => panic!("{other}"),
    }
    assert!(*storage.failed().borrow(), "what cannot be read fails the store");
}

fn change_first_row(folder: &Path, keyspace: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let database = Database::builder(folder.join("db")).open().unwrap();
    let rows: Keyspace = database.keyspace(keyspace, KeyspaceCreateOptions::default).unwrap();
    let (key, value) = rows.iter().next().expect("a row").into_inner().unwrap();
    let mut value = value.to_vec();
    change(&mut value);
    // Into a table: a journal takes rows in our own commits only.
    let mut table = rows.start_ingestion().unwrap();
    table.write(key, value).unwrap();
    table.finish().unwrap();
}

#[test]
fn a_folder_of_a_newer_program_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path());
    // As the next program would write it: the same head, its field 3 (the format; field 4 is the key table's epoch) higher.
    change_first_row(folder.path(), "head", |value| {
        let at = value.windows(4).position(|fields| fields == [3, 1, 4, 1]).expect("the folder's format is 1");
        value[at + 1] = 2;
    });
    let refused = try_open(folder.path()).unwrap_err();
    assert!(matches!(refused, StorageError::Newer { found: 2, known: 1 }), "{refused}");
}

#[test]
fn a_key_table_from_before_the_last_commits_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    used(folder.path());
    let table = folder.path().join("keys.table");
    let earlier = std::fs::read(&table).unwrap();
    let storage = open(folder.path());
    storage.register(&[owner(2)], NOW).unwrap();
    drop(storage);
    let later = std::fs::read(&table).unwrap();
    // Cut at the border of two entries, it is a whole table: of the past.
    assert!(later.starts_with(&earlier) && later.len() > earlier.len());
    std::fs::write(&table, &earlier).unwrap();
    let refused = try_open(folder.path()).unwrap_err();
    assert!(matches!(refused, StorageError::OldKeys { .. }), "{refused}");

    std::fs::write(&table, later).unwrap();
    open(folder.path());
}

#[test]
fn the_key_table_of_another_folder_is_refused() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    used(folder.path());
    let storage = open(other.path());
    storage.register(&[owner(1), owner(2), owner(3)], NOW).unwrap();
    drop(storage);
    std::fs::copy(other.path().join("keys.table"), folder.path().join("keys.table")).unwrap();
    let refused = try_open(folder.path()).unwrap_err();
    assert!(matches!(refused, StorageError::OldKeys { .. }), "{refused}");
}

#[test]
fn a_first_start_that_was_cut_off_before_its_journal_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("db/keyspaces")).unwrap();
    std::fs::write(folder.path().join("db/lock"), "").unwrap();
    used(folder.path());
    open(folder.path());
}
