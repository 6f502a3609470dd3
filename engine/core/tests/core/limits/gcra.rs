//! The limiter against a known one (`governor`), its bound, and time that misbehaves.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::{Clock, FakeRelativeClock};
use proptest::prelude::*;
use qnect_core::limiter::{Cell, Quota};
use qnect_core::time::{Span, Timestamp};

use crate::dsl::START;

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
                prop_assert!((n as u64) < bound, "{} within {} ms", n + 1, last - first);
            }
        }
    }

    /// The same where some of the quota is kept for others: whoever must leave the reserve stays within what is left of it, and
    /// those who need not stay within the whole.
    #[test]
    fn a_reserve_is_left_to_those_in_need_and_no_window_admits_more_than_the_bound(
        limit in 1u32..20,
        reserve in 0u32..25,
        period_ms in 20u64..5_000,
        arrivals in prop::collection::vec((0u64..400, any::<bool>()), 1..300),
    ) {
        let quota = Quota::new(limit, Span::from_millis(period_ms));
        let interval_ns = period_ms * 1_000_000 / u64::from(limit);
        let (mut cell, mut now) = (Cell::default(), START);
        let mut admitted: Vec<(u64, bool)> = Vec::new();
        for (gap, in_need) in arrivals {
            now = now.plus(Span::from_millis(gap));
            let left = cell.remaining(quota.unwrap(), now).left;
            let kept = if in_need { 0 } else { reserve };
            let asked = cell.ask_leaving(kept, quota, now);
            prop_assert_eq!(asked.is_ok(), left > kept, "{} of {} left, {} kept", left, limit, kept);
            match asked {
                Ok(allowance) => {
                    cell.charge(allowance);
                    admitted.push((now.as_millis(), in_need));
                }
                // Who has to leave all of it never gets any, however long the wait.
                Err(wait) if kept < limit => prop_assert!(cell.ask_leaving(kept, quota, now.plus(wait)).is_ok()),
                Err(_) => {}
            }
        }
        for (i, (first, _)) in admitted.iter().enumerate() {
            let mut calm = 0;
            for (n, (last, in_need)) in (1..).zip(&admitted[i..]) {
                calm += u64::from(!in_need);
                let refilled = (last - first) * 1_000_000 / interval_ns;
                prop_assert!(n <= u64::from(limit) + refilled, "{} within {} ms", n, last - first);
                let usable = u64::from(limit.saturating_sub(reserve));
                prop_assert!(calm <= usable + refilled, "{} of the calm within {} ms", calm, last - first);
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
fn the_end_of_time_is_no_panic() {
    let quota = Quota::new(2, Span::from_secs(60));
    for ms in [9_223_372_036_855, u64::MAX / 1_000_000, u64::MAX / 1_000_000 + 1, u64::MAX] {
        let (when, mut cell) = (Timestamp::from_millis(ms), Cell::default());
        assert_eq!(take(&mut cell, quota, when), Ok(()));
        let _ = take(&mut cell, quota, when);
        cell.replay(quota, when);
        cell.refund(quota);
        let _ = cell.is_idle(when);
    }
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
