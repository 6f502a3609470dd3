//! Receiving a call: redial without a code, lock-out, callers without a number, challenge, waiting for an engaged owner.

use qnect_core::caller::CallingParty;
use qnect_core::facts::Outcome;
use qnect_core::instruction::{Announcement, CHALLENGE_ATTEMPTS_MAX, HOLD_TURNS_MAX, Instruction, OwnerKey, Question};
use qnect_core::language::{Language, Languages};
use qnect_core::leg::{Call, LegEnd, LegEvent, ProviderEvent};
use qnect_core::lockout::WRONG_CODES_MAX;
use qnect_core::provider_request::Operation;
use qnect_core::scan::Refusal;
use qnect_core::session::State;
use qnect_core::tag::SessionView;
use qnect_core::time::{Span, Timestamp};

use crate::OpenReply;

use super::world::{ALICE, BOB, Life, World, dial, leg, number, per_hour, phone, said, until};

/// Some caller whom no other test part is about.
const CAROL: &str = "+919833333333";

#[test]
fn a_caller_dials_again_without_a_code_and_reaches_the_same_owner() {
    let world = World::new();
    let codes = world.register(2);
    let first = world.live(async |life| {
        let session = life.open(codes[0]).await;
        assert!(asks_plainly(&arrived(&life, ALICE, "leg-0").await));
        dial(life.keyed(life.call(ALICE, "leg-1"), &session).await);
        life.leg_event(&session, LegEvent::DialEnded(LegEnd::NoAnswer)).await;
        until("the outcome stands", async || life.state(&session).await == State::Ended).await;

        let again = redialled(&life, ALICE, "leg-2").await;
        let follows = dial(again.clone());
        assert_eq!(follows.to, phone(0));
        assert_ne!(follows.session, session.id, "what ended stays ended");
        assert_eq!(redialled(&life, ALICE, "leg-2").await, again, "the same webhook gets the same document");
        assert_eq!(life.engine.session(session.id).await.unwrap().outcome, Some(Outcome::NoAnswer));
        assert_eq!(life.engine.session(follows.session).await.unwrap().state, State::Dialing);
        assert!(asks_plainly(&arrived(&life, BOB, "leg-3").await), "nobody else may");
        follows.session
    });
    // After a restart the line that rings belongs to the session that follows, and a redial is known still.
    world.live(async |life| {
        assert_eq!(life.engine.session(first).await.unwrap().state, State::Dialing);
        assert!(matches!(
            arrived(&life, ALICE, "leg-4").await,
            Instruction::Ask { question: Question::CodeOrRedial, .. }
        ));
    });
}

#[test]
fn a_code_goes_before_a_redial() {
    let world = World::new();
    let codes = world.register(2);
    world.live(async |life| {
        let (here, there) = (life.open(codes[0]).await, life.open(codes[1]).await);
        dial(life.keyed(life.call(ALICE, "leg-1"), &here).await);
        life.leg_event(&here, LegEvent::DialEnded(LegEnd::NoAnswer)).await;
        let keyed = given(&life, life.call(ALICE, "leg-2"), &there.code.to_string(), Question::CodeOrRedial).await;
        assert_eq!(dial(keyed).to, phone(1), "the caller stands at another car by now");
    });
}

#[test]
fn a_telephone_that_sends_the_old_code_again_by_itself_is_redialling() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        dial(life.keyed(life.call(ALICE, "leg-1"), &session).await);
        life.leg_event(&session, LegEvent::DialEnded(LegEnd::Busy)).await;
        until("the outcome stands", async || life.state(&session).await == State::Ended).await;
        let keyed = given(&life, life.call(ALICE, "leg-2"), &session.code.to_string(), Question::CodeOrRedial).await;
        assert_eq!(dial(keyed).to, phone(0));
        let by_another = given(&life, life.call(BOB, "leg-3"), &session.code.to_string(), first_attempt()).await;
        assert!(matches!(by_another, Instruction::Ask { question: Question::Code { attempt: 2 }, .. }));
    });
}

