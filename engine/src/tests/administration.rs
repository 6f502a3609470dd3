//! What operators and owners change, while scanners and telephones are at it.

use qnect_core::facts::Outcome;
use qnect_core::instruction::Announcement;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::policy::SETTLE;
use qnect_core::preferences::Pause;
use qnect_core::scan::{Refusal, Verdict};
use qnect_core::session::State;
use qnect_core::tag_code::TagCode;
use qnect_storage::{Edit, Lane, OwnerChange};

use super::world::{ALICE, Life, World, dial, phone, request, said, soon, until};
use crate::{EngineError, VISITS_PER_TAG_MAX};

impl Life {
    async fn edit(&self, edit: Edit) {
        soon("an edit", self.engine.edit(edit)).await.unwrap();
    }

    async fn answers_like_an_unknown_one(&self, code: TagCode) {
        let unknown = EngineError::UnknownTag;
        assert_eq!(self.scan(code).await.unwrap_err(), unknown);
        assert_eq!(self.engine.preview(code).await.unwrap_err(), unknown);
        assert_eq!(self.engine.open_session(code, request()).await.unwrap_err(), unknown);
    }
}

#[test]
fn a_tag_out_of_use_answers_like_an_unknown_one_at_once_and_again_when_resumed() {
    let world = World::new();
    let codes = world.register(2);
    let [in_memory, on_disk] = codes[..] else { unreachable!() };
    world.live(async |life| {
        assert_eq!(life.scan(in_memory).await.unwrap().verdict, Verdict::Allow);
        for code in [in_memory, on_disk] {
            life.edit(Edit::Suspend(code.tag())).await;
            life.answers_like_an_unknown_one(code).await;
            // By now it is also remembered as an unknown one, which must hide nothing.
            life.edit(Edit::Resume(code.tag())).await;
            assert_eq!(life.scan(code).await.unwrap().verdict, Verdict::Allow);
            life.edit(Edit::Retire(code.tag())).await;
            life.answers_like_an_unknown_one(code).await;
        }
    });
    world.live(async |life| life.answers_like_an_unknown_one(in_memory).await);
}

#[test]
fn sessions_of_a_suspended_tag_end_as_sessions_do_after_a_restart_too() {
    let world = World::new();
    let code = world.register(1)[0];
    let (on_the_line, waiting) = world.live(async |life| {
        let (on_the_line, waiting) = (life.open(code).await, life.open(code).await);
        dial(life.keyed(life.call(ALICE, "leg-1"), &on_the_line).await);
        life.edit(Edit::Suspend(code.tag())).await;
        let refused = life.keyed(life.call("+919833333333", "leg-2"), &waiting).await;
        assert_eq!(said(&refused), Announcement::OwnerUnavailable);
        life.leg_event(&on_the_line, LegEvent::OwnerAnswered).await;
        (on_the_line, waiting)
    });
    world.live(async |life| {
        assert_eq!(life.codes_taken(), 2);
        life.answers_like_an_unknown_one(code).await;
        assert_eq!(life.state(&on_the_line).await, State::Ringing);
        let refused = life.keyed(life.call("+919833333333", "leg-3"), &waiting).await;
        assert_eq!(said(&refused), Announcement::OwnerUnavailable);
        life.leg_event(&on_the_line, LegEvent::DialEnded(LegEnd::NoAnswer)).await;
    });
    world.live_from(waiting.expires_at.plus(SETTLE), async |life| {
        life.no_code_is_taken().await;
        let outcome = async |session| life.engine.session(session).await.unwrap().outcome;
        assert_eq!(outcome(on_the_line.id).await, Some(Outcome::NoAnswer));
        assert_eq!(outcome(waiting.id).await, Some(Outcome::Expired));
        life.answers_like_an_unknown_one(code).await;
    });
}

