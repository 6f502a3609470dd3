//! Fear: a caller whom an owner has blocked rings again, or somebody else does not ring any more.
#![allow(clippy::unwrap_used)]

mod store_common;

use qnect_core::blocked::BLOCKED_CALLERS_MAX;
use qnect_core::caller::BlockToken;
use qnect_core::record::Record;
use qnect_core::session::SessionSnapshot;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OwnerId, OwnerProfile};
use qnect_core::time::Span;
use qnect_storage::{CallerCard, Edit, EditError, Lane, OwnerChange, RegisteredOwner, Storage};
use store_common::{NOW, open, owner, run, session, session_id};

fn name(storage: &Storage, owner: OwnerId, number: &str) -> Option<BlockToken> {
    storage.keys().block_token(owner, &storage.keys().roots().caller(number).unwrap())
}

fn remember(storage: &Storage, sessions: Vec<SessionSnapshot>) {
    let records = sessions.into_iter().map(|s| Record::SessionAdvanced(Box::new(s))).collect();
    run(storage.promise(Lane::Webhooks, records).unwrap().kept()).unwrap();
}

/// A session number `number` of this owner, in which `caller` has called; `None`: without showing a number.
fn called(storage: &Storage, of: RegisteredOwner, number: u64, caller: Option<&str>) -> SessionId {
    let id = session_id(storage, of.code.tag(), number);
    let block_token = caller.and_then(|caller| name(storage, of.owner, caller));
    remember(storage, vec![SessionSnapshot { block_token, dialed_at: Some(NOW), ..session(id, of.owner) }]);
    id
}

fn profile(storage: &Storage, owner: OwnerId) -> OwnerProfile {
    run(storage.owner_profile(owner)).unwrap().unwrap()
}

fn blocks(storage: &Storage, owner: OwnerId, number: &str) -> bool {
    profile(storage, owner).blocked.include(&name(storage, owner, number).unwrap())
}

#[test]
fn a_caller_has_another_name_with_every_owner_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let [first, second] = storage.register(&[owner(1), owner(2)], NOW).unwrap()[..] else { unreachable!() };
    let names = |storage: &Storage| [first, second].map(|r| name(storage, r.owner, "+919700000001").unwrap());
    let before = names(&storage);
    assert_ne!(before[0], before[1]);
    assert_ne!(before[0], name(&storage, first.owner, "+919700000002").unwrap());
    drop(storage);
    assert_eq!(names(&open(folder.path())), before, "no restart and no midnight changes it");
    assert_eq!(name(&open(folder.path()), OwnerId(1), "+919700000001"), None, "nobody has it without a key");
}

#[test]
fn a_block_holds_for_all_tags_of_its_owner_and_for_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let [first, second] = storage.register(&[owner(1), owner(2)], NOW).unwrap()[..] else { unreachable!() };
    let more = run(storage.edit(Edit::MintFor(first.owner, None))).unwrap();
    let id = called(&storage, first, 1, Some("+919700000001"));
    let mut touched = run(storage.edit(Edit::Block(id))).unwrap();
    let mut tags = [more, vec![first.code.tag()]].concat();
    touched.sort();
    tags.sort();
    assert_eq!(touched, tags);
    run(storage.edit(Edit::Block(id))).unwrap();
    let renamed = OwnerChange { name: Some("Zoya".into()), ..OwnerChange::default() };
    run(storage.edit(Edit::ChangeOwner(first.owner, renamed))).unwrap();
    drop(storage);

    let storage = open(folder.path());
    assert!(blocks(&storage, first.owner, "+919700000001"));
    assert!(!blocks(&storage, first.owner, "+919700000002"));
    assert!(!blocks(&storage, second.owner, "+919700000001"));
    for tag in tags {
        let config = run(storage.tag_config(tag)).unwrap().unwrap();
        assert_eq!(config.owner.unwrap().blocked.len(), 1, "blocked twice is blocked once");
    }
    assert_eq!(run(storage.owner_card(first.owner)).unwrap().unwrap().blocked_callers, 1);
    assert!(run(storage.verify()).unwrap().is_clean());
}

