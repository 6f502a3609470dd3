//! The fear: what is to be done about a session after its end is forgotten, or never gets done with.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use std::path::Path;

use qnect_core::facts::Outcome;
use qnect_core::record::Record;
use qnect_core::session::SessionSnapshot;
use qnect_core::time::{Span, Timestamp};
use qnect_storage::{Chore, Lane, Storage};
use store_common::{NOW, open, owner, run, session, session_id};

/// Sessions of one owner that ended with a call, number n of them due n hours after [`NOW`].
fn ended(storage: &Storage, count: u64) -> Vec<SessionSnapshot> {
    let mine = storage.register(&[owner(1)], NOW).unwrap()[0];
    let one = |number| SessionSnapshot {
        ended: Some((Outcome::Completed, NOW)),
        records_due_at: Some(hours(number)),
        ..session(session_id(storage, mine.code.tag(), number), mine.owner)
    };
    (0..count).map(one).collect()
}

fn hours(number: u64) -> Timestamp {
    NOW.plus(Span::from_secs(number * 3_600))
}

fn commit(storage: &Storage, records: Vec<Record>) {
    run(storage.promise(Lane::Webhooks, records).unwrap().kept()).unwrap();
}

fn end(session: &SessionSnapshot) -> Record {
    Record::SessionEnded(Box::new(session.clone()))
}

/// Waits until all that was asked of the store before is committed.
fn settle(storage: &Storage) {
    commit(storage, Vec::new());
}

fn due(storage: &Storage, now: Timestamp) -> Vec<Chore> {
    run(storage.due_chores(now, 100)).unwrap()
}

fn reopened(storage: Storage, folder: &Path) -> Storage {
    drop(storage);
    open(folder)
}

#[test]
fn an_ended_session_leaves_a_chore_that_is_due_in_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let sessions = ended(&storage, 5);
    // Out of order: the store sorts.
    commit(&storage, sessions.iter().rev().map(end).collect());
    let storage = reopened(storage, folder.path());
    let chores: Vec<_> = (0..5).map(|n| Chore { due: hours(n), session: sessions[n as usize].id }).collect();
    assert_eq!(due(&storage, Timestamp::from_millis(NOW.as_millis() - 1)), []);
    assert_eq!(due(&storage, NOW), chores[..1], "due means now or earlier");
    assert_eq!(due(&storage, Timestamp::from_millis(hours(2).as_millis() - 1)), chores[..2]);
    assert_eq!(due(&storage, hours(100)), chores);
    assert_eq!(run(storage.due_chores(hours(100), 3)).unwrap(), chores[..3], "the longest due come first");
    assert_eq!(run(storage.due_chores(hours(100), 0)).unwrap(), []);
}

#[test]
fn only_an_end_with_a_call_leaves_a_chore() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let mut sessions = ended(&storage, 2);
    sessions[0].ended = None;
    sessions[1].records_due_at = None;
    let opened = Record::SessionOpened(Box::new(sessions[0].clone()));
    commit(&storage, vec![opened, Record::SessionAdvanced(Box::new(sessions[0].clone())), end(&sessions[1])]);
    assert_eq!(due(&storage, Timestamp::from_millis(u64::MAX)), []);
}

#[test]
fn a_session_that_changes_after_its_end_leaves_the_same_chore() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let mut session = ended(&storage, 1).remove(0);
    commit(&storage, vec![end(&session)]);
    session.reported_at = Some(NOW);
    commit(&storage, vec![Record::SessionAdvanced(Box::new(session.clone()))]);
    assert_eq!(due(&storage, NOW), [Chore { due: NOW, session: session.id }]);
}

#[test]
fn a_done_chore_is_gone_for_good_and_a_postponed_one_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let sessions = ended(&storage, 3);
    commit(&storage, sessions.iter().map(end).collect());
    let chores = due(&storage, hours(2));
    storage.chore_done(&chores[0]).unwrap();
    storage.postpone_chore(&chores[1], hours(7)).unwrap();
    storage.postpone_chore(&chores[2], chores[2].due).unwrap();
    settle(&storage);
    let later = Chore { due: hours(7), ..chores[1] };
    for _ in 0..2 {
        assert_eq!(due(&storage, hours(6)), chores[2..]);
        assert_eq!(due(&storage, hours(7)), [chores[2], later]);
    }
    let storage = reopened(storage, folder.path());
    assert_eq!(due(&storage, hours(7)), [chores[2], later]);
    storage.chore_done(&chores[2]).unwrap();
    storage.chore_done(&later).unwrap();
    storage.chore_done(&later).unwrap();
    settle(&storage);
    assert_eq!(due(&reopened(storage, folder.path()), Timestamp::from_millis(u64::MAX)), []);
}

#[test]
fn a_commit_that_fails_leaves_neither_the_end_nor_the_chore() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let session = ended(&storage, 1).remove(0);
    storage.faults().fail_next_commit();
    let promise = storage.promise(Lane::Webhooks, vec![end(&session)]).unwrap();
    run(promise.kept()).unwrap_err();
    let storage = reopened(storage, folder.path());
    assert_eq!(due(&storage, hours(1)), []);
    assert_eq!(run(storage.session(session.id)).unwrap(), None);
}

#[test]
fn chores_are_noted_after_everything_else_has_room() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let session = ended(&storage, 1).remove(0);
    commit(&storage, vec![end(&session)]);
    let chore = due(&storage, NOW)[0];
    storage.faults().close_gate();
    while storage.has_room(Lane::Scans) {
        storage.remember(Lane::Webhooks, end(&session)).unwrap();
    }
    storage.chore_done(&chore).unwrap_err();
    storage.postpone_chore(&chore, hours(1)).unwrap_err();
    assert!(storage.has_room(Lane::Sessions));
    storage.faults().open_gate();
    settle(&storage);
    assert_eq!(due(&storage, NOW), [chore], "what was not noted is found again");
}
