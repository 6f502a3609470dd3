//! Making a backup. A thread of its own walks a snapshot, so that no reader, no clerk and no arbiter waits for it, and
//! hands out the file in pieces. Whoever takes them sets the pace: a few wait, then the thread does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fjall::{Database, Readable, Snapshot};
use lsm_tree::AbstractTree;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::error::BackupError;
use super::format::{
    CHUNK_FULL_BYTES, CHUNK_HEAD_BYTES, Closing, Kind, Opening, Seal, new_chunk, new_prelude, put_row,
};
use super::legible::legible;
use crate::codec::{Head, from_bytes};
use crate::error::{Damage, StorageError};
use crate::failure::Failure;
use crate::keyring::Keyring;
use crate::keys::KeyError;
use crate::layout::{HEAD_KEY, Keyspaces, Space};
use crate::logical::LogicalHasher;
use crate::store::Storage;
use crate::threads::{FAR_BEHIND, Thread, go_behind};

/// Pieces of about 1 MiB that wait to be taken.
const PIECES_MAX: usize = 2;
/// How long the thread pauses while nobody takes a piece.
const FULL_PAUSE: Duration = Duration::from_millis(2);

/// What a backup is made of.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) database: Database,
    pub(crate) spaces: Keyspaces,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) failure: Failure,
}

/// The backups of one store: one at a time.
pub(crate) struct Backups {
    turn: Arc<Semaphore>,
    state: Mutex<State>,
}

struct State {
    /// `None` once the store is closed.
    source: Option<Source>,
    /// The last thread. Its channel, dropped, ends it.
    thread: Option<(Thread, Sender<()>)>,
}

/// A backup that is being made. Dropped, it is broken off.
pub struct BackupStream(mpsc::Receiver<Piece>);

enum Piece {
    Bytes(Vec<u8>),
    /// The next backup's turn comes when this one's end is taken.
    End(Result<(), BackupError>, OwnedSemaphorePermit),
}

impl BackupStream {
    /// The next piece of the file, about 1 MiB; `None` when it is whole.
    ///
    /// # Errors
    /// [`BackupError::Source`], [`BackupError::BrokenOff`], [`BackupError::Failed`], [`BackupError::Keys`]: what came
    /// before is no backup.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, BackupError> {
        Self::of(self.0.recv().await)
    }

    /// The same, on a thread that may block.
    ///
    /// # Errors
    /// Those of [`next`](Self::next).
    pub fn next_blocking(&mut self) -> Result<Option<Vec<u8>>, BackupError> {
        Self::of(self.0.blocking_recv())
    }

    fn of(piece: Option<Piece>) -> Result<Option<Vec<u8>>, BackupError> {
        match piece {
            Some(Piece::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Piece::End(ended, _turn)) => ended.map(|()| None),
            None => Err(BackupError::BrokenOff),
        }
    }
}

impl Storage {
    /// Begins a backup of the database as it is now. Whatever is written meanwhile is not in it; nobody waits for it.
    ///
    /// # Errors
    /// [`BackupError::Busy`], [`BackupError::Failed`], [`BackupError::BrokenOff`].
    pub fn backup(&self) -> Result<BackupStream, BackupError> {
        self.backups.begin(copy_database)
    }

    /// Begins a backup of the key table as it is now.
    ///
    /// # Errors
    /// Those of [`backup`](Self::backup).
    pub fn backup_keys(&self) -> Result<BackupStream, BackupError> {
        self.backups.begin(copy_keys)
    }
}

impl Backups {
    pub(crate) fn new(source: Source) -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), state: Mutex::new(State { source: Some(source), thread: None }) }
    }

    /// Breaks off what is under way, and begins nothing more. The threads that are to be waited for.
    pub(crate) fn stop(&self, failure: &Failure) -> Vec<Thread> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (source, thread) = (state.source.take(), state.thread.take());
        // The last to let go of a database waits for fjall's threads, and they may hang.
        let letting_go = Thread::spawn("qnect-backup", failure.clone(), move || drop(source));
        thread.map(|(thread, _stop)| thread).into_iter().chain(letting_go).collect()
    }

    fn begin(
        &self,
        copy: impl FnOnce(&Source, &Outlet) -> Result<(), BackupError> + Send + 'static,
    ) -> Result<BackupStream, BackupError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let source = state.source.clone().ok_or(BackupError::BrokenOff)?;
        let turn = self.turn.clone().try_acquire_owned().map_err(|_| BackupError::Busy)?;
        if source.failure.is_told() {
            return Err(BackupError::Failed);
        }
        let (pieces, taken) = mpsc::channel(PIECES_MAX);
        let (stop, stopped) = channel();
        let outlet = Outlet { pieces, stopped };
        let failure = source.failure.clone();
        let work = move || {
            go_behind(FAR_BEHIND);
            // The library may panic over damage, which ends a backup and no engine that serves.
            let made = catch_unwind(AssertUnwindSafe(|| copy(&source, &outlet))).unwrap_or_else(|_| {
                let folder = source.spaces.get(Space::Head).tree.tree_config().path.clone();
                Err(StorageError::from(Damage::told_by_panic(folder)).into())
            });
            if let Err(error) = &made {
                tracing::error!(%error, "no backup was made");
            }
            // Before the end is told: whoever hears of it may close the store.
            drop(source);
            outlet.end(made, turn);
        };
        state.thread = Some((Thread::spawn("qnect-backup", failure, work)?, stop));
        Ok(BackupStream(taken))
    }
}

