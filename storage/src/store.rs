//! The store as a whole: opened once, shared by everyone, closed in order.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use fjall::Database;
use qnect_core::record::{Record, ScanRecord};
use qnect_core::session::SessionSnapshot;
use qnect_core::session_id::SessionId;
use qnect_core::tag_code::TagId;
use qnect_core::time::Timestamp;
use tokio::sync::watch;

use crate::codec::{Head, from_bytes};
use crate::commit::{CommitMetrics, CommitQueue, Committer, Lane, Promise, QueueFull, Work, keep_mark};
use crate::error::StorageError;
use crate::keyring::Keyring;
use crate::keys::MasterKey;
use crate::layout::{HEAD_KEY, Keyspaces, Space};
use crate::mark::HighWaterMark;
use crate::owners::{self, NewOwner, RegisteredOwner};
use crate::read::{READERS, Read, ReadError, ReadQueue, Reader, Revival};
use crate::scan_log::ScanLog;

/// Bytes of fjall's block cache.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// fjall's own threads. With two, one spins while the other compacts.
const FJALL_WORKERS: usize = 1;
/// Owners that one batch of a bulk registration holds.
const REGISTER_BATCH: usize = 4_096;

/// Where a store lives and what it is opened with.
#[derive(Debug)]
pub struct OpenOptions<'a> {
    /// The data folder; made if it is missing.
    pub folder: &'a Path,
    /// The master key.
    pub master: &'a MasterKey,
}

struct Threads {
    commit: JoinHandle<()>,
    mark: JoinHandle<()>,
    stop_mark: std::sync::mpsc::Sender<()>,
    readers: Vec<JoinHandle<()>>,
}

struct Face {
    commits: CommitQueue,
    reads: ReadQueue,
}

/// The store. Shared behind an `Arc`; [`Storage::close`] ends it in order.
pub struct Storage {
    keys: Arc<Keyring>,
    reader: Reader,
    face: Face,
    scans: Arc<ScanLog>,
    threads: Mutex<Option<Threads>>,
    failed: watch::Receiver<bool>,
    floor: Timestamp,
    #[cfg(feature = "faults")]
    faults: crate::faults::Faults,
}

