//! The bytes of a backup of the database.
//!
//! # The file, version 1
//!
//! All numbers are big-endian. First, in clear:
//!
//! ```text
//!   0   8  magic "QNBACKUP"
//!   8   1  version of this format: 1
//!   9   1  version of the backup key: 1
//!  10   6  zero
//!  16  32  salt, random
//! ```
//!
//! Then chunks to the end of the file, counted from 0:
//!
//! ```text
//!   0   1  kind: 0 opening, 1 rows, 2 closing
//!   1   4  n, the length of what follows: 16 to 2 MiB + 16
//!   5   n  the content, sealed; its last 16 bytes are the tag
//! ```
//!
//! The cipher is XChaCha20-Poly1305. The key is the file's own: HKDF-SHA256 with HKDF(master key,
//! [`Purpose::Backup`](crate::keys::Purpose::Backup), version of byte 9) as input key material, the salt, and
//! `qnect backup file 1` as info. The nonce is 16 zero bytes and the chunk's number (8). The associated data are
//! `qnect backup chunk 1`, the first 48 bytes of the file, the chunk's number (8) and its kind (1). So a chunk opens only
//! in its own file, at its own place, as what it is; and because the closing is always the last one and nothing else is,
//! a file that was cut or appended to is known as such.
//!
//! The opening is the first chunk, [`Opening`] in CBOR; the closing is the last, [`Closing`] in CBOR. Between them are
//! rows, each whole in one chunk: the keyspace's number (1), the key's length (2), the value's length (4), key, value.
//! They are in strictly ascending order of keyspace and key; the keyspaces are those of [`layout`](crate::layout), by
//! their place in its table, from 0. A later version may add fields to both ends, which this one passes over; anything
//! else that changes gets another format version.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305, XNonce};
use minicbor::{Decode, Encode};

use crate::keys::{DerivedKey, MasterKey, Purpose};
use crate::layout::Space;

const MAGIC: &[u8; 8] = b"QNBACKUP";
/// The version of the format that this program writes, and the only one that it reads.
pub(super) const FORMAT_VERSION: u8 = 1;
const KEY_VERSION: u8 = 1;
const FILE_KEY_INFO: &[u8] = b"qnect backup file 1";
const CHUNK_DOMAIN: &[u8] = b"qnect backup chunk 1";

pub(super) const PRELUDE_BYTES: usize = 48;
const SALT_AT: usize = 16;
pub(super) const CHUNK_HEAD_BYTES: usize = 5;
pub(super) const TAG_BYTES: usize = 16;
/// Bytes of rows after which a chunk is closed.
pub(super) const CHUNK_FULL_BYTES: usize = 1024 * 1024;
/// Bytes of a row at most: far above any that is written.
pub(super) const ROW_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a chunk's content at most.
pub(super) const CHUNK_BYTES_MAX: usize = CHUNK_FULL_BYTES + ROW_BYTES_MAX;
const ROW_HEAD_BYTES: usize = 7;

/// The first bytes of a file.
pub(super) type Prelude = [u8; PRELUDE_BYTES];

/// What a chunk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Opening = 0,
    Rows = 1,
    Closing = 2,
}

impl Kind {
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Opening, Self::Rows, Self::Closing].into_iter().find(|&kind| kind as u8 == byte)
    }
}

/// From which commit the rows are, and which keys it takes to read them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Opening {
    #[n(0)]
    pub(super) sequence: u64,
    /// The rolling hash of that commit.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(super) hash: [u8; 32],
    #[n(2)]
    pub(super) at_ms: u64,
    #[n(3)]
    pub(super) key_epoch: u64,
    #[n(4)]
    pub(super) key_entries: u64,
    #[cbor(n(5), with = "minicbor::bytes")]
    pub(super) key_table: [u8; 16],
}

/// What all rows come to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Closing {
    /// How many, by the keyspace's number.
    #[n(0)]
    pub(super) rows: Vec<u64>,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(super) logical: [u8; 32],
}

/// Why a file's first bytes were not taken.
#[derive(Debug)]
pub(super) enum PreludeFault {
    NotABackup,
    UnknownVersion(u8),
    EndsEarly,
}

/// Makes the first bytes of a new file.
pub(super) fn new_prelude() -> Result<Prelude, getrandom::Error> {
    let mut prelude = [0; PRELUDE_BYTES];
    prelude[..8].copy_from_slice(MAGIC);
    prelude[8] = FORMAT_VERSION;
    prelude[9] = KEY_VERSION;
    getrandom::fill(&mut prelude[SALT_AT..])?;
    Ok(prelude)
}

