//! A number that all threads change and few ask for: each changes a part of its own. A cache line that two cores write to moves
//! between them each time, which takes longer than a decision, and every request counts something.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

/// Threads whose parts are their own; more of them share.
pub(crate) const SHARDS: usize = 16;

/// Which part of everything sharded is this thread's.
pub(crate) fn here() -> usize {
    thread_local! {
        static HERE: usize = {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS
        };
    }
    HERE.with(|here| *here)
}

/// A number, modulo 2^64.
#[derive(Default)]
pub(crate) struct Sharded([CachePadded<AtomicU64>; SHARDS]);

impl Sharded {
    /// Adds `more`. Returns what this thread's part is now.
    pub(crate) fn add(&self, more: u64) -> u64 {
        self.0[here()].fetch_add(more, Ordering::Relaxed).wrapping_add(more)
    }

    /// Takes `less` away, whichever thread added it.
    pub(crate) fn subtract(&self, less: u64) {
        self.0[here()].fetch_sub(less, Ordering::Relaxed);
    }

    /// The number. While others change it, one that it may never have been.
    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().fold(0, |sum, part| sum.wrapping_add(part.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_thread_adds_another_may_take_away() {
        let number = Sharded::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * SHARDS {
                scope.spawn(|| (0..1_000).for_each(|_| _ = number.add(3)));
            }
        });
        assert_eq!(number.sum(), 2 * SHARDS as u64 * 3_000);
        number.subtract(number.sum());
        assert_eq!(number.sum(), 0);
    }

    #[test]
    fn a_thread_is_told_its_own_part() {
        let number = Sharded::default();
        assert_eq!((number.add(2), number.add(3)), (2, 5));
    }
}
