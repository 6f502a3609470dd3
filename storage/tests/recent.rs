//! The fear: a start misses a session that is open, or looks at all there ever were.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use std::collections::BTreeMap;
use std::path::Path;
use std::slice::from_mut;
use std::time::Duration;

use fjall::{Database, KeyspaceCreateOptions};
use qnect_core::facts::Outcome;
use qnect_core::record::Record;
use qnect_core::session::SessionSnapshot;
use qnect_core::time::{Span, Timestamp};
use qnect_storage::{Grouping, Lane, OpenOptions, Storage, StorageError, verify};
use store_common::{NOW, master, open, owner, run, session, session_id, try_open, until};

const DAY_MS: u64 = 86_400_000;
/// In the year 2286.
const FAR_MS: u64 = 9_999_999_999_999;

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

/// Commits each session by itself.
fn commit_each(storage: &Storage, sessions: &[SessionSnapshot]) {
    // Not opened but advanced: the first record of a session that comes to the disk may be any.
    let advanced = |s: &SessionSnapshot| Record::SessionAdvanced(Box::new(s.clone()));
    sessions.iter().for_each(|s| commit(storage, vec![advanced(s)]));
}

/// Ends sessions in one commit.
fn end(storage: &Storage, sessions: &mut [SessionSnapshot], ms_ago: u64) {
    sessions.iter_mut().for_each(|s| *s = ended(s, ms_ago));
    commit(storage, sessions.iter().map(|s| Record::SessionEnded(Box::new(s.clone()))).collect());
}

/// Rows of notes in a store that is whole.
async fn count(storage: &Storage) -> u64 {
    let report = storage.verify().await.unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
    report.rows.iter().find(|(keyspace, _)| *keyspace == "recent").unwrap().1
}

fn rows(storage: &Storage) -> u64 {
    run(count(storage))
}

/// Lets the notes be gone through until so many rows are left.
fn tidy_to(storage: &Storage, left: u64) {
    run(async {
        while count(storage).await != left {
            storage.tidy_notes();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

/// Puts a note into the table of a closed folder, behind the store's back: a journal takes rows in our own commits only.
fn note(folder: &Path, key: &[u8], value: &[u8]) {
    let database = Database::builder(folder.join("db")).open().unwrap();
    let recent = database.keyspace("recent", KeyspaceCreateOptions::default).unwrap();
    let mut table = recent.start_ingestion().unwrap();
    table.write(key, value).unwrap();
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
fn notes_of_ended_sessions_go_and_those_of_open_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let mut all = sessions(&storage, 6);
    commit_each(&storage, &all);
    end(&storage, &mut all[1..3], 5);
    end(&storage, &mut all[3..5], 400 * DAY_MS);
    let shown: Vec<_> = [&all[..3], &all[5..]].concat();
    let still_open = [all[0].clone(), all[5].clone()];
    assert_eq!((rows(&storage), walked(&storage, NOW)), (6 + 4, shown.clone()));
    tidy_to(&storage, 1 + 4);
    assert_eq!(walked(&storage, NOW), shown);
    drop(storage);
    let storage = open(folder.path());
    assert_eq!(walked(&storage, NOW), shown);
    assert_eq!(walked(&storage, NOW.plus(Span::DAY)), still_open, "an open one is shown for ever");
    // A session that is noted again in a later row is shown once.
    commit(&storage, vec![opened(&all[5])]);
    assert_eq!((rows(&storage), walked(&storage, NOW)), (2 + 4, shown.clone()));
    tidy_to(&storage, 1 + 4);
    assert_eq!(walked(&storage, NOW), shown);
}

#[test]
fn of_sessions_that_have_all_ended_no_note_is_left_that_they_were_open() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let mut all = sessions(&storage, 5);
    commit_each(&storage, &all[..4]);
    end(&storage, &mut all[..4], 0);
    tidy_to(&storage, 4);
    commit_each(&storage, &all[4..]);
    tidy_to(&storage, 1 + 4);
    drop(storage);
    assert_eq!(walked(&open(folder.path()), NOW), all);
}

#[test]
fn more_notes_than_one_step_takes_are_gone_through_to_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let one_by_one = Grouping { records_max: 1, ..Grouping::default() };
    let master = master();
    let options = OpenOptions { grouping: one_by_one, ..OpenOptions::new(folder.path(), &master) };
    let storage = Storage::open(&options, |floor| move || floor.max(NOW)).unwrap();
    let mut all = sessions(&storage, 1_200);
    all.iter().for_each(|s| storage.remember(Lane::Webhooks, opened(s)).unwrap());
    end(&storage, &mut all[..600], 0);
    assert_eq!(rows(&storage), 1_200 + 600);
    for _ in 0..10 {
        storage.tidy_notes();
        assert_eq!(walked(&storage, NOW), all, "while they are rewritten");
    }
    tidy_to(&storage, 1 + 600);
    assert_eq!(walked(&storage, NOW), all);
    assert_eq!(walked(&storage, NOW.plus(Span::DAY)), all[600..]);
}

#[test]
fn a_commit_of_many_sessions_notes_them_in_several_rows() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let mut all = sessions(&storage, 5_000);
    commit(&storage, all.iter().map(opened).collect());
    assert_eq!((rows(&storage), walked(&storage, NOW)), (3, all.clone()));
    end(&storage, &mut all[..1_000], 0);
    tidy_to(&storage, 2 + 1_000);
    assert_eq!(walked(&storage, NOW), all);
}

#[test]
fn an_open_session_is_shown_wherever_the_clock_jumped() {
    let folder = tempfile::tempdir().unwrap();
    let master = master();
    let at =
        |ms| Storage::open(&OpenOptions::new(folder.path(), &master), |_| move || Timestamp::from_millis(ms)).unwrap();
    let mut all = sessions(&at(NOW.as_millis()), 8);
    for (round, ms) in [NOW.as_millis(), FAR_MS, 1, NOW.as_millis() + 1].into_iter().enumerate() {
        let (storage, new) = (at(ms), 2 * round..2 * round + 2);
        commit_each(&storage, &all[new.clone()]);
        // One row of open ones, and one for each that has ended.
        tidy_to(&storage, 1 + round as u64);
        end(&storage, &mut all[new][..1], 0);
        tidy_to(&storage, 2 + round as u64);
    }
    let storage = at(NOW.as_millis());
    let still_open: Vec<_> = all.into_iter().filter(|s| s.ended.is_none()).collect();
    for ms in [FAR_MS, NOW.as_millis() + DAY_MS] {
        assert_eq!(walked(&storage, Timestamp::from_millis(ms)), still_open);
    }
}

#[test]
fn a_change_of_notes_that_does_not_reach_the_disk_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let mut all = sessions(&storage, 4);
    commit_each(&storage, &all);
    end(&storage, &mut all[..2], 0);
    storage.faults().fail_next_commit();
    storage.tidy_notes();
    until("the store fails", || *storage.failed().borrow());
    drop(storage);
    let storage = open(folder.path());
    assert_eq!((rows(&storage), walked(&storage, NOW)), (4 + 2, all.clone()));
    tidy_to(&storage, 1 + 2);
    assert_eq!(walked(&storage, NOW), all);
}

