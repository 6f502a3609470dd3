//! How a session ends, what is told of it, and when it is forgotten.

use qnect_core::facts::Outcome;
use qnect_core::instruction::Announcement;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::provider_request::Operation;
use qnect_core::reason::Reason;
use qnect_core::session::{Change, State, Stay};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{CallTurn, DialSettled, ENDED_SESSIONS_MAX, LegReaction, latest_end};
use qnect_core::time::Span;

use crate::dsl::{LATE, Led, START, World, asha, change, leg, named, says, session_id};

/// What the scanner is told after `event`, if still on the line.
fn parting(w: &mut World, id: SessionId, event: LegEvent) -> Announcement {
    let reaction = w.told(id, event);
    w.led();
    match reaction {
        LegReaction::Changed { parting, .. } => parting,
        LegReaction::UnknownSession => panic!("the session is unknown"),
    }
}

#[test]
fn the_outcome_is_published_five_seconds_after_the_last_news() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.notes(id, LegEvent::OwnerLegEnded(LegEnd::Failed));
    w.after(Span::from_millis(4_999));
    assert_eq!(w.clock(), []);
    w.led_to_nothing();
    w.notes(id, LegEvent::DialEnded(LegEnd::Busy));
    w.after(Span::from_secs(1));
    assert_eq!(change(w.told(id, LegEvent::DialEnded(LegEnd::Busy))), Change::Stay(Stay::Duplicate));
    w.led_to([Led::Advanced(id, State::Dialing)]);
    w.after(Span::from_millis(3_999));
    assert_eq!(w.clock(), []);
    w.led_to_nothing();
    assert_eq!(w.view(id).outcome, None);
    w.after(Span::from_millis(1));
    assert_eq!(w.tag.next_deadline(), Some(w.now));
    w.ends(id, Outcome::Busy);
}

#[test]
fn what_is_published_stands() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.notes(id, LegEvent::DialEnded(LegEnd::NoAnswer));
    w.ends(id, Outcome::NoAnswer);
    for event in LegEvent::all() {
        assert_eq!(change(w.told(id, event)), LATE);
        w.led_to_nothing();
    }
    w.restart();
    assert_eq!(w.view(id).outcome, Some(Outcome::NoAnswer));
}

#[test]
fn nobody_called() {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    w.after(Span::from_millis(599_999));
    assert_eq!(w.clock(), []);
    w.led_to_nothing();
    w.ends(id, Outcome::Expired);
    assert_eq!(w.now, START.plus(Span::from_secs(600)));
}

#[test]
fn a_caller_who_was_turned_away_and_never_came_back_lets_it_expire() {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    w.restart_without_prefixes();
    w.turned_away((id, &leg(1), asha()), CallTurn::Code, &says(Announcement::OwnerUnavailable));
    w.ends(id, Outcome::Expired);
}

#[test]
fn a_call_that_nobody_reports_the_end_of_is_closed_by_us() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.lifts(id, LegEvent::OwnerRang, State::Ringing);
    w.is_lost(id, Outcome::Failed);
    assert_eq!(w.now, START.plus(Span::from_secs(25 + 15 + 60 + 10)));
    assert_eq!(w.owner.live, None);
}

#[test]
fn a_talk_that_nobody_reports_the_end_of_is_closed_by_us() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.after(Span::from_secs(40));
    w.lifts(id, LegEvent::OwnerAccepted, State::Connected);
    assert_eq!(w.tag.next_deadline(), Some(latest_end(&w.policy, START)), "no call outlives its line");
    w.is_lost(id, Outcome::Completed);
    assert_eq!(w.now, START.plus(Span::from_secs(40 + 180 + 60 + 10)));
    assert_eq!(w.view(id).talk, None, "nobody knows how long");
}

#[test]
fn after_a_restart_the_provider_is_asked_again() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.is_asked_after(id);
    w.after(Span::from_secs(3)).restart();
    assert_eq!(w.clock(), []);
    w.led_to([Led::Asked(id, Operation::FetchCall, leg(1))]);
    w.ends_hung_up(id, Outcome::Failed);
    assert_eq!(w.now, START.plus(Span::from_secs(25 + 15 + 60 + 3 + 10)));
}

