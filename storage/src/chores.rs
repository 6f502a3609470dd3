//! Chores: what is to be done about a session long after its end. So far there is one: the provider's records of its
//! calls are to be deleted.
//!
//! A chore is written in the commit that ends its session, so a crash loses both or neither.

use qnect_core::session::SessionSnapshot;
use qnect_core::session_id::SessionId;
use qnect_core::time::Timestamp;

use crate::codec::session_id;
use crate::error::StorageError;
use crate::keyring::Keyring;
use crate::layout::{Keyspaces, Row, Space, chore_key};

/// One chore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chore {
    /// When it is due.
    pub due: Timestamp,
    /// About which session.
    pub session: SessionId,
}

impl Chore {
    /// What an ended session leaves to be done. Written again it is the same row, so a session that changes after its end
    /// costs nothing but a deletion of what is deleted.
    pub(crate) fn left_by(session: &SessionSnapshot) -> Option<Self> {
        session.ended?;
        Some(Self { due: session.records_due_at?, session: session.id })
    }

    /// What is due at `now`, oldest first.
    pub(crate) fn due(
        spaces: &Keyspaces,
        keys: &Keyring,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Self>, StorageError> {
        let next_millisecond = now.as_millis().saturating_add(1).to_be_bytes();
        let rows = spaces.get(Space::Chores).range(..next_millisecond);
        rows.take(limit).map(|row| Self::read(&row.key()?, keys)).collect()
    }

    pub(crate) fn key(&self) -> [u8; 33] {
        chore_key(self.due, self.session)
    }

    pub(crate) fn row(&self) -> Row {
        Row::put(Space::Chores, self.key(), Vec::new())
    }

    pub(crate) fn gone(&self) -> Row {
        Row::gone(Space::Chores, self.key())
    }

    pub(crate) fn read(key: &[u8], keys: &Keyring) -> Result<Self, StorageError> {
        let what = "its key is too short";
        let (due, session) =
            key.split_first_chunk().ok_or(StorageError::Unreadable { keyspace: Space::Chores.name(), what })?;
        let due = Timestamp::from_millis(u64::from_be_bytes(*due));
        Ok(Self { due, session: session_id(session, keys.checks())? })
    }
}
