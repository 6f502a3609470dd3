//! The key table: the only place where data keys and day keys are kept.

use std::collections::HashSet;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use super::copy::KeyCopy;
use super::day::DayKey;
use super::error::KeyError;
use super::files::{create_whole, lock};
use super::layout::{BLOCK_BYTES, Entry, Epoch, KIND_DATA, KIND_DAY, offset_of};
use super::master::MasterKey;
use super::recover::{open_header, recover};
use super::seal::DataKey;
use super::secret::Secret;
use super::shelf::Shelves;

/// The first epoch of a table.
const FIRST_EPOCH: u64 = 1;
/// New keys shown to readers under one lock, so that a bulk import does not hold up a look-up.
const INSERTS_PER_LOCK: usize = 1024;

/// How many keys a table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCounts {
    /// Data keys: people.
    pub data_keys: usize,
    /// Day keys: days.
    pub day_keys: usize,
}

/// How far a key table goes: what tells an older one from a later one, and one database's from another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyExtent {
    /// The epoch, from 1; a later one may have fewer keys.
    pub epoch: u64,
    /// Keys of both kinds.
    pub entries: u64,
    /// Which table of that epoch.
    pub(crate) table: [u8; 16],
}

/// The data keys of all people and the day keys, in memory and in a file outside the database's folder.
///
/// A key is given out only when it is on stable storage. One handle at a time holds the file, across processes. Looking
/// up takes no disk and waits for none; adding waits for one fdatasync, so never add on a thread that must not block.
///
/// After any failed write or fsync the table takes no more keys ([`KeyError::Poisoned`]); the keys that it has can
/// still be read. A new start reads back what is on the disk. The layout of the file is in
/// [`layout`](super::layout).
pub struct KeyTable {
    path: PathBuf,
    epoch: Epoch,
    identity: [u8; 16],
    /// Locked after `tail` and never across I/O, so that no reader waits for the disk.
    keys: RwLock<Shelves>,
    /// Held across write and fdatasync: one writer at a time.
    tail: Mutex<Tail>,
    /// Entries on stable storage, for those who must not wait for `tail`.
    safe_entries: AtomicU64,
}

struct Tail {
    file: File,
    entry_count: u64,
    poisoned: bool,
}

impl KeyTable {
    /// Makes a new, empty table (mode 0600), on stable storage when this returns.
    ///
    /// # Errors
    /// [`KeyError::AlreadyExists`] (a table is never overwritten), [`KeyError::Random`], [`KeyError::Io`].
    pub fn create(path: &Path, master: &MasterKey) -> Result<Self, KeyError> {
        let epoch = Epoch::generate(FIRST_EPOCH)?;
        let file = create_whole(path, &epoch.seal_header(master)?)?;
        Ok(Self::new(path, epoch, Shelves::default(), file, 0))
    }

