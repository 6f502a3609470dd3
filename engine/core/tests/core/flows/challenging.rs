//! A caller who must key two spoken digits before anyone is rung.

use qnect_core::caller::Caller;
use qnect_core::facts::Outcome;
use qnect_core::instruction::{ChallengeDigits, Instruction};
use qnect_core::language::Language;
use qnect_core::leg::{LegEnd, LegEvent, LegId};
use qnect_core::reason::Reason;
use qnect_core::scan::Verdict;
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::tag::CallTurn;
use qnect_core::time::Span;

use crate::dsl::{Led, World, asha, bela, dialed, holds, known, leg, refuses, request, session_id};

/// A tag whose owner declined somebody's call, which is enough here, and a session that is challenged.
fn challenged() -> (World, SessionId) {
    let mut w = World::given(|p| p.challenge_at = 1, |_| ());
    w.called_by(known(9), 1, Outcome::Declined);
    let id = w.waiting(2, Reason::Blocking);
    (w, id)
}

fn asks(id: SessionId, leg: &LegId, attempt: u8) -> Instruction {
    let spoken = ChallengeDigits::of(id, leg, attempt);
    Instruction::Challenge { session: id, attempt, spoken, language: Language::English }
}

/// The digits that the caller on `leg` hears at this attempt.
fn heard(id: SessionId, leg: &LegId, attempt: u8) -> String {
    ChallengeDigits::of(id, leg, attempt).digits().map(|digit| char::from(b'0' + digit)).iter().collect()
}

/// Two digits that are not those.
fn others(digits: &str) -> String {
    format!("{:02}", (digits.parse::<u8>().unwrap() + 1) % 100)
}

/// Whoever is not rung: `call` is answered with a challenge, at this attempt.
#[track_caller]
fn is_asked(w: &mut World, call: (SessionId, &LegId, Caller), turn: CallTurn<'_>, attempt: u8) {
    w.turned_away(call, turn, &asks(call.0, call.1, attempt));
}

#[test]
fn the_page_and_the_session_say_so_beforehand() {
    let (mut w, id) = challenged();
    let decision = w.scan();
    w.led_to([Led::ScanAdmitted]);
    assert_eq!((decision.verdict, decision.refusal), (Verdict::Challenge, None));
    assert_eq!((decision.retry_after, decision.offered), (Span::ZERO, Reason::ALL.into_iter().collect()));
    assert!(w.view(id).challenge && !w.view(session_id(1)).challenge, "it holds for what is opened from then on");
}

#[test]
fn who_keys_the_digits_is_put_through() {
    let (mut w, id) = challenged();
    is_asked(&mut w, (id, &leg(2), asha()), CallTurn::Code, 1);
    assert_eq!(w.owner.live, None);
    let keyed = heard(id, &leg(2), 1);
    let answer = CallTurn::Challenge { keyed: &keyed, attempt: 1 };
    let first = w.take_turn(id, &leg(2), asha(), answer);
    assert_eq!(dialed(first.clone()).session, id);
    w.led_to([Led::Advanced(id, State::Dialing)]);
    // The same webhook again, and the one that asked for the code.
    for turn in [answer, CallTurn::Code, CallTurn::Challenge { keyed: "", attempt: 2 }] {
        assert_eq!(w.take_turn(id, &leg(2), asha(), turn), first);
        w.led_to([Led::Advanced(id, State::Dialing)]);
    }
}

#[test]
fn there_is_a_second_attempt_with_other_digits_and_no_third() {
    let (mut w, id) = challenged();
    let call = (id, &leg(2), asha());
    is_asked(&mut w, call, CallTurn::Code, 1);
    let (first, second) = (heard(id, &leg(2), 1), heard(id, &leg(2), 2));
    assert_ne!(first, second);
    // What was spoken first does not answer what is spoken then.
    for keyed in ["", "1", "123", "#", &others(&first), &second] {
        is_asked(&mut w, call, CallTurn::Challenge { keyed, attempt: 1 }, 2);
    }
    for (keyed, attempt) in [(&first, 2), (&others(&second), 2), (&second, 3), (&second, u8::MAX)] {
        w.turned_away(call, CallTurn::Challenge { keyed, attempt }, &refuses());
    }
    assert_eq!(w.owner.live, None);
    assert!(w.callers[&crate::dsl::token(1)].rings.is_idle(w.now.plus(Span::HOUR)));
    dialed(w.take_turn(id, &leg(2), asha(), CallTurn::Challenge { keyed: &second, attempt: 2 }));
    w.led_to([Led::Advanced(id, State::Dialing)]);
}

