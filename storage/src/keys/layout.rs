//! The bytes of the key table.
//!
//! # The file, version 1
//!
//! Blocks of 128 bytes: one header, then entries, only ever appended. All numbers are big-endian.
//!
//! ```text
//! header                                          entry
//!   0   8  magic "QNKEYTAB"                         0   8  kind: 1 data key of a person, 2 day key of a day
//!   8   1  version of this format: 1                8   8  id: owner, or days since 1970-01-01 UTC (below 2^32)
//!   9   1  version of the epoch seal key           16   8  group: index of the first entry of the same write
//!  10   6  zero                                    24  24  nonce, random
//!  16   8  epoch, from 1                           48  32  the key, sealed with the epoch key
//!  24  24  nonce, random                           80  16  tag
//!  48  32  the epoch key, sealed                   96  32  zero
//!  80  16  tag
//!  96  32  zero
//! ```
//!
//! The epoch key is 32 random bytes, sealed with HKDF(master key, [`Purpose::EpochSeal`], version of byte 9). Both
//! seals are XChaCha20-Poly1305. Associated data of the header: `qnect key table header 1`, then its bytes 0 to 23. Of
//! an entry: `qnect key table entry 1`, the epoch, the entry's index (from 0), then its bytes 0 to 23. An entry thus
//! opens only in its own file, at its own position, for its own kind and id: none can be swapped, moved or dropped
//! from the middle. An id has at most one entry of a kind.
//!
//! A new epoch is a new file, written whole under another name with a new epoch key, and renamed over this one.
//!
//! # What a crash leaves behind
//!
//! All entries of one write, a *group*, are acknowledged by one fdatasync. Because 128 divides every sector size, a
//! crash before it leaves each entry of the group whole, absent, or all zero (a sector that the file's length already
//! covers but that was never written), and at most one cut off by the end of the file. A group begins only after all
//! earlier ones are on stable storage: so an entry that opens and whose group begins after a gap proves that the gap
//! was once acknowledged, and is damage. Anything that is neither an authentic entry nor all zero is damage, too.

use sha2::{Digest, Sha256};

use super::derive::Purpose;
use super::error::KeyError;
use super::master::MasterKey;
use super::seal::{NONCE_BYTES, TAG_BYTES, decrypt, encrypt};
use super::secret::{SECRET_BYTES, Secret, fill_random};

/// Length of the header and of each entry, in bytes.
pub(super) const BLOCK_BYTES: usize = 128;
/// Kind of an entry that holds the data key of a person.
pub(super) const KIND_DATA: u64 = 1;
/// Kind of an entry that holds the day key of a day.
pub(super) const KIND_DAY: u64 = 2;

const MAGIC: &[u8; 8] = b"QNKEYTAB";
const FORMAT_VERSION: u8 = 1;
const EPOCH_SEAL_VERSION: u8 = 1;
const HEADER_DOMAIN: &[u8] = b"qnect key table header 1";
const ENTRY_DOMAIN: &[u8] = b"qnect key table entry 1";
const IDENTITY_DOMAIN: &[u8] = b"qnect key table identity 1";

const CLEAR_BYTES: usize = 24;
const SEALED_AT: usize = CLEAR_BYTES + NONCE_BYTES;
const TAG_AT: usize = SEALED_AT + SECRET_BYTES;
const ZERO_AT: usize = TAG_AT + TAG_BYTES;

/// A header or an entry as it stands in the file.
pub(super) type Block = [u8; BLOCK_BYTES];
type Clear = [u8; CLEAR_BYTES];

/// What an entry says in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: u64,
    pub(super) id: u64,
    /// Index of the first entry of the same write.
    pub(super) group: u64,
}

/// Why a header was not taken.
#[derive(Debug)]
pub(super) enum HeaderFault {
    NotATable,
    UnknownVersion(u8),
    DoesNotOpen,
}

/// The epoch that a file belongs to, and the key that seals its entries.
pub(super) struct Epoch {
    pub(super) number: u64,
    key: Secret,
}

impl Epoch {
    pub(super) fn generate(number: u64) -> Result<Self, KeyError> {
        Ok(Self { number, key: Secret::generate()? })
    }

    pub(super) fn seal_header(&self, master: &MasterKey) -> Result<Block, KeyError> {
        let mut clear = [0; CLEAR_BYTES];
        clear[..8].copy_from_slice(MAGIC);
        clear[8] = FORMAT_VERSION;
        clear[9] = EPOCH_SEAL_VERSION;
        clear[16..].copy_from_slice(&self.number.to_be_bytes());
        let seal_key = master.derive(Purpose::EpochSeal, EPOCH_SEAL_VERSION);
        seal_block(&seal_key.0, HEADER_DOMAIN, &clear, &self.key)
    }

