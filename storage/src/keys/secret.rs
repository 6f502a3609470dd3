//! Thirty-two secret bytes: wiped when dropped, shown to nobody.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::error::KeyError;

/// Length of every key here, in bytes.
pub(super) const SECRET_BYTES: usize = 32;

/// The bytes inside every kind of key. The kinds are types of their own, so that none is used for another.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Secret([u8; SECRET_BYTES]);

impl Secret {
    pub(super) fn generate() -> Result<Self, KeyError> {
        let mut secret = Self([0; SECRET_BYTES]);
        fill_random(&mut secret.0)?;
        Ok(secret)
    }

    pub(super) fn from_bytes(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    pub(super) fn as_mut_bytes(&mut self) -> &mut [u8; SECRET_BYTES] {
        &mut self.0
    }

    /// Secret bytes of zeros, to be filled in place: bytes that are moved in leave a copy behind.
    pub(super) fn zeroed() -> Self {
        Self([0; SECRET_BYTES])
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

/// Random bytes of the operating system.
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(bytes).map_err(|cause| KeyError::Random { cause })
}
