//! Lock-out: a caller who gives codes that lead nowhere is guessing, or has a sticker that is not in use any more.

use crate::time::{Span, Timestamp};

/// Wrong codes that lock a caller.
pub const WRONG_CODES_MAX: u8 = 3;
/// How long a caller stays locked, and how long a wrong code is held against one.
pub const LOCKED: Span = Span::from_secs(15 * 60);

/// The wrong codes of one caller. A failed check digit is a slip of a finger and none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lockout {
    wrong: u8,
    last_wrong_at: Timestamp,
    last_try: u64,
}

impl Lockout {
    /// Whether every code of this caller is refused at `now`, right or wrong.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.wrong >= WRONG_CODES_MAX && now < self.last_wrong_at.plus(LOCKED)
    }

    /// A code led nowhere. Those that a locked caller gives do not make it longer: an honest one knows nothing of the lock.
    /// `this_try` names the try, so that one that a provider tells again counts once. Returns whether it counted.
    pub fn on_wrong_code(&mut self, this_try: u64, now: Timestamp) -> bool {
        if self.is_locked(now) || self.wrong > 0 && self.last_try == this_try {
            return false;
        }
        self.last_try = this_try;
        if self.is_idle(now) {
            self.wrong = 0;
        }
        self.wrong += 1;
        // Inputs of two tags may come in another order than their times.
        self.last_wrong_at = self.last_wrong_at.max(now);
        true
    }

    /// A code was right.
    pub fn on_right_code(&mut self) {
        *self = Self::default();
    }

    /// Whether nothing is held against the caller at `now`.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.wrong == 0 || self.last_wrong_at.plus(LOCKED) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000).plus(Span::from_secs(secs))
    }

    #[test]
    fn three_wrong_codes_lock_for_fifteen_minutes() {
        let mut lockout = Lockout::default();
        for secs in [0, 10, 20] {
            assert!(!lockout.is_locked(at(secs)));
            lockout.on_wrong_code(secs, at(secs));
            lockout.on_wrong_code(secs, at(secs + 1));
        }
        lockout.on_wrong_code(60, at(60));
        assert!(lockout.is_locked(at(20 + 899)), "tries of a locked caller do not change the lock");
        assert!(!lockout.is_locked(at(20 + 900)));
        lockout.on_wrong_code(920, at(20 + 900));
        assert!(!lockout.is_locked(at(20 + 900)), "afterwards the count begins again");
    }

    #[test]
    fn a_wrong_code_of_an_earlier_time_shortens_no_lock() {
        let mut lockout = Lockout::default();
        for (this_try, secs) in [(0, 100), (1, 100), (2, 40)] {
            lockout.on_wrong_code(this_try, at(secs));
        }
        assert!(lockout.is_locked(at(100 + 899)));
        assert!(!lockout.is_locked(at(100 + 900)));
    }

    #[test]
    fn a_right_code_and_time_both_forgive() {
        let mut lockout = Lockout::default();
        lockout.on_wrong_code(0, at(0));
        lockout.on_wrong_code(1, at(1));
        lockout.on_right_code();
        lockout.on_wrong_code(2, at(2));
        lockout.on_wrong_code(3, at(3));
        assert!(!lockout.is_locked(at(3)));
        lockout.on_wrong_code(4, at(3 + 900));
        assert!(!lockout.is_locked(at(3 + 900)));
    }
}