#[test]
fn a_noted_session_that_is_missing_or_a_note_that_is_none_is_told() {
    let open_notes = [2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0];
    let missing_key = [&NOW.as_millis().to_be_bytes()[..], &[1; 25]].concat();
    for (key, value) in [
        (&open_notes[..], &[1; 25][..]),
        (&open_notes, &[1; 24]),
        (&open_notes, &[1; 1]),
        (&open_notes, &[]),
        (&missing_key, &[]),
        (&[0, 0, 1, 0xff, 0, 0, 0, 0], &[]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let storage = open(folder.path());
        commit(&storage, vec![opened(&sessions(&storage, 1)[0])]);
        drop(storage);
        note(folder.path(), key, value);
        let storage = try_open(folder.path()).unwrap();
        let told = storage.walk_sessions(NOW, |_| {});
        assert!(matches!(told, Err(StorageError::Unreadable { keyspace: "recent", .. })), "{told:?}");
        drop(storage);
        let report = verify(folder.path(), &master()).unwrap();
        assert!(report.findings.iter().any(|finding| finding.place.starts_with("`recent`")), "{:#?}", report.findings);
        if key == open_notes {
            let storage = try_open(folder.path()).unwrap();
            storage.tidy_notes();
            until("the store fails", || *storage.failed().borrow());
        }
    }
}

#[test]
fn notes_of_older_forms_stay_where_nobody_looks() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let [first] = &mut sessions(&storage, 1)[..] else { unreachable!() };
    commit(&storage, vec![opened(first)]);
    end(&storage, from_mut(first), 0);
    drop(storage);
    let key = [&first.id.tag().as_u64().to_be_bytes()[..], first.id.secret()].concat();
    for form in [&[1][..], &[0; 8]] {
        note(folder.path(), &[form, &key].concat(), &[]);
    }
    let storage = open(folder.path());
    assert_eq!((rows(&storage), walked(&storage, NOW)), (4, vec![first.clone()]));
    tidy_to(&storage, 3);
    assert!(walked(&storage, NOW.plus(Span::DAY)).is_empty());
}
