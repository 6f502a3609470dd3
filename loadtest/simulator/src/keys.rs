//! Tones on the scanner's line, each with its time.

use std::collections::VecDeque;

use crate::draw::Draw;
use crate::telephone::Tones;

/// One comma in a dialled number, as Android and iOS wait it.
const COMMA_MS: u64 = 3_000;
/// Between two tones of a dialler.
const TONE_MS: u64 = 200;
/// Between two keys that a person presses.
const HAND_MS: u64 = 400;

/// The tones that will come. What nobody listens to is lost.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pressed: VecDeque<(u64, char)>,
}

impl Keys {
    /// The tones of `post_dial` when the line is answered at `answered_ms`.
    pub(crate) fn after_answer(post_dial: &str, answered_ms: u64) -> Keys {
        let mut at = answered_ms + COMMA_MS;
        let mut keys = Keys::default();
        for key in post_dial.chars() {
            if key == ',' {
                at += COMMA_MS;
                continue;
            }
            keys.pressed.push_back((at, key));
            at += TONE_MS;
        }
        keys
    }

    /// Adds keys pressed by hand from `at_ms` on.
    pub(crate) fn press(&mut self, keys: &str, at_ms: u64) {
        self.pressed.extend((at_ms..).step_by(HAND_MS as usize).zip(keys.chars()));
    }

    /// True if nothing more will come.
    pub(crate) fn is_empty(&self) -> bool {
        self.pressed.is_empty()
    }

    /// Forgets the tones before `now_ms` and returns them.
    pub(crate) fn lose_before(&mut self, now_ms: u64) -> String {
        let mut lost = String::new();
        while let Some((_, key)) = self.pressed.pop_front_if(|(at, _)| *at < now_ms) {
            lost.push(key);
        }
        lost
    }

    /// When the next tone comes, if it comes at `until_ms` or before.
    pub(crate) fn peek_until(&self, until_ms: u64) -> Option<u64> {
        self.pressed.front().map(|(at, _)| *at).filter(|at| *at <= until_ms)
    }

    /// The next tone, if it comes at `until_ms` or before.
    pub(crate) fn next_until(&mut self, until_ms: u64) -> Option<(u64, char)> {
        self.pressed.pop_front_if(|(at, _)| *at <= until_ms)
    }
}

impl Tones {
    /// What arrives of `digits`.
    pub(crate) fn arriving(self, digits: &str, draw: &Draw) -> String {
        let places: Vec<usize> = (0..digits.len()).filter(|at| digits.as_bytes()[*at].is_ascii_digit()).collect();
        if places.is_empty() || !digits.is_ascii() {
            return digits.to_owned();
        }
        let at = places[draw.below(places.len() as u64) as usize];
        let (before, after) = digits.split_at(at);
        match self {
            Tones::Clear => digits.to_owned(),
            Tones::Missing => format!("{before}{}", &after[1..]),
            Tones::Doubled => format!("{before}{}{after}", &after[..1]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Draw, Tones};

    #[test]
    fn tones_get_lost_and_doubled() {
        for seed in 0..50 {
            let arriving = |tones: Tones| tones.arriving("12,34567", &Draw::seeded(seed));
            assert_eq!(arriving(Tones::Clear), "12,34567");
            let missing = arriving(Tones::Missing);
            assert_eq!(missing.len(), 7, "{missing}");
            assert!(missing.contains(','), "{missing}");
            let doubled = arriving(Tones::Doubled);
            assert_eq!(doubled.len(), 9, "{doubled}");
            let mut digits: Vec<char> = doubled.chars().collect();
            digits.dedup();
            assert_eq!(digits.into_iter().collect::<String>(), "12,34567");
        }
        assert_eq!(Tones::Missing.arriving(",", &Draw::seeded(1)), ",");
    }
}
