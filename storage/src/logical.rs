//! The logical hash: what a store holds, told by one number, wherever its rows lie on the disk.
//!
//! # Version 1
//!
//! SHA-256 over `qnect logical hash 1` and then every row: the keyspace's number (1 byte), the key's length (4,
//! big-endian), the key, the value's length (4), the value; keyspaces by number, the rows of each by key. The row in
//! `head` is left out: two stores that hold the same have the same hash, however many commits led there.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::layout::Space;

const DOMAIN: &[u8] = b"qnect logical hash 1";

/// What a store holds, in 32 bytes; printed as 64 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogicalHash(pub(crate) [u8; 32]);

impl fmt::Display for LogicalHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Takes the logical hash, row by row in their order, and counts them.
pub(crate) struct LogicalHasher {
    hash: Sha256,
    rows: [u64; Space::ALL.len()],
}

impl LogicalHasher {
    pub(crate) fn new() -> Self {
        Self { hash: Sha256::new_with_prefix(DOMAIN), rows: [0; Space::ALL.len()] }
    }

    /// Takes the next row.
    pub(crate) fn row(&mut self, space: Space, key: &[u8], value: &[u8]) {
        self.rows[space as usize] += 1;
        if space == Space::Head {
            return;
        }
        self.hash.update([space as u8]);
        self.hash.update((key.len() as u32).to_be_bytes());
        self.hash.update(key);
        self.hash.update((value.len() as u32).to_be_bytes());
        self.hash.update(value);
    }

    /// The hash, and how many rows each keyspace has, by its number; the one in `head` is counted.
    pub(crate) fn finish(self) -> (LogicalHash, [u64; Space::ALL.len()]) {
        (LogicalHash(self.hash.finalize().into()), self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(rows: &[(Space, &[u8], &[u8])]) -> LogicalHash {
        let mut hasher = LogicalHasher::new();
        rows.iter().for_each(|(space, key, value)| hasher.row(*space, key, value));
        hasher.finish().0
    }

    #[test]
    fn every_part_of_a_row_counts_and_the_head_does_not() {
        let one = hash(&[(Space::Tags, b"key", b"value")]);
        for other in [
            hash(&[(Space::Owners, b"key", b"value")]),
            hash(&[(Space::Tags, b"keyv", b"alue")]),
            hash(&[(Space::Tags, b"key", b"valuf")]),
            hash(&[(Space::Tags, b"key", b"value"), (Space::Tags, b"kez", b"")]),
            hash(&[]),
        ] {
            assert_ne!(other, one);
        }
        assert_eq!(hash(&[(Space::Tags, b"key", b"value"), (Space::Head, b"head", b"7")]), one);
    }

    #[test]
    fn it_never_changes() {
        // Taken apart from this code, with `sha256sum`.
        assert_eq!(
            hash(&[(Space::Tags, b"key", b"value")]).to_string(),
            "0f71c678e4a8b1f72ad847eb1a4a92da7471cc21ec296f3ab15a2cb9ba0c48db"
        );
    }
}
