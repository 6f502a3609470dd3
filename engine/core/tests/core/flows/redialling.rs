//! A caller dials the number again, without a code.

use qnect_core::facts::Outcome;
use qnect_core::instruction::Announcement;
use qnect_core::language::Language;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::reason::Reason;
use qnect_core::session::{SessionSnapshot, State};
use qnect_core::tag::{CallTurn, OpenSession, Redialled};
use qnect_core::time::Span;

use crate::dsl::{
    Led, World, asha, asha_tomorrow, bela, code, dialed, holds, leg, refuses, request, session_id, token,
};

#[test]
fn a_session_that_still_waits_is_dialled() {
    let mut w = World::new();
    let id = w.bound(1);
    let answer = w.redial(id, 2, &leg(2), asha());
    assert_eq!((answer.session, dialed(answer.instruction).session), (id, id));
    w.led_to([Led::Advanced(id, State::Dialing)]);
    assert_eq!(w.remembered(id).scanner_leg, Some(leg(2)));
    assert_eq!(w.tag.view(session_id(2)), None);
}

#[test]
fn a_session_follows_one_whose_call_is_over() {
    use Outcome::{Busy, Cancelled, Completed, Failed, NoAnswer};
    for outcome in [Completed, NoAnswer, Busy, Cancelled, Failed] {
        let mut w = World::new();
        let first = w.called(1, outcome);
        let before = w.remembered(first);
        w.after(Span::from_secs(30));
        let follow_up = w.follows(first, 2);
        assert_eq!(w.remembered(first), before, "{outcome:?}");
        let expected = SessionSnapshot {
            id: follow_up,
            code: code(2),
            opened_at: w.now,
            scanner_leg: Some(leg(2)),
            dialed_at: Some(w.now),
            ..request_of(&before)
        };
        assert_eq!(w.remembered(follow_up), expected, "{outcome:?}");
        assert_eq!(w.owner.live.unwrap().0, follow_up);
    }
}

/// What a follow-up has in common with the session before: whom it reaches, why, for whom and until when.
fn request_of(before: &SessionSnapshot) -> SessionSnapshot {
    SessionSnapshot {
        idempotency: None,
        accepted_at: None,
        over_at: None,
        settling_since: None,
        facts: Default::default(),
        ended: None,
        records_due_at: None,
        ..before.clone()
    }
}

#[test]
fn a_follow_up_speaks_the_same_language_and_is_nobodys_repeated_request() {
    let mut w = World::new();
    let named = crate::dsl::named(1, Reason::Damage, 9, 9);
    w.open(&OpenSession { language: Language::Hindi, ..named.clone() });
    w.led_to([Led::Opened(named.id)]);
    w.put_through(named.id, &leg(1), asha());
    w.notes(named.id, LegEvent::DialEnded(LegEnd::NoAnswer));
    w.ends(named.id, Outcome::NoAnswer);
    let follow_up = w.follows(named.id, 2);
    let follow_up = w.remembered(follow_up);
    assert_eq!((follow_up.reason, follow_up.language), (Reason::Damage, Language::Hindi));
    assert_eq!(follow_up.idempotency, None);
}

#[test]
fn a_follow_up_can_be_followed_within_the_first_life() {
    let mut w = World::new();
    let first = w.called(1, Outcome::NoAnswer);
    w.after(Span::from_secs(200));
    let second = w.follows(first, 2);
    w.notes(second, LegEvent::DialEnded(LegEnd::Busy));
    w.ends(second, Outcome::Busy);
    let third = w.follows(second, 3);
    assert_eq!(w.view(third).expires_at, w.view(first).expires_at);
    w.notes(third, LegEvent::DialEnded(LegEnd::Busy));
    w.ends(third, Outcome::Busy);
    w.now = w.view(first).expires_at;
    w.not_followed(third, 4, asha(), Announcement::CodeRefused);
}

#[test]
fn a_repeated_webhook_gets_the_same_dial_and_opens_nothing() {
    let mut w = World::new();
    let first = w.called(1, Outcome::NoAnswer);
    let answer = w.redial(first, 2, &leg(2), asha());
    w.led();
    let owner = w.owner.clone();
    // The switchboard knows the follow-up by now; the first webhook's twin may have asked it before.
    for from in [first, session_id(2)] {
        assert_eq!(w.redial(from, 3, &leg(2), asha()), answer);
        w.led_to([Led::Advanced(session_id(2), State::Dialing)]);
        w.restart();
    }
    assert_eq!((w.owner.live, w.owner.rings), (owner.live, owner.rings), "charged once");
    assert_eq!(w.tag.view(session_id(3)), None);
}

