//! What a group is written with: one fjall batch, numbered without gaps and chained by a hash, and one sync.

use std::sync::Arc;

use fjall::{Database, PersistMode};
use qnect_core::time::Timestamp;
use sha2::{Digest, Sha256};

use super::sweep::Memtables;
use crate::codec::{FOLDER_FORMAT, Head, Touched, Witness, to_bytes};
use crate::error::StorageError;
use crate::keyring::Keyring;
use crate::layout::{HEAD_KEY, Keyspaces, Row, Space};

/// The only writer of the database.
pub(crate) struct Ledger {
    pub(crate) database: Database,
    pub(crate) spaces: Keyspaces,
    pub(crate) keys: Arc<Keyring>,
    /// Of the last group.
    pub(crate) head: Head,
    /// Something was written since the last sync.
    pub(crate) unsynced: bool,
    pub(crate) memtables: Memtables,
    #[cfg(feature = "faults")]
    pub(crate) faults: crate::faults::Faults,
}

/// A row that a group changes: keyspace, key, and its value; `None`, and the row goes.
pub(crate) type Change<'a> = (Space, &'a [u8], Option<&'a [u8]>);

impl Ledger {
    /// Numbers and writes one group, all or nothing; `sync`ed, it and all before it are on stable storage on return.
    /// `fill` hands in the rows and is told the group's number. After an error nothing more may be written.
    pub(crate) fn write(
        &mut self,
        now: Timestamp,
        sync: bool,
        fill: impl FnOnce(u64, &mut dyn FnMut(Row)),
    ) -> Result<(), StorageError> {
        let mode = if sync { PersistMode::SyncData } else { PersistMode::Buffer };
        let mut batch = self.database.batch().durability(Some(mode));
        let sequence = self.head.sequence + 1;
        let mut hash = Sha256::new();
        hash.update(self.head.hash);
        hash.update(sequence.to_be_bytes());
        let mut touched = Touched::default();
        fill(sequence, &mut |Row { space, key, value }| {
            touched.note(space, value.is_some());
            chain(&mut hash, (space, &key, value.as_deref()));
            match value {
                Some(value) => batch.insert(self.spaces.get(space), key, value),
                None => batch.remove(self.spaces.get(space), key),
            }
        });
        let keys = self.keys.extent();
        // The batch's place is fjall's next number, unless a flush or a compaction takes that first: nobody else writes.
        let witness = Witness::behind(&self.head, self.unsynced, self.database.seqno(), touched);
        let head = Head {
            sequence,
            hash: hash.finalize().into(),
            at_ms: now.as_millis(),
            format: Some(FOLDER_FORMAT),
            key_epoch: Some(keys.epoch),
            key_entries: Some(keys.entries),
            key_table: Some(keys.table),
            witness: Some(witness),
            notes: self.head.notes,
        };
        batch.insert(self.spaces.get(Space::Head), HEAD_KEY, to_bytes(&head));
        #[cfg(feature = "faults")]
        self.faults.before_commit()?;
        batch.commit()?;
        self.head = head;
        self.unsynced = !sync;
        self.memtables.written = touched;
        Ok(())
    }

    /// Asks the database whether it has failed, be it on its own thread.
    pub(crate) fn ask(&self) -> Result<(), StorageError> {
        Ok(self.database.persist(PersistMode::Buffer)?)
    }

    /// Lets go of memtables that nobody needs. Called when nobody waits for a commit.
    pub(crate) fn sweep(&mut self) {
        self.memtables.sweep(&self.spaces);
    }

    /// Puts what was written without a sync on stable storage.
    pub(crate) fn sync(&mut self) -> Result<(), StorageError> {
        self.database.persist(PersistMode::SyncData)?;
        self.unsynced = false;
        Ok(())
    }
}

/// Takes a change into the rolling hash; a row that goes has a length that no value has.
pub(crate) fn chain(hash: &mut Sha256, (space, key, value): Change<'_>) {
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
            chain(&mut hash, (Space::Index, key, value));
            hash.finalize()
        };
        assert_ne!(after(b"key", None), after(b"key", Some(b"")));
        assert_ne!(after(b"key", None), after(b"yek", None));
        assert_eq!(after(b"key", None), after(b"key", None));
    }
}