/// Checks the first bytes of a file.
pub(super) fn check_prelude(first: &[u8]) -> Result<Prelude, PreludeFault> {
    if !first.starts_with(MAGIC) {
        return Err(PreludeFault::NotABackup);
    }
    // A later version may begin in another length.
    match first.get(MAGIC.len()) {
        Some(&FORMAT_VERSION) => Prelude::try_from(first).map_err(|_| PreludeFault::EndsEarly),
        Some(&version) => Err(PreludeFault::UnknownVersion(version)),
        None => Err(PreludeFault::EndsEarly),
    }
}

/// The key from which that of each file is derived.
pub(crate) fn backup_key(master: &MasterKey) -> DerivedKey {
    master.derive(Purpose::Backup, KEY_VERSION)
}

/// Seals or opens the chunks of one file, in their order.
pub(super) struct Seal {
    prelude: Prelude,
    cipher: XChaCha20Poly1305,
    next: u64,
}

impl Seal {
    /// The seal of the file that begins with `prelude`.
    pub(super) fn new(prelude: Prelude, backup_key: &DerivedKey) -> Self {
        let mut salt = [0; 32];
        salt.copy_from_slice(&prelude[SALT_AT..]);
        let key = backup_key.for_file(&salt, FILE_KEY_INFO);
        Self { prelude, cipher: XChaCha20Poly1305::new(key.as_bytes().into()), next: 0 }
    }

    /// Seals what stands in `chunk` behind the room for its head, and makes it the next chunk.
    pub(super) fn seal(&mut self, kind: Kind, mut chunk: Vec<u8>) -> Vec<u8> {
        let (nonce, associated) = self.turn(kind);
        let sealed_bytes = (chunk.len() - CHUNK_HEAD_BYTES + TAG_BYTES) as u32;
        chunk[0] = kind as u8;
        chunk[1..CHUNK_HEAD_BYTES].copy_from_slice(&sealed_bytes.to_be_bytes());
        let content = &mut chunk[CHUNK_HEAD_BYTES..];
        let tag = self.cipher.encrypt_inout_detached(&nonce, &associated, content.into());
        chunk.extend_from_slice(&tag.expect("the cipher takes up to 256 GiB"));
        chunk
    }

    /// Opens the sealed bytes of the next chunk in place; `None`, and they are not to be used, if they are not its.
    pub(super) fn open(&mut self, kind: Kind, sealed: &mut Vec<u8>) -> Option<()> {
        let (nonce, associated) = self.turn(kind);
        let content_bytes = sealed.len().checked_sub(TAG_BYTES)?;
        let (content, tag) = sealed.split_at_mut(content_bytes);
        let tag = Tag::try_from(&*tag).ok()?;
        self.cipher.decrypt_inout_detached(&nonce, &associated, content.into(), &tag).ok()?;
        sealed.truncate(content_bytes);
        Some(())
    }

    /// Nonce and associated data of the next chunk.
    fn turn(&mut self, kind: Kind) -> (XNonce, Vec<u8>) {
        let number = self.next.to_be_bytes();
        self.next += 1;
        let mut nonce = [0; 24];
        nonce[16..].copy_from_slice(&number);
        (XNonce::from(nonce), [CHUNK_DOMAIN, &self.prelude, &number, &[kind as u8]].concat())
    }
}

/// Room for a chunk's head, before its content.
pub(super) fn new_chunk(content_bytes: usize) -> Vec<u8> {
    let mut chunk = Vec::with_capacity(CHUNK_HEAD_BYTES + content_bytes + TAG_BYTES);
    chunk.resize(CHUNK_HEAD_BYTES, 0);
    chunk
}

/// Appends a row; `None` if it is longer than any row may be.
pub(super) fn put_row(chunk: &mut Vec<u8>, space: Space, key: &[u8], value: &[u8]) -> Option<()> {
    let key_bytes = u16::try_from(key.len()).ok()?;
    if ROW_HEAD_BYTES + key.len() + value.len() > ROW_BYTES_MAX {
        return None;
    }
    chunk.push(space as u8);
    chunk.extend_from_slice(&key_bytes.to_be_bytes());
    chunk.extend_from_slice(&(value.len() as u32).to_be_bytes());
    chunk.extend_from_slice(key);
    chunk.extend_from_slice(value);
    Some(())
}

/// The first row of `content` and what follows it; `None` if that is no row of a known keyspace.
pub(super) fn take_row(content: &[u8]) -> Option<(Row<'_>, &[u8])> {
    let (&[space, k0, k1, v0, v1, v2, v3], rest) = content.split_first_chunk::<ROW_HEAD_BYTES>()?;
    let space = Space::ALL.into_iter().find(|&known| known as u8 == space)?;
    let (key, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([k0, k1])))?;
    let (value, rest) = rest.split_at_checked(u32::from_be_bytes([v0, v1, v2, v3]) as usize)?;
    Some((Row { space, key, value }, rest))
}

/// A row as it stands in a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) space: Space,
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
}
