//! Which sessions matter to a start: those that are open, and those that ended within the last day.
//!
//! A session's own key does not tell, and a start that looked at all sessions of all time would take longer each day. So
//! each commit notes in a keyspace of its own, in the same batch, which sessions it leaves open, packed into one row, and
//! when the others ended. Notes of sessions that have ended since are taken out [later](crate::notes).
//!
//! A folder that was written by a program without that keyspace is gone through once. So is one with notes of the older
//! forms of open sessions, a row for each: these stay where nobody looks.

use std::panic::resume_unwind;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, ScopedJoinHandle};

use fjall::UserKey;
use qnect_core::policy::ENDED_SESSION_KEPT;
use qnect_core::session::{Session, SessionSnapshot};
use qnect_core::time::Timestamp;

use crate::codec::decode_session;
use crate::commit::Ledger;
use crate::error::StorageError;
use crate::layout::{
    NO_TIME, OPEN_NOTES, Row, SESSION_KEY, SessionKey, Space, ended_note_key, open_notes_key, session_key,
};
use crate::read::Reader;

/// Sessions of one commit, when a folder is gone through.
const SESSIONS_AT_ONCE: usize = 4_096;
/// Sessions that a walk reads and hands on together, how many such lots wait to be taken, and threads at most that read.
const LOT_SESSIONS: usize = 256;
const LOTS_WAITING: usize = 8;
const THREADS_MAX: usize = 8;
/// Sessions of one packed row: 50 KiB.
pub(crate) const ROW_SESSIONS_MAX: usize = 2_048;

/// Notes a session that is written: among those that its commit leaves `open`, or by when it ended.
///
/// Every record of an open session notes it: the first that comes to the disk may be any.
pub(crate) fn note(session: &SessionSnapshot, open: &mut Vec<SessionKey>, put: &mut dyn FnMut(Row)) {
    match session.ended {
        None => open.push(session_key(session.id)),
        Some((_, at)) => put(Row::put(Space::Recent, ended_note_key(at, session.id), [])),
    }
}

/// Packs the notes of sessions that a commit leaves open.
pub(crate) fn pack(commit: u64, open: &[SessionKey], put: &mut dyn FnMut(Row)) {
    for (part, sessions) in (0u16..).zip(open.chunks(ROW_SESSIONS_MAX)) {
        put(packed(open_notes_key(commit, part), sessions));
    }
}

/// A row with the notes of open sessions.
pub(crate) fn packed(key: impl Into<UserKey>, open: &[SessionKey]) -> Row {
    Row::put(Space::Recent, key, open.as_flattened())
}

/// Reads notes of open sessions back; a row is written with one at least.
pub(crate) fn unpack(value: &[u8]) -> Result<&[SessionKey], StorageError> {
    match value.as_chunks() {
        ([], []) => Err(unreadable("it is empty")),
        (open, []) => Ok(open),
        (_, _) => Err(unreadable("it ends within a session's key")),
    }
}

impl Ledger {
    /// Notes the sessions of a folder that was written by a program which noted none, or not its last ones: before the
    /// first commit.
    pub(crate) fn note_sessions(&mut self, now: Timestamp) -> Result<(), StorageError> {
        if self.head.notes == Some(true) {
            return Ok(());
        }
        let mut sessions = Vec::new();
        for row in self.spaces.clone().get(Space::Sessions).iter() {
            let (key, value) = row.into_inner()?;
            let session = decode_session(&key, &value, &self.keys)?;
            if !Session::restore(session.clone()).is_stale(now) {
                sessions.push(session);
            }
            if sessions.len() == SESSIONS_AT_ONCE {
                self.note_some(now, &mut sessions)?;
            }
        }
        self.note_some(now, &mut sessions)?;
        // Told by the next commit.
        self.head.notes = Some(true);
        Ok(())
    }

    fn note_some(&mut self, now: Timestamp, sessions: &mut Vec<SessionSnapshot>) -> Result<(), StorageError> {
        if sessions.is_empty() {
            return Ok(());
        }
        self.write(now, true, |commit, put| {
            let mut open = Vec::new();
            sessions.drain(..).for_each(|session| note(&session, &mut open, put));
            pack(commit, &open, put);
        })
    }
}

/// What a note says of a session.
enum Noted {
    Open(SessionKey),
    /// When it ended, in milliseconds since 1970.
    Ended([u8; size_of::<u64>()], SessionKey),
}

