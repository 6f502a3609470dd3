//! What the tests of the keys share.
#![allow(dead_code, unreachable_pub)] // each test binary uses a part of it

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use qnect_storage::keys::{DataKey, KeyError, KeyTable, MasterKey, Place};
use tempfile::TempDir;

/// Length of the header and of each entry, as documented.
pub const BLOCK: usize = 128;

pub const PLACE: Place<'static> = Place { keyspace: "owners", record_id: b"record", field: 1, version: 1 };

pub fn master() -> MasterKey {
    MasterKey::from_bytes([7; 32])
}

/// A folder, and the path of a table in it that does not exist yet.
pub fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("keys.tab");
    (folder, path)
}

pub fn create(path: &Path) -> KeyTable {
    KeyTable::create(path, &master()).expect("a new table")
}

pub fn open(path: &Path) -> Result<KeyTable, KeyError> {
    KeyTable::open(path, &master())
}

/// Puts these bytes where the table was.
pub fn overwrite(path: &Path, bytes: &[u8]) {
    // in place: file systems flush a file that is emptied and written again
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).expect("open the table's file");
    file.write_all_at(bytes, 0).expect("write the table's file");
    file.set_len(bytes.len() as u64).expect("set the length of the table's file");
}

/// A message that only the same key opens.
pub fn letter(key: &DataKey) -> Vec<u8> {
    key.seal(&PLACE, b"letter").expect("seal")
}

pub fn opens(key: &DataKey, letter: &[u8]) -> bool {
    key.open(&PLACE, letter).is_ok_and(|plain| *plain == b"letter")
}

/// One letter per owner, from a table that has them all.
pub fn letters(table: &KeyTable, owners: &[u64]) -> Vec<Vec<u8>> {
    owners.iter().map(|&owner| letter(&table.data_key(owner).expect("a known owner"))).collect()
}

/// The first `count` owners open their letters, the others have no key at all.
pub fn assert_keys(table: &KeyTable, owners: &[u64], letters: &[Vec<u8>], count: usize) {
    for (position, (&owner, letter)) in owners.iter().zip(letters).enumerate() {
        match table.data_key(owner) {
            Some(key) => assert!(position < count && opens(&key, letter), "owner {owner} has an unexpected key"),
            None => assert!(position >= count, "owner {owner} lost the key"),
        }
    }
}
