//! An owner who reports a call as abuse.

use qnect_core::facts::Outcome;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::limiter::Quota;
use qnect_core::policy::ENDED_SESSION_KEPT;
use qnect_core::reason::Reason;
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::tag::DialSettled;
use qnect_core::time::{Span, Timestamp};

use crate::dsl::{World, asha, bela, leg, session_id};

/// The report is noted, here and of the caller, and recorded, and changes nothing else.
#[track_caller]
fn reported(w: &mut World, id: SessionId) {
    let mut before = w.remembered(id);
    w.reported(id);
    before.reported_at = Some(w.now);
    assert_eq!(w.remembered(id), before);
}

#[track_caller]
fn nothing_to_report(w: &mut World, id: SessionId) {
    let before = w.tag.snapshot();
    assert!(!w.report(id));
    w.led_to_nothing();
    assert_eq!(w.tag.snapshot(), before);
}

#[test]
fn a_call_is_reported_once() {
    let mut w = World::new();
    let id = w.called(1, Outcome::Completed);
    w.after(Span::from_secs(60));
    reported(&mut w, id);
    w.after(Span::from_secs(60));
    nothing_to_report(&mut w, id);
    w.restart();
    nothing_to_report(&mut w, id);
    assert_eq!(w.view(id).outcome, Some(Outcome::Completed), "what is published stands");
}

#[test]
fn a_call_that_is_on_can_be_reported_too() {
    for (event, state) in [(LegEvent::OwnerRang, State::Ringing), (LegEvent::OwnerAccepted, State::Connected)] {
        let mut w = World::new();
        let id = w.dialing(1, Reason::Blocking);
        w.lifts(id, event, state);
        reported(&mut w, id);
        nothing_to_report(&mut w, id);
    }
}

#[test]
fn only_what_rang_can_be_reported() {
    let mut w = World::new();
    nothing_to_report(&mut w, session_id(9));
    let fresh = w.waiting(1, Reason::Blocking);
    nothing_to_report(&mut w, fresh);
    w.ends(fresh, Outcome::Expired);
    nothing_to_report(&mut w, fresh);
    let bound = w.bound(2);
    nothing_to_report(&mut w, bound);
    let withheld = w.dialing(3, Reason::Blocking);
    w.withhold(withheld, asha());
    w.led();
    nothing_to_report(&mut w, withheld);
}

#[test]
fn a_report_is_about_the_call_that_rang_last() {
    let mut w = World::new();
    assert_eq!(w.owner.last_rung(w.now), None);
    let first = w.dialing(1, Reason::Blocking);
    assert_eq!(w.owner.last_rung(w.now), None, "the instruction is not sent yet");
    assert_eq!(w.settle(first, &leg(1), asha(), true), DialSettled::Rings);
    assert_eq!(w.owner.last_rung(w.now), Some(first));
    w.notes(first, LegEvent::DialEnded(LegEnd::NoAnswer));
    w.ends(first, Outcome::NoAnswer);
    assert_eq!(w.owner.last_rung(w.now), Some(first));
    // A dial that was withheld rang nobody, and hides nothing.
    let second = w.dialing(2, Reason::Blocking);
    assert_eq!(w.settle(second, &leg(2), asha(), false), DialSettled::Withheld);
    w.led();
    assert_eq!(w.owner.last_rung(w.now), Some(first));
    w.put_through(second, &leg(2), asha());
    assert_eq!(w.settle(second, &leg(2), asha(), true), DialSettled::Rings);
    assert_eq!(w.owner.last_rung(w.now), Some(second));
}

#[test]
fn a_late_answer_to_a_call_that_is_over_is_not_the_last_ring() {
    let mut w = World::new();
    let first = w.dialing(1, Reason::Blocking);
    w.settle(first, &leg(1), asha(), true);
    w.notes(first, LegEvent::DialEnded(LegEnd::NoAnswer));
    let second = w.waiting(2, Reason::Blocking);
    w.put_through(second, &leg(2), bela());
    w.settle(second, &leg(2), bela(), true);
    assert_eq!(w.settle(first, &leg(1), asha(), true), DialSettled::Rings);
    assert_eq!(w.owner.last_rung(w.now), Some(second));
}

#[test]
fn the_last_ring_is_known_for_a_day_whatever_the_budget() {
    for rings in [None, Quota::new(30, Span::DAY)] {
        let mut w = World::given(|p| p.owner_rings = rings, |_| ());
        let id = w.dialing(1, Reason::Blocking);
        w.settle(id, &leg(1), asha(), true);
        let dialed_at = w.now;
        w.notes(id, LegEvent::DialEnded(LegEnd::NoAnswer));
        let last = dialed_at.plus(ENDED_SESSION_KEPT);
        for (now, known) in [(dialed_at, true), (Timestamp::from_millis(last.as_millis() - 1), true), (last, false)] {
            assert_eq!(w.owner.last_rung(now), known.then_some(id), "{rings:?} {now:?}");
            assert_eq!(w.owner.is_idle(now), !known, "{rings:?} {now:?}");
        }
    }
}
