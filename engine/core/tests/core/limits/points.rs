//! The laws of a score: it only falls by itself, whenever it is looked at, and says what it is for as long as there is something.

use proptest::prelude::*;
use qnect_core::abuse::{Fading, Score, Signal};
use qnect_core::time::Span;

use crate::dsl::START;

/// What happens to a score: a sign, or good conduct.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Sign(Signal),
    Credit(u32),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => prop::sample::select(Signal::ALL[..8].to_vec()).prop_map(Happens::Sign),
        1 => (0u32..60).prop_map(Happens::Credit),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_score_only_falls_by_itself(
        half_life in 1u64..40_000,
        story in prop::collection::vec((happens(), 0u64..20_000), 1..12),
        looks in prop::collection::vec(0u64..3_000, 1..60),
    ) {
        let half_life = Span::from_millis(half_life);
        let (mut score, mut now) = (Score::default(), START);
        for (what, gap) in story {
            now = now.plus(Span::from_millis(gap));
            match what {
                Happens::Sign(signal) => score.add(signal, signal.points(), 0, Fading { half_life, hold: 1 }, now),
                Happens::Credit(points) => score.credit(points, half_life, now),
            }
        }
        let mut before = score.assess(half_life, now);
        for gap in looks {
            now = now.plus(Span::from_millis(gap));
            let after = score.assess(half_life, now);
            prop_assert!(after.points() <= before.points(), "{:?} became {:?}", before, after);
            prop_assert!(after.points() == 0 || !after.because.is_empty(), "{:?}", after);
            prop_assert!(!before.because.is_empty() || after.because.is_empty(), "{:?} became {:?}", before, after);
            prop_assert!(!score.is_idle(half_life, now) || after == Default::default(), "{:?}", after);
            before = after;
        }
        // Whatever there was, it comes to rest.
        now = now.plus(Span::from_millis(half_life.as_millis() * 30));
        prop_assert_eq!(score.assess(half_life, now), Default::default());
        prop_assert!(score.is_idle(half_life, now));
    }

    #[test]
    fn good_conduct_never_counts_against_anybody(
        signs in prop::collection::vec(prop::sample::select(Signal::ALL[..8].to_vec()), 0..12),
        credit in 0u32..400,
        later in 0u64..100_000,
    ) {
        let (half_life, now) = (Span::from_secs(30), START.plus(Span::from_millis(later)));
        let mut plain = Score::default();
        signs.iter().for_each(|signal| plain.add(*signal, signal.points(), 0, Fading { half_life, hold: 1 }, START));
        let mut credited = plain;
        credited.credit(credit, half_life, START);
        let (plain, credited) = (plain.assess(half_life, now), credited.assess(half_life, now));
        prop_assert!(credited.points() <= plain.points());
        prop_assert!(credited.points() + credit >= plain.points(), "no more is set off than was earned");
    }
}
