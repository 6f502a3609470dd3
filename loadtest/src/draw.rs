//! In which order tags are called: drawn from a seed, so that a run can be repeated.

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
    use super::{order, split_mix};

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
}
