//! Which sessions matter to a start: those that are open, and those that ended within the last day.
//!
//! A session's own key does not tell, and a start that looked at all sessions of all time would take longer each day. So
//! each commit of a session notes it in a keyspace of its own, in the same batch. A folder that was written by a program
//! without that keyspace is gone through once. So is one with notes of the older form of open sessions (eight zeros first):
//! these stay where nobody looks.

use qnect_core::policy::ENDED_SESSION_KEPT;
use qnect_core::session::{Session, SessionSnapshot};
use qnect_core::time::Timestamp;

use crate::codec::decode_session;
use crate::commit::Ledger;
use crate::error::StorageError;
use crate::layout::{OPEN_NOTE, Row, SESSION_KEY, Space, ended_note_key, open_note_key};
use crate::read::Reader;

/// Sessions of one commit, when a folder is gone through.
const SESSIONS_AT_ONCE: usize = 4_096;

/// Notes a session that is written; written again it is the same row.
pub(crate) fn note(session: &SessionSnapshot, put: &mut dyn FnMut(Row)) {
    let open = open_note_key(session.id);
    match session.ended {
        None => put(Row::put(Space::Recent, open, [])),
        Some((_, at)) => {
            put(Row::gone(Space::Recent, open));
            put(Row::put(Space::Recent, ended_note_key(at, session.id), []));
        }
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
        self.write(now, true, |_, put| sessions.drain(..).for_each(|session| note(&session, put)))
    }
}

impl Reader {
    /// Sessions that have not ended at `now`, and those that ended within the last day.
    pub(crate) fn recent_sessions(
        &self,
        now: Timestamp,
        mut each: impl FnMut(SessionSnapshot),
    ) -> Result<(), StorageError> {
        let recent = self.spaces.get(Space::Recent);
        let since = now.as_millis().saturating_sub(ENDED_SESSION_KEPT.as_millis()).max(1);
        let ended = recent.range(since.to_be_bytes().to_vec()..vec![OPEN_NOTE]);
        for row in recent.prefix([OPEN_NOTE]).chain(ended) {
            let noted = row.key()?;
            let unreadable = |what| StorageError::Unreadable { keyspace: Space::Recent.name(), what };
            let (when, key) = noted.split_last_chunk::<SESSION_KEY>().ok_or(unreadable("its key is too short"))?;
            let value = self.spaces.get(Space::Sessions).get(key)?;
            let session = decode_session(key, &value.ok_or(unreadable("its session is missing"))?, &self.keys)?;
            // A program that knew nothing of these notes may have ended the session since.
            let is_as_noted = match session.ended {
                None => when == [OPEN_NOTE],
                Some((_, at)) => when == at.as_millis().to_be_bytes(),
            };
            if is_as_noted && !Session::restore(session.clone()).is_stale(now) {
                each(session);
            }
        }
        Ok(())
    }
}