#[test]
fn what_is_dialled_again_is_what_was_called_last() {
    let world = World::new();
    let codes = world.register(2);
    world.live(async |life| {
        let (first, second) = (life.open(codes[0]).await, life.open(codes[1]).await);
        // The first owner is engaged, the second takes no call, and then the first is free.
        let engaging = life.open(codes[0]).await;
        dial(life.keyed(life.call(BOB, "leg-0"), &engaging).await);
        let held = life.keyed(life.call(ALICE, "leg-1"), &first).await;
        assert!(matches!(held, Instruction::Hold { .. }), "{held:?}");
        dial(life.keyed(life.call(ALICE, "leg-2"), &second).await);
        life.leg_event(&second, LegEvent::DialEnded(LegEnd::NoAnswer)).await;
        life.leg_event(&engaging, LegEvent::DialEnded(LegEnd::NoAnswer)).await;
        dial(life.keyed(life.call(ALICE, "leg-3"), &first).await);
        life.leg_event(&first, LegEvent::DialEnded(LegEnd::NoAnswer)).await;
        until("the outcome stands", async || life.state(&first).await == State::Ended).await;
        assert_eq!(dial(redialled(&life, ALICE, "leg-4").await).to, phone(0));
    });
}

#[test]
fn a_wrong_code_that_is_told_again_counts_once() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        for _ in 0..10 {
            given(&life, life.call(ALICE, "leg-1"), &wrong_code(&session), first_attempt()).await;
        }
        dial(life.keyed(life.call(ALICE, "leg-2"), &session).await);
    });
}

#[test]
fn an_owner_who_declined_is_not_dialled_again() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        dial(life.keyed(life.call(ALICE, "leg-1"), &session).await);
        life.leg_event(&session, LegEvent::OwnerRefused).await;
        life.leg_event(&session, LegEvent::DialEnded(LegEnd::Completed)).await;
        until("the outcome stands", async || life.state(&session).await == State::Ended).await;
        assert_eq!(said(&redialled(&life, ALICE, "leg-2").await), Announcement::CodeRefused);
    });
}

#[test]
fn midnight_makes_nobody_a_stranger() {
    let mut world = World::new();
    world.policy.session_life = Span::from_secs(7_200);
    let code = world.register(1)[0];
    let (midnight, owner_busy) = world.live_from(before_midnight(), async |life| {
        let now = life.engine.clock().now();
        let midnight = Timestamp::from_millis((u64::from(now.utc_day()) + 1) * 86_400_000);
        let session = life.open(code).await;
        // The line is engaged, so that the code is bound without a dial.
        let engaging = life.open(code).await;
        dial(life.keyed(life.call(BOB, "leg-0"), &engaging).await);
        let held = life.keyed(life.call(ALICE, "leg-1"), &session).await;
        assert!(matches!(held, Instruction::Hold { turn: 1, .. }), "{held:?}");
        (midnight, session)
    });
    world.live_from(midnight.plus(Span::from_secs(1_800)), async |life| {
        dial(life.keyed(life.call(ALICE, "leg-2"), &owner_busy).await);
    });
}

#[test]
fn three_wrong_codes_lock_a_caller_and_nobody_hears_it() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        let wrong = wrong_code(&session);
        for guess in 0..WRONG_CODES_MAX {
            let heard = given(&life, life.call(BOB, &format!("guess-{guess}")), &wrong, first_attempt()).await;
            let asked_again = matches!(heard, Instruction::Ask { question: Question::Code { attempt: 2 }, .. });
            assert_eq!(asked_again, guess + 1 < WRONG_CODES_MAX, "{heard:?}");
        }
        assert!(asks_plainly(&arrived(&life, BOB, "leg-1").await), "a locked caller is asked like anybody");
        let right = life.keyed(life.call(BOB, "leg-1"), &session).await;
        assert_eq!(said(&right), Announcement::CodeRefused);
        assert_eq!(life.state(&session).await, State::Waiting);
        // A slip of a finger is no guess, and another caller is not locked.
        for slip in 0..5 {
            let keyed = format!("{}{}", &wrong[..7], (wrong.as_bytes()[7] - b'0' + 1) % 10);
            let heard = given(&life, life.call(CAROL, &format!("slip-{slip}")), &keyed, first_attempt()).await;
            assert!(matches!(heard, Instruction::Ask { question: Question::Code { attempt: 2 }, .. }), "{heard:?}");
        }
        dial(life.keyed(life.call(CAROL, "leg-2"), &session).await);
    });
}

