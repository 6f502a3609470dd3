//! The fear: a slow or broken disk grows the memory, costs one sync for each record, or is not noticed.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use qnect_core::facts::Facts;
use qnect_core::leg::LegId;
use qnect_core::record::{Record, ScanRecord};
use qnect_core::scan::{AddressPrefix, BrowserClass, DeviceClass};
use qnect_core::session::SessionSnapshot;
use qnect_core::tag::OwnerId;
use qnect_core::tag_code::TagId;
use qnect_core::time::{Span, Timestamp};
use qnect_storage::{Grouping, Lane, OpenOptions, QueueFull, Storage, StorageError};
use store_common::{NOW, marked, master, open, owner, run, session, session_id, until};

const QUEUE: usize = 16_384;
/// Scans of one shelf.
const SHELF: usize = 16_384;

fn scan(tag: u64) -> ScanRecord {
    ScanRecord {
        tag: TagId::from_random(0, tag),
        at: NOW,
        address: AddressPrefix::V4([192, 0, 2]),
        device: DeviceClass::Phone,
        browser: BrowserClass::Safari,
    }
}

fn numbered(storage: &Storage, number: u64) -> SessionSnapshot {
    session(session_id(storage, TagId::from_random(0, 1), number), OwnerId(1))
}

fn opened(storage: &Storage, number: u64) -> Record {
    Record::SessionOpened(Box::new(numbered(storage, number)))
}

#[test]
fn nothing_new_waits_behind_a_commit_that_stalls() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    assert!(storage.has_room(Lane::Sessions));
    storage.faults().close_gate();
    storage.remember(Lane::Webhooks, opened(&storage, 1)).unwrap();
    until("sessions are turned away", || !storage.has_room(Lane::Sessions));
    assert!(!storage.commit_under_way().is_zero());
    assert!(storage.has_room(Lane::Webhooks) && storage.has_room(Lane::Scans), "calls that are on go on");
    storage.faults().open_gate();
    until("they are taken again", || storage.has_room(Lane::Sessions));
}

#[test]
fn of_two_changes_of_one_row_in_one_commit_the_later_stands() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let id = session_id(&storage, TagId::from_random(0, 1), 1);
    let with = |facts| {
        let mut session = session(id, OwnerId(1));
        session.facts = Facts::from_bits(facts);
        Record::SessionAdvanced(Box::new(session))
    };
    run(storage.promise(Lane::Webhooks, (1..20).map(with).collect()).unwrap().kept()).unwrap();
    let stored = |storage: &Storage| run(storage.session(id)).unwrap().unwrap().facts.bits();
    assert_eq!(stored(&storage), 19);
    drop(storage);
    assert_eq!(stored(&open(folder.path())), 19, "read back from the journal");
}

#[test]
fn what_waits_while_days_turn_and_keys_are_made_is_what_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (master, clock) = (master(), Arc::new(AtomicU64::new(NOW.as_millis())));
    let ticks = clock.clone();
    let now = move |_| move || Timestamp::from_millis(ticks.load(Ordering::Relaxed));
    let storage = Storage::open(&OpenOptions::new(folder.path(), &master), now).unwrap();
    let mine = storage.register(&[owner(1)], NOW).unwrap()[0];
    let root = storage.keys().roots().caller("+919700000001").unwrap();
    let mut waiting = session(session_id(&storage, mine.code.tag(), 1), mine.owner);
    waiting.bound_to = Some(storage.keys().caller_tokens(&root, NOW).unwrap().today);
    waiting.scanner_leg = LegId::new("scanner");
    waiting.owner_leg = LegId::new("owner");

    storage.faults().close_gate();
    storage.remember(Lane::Webhooks, opened(&storage, 2)).unwrap();
    until("a commit is held", || storage.faults().holds_a_commit());
    let record = Record::SessionOpened(Box::new(waiting.clone()));
    let promise = storage.promise(Lane::Webhooks, vec![record]).unwrap();
    let later = NOW.plus(Span::from_secs(3 * 86_400));
    clock.store(later.as_millis(), Ordering::Relaxed);
    storage.keys().caller_tokens(&root, later).unwrap();
    storage.faults().open_gate();
    run(promise.kept()).unwrap();
    assert_eq!(run(storage.session(waiting.id)).unwrap(), Some(waiting.clone()));
    drop(storage);

    let again = open(folder.path());
    assert_eq!(run(again.session(waiting.id)).unwrap(), Some(waiting.clone()));
    let then = again.keys().caller_tokens(&root, NOW).unwrap().today;
    assert_eq!(waiting.bound_to, Some(then), "its caller is known by the key of that day");
}

