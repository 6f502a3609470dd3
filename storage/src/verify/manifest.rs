//! The folder of one keyspace, checked before any library reads it: which tables it has, and that each is there.
//!
//! lsm-tree 3.1.10 keeps the checksum of its list of tables in `current` and does not compare it (`version/recovery.rs`),
//! so a flipped bit in the list can hide rows. Nor does it compare the checksums of whole tables, which stand in that
//! list; those of their blocks it does compare, whenever it reads one.
//!
//! ```text
//! current  8  number n of the list `v<n>`          list `v<n>`, section "tables"
//!         16  XXH3 of 128 bits over that file        1  number of levels
//!          1  0                                      of each level     1  number of runs
//!                                                    of each run       4  number of tables
//!                                                    of each table     8  number, the name of its file
//!                                                                      1  0
//!                                                                     16  XXH3 of 128 bits over that file
//!                                                                      8  what is added to its sequence numbers
//! ```

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use lsm_tree::table::{Block, BlockHandle, BlockOffset, DataBlock};
use lsm_tree::{CompressionType, SeqNo};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::archive::{Contents, take};
use crate::error::{Damage, Remedy, StorageError};
use crate::folders::sync_around;

const CURRENT: &str = "current";
const TABLES: &str = "tables";
/// Bytes of a list of tables at most: a million tables have a third of it.
const LIST_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Bytes of a table's description at most.
const META_BYTES_MAX: u64 = 1024 * 1024;
/// Bytes of a table that are read at once.
const READ_AT_ONCE: usize = 1024 * 1024;

/// One table of a keyspace.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) path: PathBuf,
    checksum: u128,
    added: u64,
}

/// The tables of a keyspace, by the list that its `current` names.
#[derive(Debug)]
pub(super) struct Manifest {
    /// Which list; they count up.
    pub(super) number: u64,
    pub(super) tables: Vec<Table>,
    /// The two files that say so, in the order in which they are written.
    files: [(PathBuf, Vec<u8>); 2],
}

impl Manifest {
    /// Reads the list in a keyspace's folder and compares its checksum.
    pub(super) fn read(folder: &Path) -> Result<Self, StorageError> {
        let current = folder.join(CURRENT);
        let bytes = read(&current, 25)?;
        let (number, checksum) = read_current(&bytes)
            .ok_or_else(|| Damage::of(&current, "it does not name a list of tables", Remedy::Restore))?;
        let path = folder.join(format!("v{number}"));
        let list = read(&path, LIST_BYTES_MAX)?;
        let damaged = |what| StorageError::from(Damage::of(&path, what, Remedy::Restore));
        if xxh3_128(&list) != checksum {
            return Err(damaged("this list of tables is not the one that was written last"));
        }
        let file = File::open(&path).map_err(|e| StorageError::folder(&path, e))?;
        let contents = Contents::read(&file).map_err(|e| StorageError::folder(&path, e))?;
        let section = contents.and_then(|contents| contents.section(b"tables"));
        let section = section.and_then(|s| list.get(s.at as usize..(s.at + s.bytes) as usize));
        let tables = section.and_then(|bytes| read_tables(bytes, &folder.join(TABLES)));
        let tables = tables.ok_or_else(|| damaged("this list of tables cannot be read"))?;
        Ok(Self { number, tables, files: [(path, list), (current, bytes)] })
    }

    /// Makes this the list of the keyspace once more, if another one has been written since.
    pub(super) fn put_back(&self) -> std::io::Result<()> {
        for (path, bytes) in &self.files {
            if std::fs::read(path).is_ok_and(|there| there == *bytes) {
                continue;
            }
            let new = path.with_extension("new");
            std::fs::write(&new, bytes)?;
            File::open(&new)?.sync_all()?;
            std::fs::rename(&new, path)?;
            sync_around(path)?;
        }
        Ok(())
    }

    /// One more than the highest sequence number in any table; 0 without tables. Finds every table, and compares the
    /// checksums of its contents and of its description.
    pub(super) fn reach(&self) -> Result<u64, StorageError> {
        self.tables.iter().map(Table::reach).try_fold(0, |highest, reach| Ok(highest.max(reach?)))
    }
}

impl Table {
    fn reach(&self) -> Result<u64, StorageError> {
        let file = self.open()?;
        let contents = Contents::read(&file).map_err(|e| StorageError::folder(&self.path, e))?;
        let contents = contents.ok_or_else(|| self.damaged("the end of this table is damaged"))?;
        let what = "the description of this table is damaged";
        let meta = contents.section(b"meta").filter(|meta| meta.bytes <= META_BYTES_MAX);
        let meta = meta.ok_or_else(|| self.damaged(what))?;
        let handle = BlockHandle::new(BlockOffset(meta.at), meta.bytes as u32);
        let block = Block::from_file(&file, handle, CompressionType::None).map_err(|_| self.damaged(what))?;
        let highest = DataBlock::new(block).point_read(b"seqno#max", SeqNo::MAX);
        let highest = highest.and_then(|item| Some(u64::from_le_bytes(item.value.as_ref().try_into().ok()?)));
        let highest = highest.ok_or_else(|| self.damaged(what))?;
        Ok(highest.saturating_add(self.added).saturating_add(1))
    }

    /// Reads every byte and compares the checksum of the whole.
    pub(super) fn prove(&self) -> Result<(), StorageError> {
        let mut file = self.open()?;
        let (mut hash, mut buffer) = (Xxh3::new(), vec![0; READ_AT_ONCE]);
        loop {
            match file.read(&mut buffer).map_err(|e| StorageError::folder(&self.path, e))? {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
        if hash.digest128() == self.checksum {
            return Ok(());
        }
        Err(self.damaged("this table is not the one that was written").into())
    }

    fn open(&self) -> Result<File, StorageError> {
        File::open(&self.path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => self.damaged("this table is missing").into(),
            _ => StorageError::folder(&self.path, e),
        })
    }

    fn damaged(&self, what: &str) -> Damage {
        Damage::of(&self.path, what, Remedy::Restore)
    }
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, StorageError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes));
    match read {
        Ok(count) if count as u64 <= bytes_max => Ok(bytes),
        Ok(_) => Err(Damage::of(path, "it is too long", Remedy::Restore).into()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            Err(Damage::of(path, "it is missing", Remedy::Restore).into())
        }
        Err(e) => Err(StorageError::folder(path, e)),
    }
}

fn read_current(mut bytes: &[u8]) -> Option<(u64, u128)> {
    let (number, checksum) = (u64::from_le_bytes(take(&mut bytes)?), u128::from_le_bytes(take(&mut bytes)?));
    (bytes == [0]).then_some((number, checksum))
}

fn read_tables(mut bytes: &[u8], folder: &Path) -> Option<Vec<Table>> {
    let mut tables = Vec::new();
    let [levels] = take(&mut bytes)?;
    for _ in 0..levels {
        let [runs] = take(&mut bytes)?;
        for _ in 0..runs {
            for _ in 0..u32::from_le_bytes(take(&mut bytes)?) {
                let number = u64::from_le_bytes(take(&mut bytes)?);
                let [0] = take(&mut bytes)? else { return None };
                let checksum = u128::from_le_bytes(take(&mut bytes)?);
                let added = u64::from_le_bytes(take(&mut bytes)?);
                tables.push(Table { path: folder.join(number.to_string()), checksum, added });
            }
        }
    }
    bytes.is_empty().then_some(tables)
}
