//! The fear: a thread hangs or dies, and the store looks well for ever.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use std::path::Path;
use std::time::{Duration, Instant};

use qnect_core::record::Record;
use qnect_core::tag::OwnerId;
use qnect_core::tag_code::TagId;
use qnect_storage::{Lane, Promise, ReadError, Storage, StorageError};
use store_common::{NOW, open, owner, run, session, session_id, until};

/// Shorter than what the real bound waits.
const SOON: Duration = Duration::from_millis(50);

#[test]
fn a_commit_that_hangs_fails_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, _promise) = hung(folder.path());
    assert!(!*storage.failed().borrow(), "a slow disk alone is no failure");
    storage.faults().hang_after(SOON);
    until("the failure is told", || *storage.failed().borrow());
    storage.faults().open_gate();
}

#[test]
fn closing_leaves_a_commit_behind_that_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, _promise) = hung(folder.path());
    // And no room in the queue for anything but the stop.
    while storage.remember(Lane::Webhooks, opened(&storage, 2)) == Ok(()) {}
    storage.faults().hang_after(SOON);
    let began = Instant::now();
    storage.close();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(*storage.failed().borrow());
    storage.faults().open_gate();
}

#[test]
fn closing_waits_for_a_commit_that_is_only_slow() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, promise) = hung(folder.path());
    std::thread::scope(|scope| {
        let closing = scope.spawn(|| storage.close());
        until("the stop is queued", || storage.commit_queue_depth() > 1);
        assert!(!closing.is_finished());
        storage.faults().open_gate();
    });
    run(promise.kept()).unwrap();
    assert!(!*storage.failed().borrow());
}

#[test]
fn a_reader_that_panics_fails_the_store_and_the_other_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let tag = storage.register(&[owner(1)], NOW).unwrap()[0].code.tag();
    storage.faults().panic_next_read();
    assert_stopped(&storage, tag);
    until("the failure is told", || *storage.failed().borrow());
    assert!(run(storage.revive(tag, NOW)).unwrap().is_some());
    storage.faults().panic_next_read();
    assert_stopped(&storage, tag);
    // Nobody is left to answer: that is not a moment of being busy.
    assert_stopped(&storage, tag);
}

fn assert_stopped(storage: &Storage, tag: TagId) {
    let refused = run(storage.revive(tag, NOW)).unwrap_err();
    assert!(matches!(refused, ReadError::Storage(StorageError::Stopped)), "{refused}");
}

/// A store whose commit thread stands still in a commit.
fn hung(folder: &Path) -> (Storage, Promise) {
    let storage = open(folder);
    storage.faults().close_gate();
    let promise = storage.promise(Lane::Sessions, vec![opened(&storage, 1)]).unwrap();
    until("the commit is under way", || storage.faults().holds_a_commit());
    (storage, promise)
}

fn opened(storage: &Storage, number: u64) -> Record {
    let id = session_id(storage, TagId::from_random(0, 1), number);
    Record::SessionOpened(Box::new(session(id, OwnerId(1))))
}