#[test]
fn another_leg_must_prove_itself_again() {
    let (mut w, id) = challenged();
    w.owner.live = Some((session_id(200), w.now.plus(Span::HOUR)));
    is_asked(&mut w, (id, &leg(2), asha()), CallTurn::Code, 1);
    let keyed = heard(id, &leg(2), 1);
    let right = CallTurn::Challenge { keyed: &keyed, attempt: 1 };
    // Proven, and held for the engaged owner: no second challenge after a turn.
    w.turned_away((id, &leg(2), asha()), right, &holds(id, 1));
    w.turned_away((id, &leg(2), asha()), CallTurn::Held { turn: 1 }, &holds(id, 2));
    w.owner.live = None;
    assert_ne!(keyed, heard(id, &leg(3), 1));
    is_asked(&mut w, (id, &leg(3), asha()), CallTurn::Code, 1);
    is_asked(&mut w, (id, &leg(3), asha()), right, 2);
    is_asked(&mut w, (id, &leg(3), asha()), CallTurn::Held { turn: 2 }, 1);
    // The first leg has lost nothing by that.
    dialed(w.take_turn(id, &leg(2), asha(), CallTurn::Held { turn: 2 }));
    w.led_to([Led::Advanced(id, State::Dialing)]);
}

#[test]
fn after_a_restart_the_digits_are_asked_for_again() {
    let (mut w, id) = challenged();
    w.owner.live = Some((session_id(200), w.now.plus(Span::HOUR)));
    let keyed = heard(id, &leg(2), 1);
    w.turned_away((id, &leg(2), asha()), CallTurn::Challenge { keyed: &keyed, attempt: 1 }, &holds(id, 1));
    w.restart();
    w.owner.live = None;
    is_asked(&mut w, (id, &leg(2), asha()), CallTurn::Held { turn: 1 }, 1);
    dialed(w.take_turn(id, &leg(2), asha(), CallTurn::Challenge { keyed: &keyed, attempt: 1 }));
    w.led_to([Led::Advanced(id, State::Dialing)]);
}

#[test]
fn after_a_withheld_dial_the_same_leg_is_not_asked_again() {
    let (mut w, id) = challenged();
    is_asked(&mut w, (id, &leg(2), asha()), CallTurn::Code, 1);
    let keyed = heard(id, &leg(2), 1);
    dialed(w.take_turn(id, &leg(2), asha(), CallTurn::Challenge { keyed: &keyed, attempt: 1 }));
    w.led();
    w.withhold(id, asha());
    w.led();
    w.put_through(id, &leg(2), asha());
}

#[test]
fn whose_session_it_is_not_hears_no_digits() {
    let (mut w, id) = challenged();
    is_asked(&mut w, (id, &leg(2), asha()), CallTurn::Code, 1);
    let keyed = heard(id, &leg(3), 1);
    for turn in [CallTurn::Code, CallTurn::Challenge { keyed: &keyed, attempt: 1 }] {
        for caller in [bela(), Caller::Withheld] {
            assert_eq!(w.take_turn(id, &leg(3), caller, turn), refuses());
            w.led_to_nothing();
        }
    }
}

#[test]
fn an_answer_to_nothing_is_a_call_like_any_other() {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    assert!(!w.view(id).challenge);
    dialed(w.take_turn(id, &leg(1), asha(), CallTurn::Challenge { keyed: "", attempt: 1 }));
    w.led_to([Led::Remembered(id), Led::Advanced(id, State::Dialing)]);
}

#[test]
fn what_follows_a_challenged_session_is_challenged() {
    let (mut w, id) = challenged();
    let keyed = heard(id, &leg(2), 1);
    is_asked(&mut w, (id, &leg(2), asha()), CallTurn::Code, 1);
    w.take_turn(id, &leg(2), asha(), CallTurn::Challenge { keyed: &keyed, attempt: 1 });
    w.led();
    w.notes(id, LegEvent::DialEnded(LegEnd::NoAnswer));
    w.ends(id, Outcome::NoAnswer);
    let follow_up = session_id(3);
    let answer = w.redial(id, 3, &leg(3), asha());
    assert_eq!((answer.session, answer.instruction), (follow_up, asks(follow_up, &leg(3), 1)));
    w.led_to([Led::Opened(follow_up), Led::Remembered(follow_up), Led::Advanced(follow_up, State::Waiting)]);
    assert!(w.view(follow_up).challenge);
}

#[test]
fn urgent_reasons_are_challenged_too() {
    let (mut w, _) = challenged();
    w.open(&request(3, Reason::Emergency));
    w.led_to([Led::Opened(session_id(3))]);
    is_asked(&mut w, (session_id(3), &leg(3), asha()), CallTurn::Code, 1);
}