impl Reader {
    /// Sessions that have not ended at `now`, and those that ended within the last day, in any order. All cores read: a
    /// start has a hundred thousand of them to read and to take in, and people wait for it.
    pub(crate) fn recent_sessions(
        &self,
        now: Timestamp,
        each: impl FnMut(SessionSnapshot),
    ) -> Result<(), StorageError> {
        let open = self.open_sessions()?.into_iter().map(|key| Ok(Noted::Open(key)));
        let noted = Mutex::new(open.chain(self.ended_sessions(now)));
        std::thread::scope(|scope| {
            let (taken, lots) = sync_channel(LOTS_WAITING);
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let mut readers = Vec::new();
            for _ in 0..cores.min(THREADS_MAX) {
                let (noted, taken) = (&noted, taken.clone());
                let reader = Builder::new().name("qnect-recent".into());
                let reader = reader.spawn_scoped(scope, move || self.read_noted(now, noted, &taken));
                readers.push(reader.map_err(|e| StorageError::folder("a thread", e))?);
            }
            drop(taken); // so that the channel ends with the last reader
            lots.into_iter().flatten().for_each(each);
            let ended = |reader: ScopedJoinHandle<'_, _>| reader.join().unwrap_or_else(|panic| resume_unwind(panic));
            readers.into_iter().try_for_each(ended)
        })
    }

    /// Reads what is noted, lot by lot, until nothing is left of it.
    fn read_noted(
        &self,
        now: Timestamp,
        noted: &Mutex<impl Iterator<Item = Result<Noted, StorageError>>>,
        taken: &SyncSender<Vec<SessionSnapshot>>,
    ) -> Result<(), StorageError> {
        loop {
            let lot = {
                let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
                noted.by_ref().take(LOT_SESSIONS).collect::<Result<Vec<_>, _>>()?
            };
            if lot.is_empty() {
                return Ok(());
            }
            let read = lot.into_iter().filter_map(|noted| self.as_noted(now, &noted).transpose());
            // Who takes them is gone only by a panic, or by a thread that could not be started.
            if taken.send(read.collect::<Result<_, _>>()?).is_err() {
                return Ok(());
            }
        }
    }

    /// The session, if it is still what its note says, and matters at `now`.
    fn as_noted(&self, now: Timestamp, noted: &Noted) -> Result<Option<SessionSnapshot>, StorageError> {
        let (Noted::Open(key) | Noted::Ended(_, key)) = noted;
        let session = self.noted_session(key)?;
        let matters = match noted {
            Noted::Open(_) => session.ended.is_none(),
            // A program that knew nothing of these notes may have written the session since.
            Noted::Ended(when, _) => {
                let is_as_noted = session.ended.is_some_and(|(_, at)| *when == at.as_millis().to_be_bytes());
                is_as_noted && !Session::restore(session.clone()).is_stale(now)
            }
        };
        Ok(matters.then_some(session))
    }

    /// All sessions that are noted to have ended within the last day.
    fn ended_sessions(&self, now: Timestamp) -> impl Iterator<Item = Result<Noted, StorageError>> + use<> {
        let since = now.as_millis().saturating_sub(ENDED_SESSION_KEPT.as_millis()).max(1);
        let ended = self.spaces.get(Space::Recent).range(since.to_be_bytes().to_vec()..vec![NO_TIME]);
        ended.map(|row| {
            let noted = row.key()?;
            let parts = noted.split_last_chunk::<SESSION_KEY>();
            let parts = parts.and_then(|(when, key)| Some(Noted::Ended(when.try_into().ok()?, *key)));
            parts.ok_or_else(|| unreadable("its key is too short"))
        })
    }

    /// All sessions that are noted as open, each once, in the order in which they lie on the disk.
    fn open_sessions(&self) -> Result<Vec<SessionKey>, StorageError> {
        let _alone = self.open_notes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = Vec::new();
        for row in self.spaces.get(Space::Recent).prefix([OPEN_NOTES]) {
            open.extend_from_slice(unpack(&row.value()?)?);
        }
        open.sort_unstable();
        open.dedup();
        Ok(open)
    }

    /// A session that is noted, and so must be there.
    pub(crate) fn noted_session(&self, key: &SessionKey) -> Result<SessionSnapshot, StorageError> {
        let value = self.spaces.get(Space::Sessions).get(key)?;
        decode_session(key, &value.ok_or_else(|| unreadable("its session is missing"))?, &self.keys)
    }
}

fn unreadable(what: &'static str) -> StorageError {
    StorageError::Unreadable { keyspace: Space::Recent.name(), what }
}
