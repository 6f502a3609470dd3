//! The fear: a thread of the database writes tables while commits go on, and a start takes one of them for damage; or that thread
//! fails, and nobody is told.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use std::path::{Path, PathBuf};

use qnect_core::record::Record;
use qnect_storage::{Lane, OpenOptions, Storage};
use store_common::{NOW, files, master, open, owner, run, session, session_id, until};

/// Commits: with memtables as small as these, each of them meets a flush or a compaction.
const COMMITS: u64 = 1_500;
const MEMTABLE_BYTES: u64 = 1_024;
/// Sessions of one commit: several memtables full.
const AT_ONCE: u64 = 32;
/// A start looks after so many.
const OPEN_EVERY: u64 = 500;

/// A new folder with small memtables.
fn open_small(folder: &Path) -> Storage {
    let master = master();
    let options = OpenOptions { memtable_bytes: MEMTABLE_BYTES, ..OpenOptions::new(folder, &master) };
    Storage::open(&options, |floor| move || floor.max(NOW)).unwrap()
}

#[test]
fn a_folder_whose_tables_are_written_while_it_commits_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open_small(folder.path());
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

#[test]
fn a_flush_that_fails_is_told_though_nobody_commits_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open_small(folder.path());
    let new = storage.register(&[owner(1)], NOW).unwrap().remove(0);
    storage.close();
    drop(storage);
    let storage = open(folder.path());
    let tables: Vec<PathBuf> = std::fs::read_dir(folder.path().join("db/keyspaces"))
        .unwrap()
        .map(|keyspace| keyspace.unwrap().path().join("tables"))
        .collect();
    // No table can be made any more.
    tables.iter().for_each(|tables| std::fs::rename(tables, tables.with_extension("away")).unwrap());
    let one =
        |number| Record::SessionOpened(Box::new(session(session_id(&storage, new.code.tag(), number), new.owner)));
    // One commit fills a memtable, and there is no other.
    let promise = storage.promise(Lane::Webhooks, (0..AT_ONCE).map(one).collect()).unwrap();
    let is_kept = run(promise.kept()).is_ok();
    until("the store has failed", || *storage.failed().borrow());
    storage.close();
    drop(storage);
    tables.iter().for_each(|tables| std::fs::rename(tables.with_extension("away"), tables).unwrap());
    let mut found = 0;
    open(folder.path()).walk_sessions(NOW, |_| found += 1).unwrap();
    assert!(found == AT_ONCE || found == 0 && !is_kept, "{found} of {AT_ONCE}, kept: {is_kept}");
}