#[test]
fn all_tags_of_an_owner_follow_what_the_owner_changes() {
    let world = World::new();
    let first = world.register(1)[0];
    world.live(async |life| {
        let owner = life.storage.tag_cards(vec![first.tag()]).await.unwrap()[0].owner.unwrap();
        let second = life.engine.edit(Edit::MintFor(owner, None)).await.unwrap()[0];
        let second = TagCode::of(second, life.storage.keys().checks()).unwrap();
        let session = life.open(first).await;
        assert_eq!(life.scan(second).await.unwrap().verdict, Verdict::Allow);

        life.edit(Edit::Pause(owner, Pause::Indefinite)).await;
        for code in [first, second] {
            assert_eq!(life.scan(code).await.unwrap().refusal, Some(Refusal::OwnerUnavailable));
        }
        let paused = life.keyed(life.call(ALICE, "leg-1"), &session).await;
        assert_eq!(said(&paused), Announcement::OwnerUnavailable);

        life.edit(Edit::Pause(owner, Pause::Off)).await;
        let moves = OwnerChange { phone: Some(phone(77)), ..OwnerChange::default() };
        life.edit(Edit::ChangeOwner(owner, moves)).await;
        assert_eq!(dial(life.keyed(life.call(ALICE, "leg-2"), &session).await).to, phone(77));
    });
}

#[test]
fn a_tag_that_is_on_its_way_into_memory_does_not_keep_what_it_was() {
    for resumed in [false, true] {
        let world = World::new();
        let code = world.register(1)[0];
        world.live(async |life| {
            if resumed {
                life.edit(Edit::Suspend(code.tag())).await;
            }
            let faults = life.storage.faults();
            faults.hold_answers();
            let early = life.clone();
            let scan = actix::spawn(async move { early.scan(code).await });
            until("the tag was read", async || faults.holds_an_answer()).await;
            let late = life.clone();
            let edit = if resumed { Edit::Resume(code.tag()) } else { Edit::Suspend(code.tag()) };
            let edit = actix::spawn(async move { late.edit(edit).await });
            let status = async || life.storage.tag_cards(vec![code.tag()]).await.unwrap()[0].status;
            let before = if resumed { "Suspended" } else { "Active" };
            until("the edit is on disk", async || format!("{:?}", status().await) != before).await;
            faults.release_answers();
            edit.await.unwrap();
            // The early scan may be answered by what was true when it came.
            let _ = scan.await.unwrap();
            if resumed {
                assert_eq!(life.scan(code).await.unwrap().verdict, Verdict::Allow);
            } else {
                life.answers_like_an_unknown_one(code).await;
            }
        });
    }
}

#[test]
fn no_crowd_keeps_an_operator_out() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let mut crowd = Vec::new();
        for _ in 0..VISITS_PER_TAG_MAX {
            crowd.push(life.engine.enter(code.tag(), Lane::Webhooks).await.unwrap());
        }
        assert_eq!(life.scan(code).await.unwrap_err(), EngineError::Overloaded);
        life.edit(Edit::Suspend(code.tag())).await;
        drop(crowd);
        life.answers_like_an_unknown_one(code).await;
    });
}

#[test]
fn what_the_last_of_many_edits_said_is_what_counts() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        for _ in 0..20 {
            let edits = (0..8).map(|turn| {
                let life = life.clone();
                let edit = if turn % 2 == 0 { Edit::Suspend(code.tag()) } else { Edit::Resume(code.tag()) };
                actix::spawn(async move { life.edit(edit).await })
            });
            for edit in edits.collect::<Vec<_>>() {
                edit.await.unwrap();
            }
            let stored = life.storage.tag_config(code.tag()).await.unwrap().unwrap();
            assert_eq!(life.scan(code).await.is_ok(), stored.answers(), "memory contradicts the disk");
        }
    });
}

#[test]
fn an_edit_whose_commander_leaves_reaches_the_actor() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        life.scan(code).await.unwrap();
        life.storage.faults().close_gate();
        let left = tokio::time::timeout(std::time::Duration::ZERO, life.engine.edit(Edit::Suspend(code.tag()))).await;
        assert!(left.is_err());
        life.storage.faults().open_gate();
        until("the tag is suspended", async || life.scan(code).await == Err(EngineError::UnknownTag)).await;
    });
}
