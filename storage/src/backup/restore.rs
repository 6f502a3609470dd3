//! Making a data folder from a backup.
//!
//! The database is built under another name in the folder, [`UNFINISHED`], read back, and put into its place by one
//! rename, the last thing that is done. A crash before that leaves the other name and no database: a store does not open
//! there, and a restore begins again. A crash after it leaves a folder that is complete.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use fjall::{PersistMode, Readable};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::error::BackupError;
use super::format::Opening;
use super::read::{BackupReader, Inventory};
use crate::codec::{Head, from_bytes, to_bytes};
use crate::error::StorageError;
use crate::folders::make_folder;
use crate::keys::{KeyExtent, KeyTable, MasterKey};
use crate::layout::{Keyspaces, MEMTABLE_BYTES, Space};
use crate::logical::LogicalHasher;
use crate::mark::HighWaterMark;
use crate::opening::open_database;

/// What a data folder holds, as [`Storage::open`](crate::Storage::open) names it.
const DATABASE: &str = "db";
const KEY_TABLE: &str = "keys.table";
const MARK: &str = "high-water.mark";
/// Where a database is built, in the folder where it will be.
const UNFINISHED: &str = "restore.unfinished";
/// What a new file system has in its root.
const LOST_AND_FOUND: &str = "lost+found";

/// What is to be restored, and where.
#[derive(Debug, Clone, Copy)]
pub struct RestoreOptions<'a> {
    /// The data folder: empty, or with a key table in it, or not there yet.
    pub folder: &'a Path,
    /// The master key.
    pub master: &'a MasterKey,
    /// The backup of the database.
    pub from: &'a Path,
    /// The backup of the key table; not needed if the folder has one.
    pub keys: Option<&'a Path>,
    /// Bytes of a keyspace's memtable, as in [`OpenOptions`](crate::OpenOptions).
    pub memtable_bytes: u64,
}

/// Makes a data folder from a backup: all of it, on stable storage, or nothing. Blocks; takes about 200 MiB of memory,
/// however large the backup is.
///
/// # Errors
/// All but [`BackupError::Busy`], [`BackupError::Failed`] and [`BackupError::Source`]. The folder is then as it was, but
/// for an unfinished part if that could not be removed.
pub fn restore(options: &RestoreOptions<'_>) -> Result<Inventory, BackupError> {
    let backup = BackupReader::open(options.from, options.master)?;
    let site = Site::enter(options.folder)?;
    let keys = site.key_table(options)?;
    check_keys(backup.opening(), &keys.extent())?;
    let opening = backup.opening().clone();
    let database = site.unfinished(DATABASE);
    let inventory = build(&database, backup, options.memtable_bytes)?;
    compare(&database, &opening, &inventory)?;
    HighWaterMark::at(site.unfinished(MARK)).write(opening.sequence)?;
    site.move_in()?;
    Ok(inventory)
}

/// Whether a restore has begun in a folder and not come to its end.
pub(crate) fn is_half_restored(folder: &Path) -> bool {
    folder.join(UNFINISHED).exists() && !folder.join(DATABASE).exists()
}

/// The folder in which a restore is under way. Dropped, it is as before.
struct Site {
    folder: PathBuf,
    /// Opened and locked: no other restore enters.
    handle: File,
}

impl Site {
    /// Enters a folder that holds nothing, but perhaps a key table, or what an earlier restore left unfinished.
    fn enter(folder: &Path) -> Result<Self, BackupError> {
        make_folder(folder).map_err(BackupError::io(folder, "make the folder"))?;
        let handle = File::open(folder).map_err(BackupError::io(folder, "open the folder"))?;
        handle.try_lock().map_err(|refused| match refused {
            TryLockError::WouldBlock => BackupError::Restoring { folder: folder.to_owned() },
            TryLockError::Error(cause) => BackupError::io(folder, "lock the folder")(cause),
        })?;
        let began = is_half_restored(folder);
        for entry in fs::read_dir(folder).map_err(BackupError::io(folder, "read the folder"))? {
            let name = entry.map_err(BackupError::io(folder, "read the folder"))?.file_name();
            let expected = match name.to_str() {
                Some(KEY_TABLE | LOST_AND_FOUND) => true,
                Some(UNFINISHED | MARK) => began,
                Some(_) | None => false,
            };
            if !expected {
                let found = name.to_string_lossy().into_owned();
                return Err(BackupError::NotEmpty { folder: folder.to_owned(), found });
            }
        }
        let site = Self { folder: folder.to_owned(), handle };
        // What an earlier restore put into its place goes with it, but for the key table: that is never thrown away.
        if began {
            site.remove_mark().map_err(BackupError::io(folder, "remove an unfinished restore"))?;
        }
        site.clear().map_err(BackupError::io(folder, "remove an unfinished restore"))?;
        Ok(site)
    }

