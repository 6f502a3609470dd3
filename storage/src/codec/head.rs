//! The last commit.

use minicbor::{Decode, Encode};

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
}
