//! The commit thread: the only writer. It folds what waits into one batch with one sync, and only then tells those who
//! wait for it. fjall syncs under its journal lock and has no group commit of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant};

use fjall::{Database, PersistMode};
use metrics::{Gauge, Histogram};
use qnect_core::record::Record;
use qnect_core::time::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::{oneshot, watch};

use crate::codec::{Head, ScanRow, encode_session, to_bytes};
use crate::error::StorageError;
use crate::keyring::Keyring;
use crate::layout::{HEAD_KEY, Keyspaces, Row, Space, scan_key, session_key};
use crate::mark::HighWaterMark;

/// Jobs that may wait for the commit thread. Above it, callers are turned away.
pub(crate) const QUEUE_JOBS_MAX: usize = 16_384;
/// Jobs that one batch takes at most.
const BATCH_JOBS_MAX: usize = 1_024;
/// How long a record that nobody waits for may stay unsynced.
const EVENTUALLY: Duration = Duration::from_millis(500);
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

    pub(crate) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    fn push(&self, lane: Lane, job: Job) -> Result<(), QueueFull> {
        if self.depth() >= lane.jobs_max() {
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
    pub(crate) head: Head,
    pub(crate) now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) failed: watch::Sender<bool>,
    pub(crate) safe: watch::Sender<u64>,
    pub(crate) metrics: CommitMetrics,
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
    in_order: bool,
}

impl Drop for FailedUnlessInOrder {
    fn drop(&mut self) {
        if !self.in_order {
            self.failed.send_replace(true);
        }
    }
}

impl Committer {
    /// Runs until the queue is closed or the store fails. A failure is told by `failed`, and by dropped promises.
    pub(crate) fn run(mut self, inbox: &CommitInbox) {
        let mut end = FailedUnlessInOrder { failed: self.failed.clone(), in_order: false };
        match self.serve(inbox) {
            Ok(()) => end.in_order = true,
            Err(error) => tracing::error!(%error, "the store failed; nothing is acknowledged any more"),
        }
    }

    fn serve(&mut self, inbox: &CommitInbox) -> Result<(), StorageError> {
        let mut jobs = Vec::with_capacity(BATCH_JOBS_MAX);
        let mut unsynced_since: Option<Instant> = None;
        let mut scan_counter = 0;
        loop {
            match inbox.jobs.recv_timeout(EVENTUALLY) {
                Ok(job) => jobs.push(job),
                Err(RecvTimeoutError::Timeout) => {
                    self.prepare_days()?;
                    if unsynced_since.take().is_some() {
                        self.sync()?;
                    }
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return self.sync(),
            }
            jobs.extend(inbox.jobs.try_iter().take(BATCH_JOBS_MAX - 1));
            let started = Instant::now();
            self.metrics.queue_records.set(inbox.depth.load(Ordering::Relaxed) as f64);
            let somebody_waits = jobs.iter().any(|j| j.kept.is_some());
            let overdue = unsynced_since.is_some_and(|since| since.elapsed() >= EVENTUALLY);
            let sync = somebody_waits || overdue;
            self.write(&jobs, sync, &mut scan_counter)?;
            unsynced_since = if sync { None } else { unsynced_since.or(Some(started)) };
            if sync {
                self.safe.send_replace(self.head.sequence);
                self.metrics.seconds.record(started.elapsed().as_secs_f64());
            }
            self.metrics.batch_records.record(jobs.len() as f64);
            inbox.depth.fetch_sub(jobs.len(), Ordering::Relaxed);
            let last = jobs.iter().any(|j| matches!(j.work, Work::Stop));
            for job in jobs.drain(..) {
                if let Some(kept) = job.kept {
                    // Whoever waited may have left: then nobody is told.
                    let _ = kept.send(());
                }
            }
            if last {
                return self.sync();
            }
            // Here too: a busy store never runs into the timeout above.
            self.prepare_days()?;
        }
    }

    fn prepare_days(&self) -> Result<(), StorageError> {
        Ok(self.keys.prepare_days((self.now)())?)
    }

    fn write(&mut self, jobs: &[Job], sync: bool, scan_counter: &mut u32) -> Result<(), StorageError> {
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
                        let row = row_of(record, &self.keys, scan_counter)?;
                        put(row.space, &row.key, &row.value);
                    }
                }
            }
        }
        let head = Head { sequence, hash: hash.finalize().into(), at_ms: (self.now)().as_millis() };
        batch.insert(self.spaces.get(Space::Head), HEAD_KEY, to_bytes(&head));
        #[cfg(feature = "faults")]
        self.faults.before_commit()?;
        batch.commit()?;
        self.head = head;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.database.persist(PersistMode::SyncData)?;
        self.safe.send_replace(self.head.sequence);
        Ok(())
    }
}

fn row_of(record: &Record, keys: &Keyring, scan_counter: &mut u32) -> Result<Row, StorageError> {
    match record {
        Record::ScanAdmitted { tag, at, address, device, browser } => {
            *scan_counter = scan_counter.wrapping_add(1);
            let value = to_bytes(&ScanRow::new(*address, *device, *browser));
            Ok(Row { space: Space::Scans, key: scan_key(*tag, *at, *scan_counter).to_vec(), value })
        }
        Record::SessionOpened(s) | Record::SessionAdvanced(s) | Record::SessionEnded(s) => {
            Ok(Row { space: Space::Sessions, key: session_key(s.id).to_vec(), value: encode_session(s, keys)? })
        }
    }
}

/// Writes the high-water mark once a second while `safe` moves, and a last time when the commit thread is gone.
/// Off the commit path: a slow disk under the mark delays no answer.
pub(crate) fn keep_mark(
    mark: &HighWaterMark,
    safe: &watch::Receiver<u64>,
    failed: &watch::Sender<bool>,
    pause: &Receiver<()>,
) {
    let mut marked = *safe.borrow();
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
