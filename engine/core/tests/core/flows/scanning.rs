//! What a scanner asks: the sticker's page, and a session to call with.

use qnect_core::abuse::SignalSet;
use qnect_core::desk::AddressCell;
use qnect_core::effects::Effect;
use qnect_core::facts::Outcome;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::limiter::Quota;
use qnect_core::preferences::{Pause, QuietHours};
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::record::{Durability, Record, ScanRecord};
use qnect_core::scan::{AddressPrefix, BrowserClass, DeviceClass, Refusal, ScanDecision, Verdict};
use qnect_core::session::State;
use qnect_core::tag::{OpenDecision, OwnerProfile, TagConfig, TagStatus};
use qnect_core::time::Span;

use crate::dsl::{
    Led, NUMBER, World, code, named, our_number, per_hour, request, request_from, session_id, tag_id, unopened,
};

fn everything() -> ReasonSet {
    Reason::ALL.into_iter().collect()
}

fn owner(config: &mut TagConfig) -> &mut OwnerProfile {
    config.owner.as_mut().unwrap()
}

/// Looks at the page; the scan is recorded and nothing else happens.
fn scanned(w: &mut World) -> ScanDecision {
    let decision = w.scan();
    w.led_to([Led::ScanAdmitted]);
    decision
}

/// Uses up one ring for `reason`.
fn ring(w: &mut World, n: u8, reason: Reason) {
    let id = w.dialing(n, reason);
    w.notes(id, LegEvent::DialEnded(LegEnd::NoAnswer));
}

#[test]
fn a_scan_is_allowed_for_every_reason() {
    assert_eq!(
        scanned(&mut World::new()),
        ScanDecision {
            verdict: Verdict::Allow,
            refusal: None,
            retry_after: Span::ZERO,
            offered: everything(),
            because: SignalSet::default()
        }
    );
}

#[test]
fn a_scan_leaves_exactly_five_facts_and_nobody_waits_for_them() {
    let mut w = World::new();
    w.scan();
    let effects = w.effects();
    let expected = Record::ScanAdmitted(ScanRecord {
        tag: tag_id(),
        at: w.now,
        address: AddressPrefix::V4([203, 0, 113]),
        device: DeviceClass::Phone,
        browser: BrowserClass::Chromium,
    });
    assert_eq!(expected.durability(), Durability::Eventually);
    assert_eq!(effects, [Effect::Record(expected)]);
}

#[test]
fn a_minted_tag_is_not_active() {
    let mut w = World::given(
        |_| (),
        |c| {
            c.status = TagStatus::Minted;
            c.owner = None;
        },
    );
    let decision = scanned(&mut w);
    assert_eq!(decision.verdict, Verdict::Refused);
    assert_eq!(decision.refusal, Some(Refusal::NotActive));
    assert!(decision.offered.is_empty());
    assert_eq!(w.open(&request(1, Reason::Emergency)), unopened(Refusal::NotActive, Span::ZERO));
    w.led_to_nothing();
}

#[test]
fn quiet_hours_leave_the_urgent_reasons() {
    // The world starts at midnight in UTC, which is the owner's zone.
    let mut w = World::given(
        |_| (),
        |c| {
            owner(c).preferences.quiet_hours = Some(QuietHours { from_minute: 22 * 60, to_minute: 7 * 60 });
        },
    );
    let night = scanned(&mut w);
    assert_eq!(night.verdict, Verdict::Refused);
    assert_eq!(night.refusal, Some(Refusal::OwnerUnavailable));
    assert_eq!(night.retry_after, Span::ZERO);
    assert_eq!(night.offered, ReasonSet::URGENT);
    assert_eq!(w.open(&request(1, Reason::Other)), unopened(Refusal::OwnerUnavailable, Span::ZERO));
    w.led_to_nothing();
    w.waiting(2, Reason::Towing);
    w.after(Span::from_secs(7 * 3_600));
    assert_eq!(scanned(&mut w).verdict, Verdict::Allow);
}

