//! The last commit.

use minicbor::{Decode, Encode};

use crate::codec::Witness;

/// What a data folder holds as a whole: its keyspaces and the meaning of their rows. It goes up when a program that only
/// knows the number before could misread or overwrite something; a new field alone is no reason. Version N reads N-1.
pub(crate) const FOLDER_FORMAT: u32 = 1;

/// The last commit of the database: written in every batch.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Default)]
#[cbor(map)]
pub(crate) struct Head {
    /// Counts commits from 1, without gaps.
    #[n(0)]
    pub(crate) sequence: u64,
    /// SHA-256 over the hash before, the sequence and every row of the batch.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) hash: [u8; 32],
    /// The engine's time of the commit, in milliseconds: no later start begins before it.
    #[n(2)]
    pub(crate) at_ms: u64,
    /// The [`FOLDER_FORMAT`] of the program that wrote it; absent: 1.
    #[n(3)]
    pub(crate) format: Option<u32>,
    /// The key table that this commit may need: its epoch, and how many entries it had. Absent: not known.
    #[n(4)]
    pub(crate) key_epoch: Option<u64>,
    #[n(5)]
    pub(crate) key_entries: Option<u64>,
    /// Which table of that epoch.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub(crate) key_table: Option<[u8; 16]>,
    /// What it tells of the commits before it. Absent: an older program wrote it.
    #[n(6)]
    pub(crate) witness: Option<Witness>,
    /// Every session that matters to a start has its note in `recent`. Absent: a program that does not know that keyspace
    /// has written this commit, or one that kept notes of another form there and said so by 8 or 9.
    #[n(10)]
    pub(crate) notes: Option<bool>,
}
