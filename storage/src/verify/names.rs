//! Which of our keyspaces fjall's numbers stand for.

use std::collections::HashMap;
use std::path::Path;

use lsm_tree::{AbstractTree, Guard, SeqNo, SequenceNumberCounter};

use super::manifest::Manifest;
use crate::error::{Damage, Remedy, StorageError};
use crate::journal::Names;
use crate::layout::Space;

/// fjall's own keyspace (`meta_keyspace.rs` of 3.1.13): `n` and a number (8 bytes, big-endian), then the name.
pub(super) const OWN: &str = "0";
const NAME: &[u8] = b"n";

/// Reads the list that fjall keeps in the folder of its keyspaces. All of ours must be on it, but for those that a program
/// before this one did not know: [`Head`](crate::codec::Head) tells whether they are missed. `opened` is the same folder, or
/// a copy of it: the library that opens it removes lists of tables that are in use no more.
pub(super) fn read(keyspaces: &Path, opened: &Path) -> Result<Names, StorageError> {
    let folder = keyspaces.join(OWN);
    let damaged = |what: String| StorageError::from(Damage::of(&folder, what, Remedy::Restore));
    // Every byte is compared before the library reads one: it may panic over damage, or remove what it does not know.
    Manifest::read(&folder)?.tables.iter().try_for_each(super::manifest::Table::prove)?;
    let counters = SequenceNumberCounter::default;
    let tree = lsm_tree::Config::new(opened.join(OWN), counters(), counters()).open();
    let tree = tree.map_err(|e| damaged(format!("the list of keyspaces cannot be read ({e})")))?;
    let mut names = HashMap::new();
    for entry in tree.prefix(NAME, SeqNo::MAX, None) {
        let (key, name) =
            entry.into_inner().map_err(|e| damaged(format!("the list of keyspaces cannot be read ({e})")))?;
        let number = key.get(NAME.len()..).and_then(|number| number.try_into().ok()).map(u64::from_be_bytes);
        let space = Space::ALL.into_iter().find(|space| space.name().as_bytes() == name.as_ref());
        names.extend(number.zip(space));
    }
    let is_listed = |space: &Space| names.values().any(|listed| listed == space);
    match Space::ALL.into_iter().find(|space| !space.came_later() && !is_listed(space)) {
        Some(missing) => Err(damaged(format!("the keyspace `{}` is not listed", missing.name()))),
        None => Ok(names),
    }
}