    pub(super) fn open_header(block: &Block, master: &MasterKey) -> Result<Self, HeaderFault> {
        let clear = clear_of(block);
        if clear[..8] != MAGIC[..] {
            return Err(HeaderFault::NotATable);
        }
        if clear[8] != FORMAT_VERSION {
            return Err(HeaderFault::UnknownVersion(clear[8]));
        }
        if clear[10..16] != [0; 6] {
            return Err(HeaderFault::NotATable);
        }
        let seal_key = master.derive(Purpose::EpochSeal, clear[9]);
        let key = open_block(&seal_key.0, HEADER_DOMAIN, block).ok_or(HeaderFault::DoesNotOpen)?;
        Ok(Self { number: number_at(&clear, 16), key })
    }

    /// What tells this table from any other, whatever their numbers; it tells nothing of the key.
    pub(super) fn identity(&self) -> [u8; 16] {
        let hash = Sha256::new_with_prefix(IDENTITY_DOMAIN).chain_update(self.key.as_bytes()).finalize();
        let mut identity = [0; 16];
        identity.copy_from_slice(&hash[..16]);
        identity
    }

    pub(super) fn seal_entry(&self, index: u64, entry: &Entry, secret: &Secret) -> Result<Block, KeyError> {
        let mut clear = [0; CLEAR_BYTES];
        clear[..8].copy_from_slice(&entry.kind.to_be_bytes());
        clear[8..16].copy_from_slice(&entry.id.to_be_bytes());
        clear[16..].copy_from_slice(&entry.group.to_be_bytes());
        seal_block(&self.key, &self.entry_domain(index), &clear, secret)
    }

    /// The entry and its key; `None` if these bytes were not sealed in this epoch for this index.
    pub(super) fn open_entry(&self, index: u64, block: &Block) -> Option<(Entry, Secret)> {
        let secret = open_block(&self.key, &self.entry_domain(index), block)?;
        let clear = clear_of(block);
        let entry = Entry { kind: number_at(&clear, 0), id: number_at(&clear, 8), group: number_at(&clear, 16) };
        Some((entry, secret))
    }

    fn entry_domain(&self, index: u64) -> [u8; ENTRY_DOMAIN.len() + 16] {
        let mut domain = [0; ENTRY_DOMAIN.len() + 16];
        domain[..ENTRY_DOMAIN.len()].copy_from_slice(ENTRY_DOMAIN);
        domain[ENTRY_DOMAIN.len()..][..8].copy_from_slice(&self.number.to_be_bytes());
        domain[ENTRY_DOMAIN.len() + 8..].copy_from_slice(&index.to_be_bytes());
        domain
    }
}

/// Where the block of the entry with this index begins in the file; the end of the file when there are `index` entries.
pub(super) fn offset_of(index: u64) -> u64 {
    (index + 1) * BLOCK_BYTES as u64
}

fn seal_block(key: &Secret, domain: &[u8], clear: &Clear, secret: &Secret) -> Result<Block, KeyError> {
    let mut nonce = [0; NONCE_BYTES];
    fill_random(&mut nonce)?;
    let mut block = [0; BLOCK_BYTES];
    block[..CLEAR_BYTES].copy_from_slice(clear);
    block[CLEAR_BYTES..SEALED_AT].copy_from_slice(&nonce);
    block[SEALED_AT..TAG_AT].copy_from_slice(secret.as_bytes());
    let tag = encrypt(key, &nonce, &[domain, clear].concat(), &mut block[SEALED_AT..TAG_AT])
        .expect("the cipher takes up to 256 GiB");
    block[TAG_AT..ZERO_AT].copy_from_slice(&tag);
    Ok(block)
}

fn open_block(key: &Secret, domain: &[u8], block: &Block) -> Option<Secret> {
    let (clear, rest) = block.split_first_chunk::<CLEAR_BYTES>()?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>()?;
    let (sealed, rest) = rest.split_first_chunk::<SECRET_BYTES>()?;
    let (tag, zero) = rest.split_first_chunk::<TAG_BYTES>()?;
    if zero != [0; BLOCK_BYTES - ZERO_AT] {
        return None;
    }
    let mut secret = Secret::from_bytes(*sealed);
    decrypt(key, nonce, &[domain, clear].concat(), secret.as_mut_bytes(), tag)?;
    Some(secret)
}

fn clear_of(block: &Block) -> Clear {
    let mut clear = [0; CLEAR_BYTES];
    clear.copy_from_slice(&block[..CLEAR_BYTES]);
    clear
}

fn number_at(clear: &Clear, at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&clear[at..at + 8]);
    u64::from_be_bytes(bytes)
}