/// Where the thread puts its pieces.
struct Outlet {
    pieces: mpsc::Sender<Piece>,
    /// Closed when the store is.
    stopped: Receiver<()>,
}

impl Outlet {
    fn put(&self, bytes: Vec<u8>) -> Result<(), BackupError> {
        self.push(Piece::Bytes(bytes))
    }

    fn end(&self, made: Result<(), BackupError>, turn: OwnedSemaphorePermit) {
        // Whoever asked may have left: then nobody is told.
        let _ = self.push(Piece::End(made, turn));
    }

    /// Waits for room, but neither for one who has left nor beyond the end of the store.
    fn push(&self, mut piece: Piece) -> Result<(), BackupError> {
        loop {
            piece = match self.pieces.try_send(piece) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Closed(_)) => return Err(BackupError::BrokenOff),
                Err(TrySendError::Full(piece)) => piece,
            };
            if self.stopped.recv_timeout(FULL_PAUSE) == Err(RecvTimeoutError::Disconnected) {
                return Err(BackupError::BrokenOff);
            }
        }
    }
}

fn copy_database(source: &Source, outlet: &Outlet) -> Result<(), BackupError> {
    let snapshot = source.database.snapshot();
    let head = head(&snapshot, &source.spaces).map_err(unreadable(Space::Head))?;
    // Only now: the key of whatever is in the snapshot is in the table.
    let keys = source.keys.table().extent();
    let prelude = new_prelude().map_err(|cause| KeyError::Random { cause })?;
    let mut seal = Seal::new(prelude, source.keys.backup_key());
    outlet.put(prelude.to_vec())?;
    let opening = Opening {
        sequence: head.sequence,
        hash: head.hash,
        at_ms: head.at_ms,
        key_epoch: keys.epoch,
        key_entries: keys.entries,
        key_table: keys.table,
    };
    outlet.put(seal.seal(Kind::Opening, in_chunk(&opening)))?;
    let mut logical = LogicalHasher::new();
    let mut chunk = new_chunk(CHUNK_FULL_BYTES);
    for space in Space::ALL {
        for row in snapshot.iter(source.spaces.get(space)) {
            let (key, value) = row.into_inner().map_err(|e| unreadable(space)(e.into()))?;
            legible(space, &key, &value, &source.keys).map_err(unreadable(space))?;
            logical.row(space, &key, &value);
            let what = "it is longer than any row that is written";
            put_row(&mut chunk, space, &key, &value)
                .ok_or_else(|| unreadable(space)(StorageError::Unreadable { keyspace: space.name(), what }))?;
            if chunk.len() >= CHUNK_HEAD_BYTES + CHUNK_FULL_BYTES {
                let full = std::mem::replace(&mut chunk, new_chunk(CHUNK_FULL_BYTES));
                outlet.put(seal.seal(Kind::Rows, full))?;
            }
        }
    }
    if chunk.len() > CHUNK_HEAD_BYTES {
        outlet.put(seal.seal(Kind::Rows, chunk))?;
    }
    // What was read while the store failed may be what it failed by.
    if source.failure.is_told() {
        return Err(BackupError::Failed);
    }
    let (logical, rows) = logical.finish();
    let closing = Closing { rows: rows.to_vec(), logical: logical.0 };
    outlet.put(seal.seal(Kind::Closing, in_chunk(&closing)))?;
    tracing::info!(commit = head.sequence, rows = rows.iter().sum::<u64>(), "a backup was made");
    Ok(())
}

fn copy_keys(source: &Source, outlet: &Outlet) -> Result<(), BackupError> {
    let mut copy = source.keys.table().copy()?;
    while let Some(bytes) = copy.next()? {
        outlet.put(bytes)?;
    }
    Ok(())
}

fn head(snapshot: &Snapshot, spaces: &Keyspaces) -> Result<Head, StorageError> {
    match snapshot.get(spaces.get(Space::Head), HEAD_KEY)? {
        Some(value) => from_bytes(Space::Head, &value),
        None => Ok(Head::default()),
    }
}

fn unreadable(space: Space) -> impl FnOnce(StorageError) -> BackupError {
    move |cause| BackupError::Source { keyspace: space.name(), cause }
}

fn in_chunk<T: minicbor::Encode<()>>(value: &T) -> Vec<u8> {
    let mut chunk = new_chunk(0);
    // Writing to a Vec cannot fail, and none of our values refuses to be encoded.
    if minicbor::encode(value, &mut chunk).is_err() {
        unreachable!("a value of our own did not encode");
    }
    chunk
}
