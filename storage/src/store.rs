//! The store as a whole: opened once, shared by everyone, closed in order.

use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use qnect_core::caller::CallerRoot;
use qnect_core::record::{Record, ScanRecord};
use qnect_core::session::SessionSnapshot;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OwnerId, OwnerProfile};
use qnect_core::tag_code::TagId;
use qnect_core::time::Timestamp;
use tokio::sync::watch;

use crate::backup::{Backups, Source, is_half_restored};
use crate::chores::Chore;
use crate::clerk::{Clerk, ErrandQueue};
use crate::commit::{
    CommitMetrics, CommitQueue, Committer, Grouping, Lane, Ledger, Memtables, Promise, QueueFull, ScanLog, Swept, Work,
    Written, free,
};
use crate::error::StorageError;
use crate::failure::Failure;
use crate::folders::make_folder;
use crate::keyring::Keyring;
use crate::keys::MasterKey;
use crate::layout::MEMTABLE_BYTES;
use crate::mark::MarkKeeper;
use crate::notes::NoteKeeper;
use crate::opening::{Whole, open_whole};
use crate::owners::{self, NewOwner, RegisteredOwner};
use crate::read::{READERS, Read, ReadError, ReadQueue, Reader, Revival};
use crate::space::{Intake, SpaceKeeper, SpaceOptions};
use crate::threads::{BEHIND, Thread, go_behind};
use crate::verify::Checks;
use crate::watchdog::{self, Progress};

/// How long one commit may take before new sessions are turned away: a person with a telephone in hand waits no longer.
const STALLED_AFTER: Duration = Duration::from_secs(1);
/// Owners that one batch of a bulk registration holds.
const REGISTER_BATCH: usize = 4_096;

/// Nobody waits for chores, and one that is not noted is found again: they are shed with the scans.
const CHORES_LANE: Lane = Lane::Scans;

/// Where a store lives and what it is opened with.
#[derive(Debug)]
pub struct OpenOptions<'a> {
    /// The data folder; made if it is missing.
    pub folder: &'a Path,
    /// The master key.
    pub master: &'a MasterKey,
    /// How commits are grouped.
    pub grouping: Grouping,
    /// What happens as the disk fills.
    pub space: SpaceOptions,
    /// Bytes of a keyspace's memtable at which it is written out as a table. Only a folder that is made now heeds it: the
    /// database remembers.
    pub memtable_bytes: u64,
}

impl<'a> OpenOptions<'a> {
    /// With the defaults of everything else.
    pub fn new(folder: &'a Path, master: &'a MasterKey) -> Self {
        Self {
            folder,
            master,
            grouping: Grouping::default(),
            space: SpaceOptions::default(),
            memtable_bytes: MEMTABLE_BYTES,
        }
    }
}

struct Threads {
    commit: Thread,
    others: Vec<Thread>,
    /// Dropped, they end the mark thread, the watchdog, the one that watches the disk and the one that keeps the notes.
    stop: [Sender<()>; 4],
}

/// The ways to the threads.
pub(crate) struct Face {
    commits: CommitQueue,
    reads: ReadQueue,
    pub(crate) errands: ErrandQueue,
}