#[test]
fn a_second_dial_is_given_its_time_even_if_the_first_was_asked_after() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    // A machine that slept is told of the late commit after its clock.
    w.is_asked_after(id);
    assert_eq!(w.withhold(id, asha()), DialSettled::Withheld);
    w.led_to([Led::ForgotLeg(leg(1)), Led::Advanced(id, State::Waiting)]);
    w.put_through(id, &leg(2), asha());
    assert_eq!(w.tag.next_deadline(), Some(w.now.plus(Span::from_secs(25 + 15 + 60))));
    w.is_lost(id, Outcome::Failed);
}

#[test]
fn a_talk_that_is_told_of_while_the_provider_is_asked_goes_on() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.is_asked_after(id);
    w.after(Span::from_secs(9)).lifts(id, LegEvent::OwnerAccepted, State::Connected);
    assert_eq!(w.tag.next_deadline(), Some(w.now.plus(Span::from_secs(180 + 60))));
    // Being told once more gives no more time.
    w.is_asked_after(id);
    assert_eq!(change(w.told(id, LegEvent::OwnerAccepted)), Change::Stay(Stay::Duplicate));
    w.led_to([Led::Advanced(id, State::Connected)]);
    w.ends_hung_up(id, Outcome::Completed);
}

#[test]
fn the_talk_lasts_from_the_pressed_key_to_the_first_end() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.after(Span::from_secs(7)).lifts(id, LegEvent::OwnerAccepted, State::Connected);
    assert_eq!(w.view(id).talk, None);
    w.after(Span::from_secs(42)).notes(id, LegEvent::ScannerLegEnded);
    w.after(Span::from_secs(3)).notes(id, LegEvent::DialEnded(LegEnd::Completed));
    w.ends(id, Outcome::Completed);
    assert_eq!(w.view(id).talk, Some(Span::from_secs(42)));
}

#[test]
fn a_key_that_is_told_after_the_end_makes_a_talk_of_no_length() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.notes(id, LegEvent::DialEnded(LegEnd::Completed));
    w.after(Span::from_secs(1)).lifts(id, LegEvent::OwnerAccepted, State::Connected);
    w.ends(id, Outcome::Completed);
    assert_eq!(w.view(id).talk, Some(Span::ZERO));
}

#[test]
fn the_scanner_is_told_no_more_than_needed() {
    let end = LegEvent::DialEnded;
    for (before, event, told) in [
        (Some(LegEvent::OwnerAccepted), end(LegEnd::Completed), Announcement::Goodbye),
        (None, end(LegEnd::Busy), Announcement::OwnerBusy),
        (None, end(LegEnd::NoAnswer), Announcement::NoAnswer),
        (None, end(LegEnd::Completed), Announcement::NoAnswer),
        (None, end(LegEnd::Failed), Announcement::NoAnswer),
        // A refusal sounds like a telephone that nobody took up.
        (None, end(LegEnd::Rejected), Announcement::NoAnswer),
        (Some(LegEvent::OwnerRefused), end(LegEnd::Completed), Announcement::NoAnswer),
    ] {
        let mut w = World::new();
        let id = w.dialing(1, Reason::Blocking);
        if let Some(before) = before {
            parting(&mut w, id, before);
        }
        assert_eq!(parting(&mut w, id, event), told, "{before:?}, {event:?}");
    }
}

#[test]
fn an_event_of_an_unknown_session_is_a_value() {
    let mut w = World::new();
    assert_eq!(w.told(session_id(1), LegEvent::OwnerRang), LegReaction::UnknownSession);
    w.led_to_nothing();
}

