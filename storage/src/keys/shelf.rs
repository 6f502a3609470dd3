//! Keys in memory: found by id, never moved, wiped when dropped.

use std::collections::hash_map::Entry as Place;

use rustc_hash::FxHashMap;
use zeroize::Zeroize;

use super::layout::{Entry, KIND_DATA, KIND_DAY};
use super::secret::{SECRET_BYTES, Secret};

/// Keys in one piece of memory: 128 KiB.
const CHUNK_KEYS: usize = 4096;

/// The keys of one kind. A million of them take about 70 MB.
///
/// A map with the keys inside would copy them when it grows and leave the old copies in freed memory. So the map holds
/// positions, and the keys lie in chunks that stay where they are.
#[derive(Default)]
pub(super) struct Shelf {
    /// Ids are drawn at random by us or are days: nobody can choose them so that they collide.
    position_by_id: FxHashMap<u64, usize>,
    chunks: Vec<Box<[[u8; SECRET_BYTES]]>>,
}

impl Shelf {
    pub(super) fn get(&self, id: u64) -> Option<Secret> {
        let position = *self.position_by_id.get(&id)?;
        let mut secret = Secret::zeroed();
        secret.as_mut_bytes().copy_from_slice(&self.chunks[position / CHUNK_KEYS][position % CHUNK_KEYS]);
        Some(secret)
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.position_by_id.contains_key(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.position_by_id.len()
    }

    /// Puts a key under an id that has none yet; `false`, and the first key stays, if it has one.
    pub(super) fn insert(&mut self, id: u64, secret: &Secret) -> bool {
        let position = self.len();
        let Place::Vacant(place) = self.position_by_id.entry(id) else {
            return false;
        };
        place.insert(position);
        if position == self.chunks.len() * CHUNK_KEYS {
            self.chunks.push(vec![[0; SECRET_BYTES]; CHUNK_KEYS].into_boxed_slice());
        }
        self.chunks[position / CHUNK_KEYS][position % CHUNK_KEYS].copy_from_slice(secret.as_bytes());
        true
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        for chunk in &mut self.chunks {
            chunk.as_flattened_mut().zeroize();
        }
    }
}

/// Why an authentic entry was not put on a shelf.
#[derive(Debug)]
pub(super) enum Misfit {
    /// Its kind is not known to this program.
    UnknownKind,
    /// Its id has a key already, or is none of its kind.
    BadId,
}

/// All keys of a table.
#[derive(Default)]
pub(super) struct Shelves {
    pub(super) people: Shelf,
    pub(super) days: Shelf,
}

impl Shelves {
    pub(super) fn insert(&mut self, entry: &Entry, secret: &Secret) -> Result<(), Misfit> {
        let fits = match entry.kind {
            KIND_DATA => self.people.insert(entry.id, secret),
            KIND_DAY => u32::try_from(entry.id).is_ok() && self.days.insert(entry.id, secret),
            _ => return Err(Misfit::UnknownKind),
        };
        if fits { Ok(()) } else { Err(Misfit::BadId) }
    }
}
