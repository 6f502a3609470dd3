//! How much was asked and with which fate: a run in which nothing was in danger proves nothing.

use std::collections::BTreeMap;
use std::fmt;

use crate::possible::Told;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Open,
    Webhook,
    Cancel,
    Edit,
}

/// Requests by kind and fate, and how often a session was read back after a restart.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    requests: BTreeMap<(Kind, Told), u64>,
    pub(crate) read_back: u64,
}

impl Tally {
    /// A request came to its end.
    pub(crate) fn count(&mut self, kind: Kind, told: Told) {
        *self.requests.entry((kind, told)).or_default() += 1;
    }

    /// How many requests came to this end.
    pub(crate) fn of(&self, kind: Kind, told: Told) -> u64 {
        self.requests.get(&(kind, told)).copied().unwrap_or_default()
    }

    /// How many requests were acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.requests.iter().filter(|((_, told), _)| *told == Told::Ok).map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for told in [Told::Ok, Told::Failed, Told::Indeterminate] {
            let counts = [Kind::Open, Kind::Webhook, Kind::Cancel, Kind::Edit]
                .map(|kind| format!("{} {kind:?}", self.of(kind, told)).to_lowercase());
            write!(f, "{told:?}: {}; ", counts.join(", "))?;
        }
        write!(f, "read back: {}", self.read_back)
    }
}
