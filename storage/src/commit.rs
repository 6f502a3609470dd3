//! The commit thread: the only writer. It folds what waits into one batch with one sync, and only then tells those who
//! wait for it. fjall syncs under its journal lock and has no group commit of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use fjall::{Database, PersistMode};
use metrics::{Gauge, Histogram};
use qnect_core::record::{Record, ScanRecord};
use qnect_core::time::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::chores::Chore;
use crate::codec::{Head, encode_session, pack_scans, to_bytes};
use crate::commit_queue::{CommitInbox, Job, Work};
use crate::error::StorageError;
use crate::failure::Failure;
use crate::keyring::Keyring;
use crate::layout::{HEAD_KEY, Keyspaces, Space, scans_key, session_key};
use crate::scan_log::ScanLog;
use crate::watchdog::Progress;

/// Jobs that one batch takes at most.
const BATCH_JOBS_MAX: usize = 1_024;
/// How long a record that nobody waits for may stay unsynced, and how often the shelves of scans are cleared.
const EVENTUALLY: Duration = Duration::from_millis(500);
/// Scans of one packed row: 80 KiB.
const ROW_SCANS_MAX: usize = 4_096;

/// Everything that the commit thread owns.
pub(crate) struct Committer {
    pub(crate) database: Database,
    pub(crate) spaces: Keyspaces,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) scans: Arc<ScanLog>,
    pub(crate) head: Head,
    pub(crate) now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) failure: Failure,
    pub(crate) progress: Arc<Progress>,
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

/// However the commit thread ends: nobody clears the shelves any more.
impl Drop for Committer {
    fn drop(&mut self) {
        self.scans.close();
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
            self.progress.begin();
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
            self.progress.end();
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
        let mut change = |space: Space, key: &[u8], value: Option<&[u8]>| {
            chain(&mut hash, space, key, value);
            match value {
                Some(value) => batch.insert(self.spaces.get(space), key, value),
                None => batch.remove(self.spaces.get(space), key),
            }
        };
        for job in jobs {
            match &job.work {
                Work::Stop => {}
                Work::Rows(rows) => rows.iter().for_each(|row| change(row.space, &row.key, row.value.as_deref())),
                Work::Records(records) => {
                    for record in records {
                        match record {
                            // Scans have a way of their own; one that comes by this one is not lost.
                            Record::ScanAdmitted(scan) => scans.push(*scan),
                            Record::SessionOpened(s) | Record::SessionAdvanced(s) | Record::SessionEnded(s) => {
                                change(Space::Sessions, &session_key(s.id), Some(&encode_session(s, &self.keys)?));
                                if let Some(chore) = Chore::left_by(s) {
                                    change(Space::Chores, &chore.key(), Some(&[]));
                                }
                            }
                        }
                    }
                }
            }
        }
        for (part, scans) in (0u16..).zip(scans.chunks_mut(ROW_SCANS_MAX)) {
            let (earliest, value) = pack_scans(scans);
            change(Space::Scans, &scans_key(earliest, sequence, part), Some(&value));
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

/// Takes a change into the rolling hash; a row that goes has a length that no value has.
fn chain(hash: &mut Sha256, space: Space, key: &[u8], value: Option<&[u8]>) {
    hash.update([space as u8]);
    hash.update((key.len() as u32).to_be_bytes());
    hash.update(key);
    hash.update(value.map_or(u32::MAX, |value| value.len() as u32).to_be_bytes());
    hash.update(value.unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rolling_hash_tells_a_row_that_goes_from_one_that_stays() {
        let after = |key: &[u8], value| {
            let mut hash = Sha256::new();
            chain(&mut hash, Space::Index, key, value);
            hash.finalize()
        };
        assert_ne!(after(b"key", None), after(b"key", Some(b"")));
        assert_ne!(after(b"key", None), after(b"yek", None));
        assert_eq!(after(b"key", None), after(b"key", None));
    }
}
