//! Tags whose actors were lost to panics: which are left alone for a while, and which are read behind what is on its way to
//! disk.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use qnect_core::tag_code::TagId;

/// Losses within [`WINDOW`] that quarantine a tag.
const LOSSES_MAX: usize = 3;
const WINDOW: Duration = Duration::from_secs(10);
/// How long a quarantined tag is left alone, and a loss remembered where room is short: longer than any commit, which would
/// have ended the process before.
const QUARANTINE: Duration = Duration::from_secs(60);
/// Tags whose losses are remembered at most.
const REMEMBERED_MAX: usize = 10_000;

/// What is known of losses.
#[derive(Default)]
pub(crate) struct Losses {
    by_tag: DashMap<TagId, VecDeque<Instant>>,
    /// There was no room for some tag's: until then any tag may be one that was lost.
    any_until: Mutex<Option<Instant>>,
}

impl Losses {
    /// The actor of this tag was lost.
    pub(crate) fn note(&self, tag: TagId) {
        if self.by_tag.len() >= REMEMBERED_MAX && !self.make_room() {
            return;
        }
        let mut times = self.by_tag.entry(tag).or_default();
        times.push_back(Instant::now());
        if times.len() > LOSSES_MAX {
            times.pop_front();
        }
    }

    /// Forgets old ones. False: there is still no room, nor will there be for a while.
    fn make_room(&self) -> bool {
        let (mut any_until, now) = (self.lock(), Instant::now());
        // Who has looked in vain does not look again at each loss: with so many, that would be all that is done.
        if any_until.is_none_or(|until| until <= now + QUARANTINE / 2) {
            self.by_tag.retain(|_, times| times.back().is_some_and(|last| last.elapsed() < QUARANTINE));
            if self.by_tag.len() < REMEMBERED_MAX {
                return true;
            }
        }
        *any_until = Some(now + QUARANTINE);
        false
    }

    /// Whether an actor of this tag was lost lately, or may have been: what it left on its way to disk may not be there yet.
    pub(crate) fn was_lost(&self, tag: TagId) -> bool {
        self.by_tag.contains_key(&tag) || self.lock().is_some_and(|until| until > Instant::now())
    }

    /// Whether a tag is to be left alone: again and again its actor was lost.
    pub(crate) fn is_quarantined(&self, tag: TagId) -> bool {
        self.by_tag.get(&tag).is_some_and(|times| {
            let (Some(first), Some(last)) = (times.front(), times.back()) else {
                return false;
            };
            times.len() >= LOSSES_MAX && last.duration_since(*first) < WINDOW && last.elapsed() < QUARANTINE
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.any_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_nobody_remembers_is_one_that_any_tag_may_have_had() {
        let losses = Losses::default();
        let tag = |n: usize| TagId::from_u64(n as u64);
        (0..REMEMBERED_MAX).for_each(|n| losses.note(tag(n)));
        assert!(losses.was_lost(tag(0)) && !losses.was_lost(tag(REMEMBERED_MAX)));
        (REMEMBERED_MAX..2 * REMEMBERED_MAX).for_each(|n| losses.note(tag(n)));
        assert_eq!(losses.by_tag.len(), REMEMBERED_MAX);
        assert!(losses.was_lost(tag(REMEMBERED_MAX)) && losses.was_lost(tag(5 * REMEMBERED_MAX)));
        assert!(!losses.is_quarantined(tag(REMEMBERED_MAX)), "and it is not left alone for that");
    }
}
