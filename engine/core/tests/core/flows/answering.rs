//! What an owner keys after the whisper, and the owner's leg as the provider names it.

use qnect_core::facts::Outcome;
use qnect_core::instruction::{Announcement, MenuChoice, OwnerKey};
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::reason::Reason;
use qnect_core::session::{Change, State, Stay};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{DialSettled, LegReaction};

use crate::dsl::{Led, World, asha, change, leg};

/// What the scanner hears when the dial is over.
#[track_caller]
fn parting(w: &mut World, id: SessionId) -> Announcement {
    let reaction = w.told(id, LegEvent::DialEnded(LegEnd::Completed));
    w.led_to([Led::Advanced(id, w.state(id))]);
    let LegReaction::Changed { parting, .. } = reaction else { panic!("the session is known") };
    parting
}

#[test]
fn one_key_each() {
    let keys = ["", "0", "1", "2", "3", "4", "11", "#"].map(OwnerKey::of);
    let [accept, coming, cannot] = [OwnerKey::Accept, OwnerKey::Coming, OwnerKey::CannotCome].map(Some);
    assert_eq!(keys, [None, None, accept, coming, cannot, None, None, None]);
    let choices = ["", "0", "3", "12", "99"].map(MenuChoice::of);
    assert_eq!(choices, [None; 5]);
    let choices = ["1", "2", "9"].map(MenuChoice::of);
    assert_eq!(choices, [MenuChoice::Mute, MenuChoice::ReportAbuse, MenuChoice::BlockCaller].map(Some));
}

#[test]
fn an_owner_who_comes_declines_the_talk_and_the_scanner_hears_it() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    assert!(!w.view(id).coming);
    w.lifts(id, LegEvent::OwnerComing, State::Ringing);
    assert!(w.view(id).coming, "before the call is over");
    assert_eq!(w.view(id).outcome, None);
    assert_eq!(parting(&mut w, id), Announcement::OwnerComing);
    w.ends(id, Outcome::Declined);
    assert!(w.view(id).coming);
    w.restart();
    assert!(w.view(id).coming);
    assert_eq!(w.view(id).talk, None);
}

#[test]
fn an_owner_who_cannot_come_declines_and_sounds_like_nobody() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.lifts(id, LegEvent::OwnerRefused, State::Ringing);
    assert_eq!(parting(&mut w, id), Announcement::NoAnswer);
    w.ends(id, Outcome::Declined);
    assert!(!w.view(id).coming);
}

#[test]
fn whatever_the_order_of_the_keys_one_outcome_follows() {
    use LegEvent::{OwnerAccepted, OwnerComing, OwnerRefused};
    for (keys, outcome) in [
        // Who talked has talked, whatever else was keyed.
        ([OwnerAccepted, OwnerComing], Outcome::Completed),
        ([OwnerComing, OwnerAccepted], Outcome::Completed),
        // Who refused has refused.
        ([OwnerRefused, OwnerAccepted], Outcome::Declined),
        ([OwnerAccepted, OwnerRefused], Outcome::Declined),
        ([OwnerRefused, OwnerComing], Outcome::Declined),
        ([OwnerComing, OwnerRefused], Outcome::Declined),
    ] {
        let mut w = World::new();
        let id = w.dialing(1, Reason::Blocking);
        for key in keys {
            w.told(id, key);
            w.led_to([Led::Advanced(id, w.state(id))]);
        }
        w.notes(id, LegEvent::DialEnded(LegEnd::Completed));
        w.ends(id, outcome);
    }
}

#[test]
fn the_owners_leg_is_learnt_once_and_remembered() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    assert_eq!(change(w.told_with_leg(id, LegEvent::OwnerRang, leg(50))), Change::Moved);
    w.led_to([Led::Advanced(id, State::Ringing)]);
    assert_eq!(change(w.told_with_leg(id, LegEvent::OwnerAnswered, leg(51))), Change::Noted);
    w.led_to([Led::Advanced(id, State::Ringing)]);
    assert_eq!(change(w.told_with_leg(id, LegEvent::OwnerAnswered, leg(52))), Change::Stay(Stay::Duplicate));
    w.led_to([Led::Advanced(id, State::Ringing)]);
    assert_eq!(w.remembered(id).owner_leg, Some(leg(50)));
    w.restart();
    w.told_with_leg(id, LegEvent::OwnerRang, leg(53));
    w.led_to([Led::Advanced(id, State::Ringing)]);
    assert_eq!(w.remembered(id).owner_leg, Some(leg(50)));
}

#[test]
fn a_repeated_event_that_names_the_owners_leg_tells_something_new() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.lifts(id, LegEvent::OwnerRang, State::Ringing);
    assert_eq!(change(w.told_with_leg(id, LegEvent::OwnerRang, leg(50))), Change::Noted);
    w.led_to([Led::Advanced(id, State::Ringing)]);
    assert_eq!(w.remembered(id).owner_leg, Some(leg(50)));
}

#[test]
fn before_a_dial_and_after_the_end_no_leg_is_learnt() {
    let mut w = World::new();
    let waits = w.bound(1);
    let not_dialed = Change::Stay(Stay::NotDialed);
    assert_eq!(change(w.told_with_leg(waits, LegEvent::OwnerRang, leg(50))), not_dialed);
    w.led_to_nothing();
    assert_eq!(w.remembered(waits).owner_leg, None);
    let over = w.called(2, Outcome::NoAnswer);
    assert_eq!(change(w.told_with_leg(over, LegEvent::OwnerRang, leg(51))), Change::Stay(Stay::Late));
    w.led_to_nothing();
    assert_eq!(w.remembered(over).owner_leg, None);
}

#[test]
fn the_owners_leg_of_a_withheld_dial_is_forgotten() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.told_with_leg(id, LegEvent::ScannerLegEnded, leg(50));
    w.led_to([Led::Advanced(id, State::Dialing)]);
    assert_eq!(w.remembered(id).owner_leg, Some(leg(50)));
    assert_eq!(w.withhold(id, asha()), DialSettled::Withheld);
    w.led_to([Led::ForgotLeg(leg(1)), Led::Advanced(id, State::Waiting)]);
    assert_eq!(w.remembered(id).owner_leg, None);
    w.put_through(id, &leg(2), asha());
    w.told_with_leg(id, LegEvent::OwnerRang, leg(51));
    w.led();
    assert_eq!(w.remembered(id).owner_leg, Some(leg(51)));
}

#[test]
fn a_call_that_is_lost_is_asked_after_and_hung_up_on_both_legs() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.told_with_leg(id, LegEvent::OwnerRang, leg(50));
    w.led();
    w.is_lost(id, Outcome::Failed);
    assert_eq!(w.remembered(id).owner_leg, Some(leg(50)), "its record is to be deleted too");
}

#[test]
fn a_call_that_is_found_again_ends_as_the_provider_says() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.is_asked_after(id);
    w.notes(id, LegEvent::DialEnded(LegEnd::Busy));
    w.ends(id, Outcome::Busy);
}
