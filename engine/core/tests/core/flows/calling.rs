//! What a telephone does: who is put through, and to what.

use std::sync::Arc;

use qnect_core::caller::Caller;
use qnect_core::desk::{Desk, OwnerCell};
use qnect_core::facts::Outcome;
use qnect_core::instruction::{Announcement, Instruction};
use qnect_core::language::{Language, Languages};
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::phone::Phone;
use qnect_core::preferences::Pause;
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::scan::Refusal;
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{CallTurn, DialSettled, OpenSession, OwnerId, TagStatus, latest_end};
use qnect_core::time::Span;

use crate::dsl::{
    Led, NUMBER, OWNER_PHONE, World, asha, bela, default_config, holds, leg, our_number, per_hour, refuses, request,
    says, session_id, unopened,
};

/// The caller is told `announcement`, nobody is rung, and the session waits on.
#[track_caller]
fn turned_away(w: &mut World, id: SessionId, announcement: Announcement) {
    w.turned_away((id, &leg(1), asha()), CallTurn::Code, &says(announcement));
}

#[test]
fn the_owner_is_rung_under_the_number_that_was_dialled() {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    let dial = w.put_through(id, &leg(1), asha());
    assert_eq!(dial.session, id);
    assert_eq!(dial.to, Phone::parse(OWNER_PHONE).unwrap());
    assert_eq!(dial.caller_id.number(), our_number(NUMBER));
    assert_eq!((dial.ring, dial.talk), (Span::from_secs(25), Span::from_secs(180)));
    assert_eq!(w.state(id), State::Dialing);
    assert_eq!(w.owner.live, Some((id, latest_end(&w.policy, w.now))));
}

#[test]
fn an_owner_who_always_sees_one_number_sees_that() {
    let ours = "+911140000099";
    let mut w = World::given(|p| p.owner_caller_id = Some(our_number(ours)), |_| ());
    let id = w.waiting(1, Reason::Blocking);
    let dial = w.put_through(id, &leg(1), asha());
    assert_eq!(dial.caller_id.number(), our_number(ours));
}

#[test]
fn an_unknown_session_sounds_like_a_wrong_code() {
    let mut w = World::new();
    assert_eq!(w.call(session_id(1), &leg(1), asha()), refuses());
    w.led_to_nothing();
}

#[test]
fn a_session_past_its_life_is_refused_even_before_the_clock_was_told() {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    w.after(Span::from_secs(600));
    w.refused(id, &leg(1), asha());
    w.ends(id, Outcome::Expired);
}

#[test]
fn a_second_caller_with_the_same_code_is_refused() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.refused(id, &leg(2), bela());
}

#[test]
fn a_caller_who_was_turned_away_keeps_the_code() {
    let mut w = World::given(|p| p.caller_rings = per_hour(1), |_| ());
    let first = w.dialing(1, Reason::Blocking);
    w.notes(first, LegEvent::DialEnded(LegEnd::NoAnswer));
    let id = w.waiting(2, Reason::Blocking);
    turned_away(&mut w, id, Announcement::OwnerUnavailable);
    w.refused(id, &leg(3), bela());
    w.callers.clear();
    w.put_through(id, &leg(4), asha());
}

#[test]
fn a_withheld_caller_is_put_through_once_and_binds_nothing() {
    let mut w = World::given(|p| p.caller_rings = per_hour(1), |_| ());
    for n in [1, 2] {
        let id = w.waiting(n, Reason::Blocking);
        w.put_through(id, &leg(n), Caller::Withheld);
        assert_eq!(w.remembered(id).bound_to, None);
        w.refused(id, &leg(n + 10), Caller::Withheld);
        w.notes(id, LegEvent::DialEnded(LegEnd::NoAnswer));
    }
    assert!(w.callers.is_empty(), "a caller without a number has no budget");
}

#[test]
fn the_same_leg_gets_the_same_document_and_waits_for_a_commit_of_its_own() {
    let mut w = World::given(|p| p.tag_rings = per_hour(1), |_| ());
    let id = w.waiting(1, Reason::Blocking);
    let first = Instruction::Dial(w.put_through(id, &leg(1), asha()));
    let owner = w.owner.clone();
    w.after(Span::from_secs(2));
    assert_eq!(w.call(id, &leg(1), asha()), first);
    w.led_to([Led::Advanced(id, State::Dialing)]);
    assert_eq!((w.owner.live, w.owner.rings), (owner.live, owner.rings), "charged once");
    w.restart();
    assert_eq!(w.call(id, &leg(1), asha()), first, "after a restart too");
    w.led_to([Led::Advanced(id, State::Dialing)]);
}

