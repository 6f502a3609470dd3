//! The way to the commit thread: bounded, shed by lanes, and never in anyone's way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};

use tokio::sync::oneshot;

use super::tellers::Pledge;
use super::written::Written;
use crate::error::StorageError;
use crate::layout::Row;

/// Jobs that may wait for the commit thread. Above it, callers are turned away.
pub(crate) const QUEUE_JOBS_MAX: usize = 16_384;

/// Who asks, in the order in which work is shed when the queue fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Scan records go first: at half a queue.
    Scans,
    /// New sessions next: at seven eighths.
    Sessions,
    /// Webhooks of calls that are on, last: when the queue is full.
    Webhooks,
}

impl Lane {
    const fn jobs_max(self) -> usize {
        match self {
            Self::Scans => QUEUE_JOBS_MAX / 2,
            Self::Sessions => QUEUE_JOBS_MAX / 8 * 7,
            Self::Webhooks => QUEUE_JOBS_MAX,
        }
    }
}

/// The queue has no room for this lane: shed the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the commit queue is full")]
pub struct QueueFull;

/// Resolves once what was promised is on stable storage; fails if it never will be known to be.
#[derive(Debug)]
pub struct Promise(oneshot::Receiver<()>);

impl Promise {
    /// Waits for the commit.
    pub async fn kept(self) -> Result<(), StorageError> {
        self.0.await.map_err(|_| StorageError::Stopped)
    }

    /// Waits for the commit on a thread of one's own.
    pub(crate) fn kept_blocking(self) -> Result<(), StorageError> {
        self.0.blocking_recv().map_err(|_| StorageError::Stopped)
    }
}

pub(crate) enum Work {
    Records(Written),
    Rows(Vec<Row>),
    /// The last work there is.
    Stop,
}

impl Work {
    /// Records or rows in it.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Records(records) => records.count,
            Self::Rows(rows) => rows.len(),
            Self::Stop => 0,
        }
    }
}

pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) pledge: Option<Pledge>,
}

/// The way in.
#[derive(Clone)]
pub(crate) struct CommitQueue {
    jobs: SyncSender<Job>,
    depth: Arc<AtomicUsize>,
}

impl CommitQueue {
    pub(crate) fn new() -> (Self, CommitInbox) {
        // One place more than jobs are taken: the last is for the stop.
        let (jobs, inbox) = std::sync::mpsc::sync_channel(QUEUE_JOBS_MAX + 1);
        let depth = Arc::new(AtomicUsize::new(0));
        (Self { jobs, depth: depth.clone() }, CommitInbox { jobs: inbox, depth })
    }

    /// Queues work that nobody waits for.
    pub(crate) fn remember(&self, lane: Lane, work: Work) -> Result<(), QueueFull> {
        self.push(lane, Job { work, pledge: None })
    }

    /// Queues work that somebody waits for.
    pub(crate) fn promise(&self, lane: Lane, work: Work) -> Result<Promise, QueueFull> {
        let (kept, promise) = oneshot::channel();
        self.push(lane, Job { work, pledge: Some(Pledge::here(kept)) })?;
        Ok(Promise(promise))
    }

    /// Ends the commit thread behind all that is queued. Called once; never waits, even if that thread hangs.
    pub(crate) fn stop(&self) {
        self.depth.fetch_add(1, Ordering::Relaxed);
        // An error means that it has ended already.
        let _ = self.jobs.try_send(Job { work: Work::Stop, pledge: None });
    }

    /// Whether work of this lane is still taken.
    pub(crate) fn has_room(&self, lane: Lane) -> bool {
        self.depth() < lane.jobs_max()
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    fn push(&self, lane: Lane, job: Job) -> Result<(), QueueFull> {
        // Counted before it is looked at, so that no two take the last place.
        if self.depth.fetch_add(1, Ordering::Relaxed) >= lane.jobs_max() {
            self.depth.fetch_sub(1, Ordering::Relaxed);
            return Err(QueueFull);
        }
        self.jobs.try_send(job).map_err(|e| {
            self.depth.fetch_sub(1, Ordering::Relaxed);
            // A stopped commit thread looks like a full queue: the work is turned away either way.
            match e {
                TrySendError::Full(_) | TrySendError::Disconnected(_) => QueueFull,
            }
        })
    }
}

/// The commit thread's end of the queue.
pub(crate) struct CommitInbox {
    pub(crate) jobs: Receiver<Job>,
    /// Jobs that are queued or in a batch under way; the commit thread takes off what it has done.
    pub(crate) depth: Arc<AtomicUsize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_still_takes_the_stop_and_nobody_waits_for_a_thread_that_hangs() {
        let (queue, inbox) = CommitQueue::new();
        while queue.remember(Lane::Webhooks, Work::Rows(Vec::new())) == Ok(()) {}
        assert_eq!(queue.depth(), QUEUE_JOBS_MAX);
        queue.stop();
        assert_eq!(inbox.jobs.try_iter().count(), QUEUE_JOBS_MAX + 1);
    }

    #[test]
    fn the_stop_is_counted_before_it_can_be_taken() {
        for _ in 0..1_000 {
            let (queue, inbox) = CommitQueue::new();
            std::thread::scope(|scope| {
                scope.spawn(move || {
                    assert!(matches!(inbox.jobs.recv().unwrap().work, Work::Stop));
                    assert_eq!(inbox.depth.fetch_sub(1, Ordering::Relaxed), 1);
                });
                queue.stop();
            });
        }
    }
}
