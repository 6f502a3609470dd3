//! Chance, drawn from a seed, so that a run can be repeated: the order of tags, and what each person does.

use std::ops::RangeInclusive;

/// What chance decides for one person: a stream of its own, so that nobody's day depends on another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    /// The stream number `stream` of `seed`.
    pub(crate) fn new(seed: u64, stream: u64) -> Dice {
        let mut state = seed;
        let mixed = split_mix(&mut state);
        Dice { state: mixed ^ stream.wrapping_mul(0xd134_2543_de82_ef95) }
    }

    pub(crate) fn next(&mut self) -> u64 {
        split_mix(&mut self.state)
    }

    /// A number below `bound`; 0 if that is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// At least 0 and below 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        const STEPS: f64 = (1_u64 << 53) as f64;
        (self.next() >> 11) as f64 / STEPS
    }

    /// A number within `range`, both ends included.
    pub(crate) fn between(&mut self, range: &RangeInclusive<u64>) -> u64 {
        range.start() + self.below(range.end().saturating_sub(*range.start()).saturating_add(1))
    }

    /// True in so many of a thousand cases.
    pub(crate) fn per_mille(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }

    /// One of `all`, which must not be empty.
    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap_or(0)]
    }

    /// An index into `weights`, each as likely as its weight says.
    pub(crate) fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut drawn = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if drawn < *weight {
                return index;
            }
            drawn -= weight;
        }
        weights.len().saturating_sub(1)
    }
}

/// The numbers below `len` in the order of `seed` (Fisher-Yates over SplitMix64).
///
/// A run that needs more goes round again in the same order, which keeps two calls to one owner as far apart as can be.
pub(crate) fn order(len: u32, seed: u64) -> Vec<u32> {
    let mut state = seed;
    let mut order: Vec<u32> = (0..len).collect();
    for last in (1..order.len()).rev() {
        let drawn = split_mix(&mut state) % (last as u64 + 1);
        order.swap(last, usize::try_from(drawn).unwrap_or(last));
    }
    order
}

/// Vigna's SplitMix64. The bias of a modulus far below 2^64 is of no account here.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Dice, order, split_mix};

    #[test]
    fn the_generator_is_the_published_one() {
        let mut state = 1_234_567;
        let drawn: Vec<u64> = (0..3).map(|_| split_mix(&mut state)).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn an_order_has_every_number_once_and_is_the_seeds() {
        let drawn = order(1_000, 7);
        let mut sorted = drawn.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1_000).collect::<Vec<_>>());
        assert_eq!(drawn, order(1_000, 7));
        assert_ne!(drawn, order(1_000, 8));
        assert_ne!(drawn, sorted);
        assert_eq!(order(1, 7), [0]);
    }

    #[test]
    fn dice_keep_to_their_bounds_and_to_their_seed() {
        let drawn = |seed, stream| {
            let mut dice = Dice::new(seed, stream);
            (0..1_000).map(|_| dice.between(&(5..=40))).collect::<Vec<_>>()
        };
        assert!(drawn(1, 1).iter().all(|drawn| (5..=40).contains(drawn)));
        assert!((5..=40).all(|value| drawn(1, 1).contains(&value)), "every value comes");
        assert_eq!(drawn(1, 1), drawn(1, 1));
        assert_ne!(drawn(1, 1), drawn(1, 2));
        assert_ne!(drawn(1, 1), drawn(2, 1));
        let mut dice = Dice::new(3, 0);
        let mut counts = [0; 3];
        for _ in 0..4_000 {
            counts[dice.weighted(&[1, 0, 3])] += 1;
        }
        assert!(counts[1] == 0 && (800..1_200).contains(&counts[0]), "{counts:?}");
        assert_eq!(dice.below(0), 0);
    }
}
