//! The budget of second tries: they are at most a tenth of the first ones, at any time since the start, so that our
//! patience never doubles a provider's load.

/// First tries that pay for a second one.
const FIRST_TRIES_PER_RETRY: u32 = 10;
/// Second tries that may be saved up.
const RETRIES_SAVED_MAX: u32 = 10;

/// What is left for second tries.
#[derive(Debug, Default)]
pub(super) struct Budget {
    first_tries: u32,
}

impl Budget {
    /// A first try was made.
    pub(super) fn first_try(&mut self) {
        self.first_tries = (self.first_tries + 1).min(RETRIES_SAVED_MAX * FIRST_TRIES_PER_RETRY);
    }

    /// Pays for a second try, if there is enough.
    pub(super) fn pay_retry(&mut self) -> bool {
        let left = self.first_tries.checked_sub(FIRST_TRIES_PER_RETRY);
        self.first_tries = left.unwrap_or(self.first_tries);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn second_tries_are_a_tenth_at_most(tries in prop::collection::vec(any::<bool>(), 0..2_000)) {
            let (mut budget, mut first, mut second) = (Budget::default(), 0u32, 0u32);
            for is_first in tries {
                if is_first {
                    budget.first_try();
                    first += 1;
                } else if budget.pay_retry() {
                    second += 1;
                }
                prop_assert!(second * 10 <= first);
            }
        }
    }

    #[test]
    fn what_is_saved_up_is_bounded() {
        let mut budget = Budget::default();
        (0..100_000).for_each(|_| budget.first_try());
        assert_eq!((0..100).filter(|_| budget.pay_retry()).count(), 10);
    }
}