    /// Opens the table, checks every byte of it, and cuts off what a crash left unfinished at its end (logged; it was
    /// never acknowledged). All cores take part: a million keys are one to two seconds of processor time.
    ///
    /// # Errors
    /// [`KeyError::TableMissing`], [`KeyError::InUse`], [`KeyError::WrongMaster`], [`KeyError::UnknownVersion`],
    /// [`KeyError::UnknownKind`], [`KeyError::Damaged`], [`KeyError::Io`].
    pub fn open(path: &Path, master: &MasterKey) -> Result<Self, KeyError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|cause| missing_or(cause, path))?;
        lock(&file, path)?;
        let recovered = recover(&file, path, master)?;
        Ok(Self::new(path, recovered.epoch, recovered.keys, file, recovered.entry_count))
    }

    /// Whether the table at `path` is one of `master`'s: its header opens, and no key is looked at. Takes no lock, so that it
    /// can be asked while an engine has the table. Gives how many entries the file has room for.
    ///
    /// # Errors
    /// [`KeyError::TableMissing`], [`KeyError::WrongMaster`], [`KeyError::UnknownVersion`], [`KeyError::Damaged`],
    /// [`KeyError::Io`].
    pub fn expect_master(path: &Path, master: &MasterKey) -> Result<u64, KeyError> {
        let file = File::open(path).map_err(|cause| missing_or(cause, path))?;
        let bytes = file.metadata().map_err(KeyError::io(path, "read the length"))?.len();
        let Some(entry_bytes) = bytes.checked_sub(BLOCK_BYTES as u64) else {
            return Err(KeyError::Damaged { path: path.to_owned(), offset: 0 });
        };
        open_header(&file, path, master)?;
        Ok(entry_bytes / BLOCK_BYTES as u64)
    }

    /// Opens the table, or makes a new one where there is none.
    ///
    /// Only for a database that is new, too: an empty table beside old data means that every key is lost.
    ///
    /// # Errors
    /// Those of [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(path: &Path, master: &MasterKey) -> Result<Self, KeyError> {
        match Self::open(path, master) {
            Err(KeyError::TableMissing { .. }) => {}
            opened => return opened,
        }
        match Self::create(path, master) {
            Err(KeyError::AlreadyExists { .. }) => Self::open(path, master),
            created => created,
        }
    }

    /// The data key of a person; `None` if there is none (never made, or erased).
    #[must_use]
    pub fn data_key(&self, owner: u64) -> Option<DataKey> {
        self.read().people.get(owner).map(DataKey)
    }

    /// Makes a data key for each owner that has none; owners that have one keep it. One write and one fdatasync for
    /// all of them, none if all are known.
    ///
    /// Call this before any record that is sealed with one of these keys is committed. Takes 128 bytes of memory per
    /// new owner while it runs.
    ///
    /// # Errors
    /// [`KeyError::Poisoned`], [`KeyError::Io`] (the table is poisoned from then on), [`KeyError::Random`]. After an
    /// error none of the new keys can be looked up.
    pub fn add_data_keys(&self, owners: &[u64]) -> Result<(), KeyError> {
        let mut tail = self.tail()?;
        let new = {
            let keys = self.read();
            let mut seen = HashSet::new();
            let mut new = owners.to_vec();
            new.retain(|&owner| !keys.people.contains(owner) && seen.insert(owner));
            new
        };
        self.append(&mut tail, KIND_DATA, &new)
    }

    /// The key of a day, in days since 1970-01-01 UTC; made, and on stable storage, if there is none yet.
    ///
    /// # Errors
    /// Only when it must be made: those of [`add_data_keys`](Self::add_data_keys).
    pub fn day_key(&self, day: u32) -> Result<DayKey, KeyError> {
        let day = u64::from(day);
        if let Some(secret) = self.read().days.get(day) {
            return Ok(DayKey(secret));
        }
        let mut tail = self.tail()?;
        // another thread may have made it while this one waited
        if !self.read().days.contains(day) {
            self.append(&mut tail, KIND_DAY, &[day])?;
        }
        Ok(DayKey(self.read().days.get(day).expect("a day key is never removed")))
    }

    /// The key of a day, if it was made and lives.
    #[must_use]
    pub fn existing_day_key(&self, day: u32) -> Option<DayKey> {
        self.read().days.get(u64::from(day)).map(DayKey)
    }

    /// How many keys there are.
    #[must_use]
    pub fn counts(&self) -> KeyCounts {
        let keys = self.read();
        KeyCounts { data_keys: keys.people.len(), day_keys: keys.days.len() }
    }

    /// Begins a copy of the table's file as it is now, for its backup. May wait for a write that is under way.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub fn copy(&self) -> Result<KeyCopy, KeyError> {
        // one that takes no more keys still has those that it took
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let file = tail.file.try_clone().map_err(KeyError::io(&self.path, "open it once more"))?;
        Ok(KeyCopy { path: self.path.clone(), file, at: 0, end: offset_of(tail.entry_count) })
    }

    /// The epoch of this table, from 1.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch.number
    }

    /// How far this table goes, as far as it is on stable storage. Waits for no disk.
    #[must_use]
    pub fn extent(&self) -> KeyExtent {
        let entries = self.safe_entries.load(Ordering::Acquire);
        KeyExtent { epoch: self.epoch.number, entries, table: self.identity }
    }

    /// Writes a table of the next epoch at `path`, with the data keys of `owners` alone: those left out are erased.
    #[cfg(test)]
    pub(crate) fn write_next_epoch(&self, path: &Path, master: &MasterKey, owners: &[u64]) {
        let epoch = Epoch::generate(self.epoch.number + 1).unwrap();
        let mut bytes = epoch.seal_header(master).unwrap().to_vec();
        for (index, &owner) in (0..).zip(owners) {
            let entry = Entry { kind: KIND_DATA, id: owner, group: 0 };
            bytes.extend(epoch.seal_entry(index, &entry, &self.data_key(owner).unwrap().0).unwrap());
        }
        create_whole(path, &bytes).unwrap();
    }

    fn new(path: &Path, epoch: Epoch, keys: Shelves, file: File, entry_count: u64) -> Self {
        let tail = Mutex::new(Tail { file, entry_count, poisoned: false });
        let (identity, safe_entries) = (epoch.identity(), AtomicU64::new(entry_count));
        Self { path: path.to_owned(), epoch, identity, keys: RwLock::new(keys), tail, safe_entries }
    }

    fn read(&self) -> RwLockReadGuard<'_, Shelves> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to append, unless the table is poisoned.
    fn tail(&self) -> Result<MutexGuard<'_, Tail>, KeyError> {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.poisoned {
            return Err(KeyError::Poisoned { path: self.path.clone() });
        }
        Ok(tail)
    }

    /// Writes one group of new keys, and shows them to readers when it is on stable storage.
    fn append(&self, tail: &mut Tail, kind: u64, ids: &[u64]) -> Result<(), KeyError> {
        if ids.is_empty() {
            return Ok(());
        }
        let group = tail.entry_count;
        let mut blocks = Vec::with_capacity(ids.len() * BLOCK_BYTES);
        let mut made = Vec::with_capacity(ids.len());
        for (index, &id) in (group..).zip(ids) {
            let entry = Entry { kind, id, group };
            let secret = Secret::generate()?;
            blocks.extend_from_slice(&self.epoch.seal_entry(index, &entry, &secret)?);
            made.push((entry, secret));
        }
        // until everything has gone well: a panic on the way must poison, too
        tail.poisoned = true;
        tail.file.write_all_at(&blocks, offset_of(group)).map_err(KeyError::io(&self.path, "write"))?;
        tail.file.sync_data().map_err(KeyError::io(&self.path, "fsync"))?;
        tail.entry_count += ids.len() as u64;
        self.safe_entries.store(tail.entry_count, Ordering::Release);
        for some in made.chunks(INSERTS_PER_LOCK) {
            let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
            for (entry, secret) in some {
                keys.insert(entry, secret).expect("the caller asked for unknown ids of a known kind");
            }
        }
        tail.poisoned = false;
        Ok(())
    }
}

