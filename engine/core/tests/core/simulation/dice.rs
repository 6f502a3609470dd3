//! What a world rolls.

use qnect_core::time::Span;

use crate::bits::Bits;

impl Bits {
    /// True in so many of a hundred.
    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// A span from `low` to `high` milliseconds.
    pub(super) fn millis(&mut self, low: u64, high: u64) -> Span {
        Span::from_millis(self.between(low, high))
    }

    /// One of these.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// One of these, if there is one.
    pub(super) fn pick_any<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.below(of.len())])
    }
}
