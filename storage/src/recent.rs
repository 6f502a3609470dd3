//! Which sessions matter to a start: those that are open, and those that ended within the last day.
//!
//! A session's own key does not tell, and a start that looked at all sessions of all time would take longer each day. So
//! each commit notes in a keyspace of its own, in the same batch, which sessions it leaves open, packed into one row, and
//! when the others ended. Notes of sessions that have ended since are taken out [later](crate::notes).
//!
//! A folder that was written by a program without that keyspace is gone through once. So is one with notes of the older
//! forms of open sessions, a row for each: these stay where nobody looks.

use std::sync::PoisonError;

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

impl Reader {
    /// Sessions that have not ended at `now`, and those that ended within the last day.
    pub(crate) fn recent_sessions(
        &self,
        now: Timestamp,
        mut each: impl FnMut(SessionSnapshot),
    ) -> Result<(), StorageError> {
        for key in self.open_sessions()? {
            let session = self.noted_session(&key)?;
            if session.ended.is_none() {
                each(session);
            }
        }
        let since = now.as_millis().saturating_sub(ENDED_SESSION_KEPT.as_millis()).max(1);
        let ended = self.spaces.get(Space::Recent).range(since.to_be_bytes().to_vec()..vec![NO_TIME]);
        for row in ended {
            let noted = row.key()?;
            let (when, key) =
                noted.split_last_chunk::<SESSION_KEY>().ok_or_else(|| unreadable("its key is too short"))?;
            let session = self.noted_session(key)?;
            // A program that knew nothing of these notes may have written the session since.
            let is_as_noted = session.ended.is_some_and(|(_, at)| when == at.as_millis().to_be_bytes());
            if is_as_noted && !Session::restore(session.clone()).is_stale(now) {
                each(session);
            }
        }
        Ok(())
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