#[test]
fn work_is_shed_in_order_while_the_disk_stands_still() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    storage.faults().close_gate();
    let mut number = 0;
    let mut fill = |lane| {
        let before = storage.commit_queue_depth();
        while storage.remember(lane, opened(&storage, number)) == Ok(()) {
            number += 1;
        }
        (before, storage.commit_queue_depth())
    };
    // Sessions are turned away by a commit that stalls, too: below.
    let rooms = || [Lane::Scans, Lane::Webhooks].map(|lane| storage.has_room(lane));
    assert_eq!(rooms(), [true; 2]);
    assert_eq!(fill(Lane::Scans), (0, QUEUE / 2));
    assert_eq!(rooms(), [false, true]);
    assert_eq!(storage.log_scan(scan(1)), Err(QueueFull), "scans are shed first");
    assert_eq!(fill(Lane::Sessions), (QUEUE / 2, QUEUE / 8 * 7));
    assert_eq!(rooms(), [false, true]);
    assert!(!storage.has_room(Lane::Sessions));
    assert_eq!(fill(Lane::Webhooks), (QUEUE / 8 * 7, QUEUE));
    assert_eq!(rooms(), [false; 2]);
    for lane in [Lane::Scans, Lane::Sessions, Lane::Webhooks] {
        assert_eq!(fill(lane), (QUEUE, QUEUE));
        assert_eq!(storage.promise(lane, vec![]).unwrap_err(), QueueFull);
    }
    storage.faults().open_gate();
    until("the queue is empty", || storage.commit_queue_depth() == 0);
    storage.log_scan(scan(1)).unwrap();
    drop(storage);

    let mut kept = HashSet::new();
    let keep = |s: SessionSnapshot| kept.extend([s.id]);
    open(folder.path()).walk_sessions(NOW, keep).unwrap();
    assert_eq!(kept.len() as u64, number, "what was taken in is kept");
}

#[test]
fn scans_are_bounded_while_the_disk_stands_still_and_what_was_taken_in_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    storage.faults().close_gate();
    let mut taken = 0;
    while storage.log_scan(scan(7)) == Ok(()) {
        taken += 1;
    }
    // A shelf, and the scans that a held commit had taken off it before.
    assert!((SHELF..=2 * SHELF).contains(&taken), "{taken} scans wait");
    storage.log_scan(scan(8)).unwrap();
    storage.faults().open_gate();
    drop(storage);

    let (mut seven, mut eight) = (0, 0);
    open(folder.path())
        .walk_scans(|s| if s.tag == TagId::from_random(0, 7) { seven += 1 } else { eight += 1 })
        .unwrap();
    assert_eq!((seven, eight), (taken, 1));
}

#[test]
fn those_who_wait_share_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let before = marked(folder.path());
    let storage = open(folder.path());
    storage.faults().close_gate();
    let promises: Vec<_> =
        (0..256).map(|number| storage.promise(Lane::Sessions, vec![opened(&storage, number)]).unwrap()).collect();
    storage.faults().open_gate();
    run(async {
        for promise in promises {
            promise.kept().await.unwrap();
        }
    });
    drop(storage);
    let commits = marked(folder.path()) - before;
    // One that was under way, one for all the others, and the one that closes.
    assert!(commits <= 3, "{commits} commits for 256 promises");
}

#[test]
fn a_busy_disk_is_asked_no_more_often_than_it_is_told_to_be() {
    const WAIT: Duration = Duration::from_millis(100);
    let (folder, master) = (tempfile::tempdir().unwrap(), master());
    drop(open(folder.path()));
    let before = marked(folder.path());
    let grouping = Grouping { wait: WAIT, ..Grouping::default() };
    let options = OpenOptions { grouping, ..OpenOptions::new(folder.path(), &master) };
    let storage = Storage::open(&options, |floor| move || floor.max(NOW)).unwrap();
    let began = Instant::now();
    for number in 0..50 {
        // What nobody waits for is no reason to hurry.
        storage.remember(Lane::Webhooks, opened(&storage, number)).unwrap();
        run(async { tokio::time::sleep(Duration::from_millis(5)).await });
    }
    run(storage.promise(Lane::Sessions, vec![opened(&storage, 50)]).unwrap().kept()).unwrap();
    let pauses = began.elapsed().as_millis() / WAIT.as_millis();
    drop(storage);
    let commits = marked(folder.path()) - before;
    // The first, one for each pause, and the one that closes.
    assert!(u128::from(commits) <= 2 + pauses, "{commits} commits in {pauses} pauses");
}

