//! The commit thread: the only writer. It folds what waits into one batch with one sync, and only then tells those who
//! wait for it. fjall syncs under its journal lock and has no group commit of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant};

use fjall::{Database, PersistMode};
use metrics::{Gauge, Histogram};
use qnect_core::record::{Record, ScanRecord};
use qnect_core::time::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::{oneshot, watch};

use crate::codec::{Head, encode_session, pack_scans, to_bytes};
use crate::error::StorageError;
use crate::keyring::Keyring;
use crate::layout::{HEAD_KEY, Keyspaces, Row, Space, scans_key, session_key};
use crate::mark::HighWaterMark;
use crate::scan_log::ScanLog;

/// Jobs that may wait for the commit thread. Above it, callers are turned away.
pub(crate) const QUEUE_JOBS_MAX: usize = 16_384;
/// Jobs that one batch takes at most.
const BATCH_JOBS_MAX: usize = 1_024;
/// How long a record that nobody waits for may stay unsynced, and how often the shelves of scans are cleared.
const EVENTUALLY: Duration = Duration::from_millis(500);
/// Scans of one packed row: 80 KiB.
const ROW_SCANS_MAX: usize = 4_096;
/// How often the high-water mark is written.
const MARK_EVERY: Duration = Duration::from_secs(1);

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
    Records(Vec<Record>),
    Rows(Vec<Row>),
    /// The last work there is.
    Stop,
}

struct Job {
    work: Work,
    kept: Option<oneshot::Sender<()>>,
}

/// The way in.
pub(crate) struct CommitQueue {
    jobs: SyncSender<Job>,
    depth: Arc<AtomicUsize>,
}

impl CommitQueue {
    pub(crate) fn new() -> (Self, CommitInbox) {
        let (jobs, inbox) = std::sync::mpsc::sync_channel(QUEUE_JOBS_MAX);
        let depth = Arc::new(AtomicUsize::new(0));
        (Self { jobs, depth: depth.clone() }, CommitInbox { jobs: inbox, depth })
    }

    /// Queues work that nobody waits for.
    pub(crate) fn remember(&self, lane: Lane, work: Work) -> Result<(), QueueFull> {
        self.push(lane, Job { work, kept: None })
    }

    /// Queues work that somebody waits for.
    pub(crate) fn promise(&self, lane: Lane, work: Work) -> Result<Promise, QueueFull> {
        let (kept, promise) = oneshot::channel();
        self.push(lane, Job { work, kept: Some(kept) })?;
        Ok(Promise(promise))
    }

    /// Ends the commit thread behind all that is queued.
    pub(crate) fn stop(&self) {
        // An error means that it has ended already.
        let _ = self.jobs.send(Job { work: Work::Stop, kept: None });
        self.depth.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether work of this lane is still taken.
    pub(crate) fn has_room(&self, lane: Lane) -> bool {
        self.depth() < lane.jobs_max()
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    fn push(&self, lane: Lane, job: Job) -> Result<(), QueueFull> {
        if !self.has_room(lane) {
            return Err(QueueFull);
        }
        self.depth.fetch_add(1, Ordering::Relaxed);
        self.jobs.try_send(job).map_err(|e| {
            self.depth.fetch_sub(1, Ordering::Relaxed);
            // A stopped commit thread looks like a full queue: the work is turned away either way.
            match e {
                TrySendError::Full(_) | TrySendError::Disconnected(_) => QueueFull,
            }
        })
    }
}

pub(crate) struct CommitInbox {
    jobs: Receiver<Job>,
    depth: Arc<AtomicUsize>,
}

/// Everything that the commit thread owns.
pub(crate) struct Committer {
    pub(crate) database: Database,
    pub(crate) spaces: Keyspaces,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) scans: Arc<ScanLog>,
    pub(crate) head: Head,
    pub(crate) now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) failed: watch::Sender<bool>,
    pub(crate) safe: watch::Sender<u64>,
    pub(crate) metrics: CommitMetrics,
    /// Something was written since the last sync.
    pub(crate) unsynced: bool,
    #[cfg(feature = "faults")]
    pub(crate) faults: crate::faults::Faults,
}

/// Handles of what the commit thread counts.
pub(crate) struct CommitMetrics {
    queue_records: Gauge,
    seconds: Histogram,
    batch_records: Histogram,
}

impl CommitMetrics {
    /// Resolves the handles; the recorder must be installed before.
    pub(crate) fn resolve() -> Self {
        Self {
            queue_records: metrics::gauge!("qnect_commit_queue_records"),
            seconds: metrics::histogram!("qnect_commit_seconds"),
            batch_records: metrics::histogram!("qnect_commit_batch_records"),
        }
    }
}

/// Tells that the store has failed when the commit thread ends in any way but in order: a panic is a failure, too.
struct FailedUnlessInOrder {
    failed: watch::Sender<bool>,
    scans: Arc<ScanLog>,
    in_order: bool,
}

impl Drop for FailedUnlessInOrder {
    fn drop(&mut self) {
        self.scans.close();
        if !self.in_order {
            self.failed.send_replace(true);
        }
    }
}

impl Committer {
    /// Runs until the queue is closed or the store fails. A failure is told by `failed`, and by dropped promises.
    pub(crate) fn run(mut self, inbox: &CommitInbox) {
        let mut end = FailedUnlessInOrder { failed: self.failed.clone(), scans: self.scans.clone(), in_order: false };
        match self.serve(inbox) {
            Ok(()) => end.in_order = true,
            Err(error) => tracing::error!(%error, "the store failed; nothing is acknowledged any more"),
        }
    }

