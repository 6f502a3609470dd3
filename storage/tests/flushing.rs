//! The fear: tables are written while commits go on, on a thread of the database, and a start then takes one for damage.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use qnect_core::record::Record;
use qnect_storage::{Lane, OpenOptions, Storage};
use store_common::{NOW, files, master, open, owner, run, session, session_id};

/// Commits: with memtables as small as these, each of them meets a flush or a compaction.
const COMMITS: u64 = 1_500;
const MEMTABLE_BYTES: u64 = 1_024;
/// A start looks after so many.
const OPEN_EVERY: u64 = 500;

#[test]
fn a_folder_whose_tables_are_written_while_it_commits_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let master = master();
    let options = OpenOptions { memtable_bytes: MEMTABLE_BYTES, ..OpenOptions::new(folder.path(), &master) };
    let storage = Storage::open(&options, |floor| move || floor.max(NOW)).unwrap();
    let new = storage.register(&[owner(1)], NOW).unwrap().remove(0);
    let tag = new.code.tag();
    storage.close();
    drop(storage);
    for begin in (0..COMMITS).step_by(OPEN_EVERY as usize) {
        let storage = open(folder.path());
        for number in begin..begin + OPEN_EVERY {
            let opened = session(session_id(&storage, tag, number), new.owner);
            run(storage.promise(Lane::Webhooks, vec![Record::SessionOpened(Box::new(opened))]).unwrap().kept())
                .unwrap();
        }
        storage.close();
    }
    let tables = files(folder.path()).iter().filter(|file| file.parent().unwrap().ends_with("tables")).count();
    assert!(tables > 10, "hardly a table was written: {tables}");
    let storage = open(folder.path());
    let mut found = 0;
    storage.walk_sessions(NOW, |_| found += 1).unwrap();
    println!("{COMMITS} commits, {tables} tables, {found} sessions found");
    assert_eq!(found, COMMITS);
}
