//! The fear: a start misses a session that is open, or looks at all there ever were.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use std::collections::BTreeMap;
use std::path::Path;

use fjall::{Database, KeyspaceCreateOptions};
use qnect_core::facts::Outcome;
use qnect_core::record::Record;
use qnect_core::session::SessionSnapshot;
use qnect_core::time::{Span, Timestamp};
use qnect_storage::{Lane, Storage, StorageError};
use store_common::{NOW, open, owner, run, session, session_id, try_open};

const DAY_MS: u64 = 86_400_000;

fn commit(storage: &Storage, records: Vec<Record>) {
    run(storage.promise(Lane::Webhooks, records).unwrap().kept()).unwrap();
}

fn opened(session: &SessionSnapshot) -> Record {
    Record::SessionOpened(Box::new(session.clone()))
}

fn ended(session: &SessionSnapshot, ms_ago: u64) -> SessionSnapshot {
    let at = Timestamp::from_millis(NOW.as_millis() - ms_ago);
    SessionSnapshot { ended: Some((Outcome::Expired, at)), ..session.clone() }
}

/// Sessions of one owner, all of them open.
fn sessions(storage: &Storage, count: u64) -> Vec<SessionSnapshot> {
    let mine = storage.register(&[owner(1)], NOW).unwrap()[0];
    let one = |number| session(session_id(storage, mine.code.tag(), number), mine.owner);
    (0..count).map(one).collect()
}

/// What a start is shown at `now`, each session once.
fn walked(storage: &Storage, now: Timestamp) -> Vec<SessionSnapshot> {
    let mut walked = BTreeMap::new();
    storage.walk_sessions(now, |s| assert!(walked.insert(*s.id.secret(), s).is_none(), "shown twice")).unwrap();
    walked.into_values().collect()
}

/// Puts a note into the table of a closed folder, behind the store's back: a journal takes rows in our own commits only.
fn note(folder: &Path, key: &[u8]) {
    let database = Database::builder(folder.join("db")).open().unwrap();
    let recent = database.keyspace("recent", KeyspaceCreateOptions::default).unwrap();
    let mut table = recent.start_ingestion().unwrap();
    table.write(key, "").unwrap();
    table.finish().unwrap();
}

#[test]
fn a_start_is_shown_what_is_open_and_what_ended_within_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let mut all = sessions(&storage, 5);
    commit(&storage, all.iter().map(opened).collect());
    for (number, ms_ago) in [(1, 0), (2, DAY_MS - 1), (3, DAY_MS), (4, 400 * DAY_MS)] {
        all[number] = ended(&all[number], ms_ago);
        commit(&storage, vec![Record::SessionEnded(Box::new(all[number].clone()))]);
    }
    assert_eq!(walked(&storage, NOW), all[..3]);
    drop(storage);
    let storage = open(folder.path());
    assert_eq!(walked(&storage, NOW), all[..3]);
    assert_eq!(walked(&storage, NOW.plus(Span::DAY)), all[..1], "an open one is shown for ever");
}

#[test]
fn a_session_that_opens_and_ends_in_one_commit_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let [first] = &sessions(&storage, 1)[..] else { unreachable!() };
    let last = ended(first, 5);
    commit(&storage, vec![opened(first), Record::SessionAdvanced(Box::new(first.clone())), opened(&last)]);
    // It changes after its end, too.
    let reported = SessionSnapshot { reported_at: Some(NOW), ..last };
    commit(&storage, vec![Record::SessionAdvanced(Box::new(reported.clone()))]);
    assert_eq!(walked(&storage, NOW), [reported]);
    drop(storage);
    assert!(walked(&open(folder.path()), NOW.plus(Span::DAY)).is_empty());
}

#[test]
fn a_noted_session_that_is_missing_or_a_note_that_is_none_is_told() {
    for key in [&[1; 26][..], &[1; 9], &[0, 0, 1, 0xff, 0, 0, 0, 0]] {
        let folder = tempfile::tempdir().unwrap();
        let storage = open(folder.path());
        commit(&storage, vec![opened(&sessions(&storage, 1)[0])]);
        drop(storage);
        note(folder.path(), key);
        let storage = try_open(folder.path()).unwrap();
        let told = storage.walk_sessions(NOW, |_| {});
        assert!(matches!(told, Err(StorageError::Unreadable { keyspace: "recent", .. })), "{told:?}");
    }
}
