//! The fear: something is wrong with a folder, and whoever asks is told that it is whole; or it is not whole afterwards.
#![allow(clippy::unwrap_used)] // in helpers, too

mod rot_common;
mod store_common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fjall::{Database, KeyspaceCreateOptions};
use qnect_storage::{Inspection, Report, StorageError, VerifyError, inspect, verify};
use rot_common::{Folder, Kind, LATE_SESSIONS, flush};
use store_common::{files, master, open, run};

fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder).into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn check(folder: &Path) -> Report {
    verify(folder, &master()).unwrap()
}

fn rows(report: &Report, keyspace: &str) -> u64 {
    report.rows.iter().find(|(name, _)| *name == keyspace).unwrap().1
}

/// Changes a table without a trace in any journal: takes the row away, or puts another in its place.
fn change(folder: &Path, keyspace: &str, change: impl FnOnce(&[u8], &[u8]) -> Option<Vec<u8>>) {
    flush(folder);
    let database = Database::builder(folder.join("db")).worker_threads(1).open().unwrap();
    let rows = database.keyspace(keyspace, KeyspaceCreateOptions::default).unwrap();
    let (key, value) = rows.iter().next().expect("a row").into_inner().unwrap();
    let mut table = rows.start_ingestion().unwrap();
    match change(&key, &value) {
        Some(value) => table.write(key, value).unwrap(),
        None => table.write_tombstone(key).unwrap(),
    }
    table.finish().unwrap();
}

#[test]
fn a_whole_folder_is_clean_and_no_byte_of_it_changes() {
    let base = Folder::new();
    let folder = base.folder.path();
    let before = content(folder);
    let report = check(folder);
    assert!(report.is_clean(), "{:#?}", report.findings);
    assert_eq!(content(folder), before);
    assert_eq!((rows(&report, "owners"), rows(&report, "tags"), rows(&report, "vehicles")), (120, 120, 120));
    assert_eq!((rows(&report, "index"), rows(&report, "sessions")), (240, 40 + LATE_SESSIONS));
    assert_eq!((report.people, report.erased), (120, 0));
    assert!(report.tables > 10);

    // The same, told by the store itself while it serves.
    let storage = open(folder);
    let live = run(storage.verify()).unwrap();
    assert!(live.is_clean(), "{:#?}", live.findings);
    assert_eq!((live.rows, live.logical, live.commit), (report.rows, report.logical, report.commit));
    storage.close();
    assert!(matches!(run(storage.verify()), Err(VerifyError::Stopped)));
}

#[test]
fn a_folder_in_use_is_left_to_the_engine_that_has_it() {
    let base = Folder::new();
    let storage = open(base.folder.path());
    assert!(matches!(verify(base.folder.path(), &master()), Err(StorageError::InUse(_))));
    drop(storage);
}

#[test]
fn what_a_row_refers_to_is_missed() {
    for (gone, expected) in
        [("tags", "`owner_tags`"), ("owners", "`tags`"), ("owner_tags", "`tags`"), ("index", "`owners`")]
    {
        let base = Folder::new();
        change(base.folder.path(), gone, |_, _| None);
        for report in [check(base.folder.path()), run(open(base.folder.path()).verify()).unwrap()] {
            let found = report.findings.iter().any(|finding| finding.place.starts_with(expected));
            assert!(found, "without a row of {gone}: {:#?}", report.findings);
        }
    }
}

#[test]
fn an_open_session_that_is_not_noted_and_a_note_of_none_are_missed() {
    let tidied = || {
        let base = Folder::new();
        let storage = open(base.folder.path());
        run(async {
            while rows(&storage.verify().await.unwrap(), "recent") > 1 {
                storage.tidy_notes();
            }
        });
        base
    };
    type Change = fn(&[u8]) -> Vec<u8>;
    let changes: [(Change, &str); 3] = [
        (|notes| notes[25..].to_vec(), "`sessions`"),
        (|notes| [notes, &[7; 25]].concat(), "`recent`"),
        (|notes| notes[1..].to_vec(), "`recent`"),
    ];
    for (damage, expected) in changes {
        let base = tidied();
        change(base.folder.path(), "recent", |_, notes| Some(damage(notes)));
        for report in [check(base.folder.path()), run(open(base.folder.path()).verify()).unwrap()] {
            let found = report.findings.iter().any(|finding| finding.place.starts_with(expected));
            assert!(found, "{expected}: {:#?}", report.findings);
        }
    }
}