fn missing_or(cause: io::Error, path: &Path) -> KeyError {
    match cause.kind() {
        io::ErrorKind::NotFound => KeyError::TableMissing { path: path.to_owned() },
        _ => KeyError::io(path, "open the file")(cause),
    }
}

impl fmt::Debug for KeyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyTable").field("path", &self.path).field("epoch", &self.epoch.number).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table with owner 1, whose file is then replaced by a device that fails.
    fn failing(device: &str) -> (tempfile::TempDir, KeyTable) {
        let folder = tempfile::tempdir().unwrap();
        let table = KeyTable::create(&folder.path().join("keys.tab"), &MasterKey::from_bytes([7; 32])).unwrap();
        table.add_data_keys(&[1]).unwrap();
        table.tail.lock().unwrap().file = OpenOptions::new().read(true).write(true).open(device).unwrap();
        (folder, table)
    }

    fn assert_poisons(device: &str, expected: &str) {
        let (folder, table) = failing(device);
        assert!(matches!(table.add_data_keys(&[2]), Err(KeyError::Io { doing, .. }) if doing == expected));
        // the disk is well again, but what it holds is not known
        let healthy = OpenOptions::new().read(true).write(true).open(folder.path().join("keys.tab")).unwrap();
        table.tail.lock().unwrap().file = healthy;
        assert!(matches!(table.add_data_keys(&[3]), Err(KeyError::Poisoned { .. })));
        assert!(matches!(table.add_data_keys(&[1]), Err(KeyError::Poisoned { .. })), "even when nothing is new");
        assert!(matches!(table.day_key(1), Err(KeyError::Poisoned { .. })));
        assert!(table.data_key(1).is_some(), "what is there can still be read");
        assert!(table.data_key(2).is_none(), "what was not acknowledged is not given out");
        assert_eq!(table.counts(), KeyCounts { data_keys: 1, day_keys: 0 });
    }

    #[test]
    fn a_failed_write_poisons() {
        assert_poisons("/dev/full", "write");
    }

    #[test]
    fn a_failed_fsync_poisons() {
        // takes every write, and cannot fsync
        assert_poisons("/dev/null", "fsync");
    }

    #[test]
    fn a_failed_day_key_poisons() {
        let (_folder, table) = failing("/dev/null");
        assert!(matches!(table.day_key(1), Err(KeyError::Io { .. })));
        assert!(matches!(table.day_key(1), Err(KeyError::Poisoned { .. })));
    }

    #[test]
    fn an_authentic_entry_that_no_version_writes_is_refused() {
        for (kind, id, unknown) in [(3, 1, true), (0, 1, true), (KIND_DAY, 1 << 32, false), (KIND_DATA, 1, false)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("keys.tab");
            let master = MasterKey::from_bytes([7; 32]);
            let table = KeyTable::create(&path, &master).unwrap();
            table.add_data_keys(&[1]).unwrap();
            let entry = Entry { kind, id, group: 1 };
            let block = table.epoch.seal_entry(1, &entry, &Secret::generate().unwrap()).unwrap();
            table.tail.lock().unwrap().file.write_all_at(&block, offset_of(1)).unwrap();
            drop(table);
            match KeyTable::open(&path, &master).unwrap_err() {
                KeyError::UnknownKind { kind: told, .. } => assert!(unknown && told == kind),
                KeyError::Damaged { offset, .. } => assert!(!unknown && offset == offset_of(1)),
                error => panic!("{error:?}"),
            }
        }
    }
}
