//! Sealing one personal field with a person's data key, bound to the place where it is stored.
//!
//! # A sealed field, version 1
//!
//! ```text
//!  0  24  nonce, random
//! 24   n  ciphertext, as long as the plaintext
//!  +  16  tag
//! ```
//!
//! The cipher is XChaCha20-Poly1305: its nonce is long enough to be drawn at random for ever. The associated data are
//! five parts, each preceded by its length as 8 bytes big-endian, so that no two places share an encoding: the domain
//! `qnect sealed field 1`, the keyspace's name, the record's id, the field number (2 bytes big-endian), and the format
//! version of the record (1 byte).
//!
//! The version of the record is what a later layout is told by: the record carries it in clear and names it in its
//! [`Place`], so a value sealed under one version never opens under another.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::error::KeyError;
use super::secret::{Secret, fill_random};

pub(super) const NONCE_BYTES: usize = 24;
pub(super) const TAG_BYTES: usize = 16;
const DOMAIN: &[u8] = b"qnect sealed field 1";

/// Where a sealed value is stored. A value opens only at the place where it was sealed.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The keyspace's name.
    pub keyspace: &'static str,
    /// The record's key in that keyspace.
    pub record_id: &'a [u8],
    /// The number of the field in the record.
    pub field: u16,
    /// The format version of the record.
    pub version: u8,
}

/// The key that seals the personal fields of one person; wiped when dropped, its `Debug` shows nothing.
#[derive(Debug)]
pub struct DataKey(pub(super) Secret);

impl DataKey {
    /// A new random key. A person's own comes from [`KeyTable::data_key`](super::KeyTable::data_key).
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<Self, KeyError> {
        Secret::generate().map(Self)
    }

    /// A key with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::from_bytes(bytes))
    }

    /// Seals `plain` for `place`; 40 bytes longer than `plain`, and different every time.
    ///
    /// # Errors
    /// [`KeyError::Random`], [`KeyError::TooLong`].
    pub fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0; NONCE_BYTES];
        fill_random(&mut nonce)?;
        // the full length at once: a buffer that grows would leave plaintext in freed memory
        let mut sealed = Vec::with_capacity(NONCE_BYTES + plain.len() + TAG_BYTES);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = encrypt(&self.0, &nonce, &associated_data(place), &mut sealed[NONCE_BYTES..])
            .ok_or(KeyError::TooLong { keyspace: place.keyspace, field: place.field })?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens what [`seal`](Self::seal) made for the same place with the same key. The plaintext is wiped when dropped.
    ///
    /// # Errors
    /// [`KeyError::DoesNotOpen`]: another key, another place, or damage; nobody can tell which.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.open_parts(place, sealed).ok_or(KeyError::DoesNotOpen { keyspace: place.keyspace, field: place.field })
    }

    fn open_parts(&self, place: &Place<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
        let mut plain = Zeroizing::new(ciphertext.to_vec());
        decrypt(&self.0, nonce, &associated_data(place), &mut plain, tag)?;
        Some(plain)
    }
}

/// Encrypts in place and returns the tag; `None` if the text is longer than the cipher can take.
pub(super) fn encrypt(
    key: &Secret,
    nonce: &[u8; NONCE_BYTES],
    associated_data: &[u8],
    text: &mut [u8],
) -> Option<[u8; TAG_BYTES]> {
    let cipher = XChaCha20Poly1305::new(key.as_bytes().into());
    let tag = cipher.encrypt_inout_detached(&XNonce::from(*nonce), associated_data, text.into());
    tag.ok().map(Into::into)
}

/// Decrypts in place; `None`, and `text` is not to be used, unless key, nonce, associated data and tag all fit.
pub(super) fn decrypt(
    key: &Secret,
    nonce: &[u8; NONCE_BYTES],
    associated_data: &[u8],
    text: &mut [u8],
    tag: &[u8; TAG_BYTES],
) -> Option<()> {
    let cipher = XChaCha20Poly1305::new(key.as_bytes().into());
    cipher.decrypt_inout_detached(&XNonce::from(*nonce), associated_data, text.into(), &Tag::from(*tag)).ok()
}

fn associated_data(place: &Place<'_>) -> Vec<u8> {
    let field = place.field.to_be_bytes();
    let version = [place.version];
    let parts = [DOMAIN, place.keyspace.as_bytes(), place.record_id, &field[..], &version[..]];
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| 8 + part.len()).sum());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}
