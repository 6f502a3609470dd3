//! Lock-out, as somebody who guesses codes meets it.

use proptest::prelude::*;
use qnect_core::lockout::{LOCKED, Lockout, WRONG_CODES_MAX};
use qnect_core::time::{Span, Timestamp};

use crate::dsl::START;

/// Gives wrong codes after these gaps, whenever that is possible; returns when one was heard.
fn guesses(gaps: &[u64]) -> (Vec<Timestamp>, Lockout, Timestamp) {
    let (mut lockout, mut now, mut heard) = (Lockout::default(), START, Vec::new());
    for (n, gap) in (0..).zip(gaps) {
        now = now.plus(Span::from_millis(*gap));
        if !lockout.is_locked(now) {
            heard.push(now);
        }
        // Those that are given while locked count for nothing.
        lockout.on_wrong_code(n, now);
    }
    (heard, lockout, now)
}

proptest! {
    /// Whatever the rhythm, within any fifteen minutes three wrong codes are heard and no more.
    #[test]
    fn no_rhythm_is_heard_more_than_three_times(gaps in prop::collection::vec(0u64..1_000_000, 1..200)) {
        let (heard, _, _) = guesses(&gaps);
        for window in heard.windows(usize::from(WRONG_CODES_MAX) + 1) {
            prop_assert!(window[3].since(window[0]) >= LOCKED);
        }
    }

    /// Two wrong codes never lock, and fifteen minutes after the last one nothing is held against anyone.
    #[test]
    fn time_forgives(gaps in prop::collection::vec(0u64..1_000_000, 1..50)) {
        let (heard, lockout, now) = guesses(&gaps);
        prop_assert!(heard.len() > 2 || !lockout.is_locked(now));
        prop_assert!(!lockout.is_locked(now.plus(LOCKED)));
        prop_assert!(lockout.is_idle(now.plus(LOCKED)));
    }

    /// A lock lasts fifteen minutes from the wrong code that made it, whatever is given meanwhile.
    #[test]
    fn a_lock_is_neither_shortened_nor_made_longer(gaps in prop::collection::vec(0u64..60_000, 0..15)) {
        let (mut lockout, mut now) = (Lockout::default(), START);
        for n in 0..WRONG_CODES_MAX {
            lockout.on_wrong_code(n.into(), now);
        }
        let until = START.plus(LOCKED);
        for gap in gaps {
            now = now.plus(Span::from_millis(gap));
            prop_assert_eq!(lockout.is_locked(now), now < until);
            if now < until {
                lockout.on_wrong_code(u64::MAX, now);
            }
        }
        prop_assert!(lockout.is_locked(Timestamp::from_millis(until.as_millis() - 1)));
        prop_assert!(!lockout.is_locked(until));
    }
}
