//! Tags whose actors were lost to panics: which are left alone for a while, and which are read behind what is on its way to
//! disk.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;
use qnect_core::tag_code::TagId;
use qnect_core::time::{Span, Timestamp};

/// Losses within [`WINDOW`] that quarantine a tag.
const LOSSES_MAX: usize = 3;
const WINDOW: Span = Span::from_secs(10);
/// How long a quarantined tag is left alone, and a loss remembered where room is short: longer than any commit, which would
/// have ended the process before.
const QUARANTINE: Span = Span::from_secs(60);
/// Where there was no room, nobody looks for it again so long: with so many losses, that would be all that is done.
const LOOK_EVERY: Span = Span::from_millis(7_500);
/// Tags whose losses are remembered at most.
const REMEMBERED_MAX: usize = 10_000;

/// What is known of losses.
#[derive(Default)]
pub(crate) struct Losses {
    by_tag: DashMap<TagId, VecDeque<Timestamp>>,
    full: Mutex<Option<Full>>,
}

/// There was no room for some tag's loss.
#[derive(Clone, Copy)]
struct Full {
    /// Until then any tag may be one that was lost.
    any_until: Timestamp,
    /// Until then nobody looks for room again.
    looked_until: Timestamp,
}

impl Losses {
    /// The actor of this tag was lost.
    pub(crate) fn note(&self, tag: TagId, now: Timestamp) {
        let is_full = || self.by_tag.len() >= REMEMBERED_MAX && !self.make_room(now);
        if !self.by_tag.contains_key(&tag) && is_full() {
            return;
        }
        let mut times = self.by_tag.entry(tag).or_default();
        times.push_back(now);
        if times.len() > LOSSES_MAX {
            times.pop_front();
        }
    }

    /// Forgets old ones. False: there is still no room.
    fn make_room(&self, now: Timestamp) -> bool {
        let mut full = self.lock();
        let mut looked_until = full.map_or(now, |full| full.looked_until);
        if looked_until <= now {
            let is_new = |last: &Timestamp| now.since(*last) < QUARANTINE;
            self.by_tag.retain(|_, times| times.back().is_some_and(is_new));
            if self.by_tag.len() < REMEMBERED_MAX {
                return true;
            }
            looked_until = now.plus(LOOK_EVERY);
        }
        *full = Some(Full { any_until: now.plus(QUARANTINE), looked_until });
        false
    }

    /// Whether an actor of this tag was lost lately, or may have been: what it left on its way to disk may not be there yet.
    pub(crate) fn was_lost(&self, tag: TagId, now: Timestamp) -> bool {
        self.by_tag.contains_key(&tag) || self.lock().is_some_and(|full| full.any_until > now)
    }

    /// Whether a tag is to be left alone: again and again its actor was lost.
    pub(crate) fn is_quarantined(&self, tag: TagId, now: Timestamp) -> bool {
        self.by_tag.get(&tag).is_some_and(|times| {
            let (Some(first), Some(last)) = (times.front(), times.back()) else {
                return false;
            };
            times.len() >= LOSSES_MAX && last.since(*first) < WINDOW && now.since(*last) < QUARANTINE
        })
    }

    /// Whoever is left alone comes back at once; what was lost is remembered still.
    #[cfg(test)]
    pub(crate) fn pardon(&self) {
        self.by_tag.iter_mut().for_each(|mut times| times.truncate(1));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Full>> {
        self.full.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn tag(n: usize) -> TagId {
        TagId::from_u64(n as u64)
    }

    #[test]
    fn a_loss_for_which_there_is_no_room_is_one_that_any_tag_may_have_had() {
        let (losses, now) = (Losses::default(), NOW);
        (0..REMEMBERED_MAX).for_each(|n| losses.note(tag(n), now));
        assert!(losses.was_lost(tag(0), now) && !losses.was_lost(tag(REMEMBERED_MAX), now));
        (REMEMBERED_MAX..2 * REMEMBERED_MAX).for_each(|n| losses.note(tag(n), now));
        assert_eq!(losses.by_tag.len(), REMEMBERED_MAX);
        assert!(losses.was_lost(tag(REMEMBERED_MAX), now) && losses.was_lost(tag(5 * REMEMBERED_MAX), now));
        assert!(!losses.was_lost(tag(REMEMBERED_MAX), now.plus(QUARANTINE)));
        // One that is remembered is counted on.
        (0..2).for_each(|_| losses.note(tag(0), now));
        assert!(losses.is_quarantined(tag(0), now) && !losses.is_quarantined(tag(REMEMBERED_MAX), now));
    }

    #[test]
    fn a_tag_that_was_lost_three_times_in_ten_seconds_is_left_alone_for_a_minute() {
        let losses = Losses::default();
        let loss = |tag, seconds| losses.note(tag, NOW.plus(Span::from_secs(seconds)));
        [0, 5, 9].into_iter().for_each(|at| loss(tag(1), at));
        [0, 5, 10].into_iter().for_each(|at| loss(tag(2), at));
        let alone = |tag, seconds| losses.is_quarantined(tag, NOW.plus(Span::from_secs(seconds)));
        assert!(alone(tag(1), 9) && alone(tag(1), 68) && !alone(tag(1), 69));
        assert!(!alone(tag(2), 10), "not within the window");
        // The first is forgotten over the fourth.
        loss(tag(2), 14);
        assert!(alone(tag(2), 14));
    }

    #[test]
    fn there_is_room_again_when_what_is_remembered_is_old_however_many_losses_come_meanwhile() {
        let losses = Losses::default();
        (0..REMEMBERED_MAX).for_each(|n| losses.note(tag(n), NOW));
        let newcomer = tag(REMEMBERED_MAX);
        for millis in (0..=QUARANTINE.as_millis() + LOOK_EVERY.as_millis()).step_by(1_000) {
            losses.note(newcomer, NOW.plus(Span::from_millis(millis)));
        }
        assert!(losses.by_tag.contains_key(&newcomer) && losses.by_tag.len() == 1);
    }
}