impl Storage {
    /// The time of the last commit in a folder's database: a clock must not start before it. Opens the folder, starts
    /// the threads; `now` is the clock by which commits are stamped, made from that floor.
    pub fn open<C>(options: &OpenOptions<'_>, clock: impl FnOnce(Timestamp) -> C) -> Result<Self, StorageError>
    where
        C: Fn() -> Timestamp + Send + Sync + 'static,
    {
        let folder = options.folder;
        std::fs::create_dir_all(folder).map_err(|e| StorageError::folder(folder, e))?;
        let database = open_database(&folder.join("db"))?;
        let spaces = Keyspaces::open(&database)?;
        let head: Head = match spaces.get(Space::Head).get(HEAD_KEY)? {
            Some(value) => from_bytes(Space::Head, &value)?,
            None => Head::default(),
        };
        let mark = HighWaterMark::at(folder.join("high-water.mark"));
        let marked = mark.read()?;
        if head.sequence < marked {
            return Err(StorageError::Lost { found: head.sequence, marked });
        }
        // Only now: a database that was lost as a whole is not a new one, and gets no empty key table.
        let keys = Arc::new(Keyring::open(options.master, &folder.join("keys.table"), head.sequence == 0)?);
        let floor = Timestamp::from_millis(head.at_ms);
        let now: Arc<dyn Fn() -> Timestamp + Send + Sync> = Arc::new(clock(floor));
        keys.prepare_days(now())?;
        let reader =
            Reader { spaces: spaces.clone(), keys: keys.clone(), reads: metrics::counter!("qnect_store_reads_total") };
        let (failed, has_failed) = watch::channel(false);
        let (safe, is_safe) = watch::channel(head.sequence);
        #[cfg(feature = "faults")]
        let faults = crate::faults::Faults::default();
        let scans = Arc::new(ScanLog::default());
        let committer = Committer {
            database,
            spaces,
            keys: keys.clone(),
            scans: scans.clone(),
            head,
            now,
            failed: failed.clone(),
            safe,
            metrics: CommitMetrics::resolve(),
            unsynced: false,
            #[cfg(feature = "faults")]
            faults: faults.clone(),
        };
        let keep_mark = move |stop: Receiver<()>| keep_mark(&mark, marked, &is_safe, &failed, &stop);
        let (face, threads) = start(committer, keep_mark, &reader)?;
        Ok(Self {
            keys,
            reader,
            face,
            scans,
            threads: Mutex::new(Some(threads)),
            failed: has_failed,
            floor,
            #[cfg(feature = "faults")]
            faults,
        })
    }

    /// The keys of this store.
    pub fn keys(&self) -> &Arc<Keyring> {
        &self.keys
    }

    /// The time of the last commit before this start.
    pub fn clock_floor(&self) -> Timestamp {
        self.floor
    }

    /// Turns true when the store has failed: then go not-ready and exit with 70.
    pub fn failed(&self) -> watch::Receiver<bool> {
        self.failed.clone()
    }

    /// The faults that a test may inject.
    #[cfg(feature = "faults")]
    pub fn faults(&self) -> &crate::faults::Faults {
        &self.faults
    }

    /// Jobs that wait for the commit thread.
    pub fn commit_queue_depth(&self) -> usize {
        self.face.commits.depth()
    }

    /// Remembers a record that nobody waits for, within half a second. Never blocks. Scans are many and go by shelves
    /// of their own; they are shed first, when the commit queue is half full or a shelf is.
    pub fn remember(&self, lane: Lane, record: Record) -> Result<(), QueueFull> {
        match record {
            Record::ScanAdmitted(_) if !self.face.commits.has_room(lane) => Err(QueueFull),
            Record::ScanAdmitted(scan) => self.scans.push(scan),
            other => self.face.commits.remember(lane, Work::Records(vec![other])),
        }
    }

    /// Remembers records, all or none; the promise resolves when they are on stable storage. Never blocks.
    pub fn promise(&self, lane: Lane, records: Vec<Record>) -> Result<Promise, QueueFull> {
        self.face.commits.promise(lane, Work::Records(records))
    }

    /// What a tag is revived from; `None` when it is unknown. Bounded: more than 256 waiting reads are turned away.
    pub async fn revive(&self, tag: TagId, now: Timestamp) -> Result<Option<Revival>, ReadError> {
        self.face.reads.ask(|reply| Read::Tag { tag, now, reply }).await
    }

    /// A session that is in no machine's memory any more.
    pub async fn session(&self, id: SessionId) -> Result<Option<SessionSnapshot>, ReadError> {
        self.face.reads.ask(|reply| Read::Session { id, reply }).await
    }

    /// Walks all sessions that have not ended or ended within the last day: once, before serving. Blocks.
    pub fn walk_sessions(&self, now: Timestamp, each: impl FnMut(SessionSnapshot)) -> Result<(), StorageError> {
        self.reader.all_sessions(&[], now, each)
    }

    /// Walks all scans that are on disk, oldest first. Blocks.
    pub fn walk_scans(&self, each: impl FnMut(ScanRecord)) -> Result<(), StorageError> {
        self.reader.all_scans(each)
    }

    /// Registers owners, each with a tag of their own; on stable storage when it returns. Blocks.
    pub fn register(&self, owners: &[NewOwner], now: Timestamp) -> Result<Vec<RegisteredOwner>, StorageError> {
        let mut all = Vec::with_capacity(owners.len());
        for some in owners.chunks(REGISTER_BATCH) {
            let (rows, registered) = owners::rows(some, &self.keys, now)?;
            let promise = self.face.commits.promise(Lane::Webhooks, Work::Rows(rows));
            promise.map_err(|_| StorageError::Stopped)?.kept_blocking()?;
            all.extend(registered);
        }
        Ok(all)
    }

    /// Commits what is queued, writes the mark, ends all threads; later calls are turned away. Blocks; call it off the
    /// arbiters. A second call does nothing.
    pub fn close(&self) {
        let Some(threads) = self.threads.lock().ok().and_then(|mut threads| threads.take()) else {
            return;
        };
        self.face.commits.stop();
        self.face.reads.stop();
        // A thread that panicked has told so already; closing goes on with the others.
        let _ = threads.commit.join();
        let _ = threads.stop_mark.send(());
        let _ = threads.mark.join();
        for reader in threads.readers {
            let _ = reader.join();
        }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage").field("commit_queue_depth", &self.commit_queue_depth()).finish_non_exhaustive()
    }
}

fn open_database(path: &PathBuf) -> Result<Database, StorageError> {
    let opened = Database::builder(path).cache_size(CACHE_BYTES).worker_threads(FJALL_WORKERS).open();
    opened.map_err(|e| match e {
        fjall::Error::Locked => StorageError::InUse(path.clone()),
        other => other.into(),
    })
}

fn start(
    committer: Committer,
    keep_mark: impl FnOnce(Receiver<()>) + Send + 'static,
    reader: &Reader,
) -> Result<(Face, Threads), StorageError> {
    let (commits, commit_inbox) = CommitQueue::new();
    let (reads, read_inbox) = ReadQueue::new();
    let (stop_mark, stop) = std::sync::mpsc::channel();
    let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
        let thread = std::thread::Builder::new().name(name.into()).spawn(work);
        thread.map_err(|e| StorageError::folder("a thread", e))
    };
    let commit = spawn("qnect-commit", Box::new(move || committer.run(&commit_inbox)))?;
    let mark = spawn("qnect-mark", Box::new(move || keep_mark(stop)))?;
    let mut readers = Vec::with_capacity(READERS);
    for _ in 0..READERS {
        let (reader, inbox) = (reader.clone(), read_inbox.clone());
        readers.push(spawn("qnect-read", Box::new(move || reader.run(&inbox)))?);
    }
    Ok((Face { commits, reads }, Threads { commit, mark, stop_mark, readers }))
}