#[test]
fn a_code_of_another_caller_counts_as_wrong() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        dial(life.keyed(life.call(ALICE, "leg-1"), &session).await);
        for n in 0..WRONG_CODES_MAX {
            let refused = life.keyed(life.call(BOB, &format!("thief-{n}")), &session).await;
            assert_eq!(said(&refused), Announcement::CodeRefused);
        }
        let own = life.open(code).await;
        assert_eq!(said(&life.keyed(life.call(BOB, "leg-2"), &own).await), Announcement::CodeRefused, "locked");
    });
}

#[test]
fn callers_without_a_number_have_one_try_a_call_and_share_a_budget() {
    let mut world = World::new();
    world.policy.withheld_rings = per_hour(2);
    let codes = world.register(1);
    world.live(async |life| {
        let session = life.open(codes[0]).await;
        for n in 0..10 {
            let heard = given(&life, withheld(&format!("guess-{n}")), &wrong_code(&session), first_attempt()).await;
            assert_eq!(said(&heard), Announcement::CodeRefused, "one try a call, and no lock");
        }
        for n in 0..2 {
            let session = life.open(codes[0]).await;
            dial(life.keyed(withheld(&format!("leg-{n}")), &session).await);
            life.leg_event(&session, LegEvent::DialEnded(LegEnd::NoAnswer)).await;
        }
        let third = life.open(codes[0]).await;
        assert_eq!(said(&life.keyed(withheld("leg-3"), &third).await), Announcement::OwnerUnavailable);
        dial(life.keyed(life.call(ALICE, "leg-4"), &third).await);
    });
}

#[test]
fn a_caller_is_held_for_an_engaged_owner_and_then_put_through() {
    let world = World::new();
    let codes = world.register(1);
    world.live(async |life| {
        let (engaging, session) = (life.open(codes[0]).await, life.open(codes[0]).await);
        dial(life.keyed(life.call(BOB, "leg-1"), &engaging).await);
        let mut heard = life.keyed(life.call(ALICE, "leg-2"), &session).await;
        for expected in 1..=HOLD_TURNS_MAX {
            let Instruction::Hold { turn, .. } = heard else { panic!("{heard:?}") };
            assert_eq!(turn, expected);
            heard = held(&life, &session, turn).await;
        }
        assert_eq!(said(&heard), Announcement::OwnerBusy, "a minute is enough");
        life.leg_event(&engaging, LegEvent::DialEnded(LegEnd::NoAnswer)).await;
        dial(held(&life, &session, 3).await);
    });
}

