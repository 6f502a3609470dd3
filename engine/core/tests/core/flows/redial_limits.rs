//! Who may not dial again, and when.

use qnect_core::caller::Caller;
use qnect_core::facts::Outcome;
use qnect_core::instruction::{Announcement, Instruction};
use qnect_core::language::Languages;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::preferences::Pause;
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::session::State;
use qnect_core::tag::{Redialled, TagStatus};

use crate::dsl::{Led, World, asha, bela, leg, per_hour, refuses, says, session_id};

#[test]
fn an_owner_who_declined_or_comes_is_not_rung_again() {
    for (key, ended) in [
        (None, LegEnd::Rejected),
        (None, LegEnd::HungUp),
        (Some(LegEvent::OwnerRefused), LegEnd::Completed),
        (Some(LegEvent::OwnerComing), LegEnd::Completed),
    ] {
        let mut w = World::new();
        let id = w.dialing(1, Reason::Blocking);
        if let Some(key) = key {
            w.lifts(id, key, State::Ringing);
        }
        w.notes(id, LegEvent::OwnerLegEnded(ended));
        w.ends(id, Outcome::Declined);
        w.not_followed(id, 2, asha(), Announcement::CodeRefused);
    }
}

#[test]
fn an_expired_session_cannot_be_dialled_again() {
    let mut w = World::new();
    let id = w.bound(1);
    w.now = w.view(id).expires_at;
    // Before the clock was told, and after.
    assert_eq!(w.redial(id, 2, &leg(2), asha()).instruction, refuses());
    w.led_to_nothing();
    w.ends(id, Outcome::Expired);
    w.not_followed(id, 2, asha(), Announcement::CodeRefused);
}

#[test]
fn past_its_life_a_session_cannot_be_followed() {
    let mut w = World::new();
    let id = w.called(1, Outcome::NoAnswer);
    w.now = w.view(id).expires_at;
    w.not_followed(id, 2, asha(), Announcement::CodeRefused);
}

#[test]
fn nobody_else_can_dial_again() {
    for caller in [bela(), Caller::Withheld] {
        let mut w = World::new();
        let over = w.called(1, Outcome::NoAnswer);
        w.not_followed(over, 2, caller, Announcement::CodeRefused);
        let waits = w.bound(3);
        w.not_followed(waits, 4, caller, Announcement::CodeRefused);
    }
}

#[test]
fn a_session_that_nobody_is_bound_to_cannot_be_dialled_again() {
    let mut w = World::new();
    let fresh = w.waiting(1, Reason::Blocking);
    w.not_followed(fresh, 2, asha(), Announcement::CodeRefused);
    w.put_through(fresh, &leg(1), Caller::Withheld);
    w.notes(fresh, LegEvent::DialEnded(LegEnd::NoAnswer));
    w.ends(fresh, Outcome::NoAnswer);
    w.not_followed(fresh, 3, Caller::Withheld, Announcement::CodeRefused);
}

#[test]
fn an_unknown_session_cannot_be_dialled_again() {
    World::new().not_followed(session_id(1), 2, asha(), Announcement::CodeRefused);
}

#[test]
fn a_call_that_is_on_or_just_over_is_not_doubled() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.not_followed(id, 2, asha(), Announcement::CodeRefused);
    w.lifts(id, LegEvent::OwnerAccepted, State::Connected);
    w.not_followed(id, 2, asha(), Announcement::CodeRefused);
    w.notes(id, LegEvent::DialEnded(LegEnd::Completed));
    w.not_followed(id, 2, asha(), Announcement::CodeRefused);
}

#[test]
fn without_a_free_line_nothing_follows() {
    let mut w = World::new();
    let first = w.called(1, Outcome::NoAnswer);
    let answer = w.redial_without_line(first, 2, &leg(2), asha());
    assert_eq!(
        answer,
        Redialled {
            session: first,
            instruction: Instruction::Say { announcement: Announcement::TryAgain, languages: Languages::Every }
        }
    );
    w.led_to_nothing();
    w.follows(first, 3);
}

#[test]
fn an_owner_who_cannot_be_rung_any_more_is_not() {
    let gone: [fn(&mut World); 2] = [
        |w| w.reconfigured(|c| c.owner = None),
        |w| {
            w.reconfigured(|c| {
                let preferences = &mut c.owner.as_mut().unwrap().preferences;
                preferences.pause = Pause::Indefinite;
                preferences.night_reasons = ReasonSet::default();
            });
        },
    ];
    for gone in gone {
        let mut w = World::new();
        let first = w.called(1, Outcome::NoAnswer);
        gone(&mut w);
        w.not_followed(first, 2, asha(), Announcement::OwnerUnavailable);
    }
}

#[test]
fn a_follow_up_pays_for_its_ring_like_any_other() {
    let mut w = World::given(|p| p.tag_rings = per_hour(1), |_| ());
    let first = w.called(1, Outcome::NoAnswer);
    w.not_followed(first, 2, asha(), Announcement::OwnerUnavailable);

    let mut w = World::given(|p| p.caller_rings = per_hour(2), |_| ());
    let first = w.called(1, Outcome::NoAnswer);
    let second = w.follows(first, 2);
    w.notes(second, LegEvent::DialEnded(LegEnd::NoAnswer));
    w.ends(second, Outcome::NoAnswer);
    // The tag would ring, the caller has no more: what was opened waits.
    let answer = w.redial(second, 3, &leg(3), asha());
    assert_eq!(answer, Redialled { session: session_id(3), instruction: says(Announcement::OwnerUnavailable) });
    w.led_to([
        Led::Opened(session_id(3)),
        Led::Remembered(session_id(3)),
        Led::Advanced(session_id(3), State::Waiting),
    ]);
    assert_eq!(w.owner.live, None);
}

#[test]
fn without_yesterdays_key_a_caller_is_a_stranger_after_midnight() {
    let mut w = World::new();
    let over = w.called(1, Outcome::NoAnswer);
    w.not_followed(over, 2, crate::dsl::known(101), Announcement::CodeRefused);
}

#[test]
fn a_call_that_was_reported_as_abuse_is_not_repeated() {
    let mut w = World::new();
    let id = w.called(1, Outcome::Completed);
    w.reported(id);
    w.not_followed(id, 2, asha(), Announcement::CodeRefused);
}

#[test]
fn a_tag_has_no_more_open_sessions_by_redials() {
    let mut w = World::given(|p| p.tag_open_sessions_max = 2, |_| ());
    let over = w.called(1, Outcome::NoAnswer);
    w.waiting_from(1, 2, Reason::Blocking);
    let other = w.waiting_from(2, 3, Reason::Blocking);
    w.not_followed(over, 4, asha(), Announcement::OwnerUnavailable);
    w.cancel(other);
    w.led();
    w.follows(over, 5);
}

#[test]
fn a_tag_that_was_switched_off_opens_nothing() {
    for status in [TagStatus::Suspended, TagStatus::Retired] {
        let mut w = World::new();
        let over = w.called(1, Outcome::NoAnswer);
        w.reconfigured(|c| c.status = status);
        w.not_followed(over, 2, asha(), Announcement::OwnerUnavailable);
    }
}
