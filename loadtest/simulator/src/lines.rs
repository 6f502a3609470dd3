//! The lines of an account: how many legs at once, and how many dials a second.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// Dials that are remembered at most; more in one second are not told apart.
const DIALS_MAX: usize = 4_096;
const SECOND_MS: u64 = 1_000;

/// The limits, and what is used of them. A limit of 0 is none.
#[derive(Debug)]
pub(crate) struct Lines {
    lines_max: u32,
    calls_per_second: u32,
    in_use: AtomicU32,
    /// When the last dials began, in milliseconds of the Unix epoch. Calls have clocks of their own: not sorted.
    dialled: Mutex<VecDeque<i64>>,
}

/// One leg's line; free again when dropped.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    lines: &'a Lines,
}

impl Lines {
    pub(crate) fn new(lines_max: u32, calls_per_second: u32) -> Lines {
        Lines { lines_max, calls_per_second, in_use: AtomicU32::new(0), dialled: Mutex::default() }
    }

    /// A line for an inbound leg.
    pub(crate) fn take(&self) -> Option<Line<'_>> {
        let lines_max = if self.lines_max == 0 { u32::MAX } else { self.lines_max };
        let taken = |in_use: u32| (in_use < lines_max).then_some(in_use + 1);
        self.in_use.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).ok().map(|_| Line { lines: self })
    }

    /// A line for a leg that is dialled at `at_unix_ms`.
    pub(crate) fn dial(&self, at_unix_ms: i64) -> Option<Line<'_>> {
        let line = self.take()?;
        if self.calls_per_second == 0 {
            return Some(line);
        }
        // Nothing panics while it holds this lock, so a poisoned one is whole.
        let mut dialled = self.dialled.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = dialled.iter().filter(|at| at_unix_ms.abs_diff(**at) < SECOND_MS).count();
        if recent >= self.calls_per_second as usize {
            return None;
        }
        if dialled.len() == DIALS_MAX {
            dialled.pop_front();
        }
        dialled.push_back(at_unix_ms);
        Some(line)
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.lines.in_use.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn a_line_is_free_again_after_its_leg() {
        let lines = Lines::new(2, 0);
        let first = lines.take().expect("a line");
        let second = lines.dial(0).expect("a line");
        assert!(lines.take().is_none() && lines.dial(0).is_none());
        drop(first);
        assert!(lines.take().is_some());
        drop(second);
        let both = (lines.dial(0), lines.dial(0));
        assert!(both.0.is_some() && both.1.is_some());
    }

    #[test]
    fn so_many_dials_a_second_and_no_more() {
        let lines = Lines::new(0, 2);
        let dialled = |at| lines.dial(at).is_some();
        assert_eq!([0, 500, 999].map(dialled), [true, true, false]);
        // 500 is still within the second.
        assert_eq!([1_000, 1_400, 1_500].map(dialled), [true, false, true]);
        // A refused dial takes no line.
        assert_eq!(lines.in_use.load(std::sync::atomic::Ordering::Relaxed), 0);
    }

    #[test]
    fn without_limits_everything_gets_a_line() {
        let lines = Lines::new(0, 0);
        let legs: Vec<_> = (0..5_000).map(|_| lines.dial(7)).collect();
        assert!(legs.iter().all(Option::is_some));
    }
}
