//! What an operator or an owner changes while scanners and telephones are at it.

use qnect_core::facts::Outcome;
use qnect_core::instruction::Announcement;
use qnect_core::language::Language;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::phone::Phone;
use qnect_core::preferences::Pause;
use qnect_core::reason::Reason;
use qnect_core::scan::{Refusal, Verdict};
use qnect_core::session::State;
use qnect_core::tag::{OwnerId, OwnerProfile, TagConfig, TagStatus};

use crate::dsl::{Led, World, asha, dialed, leg, per_hour, says};

fn owner(config: &mut TagConfig) -> &mut OwnerProfile {
    config.owner.as_mut().unwrap()
}

#[test]
fn a_changed_number_is_rung_by_the_very_next_call() {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    let moved = Phone::parse("+919800000099").unwrap();
    w.configured(|c| owner(c).phone = moved.clone());
    assert_eq!(dialed(w.call(id, &leg(1), asha())).to, moved);
    w.led_to([Led::Remembered(id), Led::Advanced(id, State::Dialing)]);
}

#[test]
fn a_pause_is_seen_by_the_next_scan_and_the_next_call_and_ends_as_it_came() {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    w.configured(|c| owner(c).preferences.pause = Pause::Indefinite);
    assert_eq!(w.scan().refusal, Some(Refusal::OwnerUnavailable));
    w.led_to([Led::ScanAdmitted]);
    assert_eq!(w.call(id, &leg(1), asha()), says(Announcement::OwnerUnavailable));
    w.led_to([Led::Remembered(id), Led::Advanced(id, State::Waiting)]);
    w.configured(|c| owner(c).preferences.pause = Pause::Off);
    assert_eq!(w.scan().verdict, Verdict::Allow);
    w.led_to([Led::ScanAdmitted]);
    dialed(w.call(id, &leg(1), asha()));
    w.led_to([Led::Advanced(id, State::Dialing)]);
}

#[test]
fn a_suspended_tag_rings_nobody_and_its_sessions_end_as_sessions_do() {
    for out_of_use in [TagStatus::Suspended, TagStatus::Retired] {
        let mut w = World::new();
        let (on_the_line, waiting) = (w.dialing(1, Reason::Blocking), w.waiting(2, Reason::Emergency));
        w.configured(|c| c.status = out_of_use);
        assert!(!w.tag.answers());
        assert_eq!(w.call(waiting, &leg(2), asha()), says(Announcement::OwnerUnavailable));
        w.led_to([Led::Remembered(waiting), Led::Advanced(waiting, State::Waiting)]);
        w.lifts(on_the_line, LegEvent::OwnerAnswered, State::Ringing);
        w.notes(on_the_line, LegEvent::DialEnded(LegEnd::NoAnswer));
        w.ends(on_the_line, Outcome::NoAnswer);
        w.ends(waiting, Outcome::Expired);
    }
}

#[test]
fn no_change_gives_back_what_was_spent() {
    let mut w = World::given(|p| p.tag_rings = per_hour(1), |_| ());
    w.dialing(1, Reason::Blocking);
    let before = w.owner.rings;
    w.configured(|c| c.status = TagStatus::Suspended);
    w.configured(|c| {
        c.status = TagStatus::Active;
        owner(c).language = Language::English;
    });
    assert!(w.tag.answers());
    assert_eq!(w.owner.rings, before);
    assert_eq!(w.scan().refusal, Some(Refusal::TagLimit));
    w.led_to([Led::ScanAdmitted]);
}

#[test]
fn an_owners_id_reads_back_in_any_dress() {
    let id = OwnerId(0x0ABC_DEF0_1234_5678);
    assert_eq!(OwnerId::read(&id.to_string()), Some(id));
    assert_eq!(OwnerId::read(&id.to_string().to_lowercase()), Some(id));
    for other in ["", "ABC", "0123456789ABC", "!23456789ABC"] {
        assert_eq!(OwnerId::read(other), None, "{other}");
    }
}
