//! Reader threads: fjall may wait for a disk or for a compaction, so no arbiter ever reads.

use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex};

use metrics::Counter;
use qnect_core::record::ScanRecord;
use qnect_core::session::{Session, SessionSnapshot};
use qnect_core::session_id::SessionId;
use qnect_core::tag::TagConfig;
use qnect_core::tag_code::TagId;
use qnect_core::time::Timestamp;
use tokio::sync::oneshot;

use crate::codec::{OwnerRow, TagRow, decode_session, from_bytes, unpack_scans};
use crate::error::StorageError;
use crate::keyring::Keyring;
use crate::layout::{Keyspaces, Space, owner_key, session_key, tag_key};

/// Reads in flight: more revivals at once are turned away, so that a restart's herd cannot fill memory.
pub(crate) const READS_MAX: usize = 256;
/// Threads that read.
pub(crate) const READERS: usize = 2;
/// Sessions that a tag is revived with at most: the open ones, then the newest.
const SESSIONS_REVIVED_MAX: usize = 512;

/// What a tag is revived from.
#[derive(Debug)]
pub struct Revival {
    /// The tag.
    pub config: TagConfig,
    /// Its sessions that have not ended, and those that ended within the last day.
    pub sessions: Vec<SessionSnapshot>,
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Too many reads are waiting.
    #[error("too many reads are waiting")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

type Reply<T> = oneshot::Sender<Result<Option<T>, StorageError>>;

pub(crate) enum Read {
    Tag {
        tag: TagId,
        now: Timestamp,
        reply: Reply<Revival>,
    },
    Session {
        id: SessionId,
        reply: Reply<SessionSnapshot>,
    },
    /// The last read of one reader.
    Stop,
}

/// The way to the readers.
pub(crate) struct ReadQueue(SyncSender<Read>);

impl ReadQueue {
    pub(crate) fn new() -> (Self, Arc<Mutex<Receiver<Read>>>) {
        let (jobs, inbox) = std::sync::mpsc::sync_channel(READS_MAX);
        (Self(jobs), Arc::new(Mutex::new(inbox)))
    }

    /// Ends the readers behind all that is queued.
    pub(crate) fn stop(&self) {
        for _ in 0..READERS {
            // An error means that they have ended already.
            let _ = self.0.send(Read::Stop);
        }
    }

    pub(crate) async fn ask<T>(&self, read: impl FnOnce(Reply<T>) -> Read) -> Result<Option<T>, ReadError> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send(read(reply)).map_err(|_| ReadError::Busy)?;
        Ok(answer.await.map_err(|_| StorageError::Stopped)??)
    }
}

/// What a reader needs.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) spaces: Keyspaces,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) reads: Counter,
}

impl Reader {
    /// Serves reads until the queue is closed.
    pub(crate) fn run(&self, inbox: &Mutex<Receiver<Read>>) {
        loop {
            let next = match inbox.lock() {
                Ok(inbox) => inbox.recv(),
                Err(_) => return,
            };
            // Whoever asked may have left: then nobody is told.
            match next {
                Ok(Read::Tag { tag, now, reply }) => {
                    self.reads.increment(1);
                    let _ = reply.send(self.tag(tag, now));
                }
                Ok(Read::Session { id, reply }) => {
                    self.reads.increment(1);
                    let _ = reply.send(self.session(id));
                }
                Ok(Read::Stop) | Err(_) => return,
            }
        }
    }

    fn tag(&self, tag: TagId, now: Timestamp) -> Result<Option<Revival>, StorageError> {
        let Some(row) = self.spaces.get(Space::Tags).get(tag_key(tag))? else {
            return Ok(None);
        };
        let row: TagRow = from_bytes(Space::Tags, &row)?;
        let owner = match row.owner() {
            // Without a key the person is erased, and the tag is as good as unknown.
            Some(owner) => match self.keys.data_key(owner) {
                Some(key) => match self.spaces.get(Space::Owners).get(owner_key(owner))? {
                    Some(value) => Some(from_bytes::<OwnerRow>(Space::Owners, &value)?.profile(owner, &key)?),
                    None => return Ok(None),
                },
                None => return Ok(None),
            },
            None => None,
        };
        let config = TagConfig { id: tag, status: row.status()?, owner };
        Ok(Some(Revival { config, sessions: self.sessions(&tag_key(tag), now)? }))
    }

    fn session(&self, id: SessionId) -> Result<Option<SessionSnapshot>, StorageError> {
        let key = session_key(id);
        let Some(value) = self.spaces.get(Space::Sessions).get(key)? else {
            return Ok(None);
        };
        decode_session(&key, &value, &self.keys).map(Some)
    }

    /// Sessions below `prefix` that still matter at `now`; all tags' with an empty prefix.
    pub(crate) fn all_sessions(
        &self,
        prefix: &[u8],
        now: Timestamp,
        mut each: impl FnMut(SessionSnapshot),
    ) -> Result<(), StorageError> {
        for row in self.spaces.get(Space::Sessions).prefix(prefix) {
            let (key, value) = row.into_inner()?;
            let session = decode_session(&key, &value, &self.keys)?;
            if !Session::restore(session.clone()).is_stale(now) {
                each(session);
            }
        }
        Ok(())
    }

    /// All scans that are on disk, oldest rows first.
    pub(crate) fn all_scans(&self, mut each: impl FnMut(ScanRecord)) -> Result<(), StorageError> {
        for row in self.spaces.get(Space::Scans).iter() {
            let (key, value) = row.into_inner()?;
            let earliest = key.first_chunk().map(|ms| Timestamp::from_millis(u64::from_be_bytes(*ms)));
            let what = "its key is too short";
            let earliest = earliest.ok_or(StorageError::Unreadable { keyspace: Space::Scans.name(), what })?;
            unpack_scans(earliest, &value)?.into_iter().for_each(&mut each);
        }
        Ok(())
    }

    fn sessions(&self, prefix: &[u8], now: Timestamp) -> Result<Vec<SessionSnapshot>, StorageError> {
        let mut sessions = Vec::new();
        self.all_sessions(prefix, now, |s| sessions.push(s))?;
        sessions.sort_by_key(|s| (s.ended.is_none(), s.opened_at));
        Ok(sessions.split_off(sessions.len().saturating_sub(SESSIONS_REVIVED_MAX)))
    }
}
