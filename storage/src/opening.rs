//! Opening a data folder: what is not whole, or does not belong together, is refused before anything is changed in it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use fjall::{Database, DatabaseBuilder, KeyspaceCreateOptions};

use crate::codec::{FOLDER_FORMAT, Head, from_bytes};
use crate::error::{Damage, StorageError};
use crate::folders::keep_names;
use crate::keyring::Keyring;
use crate::keys::{KeyError, MasterKey};
use crate::layout::{HEAD_KEY, Keyspaces, Space};
use crate::mark::HighWaterMark;
use crate::verify::{Preflight, Proof};

/// Bytes of fjall's block cache.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of journals at most: what a start has to read again. fjall's default of 512 MiB would take half a minute.
const JOURNALS_BYTES: u64 = 128 * 1024 * 1024;
/// fjall's own threads. With two, one spins while the other compacts.
const FJALL_WORKERS: usize = 1;
/// A data folder that is whole.
pub(crate) struct Whole {
    pub(crate) database: Database,
    pub(crate) spaces: Keyspaces,
    pub(crate) head: Head,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) mark: HighWaterMark,
    /// What the mark's file says.
    pub(crate) marked: u64,
}

/// Opens the data folder; a new one, with memtables of so many bytes, if it is empty.
pub(crate) fn open_whole(folder: &Path, master: &MasterKey, memtable_bytes: u64) -> Result<Whole, StorageError> {
    let mark = HighWaterMark::at(folder.join("high-water.mark"));
    let marked = mark.read()?;
    // A million keys take as long as the journals do.
    let table = folder.join("keys.table");
    let (database, keys) = std::thread::scope(|scope| {
        let keys = scope.spawn(|| Keyring::open(master, &table, false));
        let database = open_proven(&folder.join("db"), marked);
        (database, keys.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let (database, proof) = database?;
    let head = read_head(&database, marked)?;
    // Before a keyspace that is missing is made: what is not whole stays as it is.
    proof.confirm(&head)?;
    let spaces = Keyspaces::open(&database, memtable_bytes)?;
    keep_names(folder).map_err(|e| StorageError::folder(folder, e))?;
    let keys = match keys {
        // Only now: a database that was lost as a whole is not a new one, and gets no empty key table.
        Err(StorageError::Keys(KeyError::TableMissing { .. })) if head.sequence == 0 => {
            Keyring::open(master, &table, true)
        }
        opened => opened,
    }?;
    keys_are_not_older(&keys, &head)?;
    Ok(Whole { database, spaces, head, keys: Arc::new(keys), mark, marked })
}

/// Looks before fjall touches anything: opening, it cuts and removes what it cannot read.
fn open_proven(path: &Path, marked: u64) -> Result<(Database, Proof), StorageError> {
    let proof = Preflight::of(path, marked)?.settle()?;
    Ok((open_database(path)?, proof))
}

pub(crate) fn open_database(path: &Path) -> Result<Database, StorageError> {
    let builder = Database::builder(path).cache_size(CACHE_BYTES).max_journaling_size(JOURNALS_BYTES);
    open_with(path, builder.worker_threads(FJALL_WORKERS))
}

/// Opens a database; a panic of the library is damage that it meets, and refuses the folder like any other.
pub(crate) fn open_with(path: &Path, builder: DatabaseBuilder<Database>) -> Result<Database, StorageError> {
    match catch_unwind(AssertUnwindSafe(|| builder.open())) {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(fjall::Error::Locked)) => Err(StorageError::InUse(path.to_owned())),
        Ok(Err(other)) => Err(other.into()),
        Err(_) => Err(Damage::told_by_panic(path).into()),
    }
}

/// The last commit of a database, which must be one that this program can go on from.
pub(crate) fn read_head(database: &Database, marked: u64) -> Result<Head, StorageError> {
    let name = Space::Head.name();
    // Asking for a keyspace would make it.
    let value = match database.keyspace_exists(name) {
        true => database.keyspace(name, KeyspaceCreateOptions::default)?.get(HEAD_KEY)?,
        false => None,
    };
    let head: Head = value.map_or_else(|| Ok(Head::default()), |value| from_bytes(Space::Head, &value))?;
    if let Some(found) = head.format.filter(|&format| format > FOLDER_FORMAT) {
        return Err(StorageError::Newer { found, known: FOLDER_FORMAT });
    }
    if head.sequence < marked {
        return Err(StorageError::Lost { found: head.sequence, marked });
    }
    Ok(head)
}

/// Keys are on stable storage before anything is committed that needs them, so a table behind the head is another's past.
pub(crate) fn keys_are_not_older(keys: &Keyring, head: &Head) -> Result<(), StorageError> {
    let (Some(expected_epoch), Some(expected)) = (head.key_epoch, head.key_entries) else {
        return Ok(());
    };
    let found = keys.extent();
    let is_same = head.key_table.is_none_or(|table| table == found.table);
    if found.epoch > expected_epoch || (found.epoch == expected_epoch && found.entries >= expected && is_same) {
        return Ok(());
    }
    Err(StorageError::OldKeys { epoch: found.epoch, found: found.entries, expected_epoch, expected })
}