#[test]
fn who_comes_first_or_fills_a_commit_does_not_wait_for_others() {
    // Whoever waited would not be answered before the test is given up.
    const WAIT: Duration = Duration::from_secs(3_600);
    let (folder, master) = (tempfile::tempdir().unwrap(), master());
    let options = |records_max| {
        let grouping = Grouping { wait: WAIT, records_max };
        OpenOptions { grouping, ..OpenOptions::new(folder.path(), &master) }
    };
    for records_max in [1_024, 1] {
        let storage = Storage::open(&options(records_max), |floor| move || floor.max(NOW)).unwrap();
        for number in 0..if records_max == 1 { 3 } else { 1 } {
            run(storage.promise(Lane::Sessions, vec![opened(&storage, number)]).unwrap().kept()).unwrap();
        }
    }
}

#[test]
fn a_promise_is_kept_all_or_none_and_not_before_its_commit() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    storage.faults().close_gate();
    let promise = storage.promise(Lane::Sessions, vec![opened(&storage, 1), opened(&storage, 2)]).unwrap();
    until("the commit is under way", || storage.faults().holds_a_commit());
    for number in [1, 2] {
        let read = run(storage.session(numbered(&storage, number).id)).unwrap();
        assert!(read.is_none(), "read before its commit");
    }
    storage.faults().fail_next_commit();
    storage.faults().open_gate();
    assert!(matches!(run(promise.kept()), Err(StorageError::Stopped)));
    drop(storage);
    let mut kept = 0;
    open(folder.path()).walk_sessions(NOW, |_| kept += 1).unwrap();
    assert_eq!(kept, 0);
}

#[test]
fn after_a_failed_commit_everything_is_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let kept = storage.promise(Lane::Sessions, vec![opened(&storage, 1)]).unwrap();
    run(kept.kept()).unwrap();
    let failed = storage.failed();
    storage.faults().close_gate();
    let promises: Vec<_> =
        (2..50).map(|number| storage.promise(Lane::Sessions, vec![opened(&storage, number)]).unwrap()).collect();
    storage.faults().fail_next_commit();
    storage.faults().open_gate();
    for promise in promises {
        assert!(matches!(run(promise.kept()), Err(StorageError::Stopped)));
    }
    until("the failure is told", || *failed.borrow());
    until("work is turned away", || storage.promise(Lane::Webhooks, vec![]).is_err());
    assert!(storage.remember(Lane::Webhooks, opened(&storage, 50)).is_err());
    assert!(storage.log_scan(scan(1)).is_err());
    assert!(storage.register(&[store_common::owner(1)], NOW).is_err());
    drop(storage);

    let storage = open(folder.path());
    assert!(run(storage.session(numbered(&storage, 1).id)).unwrap().is_some());
    assert!(!*storage.failed().borrow());
}

#[test]
fn closing_commits_what_is_queued_and_can_be_done_twice() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let promises: Vec<_> =
        (0..100).map(|number| storage.promise(Lane::Sessions, vec![opened(&storage, number)]).unwrap()).collect();
    for number in 100..200 {
        storage.remember(Lane::Webhooks, opened(&storage, number)).unwrap();
    }
    storage.close();
    storage.close();
    for promise in promises {
        run(promise.kept()).unwrap();
    }
    assert!(storage.log_scan(scan(1)).is_err());
    assert!(storage.remember(Lane::Webhooks, opened(&storage, 200)).is_err());
    assert!(storage.promise(Lane::Webhooks, vec![]).is_err());
    assert!(run(storage.session(numbered(&storage, 1).id)).is_err());
    assert!(!*storage.failed().borrow(), "an end in order is no failure");
    drop(storage);

    let mut kept = 0;
    open(folder.path()).walk_sessions(NOW, |_| kept += 1).unwrap();
    assert_eq!(kept, 200);
}

#[test]
fn the_clock_starts_at_the_last_commit() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    run(storage.promise(Lane::Webhooks, vec![opened(&storage, 1)]).unwrap().kept()).unwrap();
    drop(storage);
    let master = store_common::master();
    let options = qnect_storage::OpenOptions::new(folder.path(), &master);
    let storage = Storage::open(&options, |floor| move || floor).unwrap();
    assert_eq!(storage.clock_floor(), NOW);
}
