//! The budgets of a ring: everyone is asked before anyone is charged, and a restart gives nobody a fresh one.

use proptest::prelude::*;
use qnect_core::instruction::Announcement;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::limiter::{Cell, Quota};
use qnect_core::policy::Policy;
use qnect_core::reason::Reason;
use qnect_core::scan::{Refusal, ScanDecision, Verdict};
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::tag::OpenDecision;
use qnect_core::time::Span;

use crate::dsl::{Led, World, asha, bela, dialed, known, leg, per_hour, request, says};

#[test]
fn zero_switches_every_limit_of_a_tag_off() {
    let mut w = World::given(
        |p| {
            p.tag_rings = None;
            p.tag_urgent_rings = None;
            p.tag_open_sessions_max = 0;
            p.address_scans = None;
            p.address_sessions = None;
            p.caller_rings = None;
            p.owner_rings = None;
            p.challenge_at = 0;
            p.refuse_at = 0;
        },
        |_| (),
    );
    for n in 0..200 {
        assert_eq!(w.scan().verdict, Verdict::Allow);
        w.led_to([Led::ScanAdmitted]);
        let reason = if n % 2 == 0 { Reason::Other } else { Reason::Towing };
        let id = w.dialing(n, reason);
        w.notes(id, LegEvent::DialEnded(LegEnd::NoAnswer));
    }
}

/// Dials for a new session and hangs up at once, so that the line is free again.
fn rings(w: &mut World, n: u8, reason: Reason) -> SessionId {
    let id = w.dialing(n, reason);
    w.notes(id, LegEvent::OwnerLegEnded(LegEnd::NoAnswer));
    id
}

/// What a ring was charged to, seen from outside: the two shared cells, and whether the tag has a ring left.
fn charged(w: &mut World) -> (Cell, Cell, Verdict) {
    let verdict = w.scan().verdict;
    w.led_to([Led::ScanAdmitted]);
    let caller = w.callers.values().next().map_or_else(Cell::default, |c| c.rings);
    (w.owner.rings, caller, verdict)
}

#[test]
fn a_ring_is_charged_to_tag_caller_and_owner() {
    let mut w = World::given(|p| p.tag_rings = per_hour(1), |_| ());
    assert_eq!(charged(&mut w), (Cell::default(), Cell::default(), Verdict::Allow));
    rings(&mut w, 1, Reason::Blocking);
    let (owner, caller, verdict) = charged(&mut w);
    assert!(!owner.is_idle(w.now) && !caller.is_idle(w.now));
    assert_eq!(verdict, Verdict::Limited);
}

#[test]
fn opening_a_session_charges_no_ring() {
    let mut w = World::given(|p| p.tag_rings = per_hour(1), |_| ());
    for n in 0..5 {
        w.elsewhere().waiting(n, Reason::Blocking);
    }
    assert_eq!(charged(w.elsewhere()), (Cell::default(), Cell::default(), Verdict::Allow));
}

/// Asha's call is refused, and none of the three has paid for it.
fn refused_free_of_charge(w: &mut World, id: SessionId) {
    let before = charged(w);
    let answer = w.call(id, &leg(99), asha());
    assert_eq!(answer, says(Announcement::OwnerUnavailable));
    w.led_to([Led::Remembered(id), Led::Advanced(id, State::Waiting)]);
    assert_eq!(charged(w), before);
}

#[test]
fn a_refusal_by_the_tag_charges_none() {
    let mut w = World::given(|p| p.tag_rings = per_hour(1), |_| ());
    let late = w.waiting(1, Reason::Blocking);
    rings(&mut w, 2, Reason::Blocking);
    refused_free_of_charge(&mut w, late);
}

#[test]
fn a_refusal_by_the_caller_charges_none() {
    let mut w = World::given(
        |p| {
            p.tag_rings = per_hour(2);
            p.caller_rings = per_hour(1);
        },
        |_| (),
    );
    let late = w.waiting(1, Reason::Blocking);
    rings(&mut w, 2, Reason::Blocking);
    refused_free_of_charge(&mut w, late);
    let other = w.waiting(3, Reason::Blocking);
    w.put_through(other, &leg(3), bela());
}

