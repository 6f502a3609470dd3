//! The commit thread: it folds what waits into one group with one sync, and only then tells those who wait for it. fjall
//! syncs under its journal lock and has no group commit of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use metrics::{Gauge, Histogram};
use qnect_core::record::ScanRecord;
use qnect_core::time::Timestamp;
use tokio::sync::watch;

use super::Grouping;
use super::ledger::Ledger;
use super::queue::{CommitInbox, Job, Work};
use super::scans::ScanLog;
use super::tellers::keep_all;
use crate::codec::pack_scans;
use crate::error::StorageError;
use crate::failure::Failure;
use crate::keyring::Keyring;
use crate::layout::{Row, Space, scans_key};
use crate::recent;
use crate::watchdog::Progress;

/// How long a record that nobody waits for may stay unsynced, and how often the shelves of scans are cleared.
const EVENTUALLY: Duration = Duration::from_millis(500);
/// Scans of one packed row: 80 KiB.
const ROW_SCANS_MAX: usize = 4_096;

/// Everything that the commit thread owns.
pub(crate) struct Committer {
    pub(crate) ledger: Ledger,
    pub(crate) grouping: Grouping,
    /// When the last group began.
    pub(crate) began: Option<Instant>,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) scans: Arc<ScanLog>,
    pub(crate) now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) failure: Failure,
    pub(crate) progress: Arc<Progress>,
    pub(crate) safe: watch::Sender<u64>,
    pub(crate) metrics: CommitMetrics,
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

/// However the commit thread ends: nobody clears the shelves any more.
impl Drop for Committer {
    fn drop(&mut self) {
        self.scans.close();
    }
}

/// What one round of the thread takes.
#[derive(Default)]
struct Group {
    jobs: Vec<Job>,
    records: usize,
    /// There is nothing behind it.
    last: bool,
}

impl Group {
    fn take(&mut self, job: Job) {
        self.records += job.work.len();
        self.last |= matches!(job.work, Work::Stop);
        self.jobs.push(job);
    }

    fn is_awaited(&self) -> bool {
        self.jobs.iter().any(|job| job.pledge.is_some())
    }
}

impl Committer {
    /// Runs until the queue is closed or the store fails. A failure is told, and shown by dropped promises.
    pub(crate) fn run(mut self, inbox: &CommitInbox) {
        if let Err(error) = self.serve(inbox) {
            self.failure.tell(&error);
        }
    }

    fn serve(&mut self, inbox: &CommitInbox) -> Result<(), StorageError> {
        // What nobody waits for is safe at the latest when the time since this moment exceeds `EVENTUALLY`.
        let mut all_safe_at = Instant::now();
        loop {
            let mut group = self.gather(inbox, EVENTUALLY.saturating_sub(all_safe_at.elapsed()));
            let overdue = group.last || all_safe_at.elapsed() >= EVENTUALLY;
            if overdue {
                self.keys.prepare_days((self.now)())?;
            }
            self.commit(&mut group, overdue)?;
            // Another thread may have failed meanwhile, and fjall's own tells nobody: nothing is acknowledged after the first
            // failure, be it safe or not. Without work, this is asked as often as that which nobody waits for is made safe.
            self.ledger.ask()?;
            if self.failure.is_told() {
                return Err(StorageError::Stopped);
            }
            if overdue {
                all_safe_at = Instant::now();
            }
            inbox.depth.fetch_sub(group.jobs.len(), Ordering::Relaxed);
            self.metrics.queue_records.set(inbox.depth.load(Ordering::Relaxed) as f64);
            keep_all(group.jobs.into_iter().filter_map(|job| job.pledge));
            self.ledger.sweep();
            self.progress.end();
            if group.last {
                return Ok(());
            }
        }
    }

    /// Waits for work, `patience` at most, and takes what is there.
    #[allow(clippy::disallowed_methods)] // Asleep, and not at the queue: each job that came would wake this thread.
    fn gather(&mut self, inbox: &CommitInbox, patience: Duration) -> Group {
        let mut group = Group::default();
        match inbox.jobs.recv_timeout(patience) {
            Ok(job) => group.take(job),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => group.last = true,
        }
        self.progress.begin();
        self.fill(&mut group, inbox);
        if group.jobs.is_empty() {
            return group;
        }
        let since = self.began.map_or(Duration::MAX, |began| began.elapsed());
        if group.records < self.grouping.records_max && !group.last {
            std::thread::sleep(self.grouping.wait.saturating_sub(since));
            self.fill(&mut group, inbox);
        }
        self.began = Some(Instant::now());
        group
    }

    /// Takes what is there.
    fn fill(&self, group: &mut Group, inbox: &CommitInbox) {
        while group.records < self.grouping.records_max
            && let Ok(job) = inbox.jobs.try_recv()
        {
            group.take(job);
        }
    }

    /// Writes one group; syncs it when somebody waits or what nobody waits for is `overdue`.
    fn commit(&mut self, group: &mut Group, overdue: bool) -> Result<(), StorageError> {
        let started = Instant::now();
        let scans = if overdue { self.scans.take() } else { Vec::new() };
        let sync = overdue || group.is_awaited();
        if !group.jobs.is_empty() || !scans.is_empty() {
            let now = (self.now)();
            self.ledger.write(now, sync, |number, put| write(&mut group.jobs, scans, number, put))?;
            self.metrics.batch_records.record(group.records as f64);
        } else if overdue && self.ledger.unsynced {
            self.ledger.sync()?;
        } else {
            return Ok(());
        }
        if sync {
            self.safe.send_replace(self.ledger.head.sequence);
            self.metrics.seconds.record(started.elapsed().as_secs_f64());
        }
        Ok(())
    }
}

/// The rows of all jobs, of the sessions that they leave open, and of the scans from the shelves.
fn write(jobs: &mut [Job], mut scans: Vec<ScanRecord>, group: u64, put: &mut dyn FnMut(Row)) {
    let mut open = Vec::new();
    for job in jobs {
        match &mut job.work {
            Work::Stop => {}
            Work::Rows(rows) => rows.drain(..).for_each(&mut *put),
            Work::Records(records) => {
                records.rows.drain(..).for_each(&mut *put);
                open.append(&mut records.open);
                scans.append(&mut records.scans);
            }
        }
    }
    // Behind the sessions: whoever reads a note while the group is taken into memory finds its session there.
    recent::pack(group, &open, put);
    for (part, scans) in (0u16..).zip(scans.chunks_mut(ROW_SCANS_MAX)) {
        let (earliest, value) = pack_scans(scans);
        put(Row::put(Space::Scans, scans_key(earliest, group, part), value));
    }
}
