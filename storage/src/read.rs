//! Reader threads: fjall may wait for a disk or for a compaction, so no arbiter ever reads.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};

use metrics::Counter;
use qnect_core::caller::CallerRoot;
use qnect_core::session::{Session, SessionSnapshot};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OwnerId, OwnerProfile, TagConfig};
use qnect_core::tag_code::TagId;
use qnect_core::time::Timestamp;
use tokio::sync::oneshot;

use crate::chores::Chore;
use crate::codec::decode_session;
use crate::error::StorageError;
use crate::failure::Failure;
use crate::index::caller_hash;
use crate::keyring::Keyring;
use crate::layout::{Keyspaces, Space, session_key, tag_key};

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
    /// The store failed, or is closed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

type Reply<T> = oneshot::Sender<Result<Option<T>, StorageError>>;

pub(crate) enum Read {
    Tag { tag: TagId, now: Timestamp, reply: Reply<Revival> },
    Session { id: SessionId, reply: Reply<SessionSnapshot> },
    Caller { root: CallerRoot, reply: Reply<OwnerId> },
    Profile { owner: OwnerId, reply: Reply<OwnerProfile> },
    Chores { now: Timestamp, limit: usize, reply: Reply<Vec<Chore>> },
}

/// The way to the readers; `None` once it is closed.
pub(crate) struct ReadQueue(Mutex<Option<SyncSender<Read>>>);

impl ReadQueue {
    pub(crate) fn new() -> (Self, Arc<Mutex<Receiver<Read>>>) {
        let (jobs, inbox) = std::sync::mpsc::sync_channel(READS_MAX);
        (Self(Mutex::new(Some(jobs))), Arc::new(Mutex::new(inbox)))
    }

    /// Ends the readers behind all that is queued. Never waits, even if they hang.
    pub(crate) fn stop(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// [`ReadError::Busy`] when the queue is full; [`StorageError::Stopped`] when no reader is left to answer.
    pub(crate) async fn ask<T>(&self, read: impl FnOnce(Reply<T>) -> Read) -> Result<Option<T>, ReadError> {
        let (reply, answer) = oneshot::channel();
        self.push(read(reply))?;
        Ok(answer.await.map_err(|_| StorageError::Stopped)??)
    }

    fn push(&self, read: Read) -> Result<(), ReadError> {
        let jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let jobs = jobs.as_ref().ok_or(StorageError::Stopped)?;
        jobs.try_send(read).map_err(|e| match e {
            TrySendError::Full(_) => ReadError::Busy,
            TrySendError::Disconnected(_) => StorageError::Stopped.into(),
        })
    }
}

/// What a reader needs.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) spaces: Keyspaces,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) reads: Counter,
    pub(crate) failure: Failure,
    /// Held while all notes of open sessions are read, or some rewritten: what is read while it changes is neither as
    /// before nor as behind.
    pub(crate) open_notes: Arc<Mutex<()>>,
    #[cfg(feature = "faults")]
    pub(crate) faults: crate::faults::Faults,
}

impl Reader {
    /// Serves reads until the queue is closed.
    pub(crate) fn run(&self, inbox: &Mutex<Receiver<Read>>) {
        loop {
            let next = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(read) = next else {
                return;
            };
            // The janitor's look at its list is nobody's request: what this counts is what strangers can cause.
            if !matches!(read, Read::Chores { .. }) {
                self.reads.increment(1);
            }
            #[cfg(feature = "faults")]
            self.faults.before_read();
            // Whoever asked may have left: then nobody is told.
            match read {
                Read::Tag { tag, now, reply } => {
                    let revival = self.told(self.tag(tag, now));
                    #[cfg(feature = "faults")]
                    self.faults.before_answer();
                    let _ = reply.send(revival);
                }
                Read::Session { id, reply } => {
                    let _ = reply.send(self.told(self.session(id)));
                }
                Read::Caller { root, reply } => {
                    let holders = self.holders(&caller_hash(&self.keys, &root));
                    let _ = reply.send(self.told(holders).map(|owners| owners.first().copied()));
                }
                Read::Profile { owner, reply } => {
                    let _ = reply.send(self.told(self.profile(owner)));
                }
                Read::Chores { now, limit, reply } => {
                    let _ = reply.send(self.told(Chore::due(&self.spaces, &self.keys, now, limit).map(Some)));
                }
            }
        }
    }

    /// Passes on what was read; what could not be read fails the store.
    pub(crate) fn told<T>(&self, read: Result<T, StorageError>) -> Result<T, StorageError> {
        read.inspect_err(|error| self.failure.tell(error))
    }

    fn tag(&self, tag: TagId, now: Timestamp) -> Result<Option<Revival>, StorageError> {
        let Some(config) = self.tag_config(tag)? else { return Ok(None) };
        Ok(Some(Revival { config, sessions: self.sessions(&tag_key(tag), now)? }))
    }

    pub(crate) fn session(&self, id: SessionId) -> Result<Option<SessionSnapshot>, StorageError> {
        let key = session_key(id);
        let Some(value) = self.spaces.get(Space::Sessions).get(key)? else {
            return Ok(None);
        };
        decode_session(&key, &value, &self.keys).map(Some)
    }

    /// Sessions below `prefix` that still matter at `now`.
    fn sessions(&self, prefix: &[u8], now: Timestamp) -> Result<Vec<SessionSnapshot>, StorageError> {
        let mut sessions = Vec::new();
        for row in self.spaces.get(Space::Sessions).prefix(prefix) {
            let (key, value) = row.into_inner()?;
            let session = decode_session(&key, &value, &self.keys)?;
            if !Session::restore(session.clone()).is_stale(now) {
                sessions.push(session);
            }
        }
        // Those that were called go last of those that ended: budgets and scores are made of them.
        sessions.sort_by_key(|s| (s.ended.is_none(), s.dialed_at.is_some(), s.opened_at));
        Ok(sessions.split_off(sessions.len().saturating_sub(SESSIONS_REVIVED_MAX)))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// What an ask says at once; `None` if it waits for its answer.
    fn ask(queue: &ReadQueue) -> Option<ReadError> {
        let ask =
            pin!(queue.ask(|reply| Read::Tag { tag: TagId::from_random(0, 1), now: Timestamp::from_millis(0), reply }));
        match ask.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => None,
            Poll::Ready(answer) => Some(answer.unwrap_err()),
        }
    }

    #[test]
    fn a_full_queue_is_busy_and_one_without_readers_has_stopped() {
        let (queue, inbox) = ReadQueue::new();
        for _ in 0..READS_MAX {
            assert!(ask(&queue).is_none());
        }
        assert!(matches!(ask(&queue), Some(ReadError::Busy)));
        drop(inbox);
        assert!(matches!(ask(&queue), Some(ReadError::Storage(StorageError::Stopped))));

        let (queue, _inbox) = ReadQueue::new();
        queue.stop();
        assert!(matches!(ask(&queue), Some(ReadError::Storage(StorageError::Stopped))));
    }
}