    /// Opens the key table that the folder will have, and with it begins what is unfinished.
    fn key_table(&self, options: &RestoreOptions<'_>) -> Result<KeyTable, BackupError> {
        let in_place = self.folder.join(KEY_TABLE);
        let has_one = in_place.try_exists().map_err(BackupError::io(&in_place, "look for it"))?;
        let given = match (options.keys, has_one) {
            (None, false) => return Err(BackupError::KeysMissing { folder: self.folder.clone() }),
            (Some(given), true) if !same(given, &in_place)? => return Err(BackupError::KeysThere { path: in_place }),
            (Some(given), false) => Some(given),
            (None | Some(_), true) => None,
        };
        let unfinished = self.folder.join(UNFINISHED);
        make_folder(&unfinished).map_err(BackupError::io(&unfinished, "make the folder"))?;
        self.sync()?;
        let Some(given) = given else { return Ok(KeyTable::open(&in_place, options.master)?) };
        let copy = self.unfinished(KEY_TABLE);
        copy_file(given, &copy)?;
        Ok(KeyTable::open(&copy, options.master)?)
    }

    fn unfinished(&self, name: &str) -> PathBuf {
        self.folder.join(UNFINISHED).join(name)
    }

    /// Puts everything into its place, the database last: with it the folder is complete.
    fn move_in(&self) -> Result<(), BackupError> {
        let unfinished = self.folder.join(UNFINISHED);
        sync_below(&unfinished).map_err(BackupError::io(&unfinished, "fsync it"))?;
        if self.unfinished(KEY_TABLE).exists() {
            self.put(KEY_TABLE)?;
        }
        self.put(MARK)?;
        self.sync()?;
        self.put(DATABASE)?;
        self.sync()
    }

    fn put(&self, name: &str) -> Result<(), BackupError> {
        let place = self.folder.join(name);
        let put = renameat_with(CWD, self.unfinished(name), CWD, &place, RenameFlags::NOREPLACE);
        put.map_err(|errno| BackupError::io(&place, "put it into its place")(errno.into()))
    }

    fn sync(&self) -> Result<(), BackupError> {
        self.handle.sync_all().map_err(BackupError::io(&self.folder, "fsync the folder"))
    }

    fn remove_mark(&self) -> io::Result<()> {
        gone(fs::remove_file(self.folder.join(MARK)))?;
        self.handle.sync_all()
    }

    fn clear(&self) -> io::Result<()> {
        gone(fs::remove_dir_all(self.folder.join(UNFINISHED)))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // What cannot be removed keeps a store from opening until a restore ends, unless the database is in its place.
        if is_half_restored(&self.folder) {
            let _ = self.remove_mark();
        }
        let _ = self.clear();
    }
}

/// What was not there is gone, too.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn check_keys(opening: &Opening, keys: &KeyExtent) -> Result<(), BackupError> {
    let needs = (opening.key_epoch, opening.key_entries);
    // A later epoch has fewer keys when people were erased.
    if keys.epoch > opening.key_epoch {
        return Ok(());
    }
    if keys.epoch == opening.key_epoch && keys.table != opening.key_table {
        return Err(BackupError::KeysOfAnother);
    }
    if (keys.epoch, keys.entries) < needs {
        let (needs_epoch, needs_entries) = needs;
        return Err(BackupError::KeysOlder { epoch: keys.epoch, entries: keys.entries, needs_epoch, needs_entries });
    }
    Ok(())
}

/// Rows go into tables at once, in the order in which a backup has them: a journal holds commits and nothing else.
fn build(path: &Path, backup: BackupReader, memtable_bytes: u64) -> Result<Inventory, BackupError> {
    let database = open_database(path)?;
    let spaces = Keyspaces::open(&database, memtable_bytes)?;
    let failed = |error: fjall::Error| BackupError::Storage(error.into());
    let begin = |space| spaces.get(space).start_ingestion().map_err(failed);
    let mut space = Space::ALL[0];
    let mut table = begin(space)?;
    let inventory = backup.read_all(|row| {
        if row.space != space {
            space = row.space;
            std::mem::replace(&mut table, begin(space)?).finish().map_err(failed)?;
        }
        let written = match space {
            Space::Head => table.write(row.key, head_elsewhere(row.value)?),
            _ => table.write(row.key, row.value),
        };
        written.map_err(failed)
    })?;
    table.finish().map_err(failed)?;
    database.persist(PersistMode::SyncAll).map_err(failed)?;
    Ok(inventory)
}

/// The last commit as it is told in another database: what it says of places is not true there.
fn head_elsewhere(value: &[u8]) -> Result<Vec<u8>, BackupError> {
    let head: Head = from_bytes(Space::Head, value)?;
    Ok(to_bytes(&Head { witness: None, ..head }))
}

/// Opens what was built, as a start would, and reads all of it.
fn compare(path: &Path, opening: &Opening, inventory: &Inventory) -> Result<(), BackupError> {
    let differs = |what| Err(BackupError::Differs { folder: path.to_owned(), what });
    let database = open_database(path)?;
    let spaces = Keyspaces::open(&database, MEMTABLE_BYTES)?;
    let snapshot = database.snapshot();
    let mut logical = LogicalHasher::new();
    let mut head = Head::default();
    for space in Space::ALL {
        for row in snapshot.iter(spaces.get(space)) {
            let (key, value) = row.into_inner().map_err(StorageError::from)?;
            logical.row(space, &key, &value);
            if space == Space::Head {
                head = from_bytes(space, &value)?;
            }
        }
    }
    let (logical, rows) = logical.finish();
    if logical != inventory.logical || rows.iter().sum::<u64>() != inventory.rows {
        return differs("its logical hash");
    }
    if (head.sequence, head.hash, head.at_ms) != (opening.sequence, opening.hash, opening.at_ms) {
        return differs("its last commit");
    }
    Ok(())
}