#[test]
fn a_caller_is_let_through_again_alone_or_with_all() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let registered = storage.register(&[owner(1)], NOW).unwrap().remove(0);
    let of = |n: u64| called(&storage, registered, n, Some(&format!("+91970000000{n}")));
    let sessions = [1, 2, 3].map(of);
    let card = |id| run(storage.session_card(id)).unwrap().unwrap().caller;
    for id in sessions {
        assert_eq!(card(id), CallerCard::Known);
        run(storage.edit(Edit::Block(id))).unwrap();
        assert_eq!(card(id), CallerCard::Blocked);
    }
    for _ in 0..2 {
        run(storage.edit(Edit::Unblock(sessions[1]))).unwrap();
        assert_eq!(sessions.map(card), [CallerCard::Blocked, CallerCard::Known, CallerCard::Blocked]);
    }
    for _ in 0..2 {
        assert_eq!(run(storage.edit(Edit::UnblockAll(registered.owner))).unwrap(), [registered.code.tag()]);
        assert!(profile(&storage, registered.owner).blocked.is_empty());
    }
}

#[test]
fn nobody_is_blocked_by_a_session_that_names_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let registered = storage.register(&[owner(1)], NOW).unwrap().remove(0);
    let withheld = called(&storage, registered, 1, None);
    let unknown = session_id(&storage, registered.code.tag(), 2);
    for edit in [Edit::Block, Edit::Unblock] {
        assert!(matches!(run(storage.edit(edit(withheld))), Err(EditError::NobodyToBlock)));
        assert!(matches!(run(storage.edit(edit(unknown))), Err(EditError::UnknownSession)));
    }
    assert!(matches!(run(storage.edit(Edit::UnblockAll(OwnerId(1)))), Err(EditError::UnknownOwner)));
    assert_eq!(run(storage.session_card(withheld)).unwrap().unwrap().caller, CallerCard::Nameless);
    assert!(run(storage.session_card(unknown)).unwrap().is_none());
    assert!(!*storage.failed().borrow(), "a wrong question is no failure");
}

#[test]
fn a_full_list_takes_nobody_new_and_forgets_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let registered = storage.register(&[owner(1)], NOW).unwrap().remove(0);
    let number = |n: usize| format!("+9197001{n:05}");
    let id = |n: usize| session_id(&storage, registered.code.tag(), n as u64);
    let sessions = (0..=BLOCKED_CALLERS_MAX).map(|n| SessionSnapshot {
        block_token: name(&storage, registered.owner, &number(n)),
        ..session(id(n), registered.owner)
    });
    remember(&storage, sessions.collect());
    for n in 0..BLOCKED_CALLERS_MAX {
        run(storage.edit(Edit::Block(id(n)))).unwrap();
    }
    let one_more = || run(storage.edit(Edit::Block(id(BLOCKED_CALLERS_MAX))));
    assert!(matches!(one_more(), Err(EditError::BlockedCallersFull)));
    let blocked = profile(&storage, registered.owner).blocked;
    assert_eq!(blocked.len(), BLOCKED_CALLERS_MAX);
    assert!((0..BLOCKED_CALLERS_MAX).all(|n| blocks(&storage, registered.owner, &number(n))));
    run(storage.edit(Edit::Unblock(id(7)))).unwrap();
    one_more().unwrap();
}

#[test]
fn a_report_is_noted_once_on_what_rang() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path());
    let registered = storage.register(&[owner(1)], NOW).unwrap().remove(0);
    let rang = called(&storage, registered, 1, None);
    let waits = session_id(&storage, registered.code.tag(), 2);
    remember(&storage, vec![session(waits, registered.owner)]);
    for _ in 0..2 {
        assert_eq!(run(storage.edit(Edit::Report(rang))).unwrap(), [], "no machine holds it");
    }
    assert!(matches!(run(storage.edit(Edit::Report(waits))), Err(EditError::NothingToReport)));
    let unknown = session_id(&storage, registered.code.tag(), 3);
    assert!(matches!(run(storage.edit(Edit::Report(unknown))), Err(EditError::UnknownSession)));
    storage.close();
    drop(storage);

    let storage = open(folder.path());
    let revived = run(storage.revive(registered.code.tag(), NOW.plus(Span::HOUR))).unwrap().unwrap();
    let reported: Vec<_> = revived.sessions.iter().map(|s| (s.id, s.reported_at)).collect();
    assert_eq!(reported.len(), 2);
    assert!(reported.contains(&(rang, Some(NOW))) && reported.contains(&(waits, None)), "{reported:?}");
    assert!(run(storage.verify()).unwrap().is_clean());
}
