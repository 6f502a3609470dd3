//! The commit path: the only way in which anything is written.
//!
//! Its face is narrow: work goes in by [`CommitQueue`], a [`Promise`] comes out. One thread ([`Committer`]) folds what waits
//! into a group and hands it to the [`Ledger`], the one place that knows what a group is written with. A log that is
//! replicated to other machines will stand where the ledger stands, under the same face.

mod ledger;
mod queue;
mod scans;
mod sweep;
mod tellers;
mod thread;
mod written;

pub(crate) use ledger::{Ledger, chain};
pub(crate) use queue::{CommitQueue, Work};
pub use queue::{Lane, Promise, QueueFull};
pub(crate) use scans::ScanLog;
pub(crate) use sweep::{Memtables, Swept, free};
pub use tellers::tell_here;
pub(crate) use thread::{CommitMetrics, Committer};
pub(crate) use written::Written;

use std::time::Duration;

/// How groups are formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grouping {
    /// Records at which a group is closed; one job is never split, so a group may have more by what its last job holds.
    pub records_max: usize,
    /// From the beginning of one group to that of the next, at least, unless it is full. While one is synced the next one
    /// gathers anyway; but a disk that is done in half a millisecond would be asked two thousand times a second, for a dozen
    /// records each. What comes after a pause waits for nobody.
    pub wait: Duration,
}

/// No pause, for tests and benches; an engine that serves has one.
impl Default for Grouping {
    fn default() -> Self {
        Self { records_max: 1_024, wait: Duration::ZERO }
    }
}
