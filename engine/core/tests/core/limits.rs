//! The limiter against a known one, its bound, and how the budgets of a ring are asked and charged.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::{Clock, FakeRelativeClock};
use proptest::prelude::*;
use qnect_core::instruction::Announcement;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::limiter::{Cell, Quota};
use qnect_core::reason::Reason;
use qnect_core::scan::{Refusal, ScanDecision, Verdict};
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::tag::OpenDecision;
use qnect_core::time::{Span, Timestamp};

use crate::dsl::{Led, START, World, asha, bela, dialed, leg, per_hour, request, says};

/// Asks and, if it fits, charges.
fn take(cell: &mut Cell, quota: Option<Quota>, when: Timestamp) -> Result<(), Span> {
    let allowance = cell.ask(quota, when)?;
    cell.charge(allowance);
    Ok(())
}

proptest! {
    /// Quotas whose interval is whole milliseconds, gaps from none at all to several intervals.
    #[test]
    fn governor_gives_the_same_verdicts_and_waits(
        limit in 1u32..40,
        interval_ms in 1u64..100_000,
        gaps in prop::collection::vec((0u64..=4, 0.0f64..1.0), 1..300),
    ) {
        let clock = FakeRelativeClock::default();
        let theirs = RateLimiter::direct_with_clock(
            governor::Quota::with_period(Duration::from_millis(interval_ms))
                .unwrap()
                .allow_burst(NonZeroU32::new(limit).unwrap()),
            clock.clone(),
        );
        let quota = Quota::new(limit, Span::from_millis(interval_ms * u64::from(limit)));
        let mut ours = Cell::default();
        let mut now = START;
        for (i, (stretch, part)) in gaps.into_iter().enumerate() {
            // Most gaps are short, or nothing would ever be refused.
            let gap = (interval_ms as f64 * part * [0.0, 0.2, 0.5, 1.0, 6.0][stretch as usize]) as u64;
            now = now.plus(Span::from_millis(gap));
            clock.advance(Duration::from_millis(gap));
            let wait = theirs.check().err().map(|not| not.wait_time_from(clock.now()).as_millis() as u64);
            let our_wait = take(&mut ours, quota, now).err().map(Span::as_millis);
            prop_assert_eq!(our_wait.is_some(), wait.is_some(), "arrival {}", i);
            if let (Some(our_wait), Some(wait)) = (our_wait, wait) {
                prop_assert!(our_wait.abs_diff(wait) <= 1, "arrival {}: we wait {}, they {}", i, our_wait, wait);
            }
        }
    }

    /// The bound of GCRA: with an emission interval I = period / limit, no window from t to t + w, both ends
    /// included, admits more than limit + w / I (rounded down). For a whole period this is 2 * limit, and
    /// 2 * limit - 1 when one end is left out.
    #[test]
    fn no_window_admits_more_than_the_bound(
        limit in 1u32..20,
        period_ms in 20u64..5_000,
        gaps in prop::collection::vec(0u64..400, 1..300),
    ) {
        let quota = Quota::new(limit, Span::from_millis(period_ms));
        let interval_ns = period_ms * 1_000_000 / u64::from(limit);
        let mut cell = Cell::default();
        let mut now = START;
        let mut admitted: Vec<u64> = Vec::new();
        for gap in gaps {
            now = now.plus(Span::from_millis(gap));
            if take(&mut cell, quota, now).is_ok() {
                admitted.push(now.as_millis());
            }
        }
        for (i, first) in admitted.iter().enumerate() {
            for (n, last) in admitted[i..].iter().enumerate() {
                let bound = u64::from(limit) + (last - first) * 1_000_000 / interval_ns;
                prop_assert!(n as u64 + 1 <= bound, "{} within {} ms", n + 1, last - first);
            }
        }
    }

    /// A wait that was told is right: it does not fit a millisecond earlier, and it fits then.
    #[test]
    fn a_wait_is_long_enough_and_no_longer(limit in 1u32..20, period_ms in 20u64..5_000, gap in 0u64..50) {
        let quota = Quota::new(limit, Span::from_millis(period_ms));
        let mut cell = Cell::default();
        let mut now = START;
        let wait = loop {
            now = now.plus(Span::from_millis(gap * period_ms / u64::from(limit) / 50));
            if let Err(wait) = take(&mut cell, quota, now) {
                break wait;
            }
        };
        let early = Timestamp::from_millis(now.plus(wait).as_millis() - 1);
        prop_assert!(cell.ask(quota, early).is_err());
        prop_assert!(cell.ask(quota, now.plus(wait)).is_ok());
    }

    /// Asking is free, and a charge that is given back at once leaves no trace.
    #[test]
    fn a_question_and_a_refund_leave_the_budget_as_it_was(
        limit in 1u32..20,
        period_ms in 20u64..5_000,
        before in prop::collection::vec(0u64..400, 0..40),
        after in prop::collection::vec(0u64..400, 1..40),
    ) {
        let quota = Quota::new(limit, Span::from_millis(period_ms));
        let (mut plain, mut refunded) = (Cell::default(), Cell::default());
        let mut now = START;
        for gap in before {
            now = now.plus(Span::from_millis(gap));
            let _ = take(&mut plain, quota, now);
            let _ = take(&mut refunded, quota, now);
        }
        let _ = refunded.ask(quota, now);
        prop_assert_eq!(plain, refunded);
        if take(&mut refunded, quota, now).is_ok() {
            refunded.refund(quota);
        }
        for gap in after {
            now = now.plus(Span::from_millis(gap));
            prop_assert_eq!(take(&mut plain, quota, now), take(&mut refunded, quota, now));
        }
    }
}

