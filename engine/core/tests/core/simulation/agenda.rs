//! What is going to happen, in the order of time.

use std::collections::BTreeMap;

use qnect_core::time::Timestamp;

use super::network::{Truth, Webhook, WebhookId};
use super::restart::Reset;

/// One thing that happens.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// Somebody does something.
    Wish,
    /// The process ends.
    Crash,
    /// The clock jumps forward.
    Jump,
    /// A webhook arrives at our door.
    Arrives(WebhookId, Webhook),
    /// Something happens on a call, whether or not we are told.
    Call(usize, Truth),
    /// The store commits.
    Commit,
    /// An answer has waited long enough for its commit.
    TooLate(u64),
}

#[derive(Debug, Default)]
pub(super) struct Agenda {
    items: BTreeMap<(Timestamp, u64), Item>,
    added: u64,
}

impl Agenda {
    /// Things of one moment happen in the order in which they were added.
    pub(super) fn add(&mut self, at: Timestamp, item: Item) {
        self.added += 1;
        self.items.insert((at, self.added), item);
    }

    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.items.keys().next().map(|(at, _)| *at)
    }

    pub(super) fn take(&mut self) -> Option<(Timestamp, Item)> {
        self.items.pop_first().map(|((at, _), item)| (at, item))
    }

    /// The clock was set while nobody looked: what is to happen comes after the same time as before.
    pub(super) fn reset_clock(&mut self, reset: Reset) {
        self.items =
            std::mem::take(&mut self.items).into_iter().map(|((at, n), item)| ((reset.of(at), n), item)).collect();
    }

    /// A process that ended commits nothing and waits for nothing.
    pub(super) fn forget_ours(&mut self) {
        self.items.retain(|_, item| !matches!(item, Item::Commit | Item::TooLate(_)));
    }
}