#[test]
fn a_paused_owner_without_night_reasons_is_out_of_reach() {
    let mut w = World::given(
        |_| (),
        |c| {
            owner(c).preferences.pause = Pause::Indefinite;
            owner(c).preferences.night_reasons = ReasonSet::default();
        },
    );
    let decision = scanned(&mut w);
    assert_eq!(decision.refusal, Some(Refusal::OwnerUnavailable));
    assert!(decision.offered.is_empty());
    assert_eq!(w.open(&request(1, Reason::Emergency)), unopened(Refusal::OwnerUnavailable, Span::ZERO));
    w.led_to_nothing();
}

#[test]
fn a_tag_at_its_limit_still_offers_the_urgent_reasons() {
    let mut w = World::given(|p| p.tag_rings = per_hour(2), |_| ());
    ring(&mut w, 1, Reason::Blocking);
    ring(&mut w, 2, Reason::LightsOn);
    let limited = ScanDecision {
        verdict: Verdict::Limited,
        refusal: Some(Refusal::TagLimit),
        retry_after: Span::from_secs(1_800),
        offered: ReasonSet::URGENT,
        because: SignalSet::default(),
    };
    assert_eq!(scanned(&mut w), limited);
    assert_eq!(w.open(&request(3, Reason::Blocking)), unopened(Refusal::TagLimit, Span::from_secs(1_800)));
    w.led_to_nothing();
    w.waiting(4, Reason::Emergency);
    w.after(Span::from_secs(1_800));
    assert_eq!(scanned(&mut w).verdict, Verdict::Allow);
}

#[test]
fn a_used_up_urgent_budget_is_a_limit_and_not_an_unavailable_owner() {
    let mut w = World::given(|p| p.tag_urgent_rings = per_hour(1), |c| owner(c).preferences.pause = Pause::Indefinite);
    ring(&mut w, 1, Reason::Towing);
    assert_eq!(w.open(&request(2, Reason::Towing)), unopened(Refusal::TagLimit, Span::HOUR));
    w.led_to_nothing();
    assert_eq!(w.open(&request(3, Reason::Blocking)), unopened(Refusal::OwnerUnavailable, Span::ZERO));
    w.led_to_nothing();
}

#[test]
fn an_address_that_scans_too_often_leaves_no_record() {
    let mut w = World::given(|p| p.address_scans = Quota::new(2, Span::from_secs(60)), |_| ());
    scanned(&mut w);
    scanned(&mut w);
    let decision = w.scan();
    w.led_to_nothing();
    assert_eq!(
        decision,
        ScanDecision {
            verdict: Verdict::Limited,
            refusal: Some(Refusal::AddressLimit),
            retry_after: Span::from_secs(30),
            offered: ReasonSet::URGENT,
            because: SignalSet::default(),
        }
    );
    w.after(Span::from_secs(30));
    assert_eq!(scanned(&mut w).verdict, Verdict::Allow);
}

#[test]
fn an_address_that_asks_for_too_many_sessions_gets_none() {
    let mut w = World::given(|p| p.address_sessions = per_hour(1), |_| ());
    w.waiting(1, Reason::Blocking);
    assert_eq!(w.open(&request(2, Reason::Blocking)), unopened(Refusal::AddressLimit, Span::HOUR));
    w.led_to_nothing();
}

#[test]
fn a_refused_request_costs_the_address_nothing() {
    let mut w = World::given(
        |p| {
            p.address_sessions = per_hour(1);
            p.tag_rings = per_hour(1);
        },
        |_| (),
    );
    ring(&mut w, 1, Reason::Blocking);
    w.address = AddressCell::default();
    assert_eq!(w.open(&request(2, Reason::Blocking)), unopened(Refusal::TagLimit, Span::HOUR));
    w.led_to_nothing();
    w.waiting(3, Reason::Towing);
}

