//! All keys that a running engine holds, from one master key and one key table.

use std::path::Path;

use qnect_core::caller::{BlockToken, CallerRoot, CallerTokens, DayToken, RootKey};
use qnect_core::check::CheckKeys;
use qnect_core::language::Language;
use qnect_core::reason::Reason;
use qnect_core::session::Idempotency;
use qnect_core::tag::OwnerId;
use qnect_core::time::Timestamp;

use crate::backup::format::backup_key;
use crate::error::StorageError;
use crate::keys::{DataKey, DayKey, DerivedKey, KeyError, KeyExtent, KeyTable, MasterKey, Purpose};

/// The version of the derived keys that new codes and ids carry.
const KEY_VERSION: u8 = 0;

/// Derived keys and the key table.
#[derive(Debug)]
pub struct Keyring {
    checks: CheckKeys,
    roots: RootKey,
    index: DerivedKey,
    backup: DerivedKey,
    table: KeyTable,
}

impl Keyring {
    /// Derives all keys of `master` and opens the key table at `path`; makes one only beside a new database: an empty
    /// table beside old data would mean that every key is lost.
    pub(crate) fn open(master: &MasterKey, path: &Path, database_is_new: bool) -> Result<Self, StorageError> {
        let tag = master.derive(Purpose::TagCheck, KEY_VERSION);
        let session = master.derive(Purpose::SessionCheck, KEY_VERSION);
        Ok(Self {
            checks: CheckKeys::new(KEY_VERSION, tag.as_bytes(), session.as_bytes()),
            roots: RootKey::new(master.derive(Purpose::CallerRoot, KEY_VERSION).as_bytes()),
            index: master.derive(Purpose::Index, KEY_VERSION),
            backup: backup_key(master),
            table: if database_is_new {
                KeyTable::open_or_create(path, master)?
            } else {
                KeyTable::open(path, master)?
            },
        })
    }

    /// The keys that check tag codes and session ids.
    pub fn checks(&self) -> &CheckKeys {
        &self.checks
    }

    /// The key under which providers' parsers hash callers' numbers.
    pub fn roots(&self) -> &RootKey {
        &self.roots
    }

    /// What recognises a request that its client named `key`.
    pub fn idempotency(&self, key: &str, reason: Reason, language: Language) -> Idempotency {
        Idempotency::of(self.index.as_bytes(), key, reason, language)
    }

    /// A caller's tokens of the day of `now` and, as long as its key lives, of the day before.
    pub fn caller_tokens(&self, root: &CallerRoot, now: Timestamp) -> Result<CallerTokens, KeyError> {
        let today = self.table.day_key(now.utc_day())?;
        let yesterday = now.utc_day().checked_sub(1).and_then(|day| self.table.existing_day_key(day));
        let token = |key: DayKey| DayToken::from_bytes(key.token(root.as_bytes()));
        Ok(CallerTokens { today: token(today), yesterday: yesterday.map(token), for_owner: None })
    }

    /// A caller's name with one owner; `None` once that owner was erased. Takes microseconds and waits for no disk.
    pub fn block_token(&self, owner: OwnerId, root: &CallerRoot) -> Option<BlockToken> {
        Some(BlockToken::from_bytes(self.data_key(owner)?.block_token(root.as_bytes())))
    }

    /// Makes the keys of the day of `now` and of the next one, so that no caller's token ever waits for a disk.
    pub(crate) fn prepare_days(&self, now: Timestamp) -> Result<(), KeyError> {
        self.table.day_key(now.utc_day())?;
        self.table.day_key(now.utc_day().saturating_add(1))?;
        Ok(())
    }

    pub(crate) fn add_owners(&self, owners: &[OwnerId]) -> Result<(), KeyError> {
        self.table.add_data_keys(&owners.iter().map(|o| o.0).collect::<Vec<_>>())
    }

    /// How far the key table has come.
    pub(crate) fn extent(&self) -> KeyExtent {
        self.table.extent()
    }

    /// The data key of an owner; `None` once erased.
    pub(crate) fn data_key(&self, owner: OwnerId) -> Option<DataKey> {
        self.table.data_key(owner.0)
    }

    /// The key from which that of each backup file is derived.
    pub(crate) fn backup_key(&self) -> &DerivedKey {
        &self.backup
    }

    pub(crate) fn table(&self) -> &KeyTable {
        &self.table
    }

    pub(crate) fn index_key(&self) -> &[u8; 32] {
        self.index.as_bytes()
    }
}
