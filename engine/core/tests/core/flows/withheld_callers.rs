//! Callers without a number: nobody to bind a session to, and one budget for all of them.

use qnect_core::caller::Caller::Withheld;
use qnect_core::instruction::Announcement;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::reason::Reason;
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{CallTurn, DialSettled};
use qnect_core::time::Span;

use crate::dsl::{Led, World, asha, dialed, leg, per_hour, says};

/// A caller without a number rings the owner, who does not take the call.
fn rings(w: &mut World, n: u8, reason: Reason) -> SessionId {
    let id = w.elsewhere().waiting(n, reason);
    w.put_through(id, &leg(n), Withheld);
    w.notes(id, LegEvent::DialEnded(LegEnd::NoAnswer));
    id
}

#[track_caller]
fn turned_away(w: &mut World, n: u8, reason: Reason) -> SessionId {
    let id = w.elsewhere().waiting(n, reason);
    w.turned_away((id, &leg(n), Withheld), CallTurn::Code, &says(Announcement::OwnerUnavailable));
    id
}

#[test]
fn all_of_them_share_two_rings_an_hour_of_a_tag() {
    let mut w = World::new();
    rings(&mut w, 1, Reason::Blocking);
    rings(&mut w, 2, Reason::Emergency);
    let waits = turned_away(&mut w, 3, Reason::Blocking);
    turned_away(&mut w, 4, Reason::Towing);
    // Whoever shows a number is rung for, with the very code that led nowhere.
    w.put_through(waits, &leg(5), asha());
    w.notes(waits, LegEvent::DialEnded(LegEnd::NoAnswer));
    w.after(Span::from_secs(1_799));
    turned_away(&mut w, 6, Reason::Blocking);
    w.after(Span::from_secs(1));
    rings(&mut w, 7, Reason::Blocking);
    turned_away(&mut w, 8, Reason::Blocking);
}

#[test]
fn those_who_show_a_number_pay_nothing_of_it() {
    let mut w = World::new();
    for n in 1..=3 {
        let id = w.dialing(n, Reason::Blocking);
        w.notes(id, LegEvent::DialEnded(LegEnd::NoAnswer));
    }
    rings(&mut w, 4, Reason::Blocking);
    rings(&mut w, 5, Reason::Blocking);
    turned_away(&mut w, 6, Reason::Blocking);
}

#[test]
fn a_refusal_by_their_budget_charges_nobody() {
    let mut w = World::given(|p| (p.withheld_rings, p.tag_rings) = (per_hour(1), per_hour(2)), |_| ());
    rings(&mut w, 1, Reason::Blocking);
    turned_away(&mut w, 2, Reason::Blocking);
    // The tag has its second ring still.
    w.dialing(3, Reason::Blocking);
}

#[test]
fn a_dial_that_was_withheld_gives_their_ring_back() {
    let mut w = World::given(|p| p.withheld_rings = per_hour(1), |_| ());
    let id = w.waiting(1, Reason::Blocking);
    w.put_through(id, &leg(1), Withheld);
    assert_eq!(w.withhold(id, Withheld), DialSettled::Withheld);
    w.led_to([Led::ForgotLeg(leg(1)), Led::Advanced(id, State::Waiting)]);
    rings(&mut w, 2, Reason::Blocking);
    turned_away(&mut w, 3, Reason::Blocking);
}

#[test]
fn a_caller_with_a_number_who_takes_over_a_withheld_dial_pays_instead() {
    let mut w = World::given(|p| p.withheld_rings = per_hour(1), |_| ());
    let id = w.waiting(1, Reason::Blocking);
    w.put_through(id, &leg(1), Withheld);
    w.withhold(id, Withheld);
    w.led();
    w.put_through(id, &leg(2), asha());
    w.withhold(id, asha());
    w.led();
    rings(&mut w, 2, Reason::Blocking);
    turned_away(&mut w, 3, Reason::Blocking);
}

#[test]
fn a_restart_rebuilds_their_budget() {
    let mut w = World::new();
    rings(&mut w, 1, Reason::Blocking);
    rings(&mut w, 2, Reason::Blocking);
    w.restart();
    turned_away(&mut w, 3, Reason::Blocking);
    w.after(Span::from_secs(6 * 3_600));
    rings(&mut w, 4, Reason::Blocking);
    rings(&mut w, 5, Reason::Blocking);
    w.restart();
    turned_away(&mut w, 6, Reason::Blocking);
}

#[test]
fn without_a_limit_they_may_ring_on() {
    let mut w = World::given(
        |p| {
            (p.withheld_rings, p.tag_rings, p.owner_rings) = (None, None, None);
            p.tag_open_sessions_max = 0;
        },
        |_| (),
    );
    for n in 1..100 {
        rings(&mut w, n, Reason::Blocking);
    }
}

#[test]
fn a_bound_session_refuses_them() {
    let mut w = World::new();
    let id = w.bound(1);
    w.refused(id, &leg(2), Withheld);
    w.refused(id, &leg(1), Withheld);
    w.put_through(id, &leg(3), asha());
}

#[test]
fn a_number_that_is_missing_in_a_repeated_webhook_gets_the_same_dial() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    dialed(w.call(id, &leg(1), Withheld));
    w.led_to([Led::Advanced(id, State::Dialing)]);
    assert!(w.remembered(id).bound_to.is_some());
    w.refused(id, &leg(2), Withheld);
}

#[test]
fn a_session_that_none_of_them_is_bound_to_is_open_to_the_next_until_it_is_dialled() {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    w.put_through(id, &leg(1), Withheld);
    w.refused(id, &leg(2), Withheld);
    w.refused(id, &leg(2), asha());
    w.withhold(id, Withheld);
    w.led();
    w.put_through(id, &leg(2), Withheld);
}