#[test]
fn a_call_that_is_over_is_not_made_again_by_a_repeated_webhook() {
    for over in
        [LegEvent::OwnerLegEnded(LegEnd::Completed), LegEvent::DialEnded(LegEnd::NoAnswer), LegEvent::ScannerLegEnded]
    {
        let mut w = World::new();
        let id = w.dialing(1, Reason::Blocking);
        w.notes(id, over);
        w.refused(id, &leg(1), asha());
        w.refused(id, &leg(1), Caller::Withheld);
    }
}

#[test]
fn an_owner_who_is_engaged_on_another_tag_is_waited_for() {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    let until = w.now.plus(Span::from_secs(60));
    w.owner.live = Some((session_id(200), until));
    w.turned_away((id, &leg(1), asha()), CallTurn::Code, &holds(id, 1));
    w.now = until;
    w.put_through(id, &leg(1), asha());
    assert_eq!(w.owner.live.unwrap().0, id);
}

#[test]
fn the_line_is_free_again_when_the_call_is_over() {
    for over in
        [LegEvent::OwnerLegEnded(LegEnd::Completed), LegEvent::DialEnded(LegEnd::NoAnswer), LegEvent::ScannerLegEnded]
    {
        let mut w = World::new();
        let id = w.dialing(1, Reason::Blocking);
        let other = w.waiting(2, Reason::Blocking);
        w.turned_away((other, &leg(2), bela()), CallTurn::Code, &holds(other, 1));
        w.notes(id, over);
        assert_eq!(w.owner.live, None, "{over:?}");
        w.put_through(other, &leg(2), bela());
        // What is told late about the first call does not free the line of the second.
        assert!(matches!(w.owner.live, Some((live, _)) if live == other));
        w.told(id, LegEvent::OwnerLegEnded(LegEnd::Failed));
        w.led();
        assert!(matches!(w.owner.live, Some((live, _)) if live == other));
    }
}

#[test]
fn a_number_outside_the_allowed_prefixes_is_never_dialled_and_never_offered() {
    for (prefixes, rings) in [(vec![], false), (vec!["+44"], false), (vec!["+9198"], true), (vec!["+44", "+91"], true)]
    {
        let prefixes: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
        let mut w = World::new();
        let id = w.waiting(1, Reason::Blocking);
        Arc::make_mut(&mut w.policy).allowed_prefixes = prefixes;
        w.restart();
        assert_eq!(!w.tag.offer(&Desk::default(), w.now).offered.is_empty(), rings);
        if rings {
            w.put_through(id, &leg(1), asha());
        } else {
            let refused = unopened(Refusal::OwnerUnavailable, Span::ZERO);
            assert_eq!(w.open(&request(2, Reason::Emergency)), refused);
            turned_away(&mut w, id, Announcement::OwnerUnavailable);
        }
    }
}

/// What changed while a session waited for its call.
#[test]
fn an_owner_who_paused_or_a_tag_that_was_switched_off_is_not_rung() {
    let paused = {
        let mut config = default_config();
        let preferences = &mut config.owner.as_mut().unwrap().preferences;
        preferences.pause = Pause::Indefinite;
        preferences.night_reasons = ReasonSet::default();
        config
    };
    let mut suspended = default_config();
    suspended.status = TagStatus::Suspended;
    let mut retired = default_config();
    retired.status = TagStatus::Retired;
    let mut unclaimed = default_config();
    unclaimed.owner = None;
    for config in [paused, suspended, retired, unclaimed] {
        let mut w = World::new();
        let id = w.waiting(1, Reason::Emergency);
        w.config = Arc::new(config);
        w.restart();
        turned_away(&mut w, id, Announcement::OwnerUnavailable);
    }
}

#[test]
fn a_tag_that_changed_hands_does_not_ring_its_new_owner_for_an_old_session() {
    let mut w = World::new();
    let over = w.called(1, Outcome::NoAnswer);
    let waits = w.waiting(2, Reason::Blocking);
    let dialing = w.dialing(3, Reason::Blocking);
    w.reconfigured(|c| {
        let owner = c.owner.as_mut().unwrap();
        (owner.id, owner.phone) = (OwnerId(8), Phone::parse("+919800000018").unwrap());
    });
    w.owner = OwnerCell::default();
    w.not_followed(over, 4, asha(), Announcement::OwnerUnavailable);
    turned_away(&mut w, waits, Announcement::OwnerUnavailable);
    // Nor does a repeated webhook tell the new owner's number.
    assert_eq!(w.call(dialing, &leg(3), asha()), says(Announcement::OwnerUnavailable));
    w.led_to([Led::Advanced(dialing, State::Dialing)]);
    let fresh = w.waiting(5, Reason::Blocking);
    assert_eq!(w.put_through(fresh, &leg(5), bela()).to, Phone::parse("+919800000018").unwrap());
}

#[test]
fn an_owner_with_a_new_number_is_rung_there() {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    w.reconfigured(|c| c.owner.as_mut().unwrap().phone = Phone::parse("+919800000018").unwrap());
    assert_eq!(w.put_through(id, &leg(1), asha()).to, Phone::parse("+919800000018").unwrap());
}