/// The store. Shared behind an `Arc`; [`Storage::close`] ends it in order.
pub struct Storage {
    keys: Arc<Keyring>,
    reader: Reader,
    pub(crate) face: Face,
    pub(crate) backups: Backups,
    pub(crate) checks: Checks,
    scans: Arc<ScanLog>,
    threads: Mutex<Option<Threads>>,
    commit_progress: Arc<Progress>,
    intake: Intake,
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
        make_folder(folder).map_err(|e| StorageError::folder(folder, e))?;
        if is_half_restored(folder) {
            return Err(StorageError::HalfRestored(folder.to_owned()));
        }
        let space = SpaceKeeper::new(folder, options.space);
        let intake = space.intake();
        let Whole { database, spaces, head, keys, mark, marked } =
            open_whole(folder, options.master, options.memtable_bytes)?;
        let floor = Timestamp::from_millis(head.at_ms);
        let now: Arc<dyn Fn() -> Timestamp + Send + Sync> = Arc::new(clock(floor));
        keys.prepare_days(now())?;
        let (failure, has_failed) = Failure::new();
        let (safe, is_safe) = watch::channel(head.sequence);
        #[cfg(feature = "faults")]
        let faults = crate::faults::Faults::default();
        let progress = |thread| {
            let progress = Progress::new(thread);
            #[cfg(feature = "faults")]
            let progress = progress.with_faults(faults.clone());
            Arc::new(progress)
        };
        let commit_progress = progress("the commit thread");
        let reader = Reader {
            spaces: spaces.clone(),
            keys: keys.clone(),
            reads: metrics::counter!("qnect_store_reads_total"),
            failure: failure.clone(),
            open_notes: Arc::default(),
            #[cfg(feature = "faults")]
            faults: faults.clone(),
        };
        let scans = Arc::new(ScanLog::default());
        let source =
            Source { database: database.clone(), spaces: spaces.clone(), keys: keys.clone(), failure: failure.clone() };
        let (backups, checks) = (Backups::new(source.clone()), Checks::new(source));
        let (memtables, swept) = Memtables::of(&spaces);
        let mut ledger = Ledger {
            database,
            spaces,
            keys: keys.clone(),
            head,
            unsynced: false,
            memtables,
            #[cfg(feature = "faults")]
            faults: faults.clone(),
        };
        ledger.note_sessions(now())?;
        let committer = Committer {
            ledger,
            grouping: options.grouping,
            began: None,
            keys: keys.clone(),
            scans: scans.clone(),
            now,
            failure: failure.clone(),
            progress: commit_progress.clone(),
            safe,
            metrics: CommitMetrics::resolve(),
        };
        let keeper = MarkKeeper { mark, marked, safe: is_safe, failure, progress: progress("the mark thread") };
        let (face, threads) = start(committer, keeper, space, swept, &reader)?;
        Ok(Self {
            keys,
            reader,
            face,
            backups,
            checks,
            scans,
            threads: Mutex::new(Some(threads)),
            commit_progress,
            intake,
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

    /// Turns true when the store has failed, be it that something could not be written or read, that a thread panicked, or
    /// that a commit has not come to its end within 30 s: then go not-ready and exit with 70.
    pub fn failed(&self) -> watch::Receiver<bool> {
        self.failed.clone()
    }

    /// The faults that a test may inject.
    #[cfg(feature = "faults")]
    pub fn faults(&self) -> &crate::faults::Faults {
        &self.faults
    }

    /// Lets the next step of a pass over the notes of open sessions begin at once.
    #[cfg(feature = "faults")]
    pub fn tidy_notes(&self) {
        if let Ok(Some(Threads { stop: [.., notes], .. })) = self.threads.lock().as_deref() {
            // The thread has ended if nobody hears it.
            let _ = notes.send(());
        }
    }

    /// Jobs that wait for the commit thread.
    pub fn commit_queue_depth(&self) -> usize {
        self.face.commits.depth()
    }

    /// How long the commit under way has taken so far; zero while there is none.
    pub fn commit_under_way(&self) -> Duration {
        self.commit_progress.under_way()
    }

    /// Whether there is room on the disk for something new; without it [`Lane::Webhooks`] alone goes on.
    pub fn has_space(&self) -> bool {
        self.intake.is_open()
    }

    /// Whether work of this lane is still taken. Ask before deciding what needs a promise; between the question and the
    /// promise others may fill the queue, so the promise itself can still be refused. On a disk that runs full, or one whose
    /// commit has taken a second so far, what begins something new is turned away at once instead of piling up behind it.
    pub fn has_room(&self, lane: Lane) -> bool {
        let is_welcome = match lane {
            Lane::Webhooks => true,
            Lane::Scans => self.has_space(),
            Lane::Sessions => self.has_space() && self.commit_under_way() < STALLED_AFTER,
        };
        is_welcome && self.face.commits.has_room(lane)
    }

    /// Remembers a record of a session that nobody waits for, within half a second. Never blocks.
    pub fn remember(&self, lane: Lane, record: Record) -> Result<(), QueueFull> {
        self.face.commits.remember(lane, self.written(vec![record])?)
    }

    /// Remembers a scan, within half a second. Never blocks. Scans are many and go by shelves of their own; they are
    /// shed first, when [`Lane::Scans`] has no room or a shelf is full.
    pub fn log_scan(&self, scan: ScanRecord) -> Result<(), QueueFull> {
        if !self.has_room(Lane::Scans) {
            return Err(QueueFull);
        }
        self.scans.push(scan)
    }

    /// Remembers records of sessions, all or none; the promise resolves when they are on stable storage. Never blocks.
    pub fn promise(&self, lane: Lane, records: Vec<Record>) -> Result<Promise, QueueFull> {
        self.face.commits.promise(lane, self.written(records)?)
    }

    /// What cannot be sealed fails the store like what cannot be stored, and looks like a stopped commit thread.
    fn written(&self, records: Vec<Record>) -> Result<Work, QueueFull> {
        let written = Written::of(records, &self.keys).map_err(StorageError::from);
        self.reader.told(written).map(Work::Records).map_err(|_| QueueFull)
    }

    /// What a tag is revived from; `None` when it is unknown. Bounded: more than 256 waiting reads are turned away.
    pub async fn revive(&self, tag: TagId, now: Timestamp) -> Result<Option<Revival>, ReadError> {
        self.face.reads.ask(|reply| Read::Tag { tag, now, reply }).await
    }

    /// A session that is in no machine's memory any more.
    pub async fn session(&self, id: SessionId) -> Result<Option<SessionSnapshot>, ReadError> {
        self.face.reads.ask(|reply| Read::Session { id, reply }).await
    }

    /// Whose telephone this caller calls from; of several owners with one number, the one who has had it longest.
    pub async fn owner_of_caller(&self, root: &CallerRoot) -> Result<Option<OwnerId>, ReadError> {
        self.face.reads.ask(|reply| Read::Caller { root: root.clone(), reply }).await
    }

    /// What decisions need to know of an owner; `None` when there is none, or erased.
    pub async fn owner_profile(&self, owner: OwnerId) -> Result<Option<OwnerProfile>, ReadError> {
        self.face.reads.ask(|reply| Read::Profile { owner, reply }).await
    }

    /// Chores that are due at `now`, the longest due first, `limit` at most; one stays due until it is done or postponed.
    pub async fn due_chores(&self, now: Timestamp, limit: usize) -> Result<Vec<Chore>, ReadError> {
        Ok(self.face.reads.ask(|reply| Read::Chores { now, limit, reply }).await?.unwrap_or_default())
    }

    /// A chore is done: it is forgotten within half a second. Never blocks; with a full queue it stays due.
    pub fn chore_done(&self, chore: &Chore) -> Result<(), QueueFull> {
        self.face.commits.remember(CHORES_LANE, Work::Rows(vec![chore.gone()]))
    }

    /// A chore could not be done: it is due again at `due`. Never blocks; with a full queue it stays due.
    pub fn postpone_chore(&self, chore: &Chore, due: Timestamp) -> Result<(), QueueFull> {
        // Its row would go and come in one batch, which has no order within a key.
        if due == chore.due {
            return Ok(());
        }
        self.face.commits.remember(CHORES_LANE, Work::Rows(vec![chore.gone(), Chore { due, ..*chore }.row()]))
    }

    /// Walks all sessions that have not ended or ended within the last day, in any order: once, before serving. Blocks.
    pub fn walk_sessions(&self, now: Timestamp, each: impl FnMut(SessionSnapshot)) -> Result<(), StorageError> {
        self.reader.told(self.reader.recent_sessions(now, each))
    }

    /// Walks all scans that are on disk, oldest first. Blocks.
    pub fn walk_scans(&self, each: impl FnMut(ScanRecord)) -> Result<(), StorageError> {
        self.reader.told(self.reader.all_scans(each))
    }

    /// Registers owners, each with a tag of their own; on stable storage when it returns. Blocks.
    pub fn register(&self, owners: &[NewOwner], now: Timestamp) -> Result<Vec<RegisteredOwner>, StorageError> {
        if !self.has_space() {
            return Err(StorageError::NoSpace);
        }
        let mut all = Vec::with_capacity(owners.len());
        // One batch is sealed while the one before it is written.
        let mut before: Option<Promise> = None;
        for some in owners.chunks(REGISTER_BATCH) {
            let (rows, registered) = owners::rows(some, &self.keys, now)?;
            let promise = self.face.commits.promise(Lane::Webhooks, Work::Rows(rows));
            let promise = promise.map_err(|_| StorageError::Stopped)?;
            before.replace(promise).map_or(Ok(()), Promise::kept_blocking)?;
            all.extend(registered);
        }
        before.map_or(Ok(()), Promise::kept_blocking)?;
        Ok(all)
    }

    /// Commits what is queued, writes the mark, ends all threads; later calls are turned away. Blocks; call it off the
    /// arbiters. A thread that hangs is left behind after 30 s, and the store has failed. A second call does nothing.
    pub fn close(&self) {
        let Some(Threads { commit, mut others, stop }) =
            self.threads.lock().ok().and_then(|mut threads| threads.take())
        else {
            return;
        };
        others.extend(self.backups.stop(&self.reader.failure));
        others.extend(self.checks.stop(&self.reader.failure));
        self.face.errands.stop();
        self.face.commits.stop();
        self.face.reads.stop();
        let patience = self.commit_progress.hung_after();
        // A commit thread that hangs has had its time.
        let for_commits = if self.commit_progress.hangs() { Duration::ZERO } else { patience };
        commit.wait(Instant::now() + for_commits, &self.reader.failure);
        // Only now: the last mark is that of the last commit.
        drop(stop);
        let deadline = Instant::now() + patience;
        others.into_iter().for_each(|thread| thread.wait(deadline, &self.reader.failure));
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

fn start(
    committer: Committer,
    keeper: MarkKeeper,
    space: SpaceKeeper,
    swept: Swept,
    reader: &Reader,
) -> Result<(Face, Threads), StorageError> {
    let (commits, commit_inbox) = CommitQueue::new();
    let (reads, read_inbox) = ReadQueue::new();
    let (errands, errand_inbox) = ErrandQueue::new();
    let clerk = Clerk { reader: reader.clone(), commits: commits.clone(), clock: committer.now.clone() };
    let (stop_mark, mark_stopped) = std::sync::mpsc::channel();
    let (stop_watchdog, watchdog_stopped) = std::sync::mpsc::channel();
    let (stop_space, space_stopped) = std::sync::mpsc::channel();
    let (stop_notes, notes_stopped) = std::sync::mpsc::channel();
    let notes = NoteKeeper::new(reader.clone(), commits.clone());
    let failure = &reader.failure;
    let watched = [committer.progress.clone(), keeper.progress.clone()];
    let told = failure.clone();
    let commit = Thread::spawn("qnect-commit", failure.clone(), move || committer.run(&commit_inbox))?;
    let mut others = vec![
        Thread::spawn("qnect-mark", failure.clone(), move || keeper.run(&mark_stopped))?,
        Thread::spawn("qnect-clerk", failure.clone(), move || clerk.run(&errand_inbox))?,
        Thread::spawn("qnect-space", failure.clone(), move || space.run(&space_stopped))?,
        Thread::spawn("qnect-notes", failure.clone(), move || notes.run(&notes_stopped))?,
        Thread::spawn("qnect-sweeper", failure.clone(), move || {
            go_behind(BEHIND);
            free(&swept);
        })?,
        Thread::spawn("qnect-watchdog", failure.clone(), move || watchdog::watch(&watched, &told, &watchdog_stopped))?,
    ];
    for _ in 0..READERS {
        let (reader, inbox) = (reader.clone(), read_inbox.clone());
        others.push(Thread::spawn("qnect-read", failure.clone(), move || reader.run(&inbox))?);
    }
    let stop = [stop_mark, stop_watchdog, stop_space, stop_notes];
    Ok((Face { commits, reads, errands }, Threads { commit, others, stop }))
}