#[test]
fn what_the_owner_keys_connects_or_tells_the_scanner() {
    let world = World::new();
    let codes = world.register(4);
    world.live(async |life| {
        let table = [
            (Some(OwnerKey::Accept), None, Announcement::Goodbye),
            (Some(OwnerKey::Coming), Some(Announcement::Noted), Announcement::OwnerComing),
            (Some(OwnerKey::CannotCome), Some(Announcement::Noted), Announcement::NoAnswer),
            (None, Some(Announcement::Goodbye), Announcement::NoAnswer),
        ];
        for (n, (key, owner_hears, scanner_hears)) in table.into_iter().enumerate() {
            let session = life.open(codes[n]).await;
            dial(life.keyed(life.call(&format!("+9198444444{n}0"), &format!("leg-{n}")), &session).await);
            let owner_leg = Some(leg(&format!("owner-{n}")));
            let keyed = ProviderEvent::OwnerKeyed { session: session.id, key, leg: owner_leg };
            let heard = life.told(keyed).await;
            match owner_hears {
                None => assert_eq!(heard, Instruction::Connect),
                Some(announcement) => assert_eq!(said(&heard), announcement),
            }
            let parting = life.leg_event(&session, LegEvent::DialEnded(LegEnd::Completed)).await;
            assert_eq!(said(&parting), scanner_hears, "{key:?}");
            let view = life.engine.session(session.id).await.unwrap();
            assert_eq!(view.coming, key == Some(OwnerKey::Coming));
        }
    });
}

#[test]
fn an_owner_who_accepts_too_late_is_connected_to_nobody() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        dial(life.keyed(life.call(ALICE, "leg-1"), &session).await);
        life.leg_event(&session, LegEvent::ScannerLegEnded).await;
        until("the outcome stands", async || life.state(&session).await == State::Ended).await;
        let keyed = ProviderEvent::OwnerKeyed { session: session.id, key: Some(OwnerKey::Accept), leg: None };
        assert_eq!(said(&life.told(keyed).await), Announcement::Goodbye);
    });
}

#[test]
fn an_annoyed_owner_is_rung_only_after_a_challenge() {
    let mut world = World::new();
    // Three declined calls of people who are known, of each of which the tag bears a quarter, less what has faded.
    world.policy.challenge_at = 14;
    let code = world.register(1)[0];
    world.live(async |life| {
        for n in 0..3 {
            let session = life.open(code).await;
            assert!(!session.challenge);
            dial(life.keyed(life.call(&format!("+9198555555{n}0"), &format!("leg-{n}")), &session).await);
            life.leg_event(&session, LegEvent::OwnerLegEnded(LegEnd::Rejected)).await;
            until("the outcome stands", async || life.state(&session).await == State::Ended).await;
        }
        let session = life.open(code).await;
        assert!(session.challenge, "three calls in a row were declined");
        let call = life.call(ALICE, "leg-9");
        let mut asked = life.keyed(call.clone(), &session).await;
        for attempt in 1..=CHALLENGE_ATTEMPTS_MAX {
            let Instruction::Challenge { attempt: asked_attempt, .. } = asked else { panic!("{asked:?}") };
            assert_eq!(asked_attempt, attempt);
            asked = answered(&life, &call, &session, "", attempt).await;
        }
        assert_eq!(said(&asked), Announcement::CodeRefused);
        assert_eq!(life.state(&session).await, State::Waiting);
        let Instruction::Challenge { spoken, .. } = life.keyed(call.clone(), &session).await else { panic!() };
        let digits = spoken.digits().map(|d| d.to_string()).concat();
        dial(answered(&life, &call, &session, &digits, 1).await);
    });
}

