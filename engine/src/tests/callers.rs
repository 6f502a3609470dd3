//! Who may use a code, and how often one may be mistaken.

use qnect_core::caller::CallingParty;
use qnect_core::instruction::{Announcement, Instruction, Question};
use qnect_core::leg::{Call, LegEnd, LegEvent, ProviderEvent};
use qnect_core::number::IntermediaryNumber;
use qnect_core::session::State;

use super::world::{ALICE, BOB, Life, World, dial, leg, number, said};

#[test]
fn a_withheld_caller_is_put_through_and_binds_nothing() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        dial(life.keyed(withheld("leg-1"), &session).await);
    });
}

#[test]
fn a_code_is_bound_to_the_first_caller_that_gave_it() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        // The line is engaged by another session, so that the code is given, and bound, without a dial.
        let engaging = life.open(code).await;
        let session = life.open(code).await;
        dial(life.keyed(life.call(BOB, "leg-1"), &engaging).await);
        let busy = life.keyed(life.call(ALICE, "leg-2"), &session).await;
        assert!(matches!(busy, Instruction::Hold { turn: 1, .. }), "{busy:?}");
        life.leg_event(&engaging, LegEvent::DialEnded(LegEnd::Busy)).await;

        for stranger in [life.call(BOB, "leg-3"), withheld("leg-4")] {
            let refused = life.keyed(stranger, &session).await;
            assert_eq!(said(&refused), Announcement::CodeRefused);
        }
        assert_eq!(life.state(&session).await, State::Waiting);
        dial(life.keyed(life.call(ALICE, "leg-5"), &session).await);
    });
}

#[test]
fn a_dialled_leg_gets_the_same_answer_again_and_others_get_none() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        let first = life.keyed(life.call(ALICE, "leg-1"), &session).await;
        assert_eq!(life.keyed(life.call(ALICE, "leg-1"), &session).await, first);
        for other in [life.call(ALICE, "leg-2"), life.call(BOB, "leg-3")] {
            let refused = life.keyed(other, &session).await;
            assert_eq!(said(&refused), Announcement::CodeRefused);
        }
    });
}

#[test]
fn a_third_wrong_code_is_the_last() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        let right = session.code.to_string();
        let wrong_check = format!("{}{}", &right[..7], (right.as_bytes()[7] - b'0' + 1) % 10);
        for keyed in ["", "1234", &wrong_check, "12345678901", "abcdefgh"] {
            for attempt in 1..=2 {
                let asked = guess(&life, keyed, attempt).await;
                let expected = attempt + 1;
                let Instruction::Ask { question: Question::Code { attempt }, .. } = asked else { panic!("{asked:?}") };
                assert_eq!(attempt, expected);
            }
            assert_eq!(said(&guess(&life, keyed, 3).await), Announcement::CodeRefused);
        }
        assert_eq!(said(&guess(&life, "", u8::MAX).await), Announcement::CodeRefused);
        assert_eq!(life.state(&session).await, State::Waiting);
    });
}

#[test]
fn a_number_that_is_not_ours_asks_for_no_code() {
    let world = World::new();
    world.live(async |life| {
        let mut call = life.call(ALICE, "leg-1");
        call.number = IntermediaryNumber::parse("+911140000002").unwrap();
        let refused = life.told(ProviderEvent::CallArrived(call)).await;
        assert_eq!(said(&refused), Announcement::CodeRefused);
    });
}

async fn guess(life: &Life, keyed: &str, attempt: u8) -> Instruction {
    let question = Question::Code { attempt };
    life.told(ProviderEvent::DigitsGiven { call: life.call(BOB, "leg-9"), keyed: keyed.into(), question }).await
}

fn withheld(id: &str) -> Call {
    Call { leg: leg(id), number: number(), caller: CallingParty::Withheld }
}