#[test]
fn a_withheld_dial_waits_again_and_can_be_dialled_again() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.withhold(id, asha());
    w.led_to([Led::ForgotLeg(leg(1)), Led::Advanced(id, State::Waiting)]);
    assert_eq!(w.owner.live, None);
    assert_eq!(w.tag.next_deadline(), Some(w.view(id).expires_at));
    w.withhold(id, asha());
    w.led_to_nothing();
    w.refused(id, &leg(2), bela());
    w.put_through(id, &leg(3), asha());
    assert_eq!(w.remembered(id).scanner_leg, Some(leg(3)));
}

#[test]
fn a_dial_that_is_told_of_before_it_was_sent_is_neither_withheld_nor_sent() {
    for event in LegEvent::all().filter(|&event| event != LegEvent::ScannerLegEnded) {
        let mut w = World::new();
        let id = w.dialing(1, Reason::Blocking);
        w.told(id, event);
        w.led();
        let before = w.remembered(id);
        assert_eq!(w.withhold(id, asha()), DialSettled::Void, "{event:?}");
        w.led_to_nothing();
        assert_eq!(w.remembered(id), before, "{event:?}");
        // Once its record is safe, it may be sent after all.
        assert_eq!(w.settle(id, &leg(1), asha(), true), DialSettled::Rings, "{event:?}");
    }
}

#[test]
fn a_caller_who_leaves_while_the_record_is_late_rings_nobody() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.told(id, LegEvent::ScannerLegEnded);
    w.led();
    assert_eq!(w.withhold(id, asha()), DialSettled::Withheld);
    w.led_to([Led::ForgotLeg(leg(1)), Led::Advanced(id, State::Waiting)]);
    w.put_through(id, &leg(2), asha());
}

#[test]
fn the_first_answer_that_sends_the_dial_settles_that_the_owner_rings() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    assert_eq!(w.settle(id, &leg(2), asha(), true), DialSettled::Void, "another leg's dial");
    assert_eq!(w.settle(id, &leg(1), asha(), true), DialSettled::Rings);
    assert_eq!(w.settle(id, &leg(1), asha(), false), DialSettled::Rings, "it was sent and cannot be taken back");
    w.led_to_nothing();
    assert_eq!(w.state(id), State::Dialing);
}

#[test]
fn a_dial_that_was_taken_back_is_not_sent_by_a_later_answer() {
    for kept in [true, false] {
        let mut w = World::new();
        let id = w.dialing(1, Reason::Blocking);
        assert_eq!(w.settle(id, &leg(2), asha(), false), DialSettled::Void, "another leg's");
        w.led_to_nothing();
        assert_eq!(w.withhold(id, asha()), DialSettled::Withheld);
        w.led();
        assert_eq!(w.settle(id, &leg(1), asha(), kept), DialSettled::Void);
        w.led_to_nothing();
        assert_eq!(w.state(id), State::Waiting);
    }
}

#[test]
fn after_a_restart_a_dial_may_have_been_sent_and_stands() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.restart();
    assert_eq!(w.withhold(id, asha()), DialSettled::Rings);
    w.led_to_nothing();
}

#[test]
fn withholding_the_dial_of_a_forgotten_session_does_nothing() {
    let mut w = World::new();
    w.withhold(session_id(1), asha());
    w.led_to_nothing();
}

#[test]
fn the_owner_hears_the_reason_in_the_owners_language() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::ChildOrPet);
    let whisper = Instruction::Whisper { session: id, reason: Reason::ChildOrPet, language: Language::Hindi };
    assert_eq!(w.tag.whisper(id), Some(whisper));
    assert_eq!(w.tag.whisper(session_id(2)), None);
}

#[test]
fn the_scanner_hears_the_scanners_language() {
    let mut w = World::new();
    let open = OpenSession { language: Language::Hindi, ..request(1, Reason::Blocking) };
    w.open(&open);
    w.led_to([Led::Opened(session_id(1))]);
    w.restart_without_prefixes();
    let languages = Languages::Only(Language::Hindi);
    let answer = Instruction::Say { announcement: Announcement::OwnerUnavailable, languages };
    w.turned_away((session_id(1), &leg(1), asha()), CallTurn::Code, &answer);
}

#[test]
fn an_owner_who_presses_1_is_connected() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.lifts(id, LegEvent::OwnerRang, State::Ringing);
    w.notes(id, LegEvent::OwnerAnswered);
    w.after(Span::from_secs(4));
    w.lifts(id, LegEvent::OwnerAccepted, State::Connected);
    assert_eq!(w.remembered(id).accepted_at, Some(w.now));
    assert_eq!(w.view(id).outcome, None);
}
