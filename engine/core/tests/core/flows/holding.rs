//! An owner who is engaged is waited for, in turns of ten seconds.

use qnect_core::caller::Caller;
use qnect_core::facts::Outcome;
use qnect_core::instruction::{Announcement, HOLD_TURN, HOLD_TURNS_MAX};
use qnect_core::leg::LegId;
use qnect_core::preferences::Pause;
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::session::{Cancelled, State};
use qnect_core::session_id::SessionId;
use qnect_core::tag::CallTurn;
use qnect_core::time::Span;

use crate::dsl::{Led, World, asha, dialed, holds, leg, refuses, says, session_id};

/// A session whose caller is held on leg 1 for the first time, while another tag's caller talks to the owner.
fn held(caller: Caller) -> (World, SessionId) {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    w.owner.live = Some((session_id(200), w.now.plus(Span::HOUR)));
    w.turned_away((id, &leg(1), caller), CallTurn::Code, &holds(id, 1));
    (w, id)
}

/// A turn is over, and the owner is free: the caller is put through.
#[track_caller]
fn put_through(w: &mut World, id: SessionId, leg: &LegId, caller: Caller, turn: u8) {
    dialed(w.take_turn(id, leg, caller, CallTurn::Held { turn }));
    w.led_to([Led::Advanced(id, State::Dialing)]);
    assert_eq!(w.remembered(id).scanner_leg.as_ref(), Some(leg));
    assert_eq!(w.owner.live.unwrap().0, id);
}

#[test]
fn a_caller_is_held_for_a_minute_in_all() {
    assert_eq!(HOLD_TURN.as_millis() * u64::from(HOLD_TURNS_MAX), 60_000);
    let (mut w, id) = held(asha());
    for turn in 1..6 {
        w.after(HOLD_TURN).turned_away((id, &leg(1), asha()), CallTurn::Held { turn }, &holds(id, turn + 1));
    }
    let busy = says(Announcement::OwnerBusy);
    w.after(HOLD_TURN).turned_away((id, &leg(1), asha()), CallTurn::Held { turn: 6 }, &busy);
    w.turned_away((id, &leg(1), asha()), CallTurn::Held { turn: u8::MAX }, &busy);
    assert!(w.callers.values().all(|c| c.rings.is_idle(w.now)), "nobody pays for waiting");
    // The code leads to the owner still, and the next call is held from the first turn on.
    w.turned_away((id, &leg(2), asha()), CallTurn::Code, &holds(id, 1));
}

#[test]
fn an_owner_who_is_free_meanwhile_is_rung() {
    for turn in 1..=6 {
        let (mut w, id) = held(asha());
        w.owner.live = None;
        put_through(&mut w, id, &leg(1), asha(), turn);
    }
}

#[test]
fn an_owner_whose_line_ran_out_is_free() {
    let (mut w, id) = held(asha());
    w.owner.live = Some((session_id(200), w.now.plus(Span::from_millis(1))));
    w.turned_away((id, &leg(1), asha()), CallTurn::Held { turn: 1 }, &holds(id, 2));
    w.after(Span::from_millis(1));
    put_through(&mut w, id, &leg(1), asha(), 2);
}

#[test]
fn a_caller_without_a_number_is_held_and_put_through_like_any_other() {
    let (mut w, id) = held(Caller::Withheld);
    w.turned_away((id, &leg(1), Caller::Withheld), CallTurn::Held { turn: 1 }, &holds(id, 2));
    assert_eq!(w.remembered(id).bound_to, None);
    w.owner.live = None;
    put_through(&mut w, id, &leg(1), Caller::Withheld, 2);
}

#[test]
fn a_repeated_webhook_is_held_for_the_same_turn_or_gets_the_same_dial() {
    let (mut w, id) = held(asha());
    for _ in 0..3 {
        w.turned_away((id, &leg(1), asha()), CallTurn::Held { turn: 1 }, &holds(id, 2));
    }
    w.owner.live = None;
    put_through(&mut w, id, &leg(1), asha(), 2);
    let charged = w.owner.rings;
    dialed(w.take_turn(id, &leg(1), asha(), CallTurn::Held { turn: 2 }));
    w.led_to([Led::Advanced(id, State::Dialing)]);
    assert_eq!(w.owner.rings, charged, "charged once");
}

#[test]
fn a_session_that_is_over_meanwhile_is_over_for_the_held_caller_too() {
    let (mut w, id) = held(asha());
    w.now = w.view(id).expires_at;
    assert_eq!(w.take_turn(id, &leg(1), asha(), CallTurn::Held { turn: 1 }), refuses());
    w.led_to_nothing();
    w.ends(id, Outcome::Expired);
    assert_eq!(w.take_turn(id, &leg(1), asha(), CallTurn::Held { turn: 2 }), refuses());
    w.led_to_nothing();

    let (mut w, id) = held(asha());
    assert_eq!(w.cancel(id), Some(Cancelled::Now));
    w.led();
    w.owner.live = None;
    assert_eq!(w.take_turn(id, &leg(1), asha(), CallTurn::Held { turn: 1 }), refuses());
    w.led_to_nothing();
}

#[test]
fn a_held_caller_whose_owner_pauses_is_told_so() {
    let (mut w, id) = held(asha());
    w.reconfigured(|c| {
        let preferences = &mut c.owner.as_mut().unwrap().preferences;
        (preferences.pause, preferences.night_reasons) = (Pause::Indefinite, ReasonSet::default());
    });
    w.owner.live = None;
    let unavailable = says(Announcement::OwnerUnavailable);
    w.turned_away((id, &leg(1), asha()), CallTurn::Held { turn: 1 }, &unavailable);
}

#[test]
fn two_who_wait_for_one_owner_are_put_through_one_after_the_other() {
    let (mut w, first) = held(asha());
    let second = w.waiting(2, Reason::Other);
    w.turned_away((second, &leg(2), Caller::Withheld), CallTurn::Code, &holds(second, 1));
    w.owner.live = None;
    put_through(&mut w, second, &leg(2), Caller::Withheld, 1);
    w.turned_away((first, &leg(1), asha()), CallTurn::Held { turn: 1 }, &holds(first, 2));
}
