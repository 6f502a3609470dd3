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
use crate::threads::{BEHIND, put_behind};
use crate::verify::{Preflight, Proof};

/// Bytes of fjall's block cache.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of journals at most: what a start has to read again. fjall's default of 512 MiB would take half a minute.
const JOURNALS_BYTES: u64 = 128 * 1024 * 1024;
/// fjall's own threads. With two, one spins while the other compacts.
const FJALL_WORKERS: usize = 1;
/// Its threads' name.
const FJALL_WORKER: &str = "fjall:worker";

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
    let opened = open_database(path);
    Ok((opened_as_proven(opened, &proof)?, proof))
}

/// What opened, be it with an error, if it cut nothing off that had been proven; else that is put back.
fn opened_as_proven(opened: Result<Database, StorageError>, proof: &Proof) -> Result<Database, StorageError> {
    let Some(cut) = proof.cut_by_opening()? else { return opened };
    drop(opened);
    proof.put_back()?;
    Err(cut)
}

pub(crate) fn open_database(path: &Path) -> Result<Database, StorageError> {
    let builder = Database::builder(path).cache_size(CACHE_BYTES).max_journaling_size(JOURNALS_BYTES);
    let opened = open_with(path, builder.worker_threads(FJALL_WORKERS))?;
    // A flush takes the time of hundreds of requests at once.
    put_behind(FJALL_WORKER, BEHIND);
    Ok(opened)
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use qnect_core::language::Language;
    use qnect_core::phone::Phone;
    use qnect_core::reason::ReasonSet;
    use qnect_core::time::Timestamp;

    use super::*;
    use crate::{NewOwner, OpenOptions, Storage};

    const MAGIC: &[u8] = b"FJL\x03";
    const OWNERS: u64 = 8;

    fn owner(number: u64) -> NewOwner {
        NewOwner {
            name: format!("Owner {number}"),
            email: format!("owner{number}@example.org"),
            phone: Phone::from_digits(919_800_000_000 + number).unwrap(),
            vehicle: None,
            language: Language::Hindi,
            time_zone: "Asia/Kolkata".into(),
            quiet_hours: None,
            night_reasons: ReasonSet::URGENT,
        }
    }

    /// Opens it as a start does, and counts its owners.
    fn owners(folder: &Path, master: &MasterKey) -> u64 {
        let whole = open_whole(folder, master, 1 << 20).unwrap();
        whole.spaces.get(Space::Owners).len().unwrap() as u64
    }

    /// The ends of all batches of a journal.
    fn ends(journal: &[u8]) -> Vec<usize> {
        let starts = 0..journal.len().saturating_sub(MAGIC.len() - 1);
        starts.filter(|&at| journal[at..].starts_with(MAGIC)).map(|at| at + MAGIC.len()).collect()
    }

    /// A closed folder with some commits, all in one journal, and its journal.
    fn folder(master: &MasterKey) -> (tempfile::TempDir, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millis(1_700_000_000_000);
        let storage = Storage::open(&OpenOptions::new(folder.path(), master), |_| move || now).unwrap();
        (0..OWNERS).for_each(|number| drop(storage.register(&[owner(number)], now).unwrap()));
        storage.close();
        drop(storage);
        let journal = std::fs::read(folder.path().join("db/0.jnl")).unwrap();
        let end = *ends(&journal).last().unwrap();
        (folder, journal[..end].to_vec())
    }

    #[test]
    fn what_an_opening_cut_off_because_it_could_not_read_it_is_put_back() {
        let master = MasterKey::from_bytes([7; 32]);
        let (folder, journal) = folder(&master);
        let (db, path) = (folder.path().join("db"), folder.path().join("db/0.jnl"));
        let proof = Preflight::of(&db, 0).unwrap().settle().unwrap();
        // Where fjall would stop reading, it cuts.
        let cut = ends(&journal)[3];
        std::fs::File::options().write(true).open(&path).unwrap().set_len(cut as u64).unwrap();
        match opened_as_proven(open_database(&db), &proof) {
            Err(StorageError::CutByOpening { path: told, at }) => assert_eq!((told, at), (path.clone(), cut as u64)),
            other => panic!("{other:?}", other = other.map(|_| "opened")),
        }
        drop(proof);
        assert!(std::fs::read(&path).unwrap() == journal);
        assert_eq!(owners(folder.path(), &master), OWNERS);
    }

    /// It writes out what it read of the cut one and of the next, and forgets both, before anybody can stop it.
    #[test]
    fn a_journal_that_was_cut_and_then_forgotten_is_put_back_too() {
        let master = MasterKey::from_bytes([7; 32]);
        let (folder, journal) = folder(&master);
        let db = folder.path().join("db");
        let between = ends(&journal)[4];
        let parts = [&journal[..between], &journal[between..], &[]];
        for (number, part) in parts.iter().enumerate() {
            std::fs::write(db.join(format!("{number}.jnl")), part).unwrap();
        }
        let proof = Preflight::of(&db, 0).unwrap().settle().unwrap();
        let cut = ends(&journal)[2];
        std::fs::File::options().write(true).open(db.join("0.jnl")).unwrap().set_len(cut as u64).unwrap();
        let opened = open_database(&db);
        let deadline = Instant::now() + Duration::from_secs(30);
        while db.join("1.jnl").exists() {
            assert!(Instant::now() < deadline, "it keeps its journals");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        assert!(matches!(opened_as_proven(opened, &proof), Err(StorageError::CutByOpening { .. })));
        drop(proof);
        for (number, part) in parts.iter().enumerate() {
            assert!(std::fs::read(db.join(format!("{number}.jnl"))).unwrap() == *part, "journal {number}");
        }
        assert_eq!(owners(folder.path(), &master), OWNERS);
    }
}
