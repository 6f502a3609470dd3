//! From a scan to a masked call that ends.

use qnect_core::facts::Outcome;
use qnect_core::instruction::{Announcement, Instruction, Question};
use qnect_core::language::Language;
use qnect_core::leg::{LegEnd, LegEvent, ProviderEvent};
use qnect_core::number::CallerId;
use qnect_core::reason::Reason;
use qnect_core::scan::Verdict;
use qnect_core::session::State;

use super::world::{ALICE, BOB, World, dial, leg, number, phone, said, until};
use crate::EngineError;

#[test]
fn a_scan_becomes_a_masked_call() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        assert_eq!(life.scan(code).await.unwrap().verdict, Verdict::Allow);
        let session = life.open(code).await;
        assert_eq!(session.state, State::Waiting);
        assert_eq!(session.number, number());

        let call = life.call(ALICE, "leg-1");
        let asked = life.told(ProviderEvent::CallArrived(call.clone())).await;
        assert!(
            matches!(asked, Instruction::Ask { digits: 8, question: Question::Code { attempt: 1 }, .. }),
            "{asked:?}"
        );
        let ring = dial(life.keyed(call, &session).await);
        assert_eq!(ring.to, phone(0));
        assert_eq!(ring.caller_id, CallerId::new(number()));
        assert_eq!(ring.session, session.id);
        assert_eq!(life.state(&session).await, State::Dialing);

        assert_eq!(life.leg_event(&session, LegEvent::OwnerRang).await, Instruction::Acknowledge);
        assert_eq!(life.state(&session).await, State::Ringing);
        let whisper = life.told(ProviderEvent::WhisperWanted { session: session.id, leg: None }).await;
        let expected =
            Instruction::Whisper { session: session.id, reason: Reason::Blocking, language: Language::English };
        assert_eq!(whisper, expected);
        life.leg_event(&session, LegEvent::OwnerAccepted).await;
        assert_eq!(life.state(&session).await, State::Connected);

        let parting = life.leg_event(&session, LegEvent::DialEnded(LegEnd::Completed)).await;
        assert_eq!(said(&parting), Announcement::Goodbye);
        life.told(ProviderEvent::CallEnded { leg: leg("leg-1") }).await;
        until("the outcome is published", async || life.state(&session).await == State::Ended).await;
        let ended = life.engine.session(session.id).await.unwrap();
        assert_eq!(ended.outcome, Some(Outcome::Completed));
        assert!(ended.talk.is_some());
        life.no_code_is_taken().await;

        let late = life.told(ProviderEvent::CallEnded { leg: leg("leg-1") }).await;
        assert_eq!(late, Instruction::Acknowledge, "the leg is forgotten");
        let again = life.keyed(life.call(BOB, "leg-2"), &session).await;
        assert!(matches!(again, Instruction::Ask { question: Question::Code { attempt: 2 }, .. }), "{again:?}");
        assert_eq!(life.counted("qnect_session_outcomes_total"), 1);
        assert_eq!(life.counted("qnect_tag_actor_panics_total"), 0);
    });
}

#[test]
fn a_session_that_nobody_opened_is_unknown() {
    let world = World::new();
    let codes = world.register(1);
    world.live(async |life| {
        let session = life.open(codes[0]).await;
        let mut secret = *session.id.secret();
        secret[16] ^= 1;
        let other = qnect_core::session_id::SessionId::new(codes[0].tag(), secret, life.storage.keys().checks());
        assert_eq!(life.engine.session(other.unwrap()).await.unwrap_err(), EngineError::UnknownSession);
    });
}