#[test]
fn the_clock_ends_all_that_is_due_at_once() {
    let mut w = World::new();
    let first = w.waiting(1, Reason::Blocking);
    let second = w.dialing(2, Reason::Other);
    w.after(Span::HOUR);
    assert_eq!(w.clock(), [Outcome::Expired]);
    w.led_to([
        Led::ReleasedCode(first),
        Led::Ended(first, Outcome::Expired),
        Led::Asked(second, Operation::FetchCall, leg(2)),
    ]);
    w.after(Span::HOUR);
    assert_eq!(w.clock(), [Outcome::Failed]);
    w.led_to([
        Led::Asked(second, Operation::HangUp, leg(2)),
        Led::ReleasedCode(second),
        Led::ForgotLeg(leg(2)),
        Led::Ended(second, Outcome::Failed),
    ]);
    assert_eq!(w.tag.open_sessions(), 0);
}

#[test]
fn an_ended_session_is_forgotten_a_day_later() {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    w.ends(id, Outcome::Expired);
    let forgotten = w.now.plus(Span::DAY);
    assert_eq!(w.tag.next_deadline(), Some(forgotten));
    w.after(Span::from_millis(Span::DAY.as_millis() - 1));
    assert_eq!(w.clock(), []);
    w.led_to_nothing();
    assert_eq!(w.view(id).outcome, Some(Outcome::Expired));
    w.now = forgotten;
    assert_eq!(w.clock(), []);
    w.led_to_nothing();
    assert_eq!(w.tag.view(id), None);
    assert_eq!(w.tag.next_deadline(), None);
    assert_eq!(w.told(id, LegEvent::OwnerRang), LegReaction::UnknownSession);
    w.led_to_nothing();
}

#[test]
fn a_forgotten_request_may_use_its_name_again() {
    let mut w = World::new();
    w.open(&named(1, Reason::Blocking, 9, 1));
    w.led_to([Led::Opened(session_id(1))]);
    w.ends(session_id(1), Outcome::Expired);
    w.after(Span::DAY);
    w.open(&named(2, Reason::Other, 9, 2));
    w.led_to([Led::Opened(session_id(2))]);
}

#[test]
fn a_tag_remembers_the_last_ended_sessions_and_no_more() {
    let mut w = World::given(
        |p| {
            p.tag_open_sessions_max = 0;
            p.address_sessions = None;
        },
        |_| (),
    );
    let surplus = 10;
    for n in 0..u8::try_from(ENDED_SESSIONS_MAX).unwrap() + surplus {
        let id = w.waiting(n, Reason::Blocking);
        w.ends(id, Outcome::Expired);
    }
    let open = w.waiting(200, Reason::Blocking);
    assert_eq!(w.tag.snapshot().len(), ENDED_SESSIONS_MAX + 1);
    assert!((0..surplus).all(|n| w.tag.view(session_id(n)).is_none()), "the oldest go first");
    assert!(w.tag.view(session_id(surplus)).is_some());
    assert_eq!(w.state(open), State::Waiting);
}

#[test]
fn open_sessions_are_never_forgotten() {
    let mut w = World::given(
        |p| {
            p.tag_open_sessions_max = 0;
            p.address_sessions = None;
        },
        |_| (),
    );
    for n in 0..200 {
        w.elsewhere().waiting(n, Reason::Blocking);
    }
    w.restart();
    assert_eq!(w.tag.open_sessions(), 200);
}

#[test]
fn a_code_is_released_exactly_once() {
    let mut w = World::new();
    let expired = w.waiting(1, Reason::Blocking);
    let called = w.dialing(2, Reason::Blocking);
    w.withhold(called, asha());
    w.led_to([Led::ForgotLeg(leg(2)), Led::Advanced(called, State::Waiting)]);
    w.put_through(called, &leg(3), asha());
    let mut released = Vec::new();
    // Far beyond the day after which they are forgotten, with late news, repeated clocks and restarts between.
    for _ in 0..400 {
        w.after(Span::from_secs(300));
        for event in LegEvent::all() {
            w.told(called, event);
            released.extend(w.led());
        }
        w.clock();
        released.extend(w.led());
        w.clock();
        released.extend(w.led());
        w.restart();
    }
    released.retain(|led| matches!(led, Led::ReleasedCode(_)));
    assert_eq!(released, [Led::ReleasedCode(expired), Led::ReleasedCode(called)]);
    assert_eq!(w.tag.snapshot(), []);
}