#[test]
fn a_held_caller_who_is_asked_for_twice_waits_for_one_follow_up() {
    let mut w = World::new();
    let first = w.called(1, Outcome::Completed);
    w.owner.live = Some((session_id(200), w.now.plus(Span::from_secs(60))));
    let held = Redialled { session: session_id(2), instruction: holds(session_id(2), 1) };
    assert_eq!(w.redial(first, 2, &leg(2), asha()), held);
    let waits = Led::Advanced(session_id(2), State::Waiting);
    w.led_to([Led::Opened(session_id(2)), Led::Remembered(session_id(2)), waits.clone()]);
    for from in [first, session_id(2)] {
        assert_eq!(w.redial(from, 3, &leg(2), asha()), held);
        w.led_to([waits.clone()]);
    }
    w.owner.live = None;
    dialed(w.take_turn(session_id(2), &leg(2), asha(), CallTurn::Held { turn: 1 }));
    w.led_to([Led::Advanced(session_id(2), State::Dialing)]);
}

#[test]
fn midnight_makes_nobody_a_stranger() {
    // The code again, for a session that was bound before midnight.
    let mut w = World::new();
    w.after(Span::from_secs(86_400 - 60));
    let waits = w.bound(1);
    w.after(Span::from_secs(120));
    assert_eq!(w.redial(waits, 2, &leg(2), bela()).instruction, refuses());
    w.led_to_nothing();
    w.put_through(waits, &leg(2), asha_tomorrow());
    assert_eq!(w.remembered(waits).bound_to, Some(token(1)), "bound once");
    w.notes(waits, LegEvent::DialEnded(LegEnd::NoAnswer));
    w.ends(waits, Outcome::NoAnswer);
    // And a redial of what she was bound to before midnight.
    let answer = w.redial(waits, 3, &leg(3), asha_tomorrow());
    assert_eq!(dialed(answer.instruction).session, session_id(3));
    w.led_to([
        Led::Opened(session_id(3)),
        Led::Remembered(session_id(3)),
        Led::Advanced(session_id(3), State::Dialing),
    ]);
}

#[test]
fn after_a_restart_a_caller_may_still_dial_again() {
    let mut w = World::new();
    let first = w.called(1, Outcome::NoAnswer);
    w.restart();
    w.follows(first, 2);
    let mut w = World::new();
    let waits = w.bound(1);
    w.restart();
    dialed(w.redial(waits, 2, &leg(2), asha()).instruction);
    w.led_to([Led::Advanced(waits, State::Dialing)]);
}

#[test]
fn a_cancelled_session_may_be_followed_by_the_caller_it_was_bound_to() {
    let mut w = World::new();
    let id = w.bound(1);
    w.cancel(id);
    w.led_to([Led::ReleasedCode(id), Led::Advanced(id, State::Ended)]);
    w.not_followed(id, 2, bela(), Announcement::CodeRefused);
    w.follows(id, 3);
}

#[test]
fn the_session_that_was_dialled_last_goes_first() {
    let mut w = World::new();
    w.bound(1);
    w.open(&request(2, Reason::Emergency));
    w.led_to([Led::Opened(session_id(2))]);
    w.owner.live = Some((session_id(200), w.now.plus(Span::HOUR)));
    w.turned_away((session_id(2), &leg(2), asha()), CallTurn::Code, &holds(session_id(2), 1));
    w.owner.live = None;
    assert_eq!(w.redial(session_id(2), 3, &leg(3), asha()).session, session_id(2));
    w.led_to([Led::Advanced(session_id(2), State::Dialing)]);
}

#[test]
fn a_waiting_session_past_its_life_hides_no_other() {
    let mut w = World::new();
    let old = w.bound(1);
    w.after(Span::from_secs(300));
    let over = w.called(2, Outcome::NoAnswer);
    w.now = w.view(old).expires_at;
    w.follows(over, 3);
}

#[test]
fn a_leg_that_was_dialled_for_is_not_dialled_for_again() {
    let mut w = World::new();
    let first = w.called(1, Outcome::NoAnswer);
    let second = w.follows(first, 2);
    w.notes(second, LegEvent::DialEnded(LegEnd::NoAnswer));
    w.ends(second, Outcome::NoAnswer);
    for (from, line) in [(first, 2), (second, 2), (second, 1)] {
        assert_eq!(w.redial(from, 3, &leg(line), asha()).instruction, refuses());
        w.led_to_nothing();
    }
    let waits = w.bound(5);
    assert_eq!(w.redial(waits, 3, &leg(2), asha()).instruction, refuses());
    w.led_to_nothing();
    dialed(w.redial(waits, 3, &leg(4), asha()).instruction);
    w.led_to([Led::Advanced(waits, State::Dialing)]);
}