#[test]
fn an_opened_session_shows_what_to_dial_and_is_safe_before_it_is_shown() {
    let mut w = World::new();
    let decision = w.open(&request(1, Reason::Damage));
    let effects = w.effects();
    let [Effect::Record(record)] = effects.as_slice() else { panic!("not one record: {effects:?}") };
    assert_eq!(record.durability(), Durability::BeforeReply);
    let Record::SessionOpened(remembered) = record else { panic!("not an opened session: {record:?}") };
    assert_eq!(**remembered, w.remembered(session_id(1)));
    let OpenDecision::Opened(view) = decision else { panic!("not opened: {decision:?}") };
    assert_eq!(view, w.view(session_id(1)));
    assert_eq!((view.state, view.outcome, view.talk), (State::Waiting, None, None));
    assert_eq!((view.number, view.code), (our_number(NUMBER), code(1)));
    assert_eq!(view.expires_at, w.now.plus(Span::from_secs(600)));
    assert_eq!(w.tag.open_sessions(), 1);
}

#[test]
fn the_same_request_opens_one_session() {
    let mut w = World::new();
    w.open(&named(1, Reason::Blocking, 9, 1));
    w.led_to([Led::Opened(session_id(1))]);
    let again = w.open(&named(2, Reason::Blocking, 9, 1));
    w.led_to_nothing();
    assert_eq!(again, OpenDecision::Replayed(w.view(session_id(1))));
    assert_eq!(w.tag.view(session_id(2)), None);
}

#[test]
fn a_replay_is_given_beyond_every_limit_and_after_the_end() {
    let mut w = World::given(
        |p| {
            p.address_sessions = per_hour(1);
            p.tag_open_sessions_max = 1;
            p.tag_rings = per_hour(1);
        },
        |_| (),
    );
    w.open(&named(1, Reason::Blocking, 9, 1));
    w.led_to([Led::Opened(session_id(1))]);
    w.ends(session_id(1), Outcome::Expired);
    let again = w.open(&named(2, Reason::Blocking, 9, 1));
    w.led_to_nothing();
    assert_eq!(again, OpenDecision::Replayed(w.view(session_id(1))));
}

#[test]
fn another_body_under_the_same_name_is_a_conflict() {
    let mut w = World::new();
    w.open(&named(1, Reason::Blocking, 9, 1));
    w.led_to([Led::Opened(session_id(1))]);
    assert_eq!(w.open(&named(2, Reason::Other, 9, 2)), OpenDecision::IdempotencyConflict);
    w.led_to_nothing();
    assert_eq!(w.tag.open_sessions(), 1);
}

#[test]
fn requests_without_a_name_or_with_another_open_sessions_of_their_own() {
    let mut w = World::new();
    w.waiting(1, Reason::Blocking);
    w.waiting(2, Reason::Blocking);
    for n in [3, 4] {
        w.open(&named(n, Reason::Blocking, n, 1));
        w.led_to([Led::Opened(session_id(n))]);
    }
    assert_eq!(w.tag.open_sessions(), 4);
}

#[test]
fn a_tag_has_so_many_open_sessions_and_no_more() {
    let mut w = World::given(|p| p.tag_open_sessions_max = 2, |_| ());
    let first = w.waiting_from(1, 1, Reason::Blocking);
    w.after(Span::from_secs(60)).waiting_from(2, 2, Reason::Blocking);
    let full = unopened(Refusal::TagLimit, Span::from_secs(540));
    assert_eq!(w.open(&request_from(3, 3, Reason::Blocking)), full);
    w.led_to_nothing();
    // The urgent ones have a room of their own, of the same size.
    w.waiting_from(1, 5, Reason::Emergency);
    w.waiting_from(2, 6, Reason::Towing);
    assert_eq!(w.open(&request_from(3, 7, Reason::Emergency)), full);
    w.led_to_nothing();
    w.ends(first, Outcome::Expired);
    w.waiting_from(3, 4, Reason::Blocking);
}