#[test]
fn the_bound_is_reached_by_the_greediest() {
    let (limit, interval) = (5, 100);
    let quota = Quota::new(limit, Span::from_millis(500));
    let mut cell = Cell::default();
    let admitted = |cell: &mut Cell, ms: u64| {
        let when = START.plus(Span::from_millis(ms));
        (0..20).filter(|_| take(cell, quota, when).is_ok()).count()
    };
    let counts: Vec<_> = (0..=500).map(|ms| admitted(&mut cell, ms)).collect();
    assert_eq!(counts[..500].iter().sum::<usize>(), 9, "half open: 2 * limit - 1");
    assert_eq!(counts.iter().sum::<usize>(), 10, "closed: 2 * limit");
    assert_eq!(counts[0], 5, "all at once if unused");
    assert!((1..=500).all(|ms| counts[ms] == usize::from(ms % interval == 0)));
}

#[test]
fn time_that_stands_still_refills_nothing() {
    let quota = Quota::new(3, Span::from_secs(60));
    let mut cell = Cell::default();
    let verdicts: Vec<_> = (0..6).map(|_| take(&mut cell, quota, START)).collect();
    let wait = Err(Span::from_secs(20));
    assert_eq!(verdicts, [Ok(()), Ok(()), Ok(()), wait, wait, wait]);
}

#[test]
fn time_that_steps_back_refills_nothing_and_takes_nothing() {
    let quota = Quota::new(1, Span::from_secs(60));
    let mut cell = Cell::default();
    assert_eq!(take(&mut cell, quota, START.plus(Span::from_secs(10))), Ok(()));
    assert_eq!(take(&mut cell, quota, START), Err(Span::from_secs(70)));
    assert_eq!(take(&mut cell, quota, START.plus(Span::from_secs(70))), Ok(()));
}

#[test]
fn a_cell_is_idle_when_all_has_drained() {
    let quota = Quota::new(2, Span::from_secs(60));
    let mut cell = Cell::default();
    assert!(cell.is_idle(START));
    take(&mut cell, quota, START).unwrap();
    assert!(!cell.is_idle(START.plus(Span::from_millis(29_999))));
    assert!(cell.is_idle(START.plus(Span::from_secs(30))));
}

#[test]
fn a_limit_of_zero_is_no_limit() {
    assert_eq!(Quota::new(0, Span::HOUR), None);
    let mut cell = Cell::default();
    for _ in 0..10_000 {
        assert_eq!(take(&mut cell, None, START), Ok(()));
    }
    assert!(cell.is_idle(START));
}

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
        w.waiting(n, Reason::Blocking);
    }
    assert_eq!(charged(&mut w), (Cell::default(), Cell::default(), Verdict::Allow));
}

/// Asha's call is refused, and none of the three has paid for it.
fn refused_free_of_charge(w: &mut World, id: SessionId) {
    let before = charged(w);
    let answer = w.call(id, &leg(99), asha());
    assert_eq!(answer, says(Announcement::OwnerUnavailable));
    w.led_to([Led::Advanced(id, State::Waiting)]);
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
    dialed(w.call(other, &leg(3), bela()));
    w.led_to([Led::Advanced(other, State::Dialing)]);
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
    dialed(w.call(late, &leg(1), asha()));
    w.led_to([Led::Advanced(late, State::Dialing)]);
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
    let urgent = w.open(request(2, Reason::Towing));
    w.led_to_nothing();
    assert_eq!(urgent, OpenDecision::Refused { refusal: Refusal::TagLimit, retry_after: Span::HOUR });
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
        let unlimited = |p: &mut qnect_core::policy::Policy| {
            p.tag_rings = per_hour(limit);
            p.tag_urgent_rings = per_hour(urgent_limit);
            (p.caller_rings, p.owner_rings, p.address_scans) = (None, None, None);
        };
        let mut w = World::given(unlimited, |_| ());
        for (n, (gap, urgent)) in (0..).zip(gaps) {
            w.after(Span::from_secs(gap));
            w.clock();
            w.led();
            let reason = if urgent { Reason::Emergency } else { Reason::Blocking };
            if let OpenDecision::Opened(view) = w.open(request(n, reason)) {
                w.led();
                dialed(w.call(view.id, &leg(n), asha()));
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
