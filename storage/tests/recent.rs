//! The fear: a start misses a session that is open, or looks at all there ever were.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use std::collections::BTreeMap;
use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use minicbor::{Decode, Encode};
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

/// Changes the database of a closed folder behind the store's back.
fn behind_its_back(folder: &Path, change: impl FnOnce(&dyn Fn(&str) -> Keyspace)) {
    let database = Database::builder(folder.join("db")).open().unwrap();
    change(&|name| database.keyspace(name, KeyspaceCreateOptions::default).unwrap());
    database.persist(PersistMode::SyncAll).unwrap();
}

/// A head, as a program writes it that knows nothing of `recent`.
#[derive(Encode, Decode)]
#[cbor(map)]
struct OldHead {
    #[n(0)]
    sequence: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    hash: [u8; 32],
    #[n(2)]
    at_ms: u64,
}

/// Makes the last commit look as if an older program had written it.
fn forget_who_wrote(head: &Keyspace) {
    let value = head.get("head").unwrap().unwrap();
    let old: OldHead = minicbor::decode(&value[1..]).unwrap();
    let mut bytes = vec![value[0]];
    minicbor::encode(&old, &mut bytes).unwrap();
    head.insert("head", bytes).unwrap();
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
fn a_folder_of_an_older_program_is_gone_through_once() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    // More than one commit of notes.
    let mut all = sessions(&storage, 5_000);
    for (number, session) in all.iter_mut().enumerate().skip(4_998) {
        *session = ended(session, if number == 4_998 { 7 } else { DAY_MS });
    }
    commit(&storage, all.iter().map(opened).collect());
    drop(storage);
    behind_its_back(folder.path(), |keyspace| {
        let recent = keyspace("recent");
        let noted: Vec<_> = recent.iter().map(|row| row.key().unwrap()).collect();
        noted.into_iter().for_each(|key| recent.remove(key).unwrap());
        forget_who_wrote(&keyspace("head"));
    });
    let storage = open(folder.path());
    assert_eq!(walked(&storage, NOW), all[..4_999]);
    // From now on the notes are whole: one that is taken away is missed, and not looked for.
    commit(&storage, vec![opened(&all[0])]);
    drop(storage);
    behind_its_back(folder.path(), |keyspace| {
        let recent = keyspace("recent");
        let first = recent.iter().next().unwrap().key().unwrap();
        recent.remove(first).unwrap();
    });
    assert_eq!(walked(&open(folder.path()), NOW).len(), 4_998);
}

#[test]
fn what_an_older_program_wrote_in_between_counts() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let mut all = sessions(&storage, 3);
    commit(&storage, all[..2].iter().map(opened).collect());
    drop(storage);
    // It ends a session and opens another one, and notes neither.
    let elsewhere = tempfile::tempdir().unwrap();
    let storage = open(elsewhere.path());
    all[0] = ended(&all[0], 3);
    commit(&storage, vec![opened(&all[0]), opened(&all[2])]);
    drop(storage);
    let mut rows = Vec::new();
    behind_its_back(elsewhere.path(), |keyspace| {
        rows.extend(keyspace("sessions").iter().map(|row| row.into_inner().unwrap()));
    });
    behind_its_back(folder.path(), |keyspace| {
        let sessions = keyspace("sessions");
        rows.into_iter().for_each(|(key, value)| sessions.insert(key, value).unwrap());
        forget_who_wrote(&keyspace("head"));
    });
    assert_eq!(walked(&open(folder.path()), NOW), all);
}

#[test]
fn a_noted_session_that_is_missing_or_a_note_that_is_none_is_told() {
    for note in [&[0; 33][..], &[0; 9]] {
        let folder = tempfile::tempdir().unwrap();
        let storage = open(folder.path());
        commit(&storage, vec![opened(&sessions(&storage, 1)[0])]);
        drop(storage);
        behind_its_back(folder.path(), |keyspace| keyspace("recent").insert(note, "").unwrap());
        let storage = try_open(folder.path()).unwrap();
        let told = storage.walk_sessions(NOW, |_| {});
        assert!(matches!(told, Err(StorageError::Unreadable { keyspace: "recent", .. })), "{told:?}");
    }
}