#[test]
fn a_refusal_by_the_owner_charges_none() {
    let mut w = World::given(
        |p| {
            p.tag_rings = per_hour(2);
            p.owner_rings = Quota::new(1, Span::DAY);
        },
        |_| (),
    );
    let late = w.waiting(1, Reason::Blocking);
    rings(&mut w, 2, Reason::Blocking);
    refused_free_of_charge(&mut w, late);
    // The tag still has its second ring, as soon as the owner has one.
    w.owner.rings = Cell::default();
    w.put_through(late, &leg(1), asha());
}

#[test]
fn pranks_cannot_use_up_the_urgent_budget() {
    let mut w = World::given(
        |p| {
            p.tag_rings = per_hour(2);
            p.tag_urgent_rings = per_hour(1);
        },
        |_| (),
    );
    rings(&mut w, 1, Reason::Blocking);
    rings(&mut w, 2, Reason::Other);
    let decision = w.scan();
    w.led_to([Led::ScanAdmitted]);
    assert_eq!(decision.refusal, Some(Refusal::TagLimit));
    assert!(decision.offered.iter().all(Reason::is_urgent) && !decision.offered.is_empty());
    rings(&mut w, 3, Reason::Emergency);
    let decision = w.scan();
    w.led_to([Led::ScanAdmitted]);
    assert!(decision.offered.is_empty());
}

#[test]
fn urgent_rings_leave_the_other_budget_alone() {
    let mut w = World::given(
        |p| {
            p.tag_rings = per_hour(2);
            p.tag_urgent_rings = per_hour(1);
        },
        |_| (),
    );
    rings(&mut w, 1, Reason::Towing);
    let urgent = w.open(&request(2, Reason::Towing));
    w.led_to_nothing();
    assert_eq!(urgent, crate::dsl::unopened(Refusal::TagLimit, Span::HOUR));
    rings(&mut w, 3, Reason::Blocking);
    rings(&mut w, 4, Reason::Blocking);
}

#[test]
fn a_withheld_dial_is_paid_back_by_everyone() {
    let mut w = World::given(|p| p.tag_rings = per_hour(1), |_| ());
    let id = w.dialing(1, Reason::Blocking);
    w.withhold(id, asha());
    w.led_to([Led::ForgotLeg(leg(1)), Led::Advanced(id, State::Waiting)]);
    let (owner, caller, verdict) = charged(&mut w);
    assert!(owner.is_idle(w.now) && caller.is_idle(w.now));
    assert_eq!(verdict, Verdict::Allow);
}

proptest! {
    /// The ring budgets are what the remembered rings make them: after any rings at any times, a restart changes no
    /// answer, now or later.
    #[test]
    fn a_restart_rebuilds_the_ring_budgets(
        limit in 1u32..6,
        urgent_limit in 1u32..6,
        gaps in prop::collection::vec((0u64..1_500, any::<bool>()), 1..20),
        probes in prop::collection::vec(0u64..900, 1..20),
    ) {
        let unlimited = |p: &mut Policy| {
            p.tag_rings = per_hour(limit);
            p.tag_urgent_rings = per_hour(urgent_limit);
            (p.caller_rings, p.owner_rings, p.address_scans) = (None, None, None);
            (p.challenge_at, p.refuse_at) = (0, 0);
        };
        let mut w = World::given(unlimited, |_| ());
        for (n, (gap, urgent)) in (0..).zip(gaps) {
            w.after(Span::from_secs(gap));
            w.clock();
            w.led();
            let reason = if urgent { Reason::Emergency } else { Reason::Blocking };
            if let OpenDecision::Opened(view) = w.open(&request(n, reason)) {
                w.led();
                // Each rings once: what is looked at is what all of them leave of the tag's budgets.
                dialed(w.call(view.id, &leg(n), known(n)));
                w.led();
                w.notes(view.id, LegEvent::ScannerLegEnded);
            }
        }
        let restarted_at = w.now;
        let answers = scans(&mut w, &probes);
        w.now = restarted_at;
        w.restart();
        let again = scans(&mut w, &probes);
        prop_assert_eq!(answers, again);
    }
}

/// What the page says after each of these seconds.
fn scans(w: &mut World, seconds: &[u64]) -> Vec<ScanDecision> {
    let mut decisions = Vec::new();
    for gap in seconds {
        decisions.push(w.after(Span::from_secs(*gap)).scan());
        w.led_to([Led::ScanAdmitted]);
    }
    decisions
}