    fn serve(&mut self, inbox: &CommitInbox) -> Result<(), StorageError> {
        let mut jobs = Vec::with_capacity(BATCH_JOBS_MAX);
        // What nobody waits for is safe at the latest when the time since this moment exceeds `EVENTUALLY`.
        let mut all_safe_at = Instant::now();
        loop {
            let closed = match inbox.jobs.recv_timeout(EVENTUALLY.saturating_sub(all_safe_at.elapsed())) {
                Ok(job) => {
                    jobs.push(job);
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            jobs.extend(inbox.jobs.try_iter().take(BATCH_JOBS_MAX - jobs.len()));
            let last = closed || jobs.iter().any(|j| matches!(j.work, Work::Stop));
            let overdue = last || all_safe_at.elapsed() >= EVENTUALLY;
            if overdue {
                self.prepare_days()?;
            }
            self.commit(&jobs, overdue)?;
            if overdue {
                all_safe_at = Instant::now();
            }
            inbox.depth.fetch_sub(jobs.len(), Ordering::Relaxed);
            self.metrics.queue_records.set(inbox.depth.load(Ordering::Relaxed) as f64);
            for job in jobs.drain(..) {
                if let Some(kept) = job.kept {
                    // Whoever waited may have left: then nobody is told.
                    let _ = kept.send(());
                }
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Writes one batch; syncs it when somebody waits or what nobody waits for is `overdue`.
    fn commit(&mut self, jobs: &[Job], overdue: bool) -> Result<(), StorageError> {
        let started = Instant::now();
        let scans = if overdue { self.scans.take() } else { Vec::new() };
        let sync = overdue || jobs.iter().any(|j| j.kept.is_some());
        if !jobs.is_empty() || !scans.is_empty() {
            self.write(jobs, scans, sync)?;
            self.metrics.batch_records.record(jobs.len() as f64);
            self.unsynced = !sync;
        } else if overdue && self.unsynced {
            self.database.persist(PersistMode::SyncData)?;
            self.unsynced = false;
        } else {
            return Ok(());
        }
        if sync {
            self.safe.send_replace(self.head.sequence);
            self.metrics.seconds.record(started.elapsed().as_secs_f64());
        }
        Ok(())
    }

    fn prepare_days(&self) -> Result<(), StorageError> {
        Ok(self.keys.prepare_days((self.now)())?)
    }

    fn write(&mut self, jobs: &[Job], mut scans: Vec<ScanRecord>, sync: bool) -> Result<(), StorageError> {
        let mode = if sync { PersistMode::SyncData } else { PersistMode::Buffer };
        let mut batch = self.database.batch().durability(Some(mode));
        let sequence = self.head.sequence + 1;
        let mut hash = Sha256::new();
        hash.update(self.head.hash);
        hash.update(sequence.to_be_bytes());
        let mut put = |space: Space, key: &[u8], value: &[u8]| {
            hash.update([space as u8]);
            hash.update((key.len() as u32).to_be_bytes());
            hash.update(key);
            hash.update((value.len() as u32).to_be_bytes());
            hash.update(value);
            batch.insert(self.spaces.get(space), key, value);
        };
        for job in jobs {
            match &job.work {
                Work::Stop => {}
                Work::Rows(rows) => rows.iter().for_each(|row| put(row.space, &row.key, &row.value)),
                Work::Records(records) => {
                    for record in records {
                        match record {
                            Record::ScanAdmitted(scan) => scans.push(*scan),
                            Record::SessionOpened(s) | Record::SessionAdvanced(s) | Record::SessionEnded(s) => {
                                put(Space::Sessions, &session_key(s.id), &encode_session(s, &self.keys)?);
                            }
                        }
                    }
                }
            }
        }
        for (part, scans) in (0u16..).zip(scans.chunks_mut(ROW_SCANS_MAX)) {
            let (earliest, value) = pack_scans(scans);
            put(Space::Scans, &scans_key(earliest, sequence, part), &value);
        }
        let head = Head { sequence, hash: hash.finalize().into(), at_ms: (self.now)().as_millis() };
        batch.insert(self.spaces.get(Space::Head), HEAD_KEY, to_bytes(&head));
        #[cfg(feature = "faults")]
        self.faults.before_commit()?;
        batch.commit()?;
        self.head = head;
        Ok(())
    }
}

/// Writes the high-water mark once a second while `safe` moves on from what is `marked`, and a last time when the commit
/// thread is gone. Off the commit path: a slow disk under the mark delays no answer.
pub(crate) fn keep_mark(
    mark: &HighWaterMark,
    mut marked: u64,
    safe: &watch::Receiver<u64>,
    failed: &watch::Sender<bool>,
    pause: &Receiver<()>,
) {
    loop {
        let last_round = !matches!(pause.recv_timeout(MARK_EVERY), Err(RecvTimeoutError::Timeout));
        let sequence = *safe.borrow();
        if sequence > marked {
            if let Err(error) = mark.write(sequence) {
                tracing::error!(%error, "the high-water mark cannot be written");
                failed.send_replace(true);
                return;
            }
            marked = sequence;
        }
        if last_round {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_before_the_first_look_are_marked_too() {
        let folder = tempfile::tempdir().unwrap();
        let mark = HighWaterMark::at(folder.path().join("high-water.mark"));
        // The commit thread has been fast: all its commits are safe before the marking thread runs.
        let (safe, is_safe) = watch::channel(7);
        let (failed, has_failed) = watch::channel(false);
        let (stop, stopped) = std::sync::mpsc::channel();
        drop((safe, stop));
        keep_mark(&mark, 3, &is_safe, &failed, &stopped);
        assert_eq!(mark.read().unwrap(), 7);
        assert!(!*has_failed.borrow());
    }
}
