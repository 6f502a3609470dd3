//! A scanner who does not want the call any more.

use qnect_core::facts::Outcome;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::provider_request::Operation;
use qnect_core::reason::Reason;
use qnect_core::session::{Cancelled, State};
use qnect_core::session_id::SessionId;
use qnect_core::tag::OpenDecision;
use qnect_core::time::Span;

use crate::dsl::{Led, World, asha, leg, named, request, session_id};

/// The session ends at once.
#[track_caller]
fn cancelled(w: &mut World, id: SessionId) {
    assert_eq!(w.cancel(id), Some(Cancelled::Now));
    w.led_to([Led::ReleasedCode(id), Led::Advanced(id, State::Ended)]);
    assert_eq!((w.view(id).outcome, w.remembered(id).records_due_at), (Some(Outcome::Cancelled), None));
}

/// The wish changes nothing.
#[track_caller]
fn too_late(w: &mut World, id: SessionId) {
    let before = w.remembered(id);
    assert_eq!(w.cancel(id), Some(Cancelled::TooLate));
    w.led_to_nothing();
    assert_eq!(w.remembered(id), before);
}

/// The provider is asked to hang up; what becomes of the call is for the provider to tell.
#[track_caller]
fn hung_up(w: &mut World, id: SessionId) {
    let (before, live) = (w.remembered(id), w.owner.live);
    assert_eq!(w.cancel(id), Some(Cancelled::HangUp));
    w.led_to([Led::Asked(id, Operation::HangUp, leg(1))]);
    assert_eq!((w.remembered(id), w.owner.live), (before, live));
}

#[test]
fn a_session_that_nobody_called_is_over_at_once() {
    let mut w = World::new();
    let fresh = w.waiting(1, Reason::Blocking);
    cancelled(&mut w, fresh);
    let bound = w.bound(2);
    cancelled(&mut w, bound);
    assert_eq!(w.tag.open_sessions(), 0);
}

#[test]
fn a_cancelled_session_takes_no_call_and_frees_its_code_once() {
    let mut w = World::new();
    let id = w.bound(1);
    cancelled(&mut w, id);
    w.refused(id, &leg(1), asha());
    too_late(&mut w, id);
    w.restart();
    too_late(&mut w, id);
    w.after(Span::from_secs(600));
    assert_eq!(w.clock(), []);
    w.led_to_nothing();
}

#[test]
fn a_call_under_way_is_hung_up_as_often_as_that_is_wished() {
    for accepted in [false, true] {
        let mut w = World::new();
        let id = w.dialing(1, Reason::Blocking);
        // The end of the scanner's call ends the owner's, so that one is not asked for, though its leg is known.
        w.told_with_leg(id, LegEvent::OwnerRang, leg(50));
        w.led();
        if accepted {
            w.lifts(id, LegEvent::OwnerAccepted, State::Connected);
        }
        hung_up(&mut w, id);
        w.restart();
        hung_up(&mut w, id);
        w.notes(id, LegEvent::ScannerLegEnded);
        w.ends(id, if accepted { Outcome::Completed } else { Outcome::Cancelled });
        too_late(&mut w, id);
    }
}

#[test]
fn a_hang_up_that_the_provider_does_not_do_ends_with_the_call() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    hung_up(&mut w, id);
    w.lifts(id, LegEvent::OwnerAccepted, State::Connected);
    w.notes(id, LegEvent::DialEnded(LegEnd::Completed));
    w.ends(id, Outcome::Completed);
}

#[test]
fn a_session_that_ended_or_is_unknown_cannot_be_cancelled() {
    let mut w = World::new();
    assert_eq!(w.cancel(session_id(9)), None);
    w.led_to_nothing();
    let expired = w.waiting(1, Reason::Blocking);
    w.ends(expired, Outcome::Expired);
    too_late(&mut w, expired);
    let called = w.called(2, Outcome::NoAnswer);
    too_late(&mut w, called);
}

#[test]
fn a_cancelled_session_leaves_the_owners_other_call_alone_and_makes_room() {
    let mut w = World::given(|p| p.tag_open_sessions_max = 2, |_| ());
    let called = w.dialing(1, Reason::Blocking);
    let waits = w.waiting(2, Reason::Blocking);
    assert!(matches!(w.open(&request(3, Reason::Blocking)), OpenDecision::Refused { .. }));
    cancelled(&mut w, waits);
    assert_eq!(w.owner.live.unwrap().0, called);
    w.waiting(4, Reason::Blocking);
}

#[test]
fn a_repeated_request_for_a_cancelled_session_shows_that_it_is_over() {
    let mut w = World::new();
    w.open(&named(1, Reason::Blocking, 9, 1));
    w.led();
    cancelled(&mut w, session_id(1));
    let again = w.open(&named(2, Reason::Blocking, 9, 1));
    w.led_to_nothing();
    assert_eq!(again, OpenDecision::Replayed(w.view(session_id(1))));
}