/// Whether two files hold the same.
fn same(one: &Path, other: &Path) -> Result<bool, BackupError> {
    let open = |path| File::open(path).map(io::BufReader::new).map_err(BackupError::io(path, "open it"));
    let (mut one_file, mut other_file) = (open(one)?, open(other)?);
    let (mut a, mut b) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let read = read_full(&mut one_file, &mut a).map_err(BackupError::io(one, "read it"))?;
        let also = read_full(&mut other_file, &mut b).map_err(BackupError::io(other, "read it"))?;
        if a[..read] != b[..also] {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

/// Reads until `bytes` is full or the file ends.
fn read_full(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        match file.read(&mut bytes[read..])? {
            0 => break,
            more => read += more,
        }
    }
    Ok(read)
}

fn copy_file(from: &Path, to: &Path) -> Result<(), BackupError> {
    let mut source = File::open(from).map_err(BackupError::io(from, "open it"))?;
    let mut options = fs::OpenOptions::new();
    let mut copy = options.write(true).create_new(true).mode(0o600).open(to).map_err(BackupError::io(to, "make it"))?;
    io::copy(&mut source, &mut copy).map_err(BackupError::io(to, "copy the key table there"))?;
    Ok(())
}

/// Puts every file and folder below `folder`, and itself, on stable storage.
fn sync_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_below(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use qnect_core::language::Language;
    use qnect_core::phone::Phone;
    use qnect_core::reason::ReasonSet;
    use qnect_core::time::Timestamp;

    use super::*;
    use crate::owners::NewOwner;
    use crate::store::{OpenOptions, Storage};

    const NOW: Timestamp = Timestamp::from_millis(1_763_683_200_000);

    fn extent(epoch: u64, entries: u64, table: u8) -> KeyExtent {
        KeyExtent { epoch, entries, table: [table; 16] }
    }

    #[test]
    fn a_key_table_has_all_keys_of_the_backup_or_is_of_a_later_epoch() {
        let opening = Opening { key_epoch: 3, key_entries: 10, key_table: [7; 16], ..Opening::default() };
        for fits in [extent(3, 10, 7), extent(3, 11, 7), extent(4, 1, 9)] {
            assert!(check_keys(&opening, &fits).is_ok(), "{fits:?}");
        }
        for older in [extent(3, 9, 7), extent(2, 99, 1), extent(2, 99, 7)] {
            assert!(matches!(check_keys(&opening, &older), Err(BackupError::KeysOlder { .. })), "{older:?}");
        }
        assert!(matches!(check_keys(&opening, &extent(3, 99, 8)), Err(BackupError::KeysOfAnother)));
    }

    #[test]
    fn whoever_was_erased_is_not_brought_back() {
        let root = tempfile::tempdir().unwrap();
        let [data, new, backup, keys] = ["data", "new", "backup", "keys"].map(|name| root.path().join(name));
        let master = MasterKey::from_bytes([7; 32]);
        let open = |folder: &Path| Storage::open(&OpenOptions::new(folder, &master), |_| || NOW).unwrap();
        let run = |storage: &Storage, owner| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(storage.owner_card(owner)).unwrap()
        };
        let back_up = |storage: &Storage| {
            let (mut stream, mut bytes) = (storage.backup().unwrap(), Vec::new());
            while let Some(more) = stream.next_blocking().unwrap() {
                bytes.extend(more);
            }
            fs::write(&backup, bytes).unwrap();
        };
        let owner = |number| NewOwner {
            name: "A Name".into(),
            email: "a@example.org".into(),
            phone: Phone::from_digits(number).unwrap(),
            vehicle: None,
            language: Language::English,
            time_zone: "Asia/Kolkata".into(),
            quiet_hours: None,
            night_reasons: ReasonSet::URGENT,
        };
        let storage = open(&data);
        let both = storage.register(&[owner(919_800_000_017), owner(919_800_000_018)], NOW).unwrap();
        back_up(&storage);
        drop(storage);
        KeyTable::open(&data.join(KEY_TABLE), &master).unwrap().write_next_epoch(&keys, &master, &[both[1].owner.0]);

        let (from, keys, memtable_bytes) = (&*backup, Some(&*keys), MEMTABLE_BYTES);
        let options = RestoreOptions { folder: &new, master: &master, from, keys, memtable_bytes };
        let restored = restore(&options).unwrap();
        let storage = open(&new);
        assert!(run(&storage, both[0].owner).is_none(), "erased since the backup");
        assert!(run(&storage, both[1].owner).is_some());
        // What is left of an erased person is no damage.
        back_up(&storage);
        assert_eq!(super::super::examine(&backup, &master).unwrap().logical, restored.logical);
    }
}
