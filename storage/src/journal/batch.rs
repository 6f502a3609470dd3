//! One batch of a journal, read from its bytes.
//!
//! # The format of fjall 3.1.13 (`journal/entry.rs`, `journal/writer.rs`), without compression
//!
//! All numbers are little-endian.
//!
//! ```text
//! start     1   tag: 1                item      1   tag: 2                       end       1   tag: 3
//!           4   number of items                 1   kind: 0 value, 1 tombstone             8   XXH3 over all items
//!           8   sequence number                 1   compression: 0 none                    4   "FJL", 3
//!                                               8   keyspace
//!                                               2   length of the key
//!                                               4   length of the value
//!                                               4   length of the value as stored
//!                                                   key, value
//! ```
//!
//! The checksum is over the items alone: the start of a batch, and with it its sequence number, is not covered.

use xxhash_rust::xxh3::xxh3_64;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const START_BYTES: usize = 13;
const END_BYTES: usize = 13;
const MAGIC: &[u8] = b"FJL\x03";
const VALUE: u8 = 0;
const TOMBSTONE: u8 = 1;

/// A batch whose checksum is right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'a> {
    /// fjall's sequence number of it, which its checksum does not cover.
    pub(crate) place: u64,
    /// Where it ends.
    pub(crate) end: usize,
    items: &'a [u8],
}

/// One row of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item<'a> {
    /// fjall's number of the keyspace.
    pub(crate) keyspace: u64,
    pub(crate) key: &'a [u8],
    /// `None`: the row goes.
    pub(crate) value: Option<&'a [u8]>,
}

impl<'a> Batch<'a> {
    /// The batch that begins at `at`; `None` if no whole one does.
    pub(crate) fn read(bytes: &'a [u8], at: usize) -> Option<Self> {
        let (batch, checksum) = Self::parse(bytes, at)?;
        (xxh3_64(batch.items) == checksum).then_some(batch)
    }

    /// The same of bytes that have been read before: the checksum is taken to be right.
    pub(crate) fn read_again(bytes: &'a [u8], at: usize) -> Option<Self> {
        Self::parse(bytes, at).map(|(batch, _)| batch)
    }

    /// The batch at `at`, and what its checksum should be.
    fn parse(bytes: &'a [u8], at: usize) -> Option<(Self, u64)> {
        let mut reader = Reader { bytes, at };
        reader.tag(START)?;
        let count = u32::from_le_bytes(reader.array()?);
        let place = u64::from_le_bytes(reader.array()?);
        let items_from = reader.at;
        for _ in 0..count {
            reader.item()?;
        }
        let items = &bytes[items_from..reader.at];
        reader.tag(END)?;
        let checksum = u64::from_le_bytes(reader.array()?);
        let ends = reader.take(MAGIC.len())? == MAGIC;
        ends.then_some((Self { place, end: reader.at, items }, checksum))
    }

    /// The first batch that begins behind `after`; `None` if there is none up to the end.
    pub(crate) fn find(bytes: &'a [u8], after: usize) -> Option<(usize, Self)> {
        let shortest = START_BYTES + END_BYTES;
        let starts = (after + 1)..bytes.len().saturating_sub(shortest);
        starts.filter(|&at| bytes[at] == START).find_map(|at| Some((at, Self::read(bytes, at)?)))
    }

    /// Its rows, in their order.
    pub(crate) fn items(&self) -> impl Iterator<Item = Item<'a>> + use<'a> {
        let mut reader = Reader { bytes: self.items, at: 0 };
        std::iter::from_fn(move || reader.item())
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn item(&mut self) -> Option<Item<'a>> {
        self.tag(ITEM)?;
        let [kind, compression] = self.array()?;
        let keyspace = u64::from_le_bytes(self.array()?);
        let key_bytes = u16::from_le_bytes(self.array()?);
        let value_bytes = u32::from_le_bytes(self.array()?);
        let stored_bytes = u32::from_le_bytes(self.array()?);
        if compression != 0 || stored_bytes != value_bytes {
            return None;
        }
        let key = self.take(key_bytes.into())?;
        let value = self.take(usize::try_from(value_bytes).ok()?)?;
        let value = match kind {
            VALUE => Some(value),
            TOMBSTONE => None,
            _ => return None,
        };
        Some(Item { keyspace, key, value })
    }

    fn tag(&mut self, expected: u8) -> Option<()> {
        (self.take(1)? == [expected]).then_some(())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use fjall::{Database, KeyspaceCreateOptions, PersistMode};

    use super::*;

    /// A journal that fjall wrote: three batches, the last with a row that goes.
    fn journal() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::builder(folder.path()).worker_threads(1).open().unwrap();
        let one = database.keyspace("one", KeyspaceCreateOptions::default).unwrap();
        let two = database.keyspace("two", KeyspaceCreateOptions::default).unwrap();
        for number in 0u8..3 {
            let mut batch = database.batch().durability(Some(PersistMode::SyncData));
            batch.insert(&one, [number], vec![number; 10_000]);
            batch.insert(&two, b"head", vec![]);
            if number == 2 {
                batch.remove(&one, [0]);
            }
            batch.commit().unwrap();
        }
        let bytes = std::fs::read(folder.path().join("0.jnl")).unwrap();
        let used = bytes.iter().rposition(|&b| b != 0).unwrap() + 1;
        bytes[..used].to_vec()
    }

    #[test]
    fn what_fjall_wrote_is_read() {
        let bytes = journal();
        let first = Batch::read(&bytes, 0).unwrap();
        let second = Batch::read(&bytes, first.end).unwrap();
        let third = Batch::read(&bytes, second.end).unwrap();
        assert_eq!(third.end, bytes.len());
        assert_eq!([second.place, third.place], [first.place + 1, first.place + 2]);
        let items: Vec<_> = third.items().collect();
        assert_eq!(items[0], Item { keyspace: 1, key: &[2], value: Some(&[2; 10_000]) });
        assert_eq!(items[1], Item { keyspace: 2, key: b"head", value: Some(&[]) });
        assert_eq!(items[2], Item { keyspace: 1, key: &[0], value: None });
    }

    #[test]
    fn no_damaged_bit_but_those_of_the_sequence_number_is_taken_and_the_next_batch_is_found() {
        let bytes = journal();
        let first = Batch::read(&bytes, 0).unwrap();
        for at in (0..START_BYTES).chain(30..80).chain(first.end - END_BYTES..first.end) {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                let in_sequence_number = (5..START_BYTES).contains(&at);
                assert_eq!(Batch::read(&damaged, 0).is_some(), in_sequence_number, "byte {at}, bit {bit}");
                assert_eq!(Batch::find(&damaged, 0).map(|(found, _)| found), Some(first.end), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_cut_batch_is_none() {
        let bytes = journal();
        let first = Batch::read(&bytes, 0).unwrap();
        assert!((0..first.end).all(|cut| Batch::read(&bytes[..cut], 0).is_none()));
    }
}