#[test]
fn an_owner_who_calls_back_hears_a_menu_and_never_a_person() {
    let world = World::new();
    let codes = world.register(2);
    let owner = phone(0).reveal().to_string();
    world.live(async |life| {
        let session = life.open(codes[0]).await;
        dial(life.keyed(life.call(ALICE, "leg-1"), &session).await);
        life.leg_event(&session, LegEvent::OwnerLegEnded(LegEnd::NoAnswer)).await;

        let asked = arrived(&life, &owner, "back-1").await;
        let owners_language = Languages::Only(Language::English);
        let menu = Instruction::Ask { question: Question::CodeOrMenu, digits: 8, languages: owners_language };
        assert_eq!(asked, menu);
        let keyed = async |caller: &str, keyed: &str| {
            given(&life, life.call(caller, "back-2"), keyed, Question::CodeOrMenu).await
        };
        assert_eq!(said(&keyed(&owner, "2").await), Announcement::Reported);
        assert_eq!(said(&keyed(&owner, "2").await), Announcement::Reported, "told again, it is reported still");
        assert_eq!(said(&keyed(BOB, "1").await), Announcement::CodeRefused, "only an owner has a menu");
        assert!(matches!(keyed(&owner, "7").await, Instruction::Ask { question: Question::Code { attempt: 2 }, .. }));

        assert_eq!(said(&keyed(&owner, "1").await), Announcement::Muted);
        let refused = life.engine.open_session(codes[0], super::world::request()).await.unwrap();
        assert!(matches!(refused, OpenReply::Refused { refusal: Refusal::OwnerUnavailable, .. }), "{refused:?}");
        // Somebody else's car is in the owner's way: the owner is a scanner like anybody.
        let other = life.open(codes[1]).await;
        assert_eq!(dial(keyed(&owner, &other.code.to_string()).await).to, phone(1));
    });
    // It was on stable storage before it was said.
    world.live(async |life| {
        assert_eq!(life.scan(codes[0]).await.unwrap().refusal, Some(Refusal::OwnerUnavailable));
    });
}

#[test]
fn a_cancelled_session_is_over_and_a_cancelled_call_is_hung_up() {
    let world = World::new();
    let codes = world.register(1);
    world.live(async |life| {
        let waiting = life.open(codes[0]).await;
        let cancelled = life.engine.cancel_session(waiting.id).await.unwrap();
        assert_eq!((cancelled.state, cancelled.outcome), (State::Ended, Some(Outcome::Cancelled)));
        life.no_code_is_taken().await;
        assert!(life.asked().is_none());

        let dialled = life.open(codes[0]).await;
        dial(life.keyed(life.call(ALICE, "leg-1"), &dialled).await);
        assert_eq!(life.engine.cancel_session(dialled.id).await.unwrap().state, State::Dialing);
        let request = life.asked().unwrap();
        assert_eq!((request.operation, request.leg, request.session), (Operation::HangUp, leg("leg-1"), dialled.id));
        assert_eq!(request.number, number());
    });
}

fn wrong_code(session: &SessionView) -> String {
    let index = session.code.value() / 10;
    qnect_core::access_code::AccessCode::from_index(index + 1, 8).to_string()
}

/// Ten minutes before some midnight that is far enough in the future for every clock.
fn before_midnight() -> Timestamp {
    Timestamp::from_millis(30_000 * 86_400_000 - 600_000)
}

fn first_attempt() -> Question {
    Question::Code { attempt: 1 }
}

fn asks_plainly(instruction: &Instruction) -> bool {
    matches!(instruction, Instruction::Ask { question: Question::Code { attempt: 1 }, .. })
}

fn withheld(id: &str) -> Call {
    Call { leg: leg(id), number: number(), caller: CallingParty::Withheld }
}

async fn arrived(life: &Life, caller: &str, id: &str) -> Instruction {
    life.told(ProviderEvent::CallArrived(life.call(caller, id))).await
}

async fn given(life: &Life, call: Call, keyed: &str, question: Question) -> Instruction {
    life.told(ProviderEvent::DigitsGiven { call, keyed: keyed.to_owned(), question }).await
}

/// A caller who dials again and keys nothing.
async fn redialled(life: &Life, caller: &str, id: &str) -> Instruction {
    given(life, life.call(caller, id), "", Question::CodeOrRedial).await
}

async fn held(life: &Life, session: &SessionView, turn: u8) -> Instruction {
    life.told(ProviderEvent::HoldOver { call: life.call(ALICE, "leg-2"), session: session.id, turn }).await
}

async fn answered(life: &Life, call: &Call, session: &SessionView, keyed: &str, attempt: u8) -> Instruction {
    let (call, keyed) = (call.clone(), keyed.to_owned());
    life.told(ProviderEvent::ChallengeAnswered { call, session: session.id, keyed, attempt }).await
}