#[test]
fn a_row_that_cannot_be_read_is_named_without_its_secrets() {
    for keyspace in ["tags", "owners", "vehicles", "sessions"] {
        let base = Folder::new();
        let mut key = Vec::new();
        change(base.folder.path(), keyspace, |its, value| {
            key = its.to_vec();
            let mut value = value.to_vec();
            let last = value.len() - 1;
            value.truncate(last);
            Some(value)
        });
        let report = check(base.folder.path());
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let finding = report.findings.iter().find(|f| f.place.starts_with(&format!("`{keyspace}`")));
        let finding = finding.unwrap_or_else(|| panic!("{keyspace}: {:#?}", report.findings));
        assert!(finding.place.ends_with(&hex(&key[..8])), "{finding}");
        assert!(key.len() == 8 || !finding.to_string().contains(&hex(&key[8..])), "{finding}");
    }
}

#[test]
fn every_damaged_file_is_named() {
    let base = Folder::new();
    for kind in Kind::ALL {
        let copy = base.copy();
        let file = base.files(kind)[0].clone();
        let path = copy.path().join(&file);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        std::fs::write(&path, bytes).unwrap();
        let before = content(copy.path());
        match verify(copy.path(), &master()) {
            Ok(report) => {
                let text: String = report.findings.iter().map(ToString::to_string).collect();
                // Of a list of tables and the file that names it, nobody can tell which is damaged.
                let named = if kind == Kind::Manifest { file.parent().unwrap() } else { &file };
                assert!(text.contains(named.to_str().unwrap()), "{}: {text}", file.display());
                assert!(!text.contains("db.verify-"), "the copy's path is nobody's business: {text}");
            }
            Err(error) => panic!("{}: {error}", file.display()),
        }
        assert_eq!(content(copy.path()), before);
    }
}

#[test]
fn no_data_at_all_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let report = check(folder.path());
    assert!(report.is_clean(), "{:#?}", report.findings);
    assert_eq!((rows(&report, "owners"), report.people), (0, 0));
}

#[test]
fn a_short_look_sees_what_a_start_would_and_changes_no_byte() {
    let base = Folder::new();
    let folder = base.folder.path();
    let (before, commit) = (content(folder), check(folder).commit);
    let found = inspect(folder).unwrap();
    assert_eq!((found.last.map(|(number, _)| number), found.torn_bytes), (Some(commit), 0));
    assert_eq!(content(folder), before);

    let storage = open(folder);
    assert!(matches!(inspect(folder), Err(StorageError::InUse(_))));
    storage.close();
    drop(storage);
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(inspect(empty.path()).unwrap(), Inspection { last: None, torn_bytes: 0 });
    assert_eq!(content(empty.path()).len(), 0);
}

#[test]
fn a_short_look_tells_what_a_start_would_cut_off_and_leaves_it() {
    let base = Folder::new();
    let folder = base.folder.path();
    let journals = files(folder).into_iter().filter(|path| path.extension().is_some_and(|name| name == "jnl"));
    let last = journals.max().unwrap();
    let mut journal = std::fs::read(&last).unwrap();
    let good = journal.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1);
    journal.resize(journal.len().max(good + 10), 0);
    journal[good..good + 10].copy_from_slice(b"half a row");
    std::fs::write(&last, journal).unwrap();
    let before = content(folder);
    assert_eq!(inspect(folder).unwrap().torn_bytes, 10);
    assert_eq!(content(folder), before);
    open(folder).close();
    assert_eq!(inspect(folder).unwrap().torn_bytes, 0);
}
