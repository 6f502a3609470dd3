//! Callers whom an owner has blocked, and calls that were reported.

use qnect_core::caller::CallingParty;
use qnect_core::instruction::{Announcement, Instruction, Question};
use qnect_core::leg::{Call, LegEnd, LegEvent, ProviderEvent};
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OwnerId, SessionView};
use qnect_core::tag_code::TagCode;
use qnect_core::time::{Span, Timestamp};
use qnect_storage::{Edit, EditError};

use super::world::{ALICE, BOB, Life, World, dial, leg, number, phone, said, soon, until};

impl Life {
    async fn owner(&self, number: u32) -> OwnerId {
        let root = self.storage.keys().roots().caller(&phone(number).reveal().to_string()).unwrap();
        self.storage.owner_of_caller(&root).await.unwrap().unwrap()
    }

    /// A caller is put through, and nobody takes the call.
    async fn rings(&self, code: TagCode, caller: &str, leg: &str) -> SessionView {
        let session = self.open(code).await;
        dial(self.keyed(self.call(caller, leg), &session).await);
        self.is_over(&session).await;
        session
    }

    async fn is_over(&self, session: &SessionView) {
        self.leg_event(session, LegEvent::DialEnded(LegEnd::NoAnswer)).await;
    }

    /// With a new code the caller hears what everybody hears whom the owner does not want to hear, and nobody rings.
    async fn is_blocked(&self, code: TagCode, caller: &str, leg: &str) {
        let session = self.open(code).await;
        let heard = self.keyed(self.call(caller, leg), &session).await;
        assert_eq!(said(&heard), Announcement::OwnerUnavailable);
        assert_eq!(self.state(&session).await, State::Waiting);
    }

    /// Owner number `number` calls back and keys something.
    async fn menu(&self, number: u32, keyed: &str) -> Announcement {
        let call = self.call(&phone(number).reveal().to_string(), "back");
        let keyed = ProviderEvent::DigitsGiven { call, keyed: keyed.to_owned(), question: Question::CodeOrMenu };
        said(&self.told(keyed).await)
    }

    async fn edited(&self, edit: Edit) -> Result<(), EditError> {
        soon("an edit", self.engine.edit(edit)).await.map(drop)
    }

    async fn reported_at(&self, session: SessionId) -> Option<Timestamp> {
        self.storage.session(session).await.unwrap().unwrap().reported_at
    }
}

/// Ten minutes before some midnight that is far enough in the future for every clock.
fn before_midnight() -> Timestamp {
    Timestamp::from_millis(30_000 * 86_400_000 - 600_000)
}

#[test]
fn a_blocked_caller_rings_nobody_through_restarts_and_midnights() {
    let world = World::new();
    let codes = world.register(2);
    let second = world.live_from(before_midnight(), async |life| {
        let second = life.engine.edit(Edit::MintFor(life.owner(0).await, None)).await.unwrap()[0];
        let second = TagCode::of(second, life.storage.keys().checks()).unwrap();
        life.rings(codes[0], ALICE, "leg-1").await;
        assert_eq!(life.menu(0, "9").await, Announcement::Blocked);
        assert_eq!(life.menu(0, "9").await, Announcement::Blocked, "told again, it is blocked still");
        life.is_blocked(codes[0], ALICE, "leg-2").await;
        life.is_blocked(second, ALICE, "leg-3").await;
        second
    });
    for days in 0..3 {
        world.live_from(before_midnight().plus(Span::from_millis(days * Span::DAY.as_millis())), async |life| {
            for (n, code) in [codes[0], second].into_iter().enumerate() {
                life.is_blocked(code, ALICE, &format!("blocked-{days}-{n}")).await;
                life.rings(code, BOB, &format!("other-{days}-{n}")).await;
            }
            life.rings(codes[1], ALICE, &format!("elsewhere-{days}")).await;
        });
    }
}

#[test]
fn a_blocked_caller_who_dials_again_without_a_code_rings_nobody_either() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.rings(code, ALICE, "leg-1").await;
        until("the outcome stands", async || life.state(&session).await == State::Ended).await;
        life.edited(Edit::Block(session.id)).await.unwrap();
        let again = async |id: &str| {
            let (call, keyed) = (life.call(ALICE, id), String::new());
            life.told(ProviderEvent::DigitsGiven { call, keyed, question: Question::CodeOrRedial }).await
        };
        assert_eq!(said(&again("leg-2").await), Announcement::OwnerUnavailable);
        life.edited(Edit::Unblock(session.id)).await.unwrap();
        dial(again("leg-3").await);
    });
}

#[test]
fn a_menu_without_a_caller_to_block_says_so() {
    let world = World::new();
    let codes = world.register(2);
    world.live(async |life| {
        assert_eq!(life.menu(0, "9").await, Announcement::NothingToBlock);
        let session = life.open(codes[0]).await;
        let withheld = Call { leg: leg("leg-1"), number: number(), caller: CallingParty::Withheld };
        dial(life.keyed(withheld, &session).await);
        life.is_over(&session).await;
        assert_eq!(life.menu(0, "9").await, Announcement::NothingToBlock, "who has no name cannot be blocked");
        life.rings(codes[0], ALICE, "leg-2").await;
        assert_eq!(life.menu(1, "9").await, Announcement::NothingToBlock, "that was somebody else's call");
        // A stranger who posts the owner's key has no menu.
        let keyed = "9".to_owned();
        let call = life.call(BOB, "leg-3");
        let heard = life.told(ProviderEvent::DigitsGiven { call, keyed, question: Question::CodeOrMenu }).await;
        assert!(matches!(heard, Instruction::Say { announcement: Announcement::CodeRefused, .. }), "{heard:?}");
        life.rings(codes[0], ALICE, "leg-4").await;
    });
}

#[test]
fn a_call_is_reported_while_it_is_in_memory_and_when_it_is_not() {
    let world = World::new();
    let code = world.register(1)[0];
    let (reported, forgotten) = world.live(async |life| {
        let reported = life.rings(code, ALICE, "leg-1").await;
        life.edited(Edit::Report(reported.id)).await.unwrap();
        let waits = life.open(code).await;
        assert!(matches!(life.edited(Edit::Report(waits.id)).await, Err(EditError::NothingToReport)));
        let forgotten = life.rings(code, BOB, "leg-2").await;
        until("the outcomes stand", async || {
            life.state(&reported).await == State::Ended && life.state(&forgotten).await == State::Ended
        })
        .await;
        (reported, forgotten)
    });
    let much_later = reported.expires_at.plus(Span::from_millis(3 * Span::DAY.as_millis()));
    world.live_from(much_later, async |life| {
        let at = life.reported_at(reported.id).await;
        assert!(at.is_some(), "the machine recorded it");
        life.edited(Edit::Report(reported.id)).await.unwrap();
        assert_eq!(life.reported_at(reported.id).await, at, "reported once");
        assert_eq!(life.reported_at(forgotten.id).await, None);
        life.edited(Edit::Report(forgotten.id)).await.unwrap();
        assert!(life.reported_at(forgotten.id).await.is_some());
    });
}
