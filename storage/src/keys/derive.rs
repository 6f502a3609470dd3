//! Keys derived from the master key.
//!
//! # Derivation, version 1
//!
//! HKDF-SHA256 (RFC 5869) with the master key as input key material, no salt, 32 bytes of output, and as info the
//! purpose's string of [`Purpose`] followed by one byte, the version of that purpose's key. No string is the beginning
//! of another followed by a version byte, so no two (purpose, version) pairs share an info.

use hkdf::Hkdf;
use sha2::Sha256;

use super::master::MasterKey;
use super::secret::{SECRET_BYTES, Secret};

/// What a derived key is for. Its info string is part of the format and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The check of a tag's printed code; info `qnect tag check`. These outlive every other key: they are in print.
    TagCheck,
    /// The check of a session id; info `qnect session check`.
    SessionCheck,
    /// The blind index by which an owner is found by phone or e-mail; info `qnect index`.
    Index,
    /// The keyed hash that stands for a scanner's number; info `qnect caller root`.
    CallerRoot,
    /// The seal of the epoch key in the header of the key table; info `qnect epoch seal`.
    EpochSeal,
    /// What the key of each backup file is derived from; info `qnect backup`.
    Backup,
}

impl Purpose {
    fn info(self) -> &'static [u8] {
        match self {
            Self::TagCheck => b"qnect tag check",
            Self::SessionCheck => b"qnect session check",
            Self::Index => b"qnect index",
            Self::CallerRoot => b"qnect caller root",
            Self::EpochSeal => b"qnect epoch seal",
            Self::Backup => b"qnect backup",
        }
    }
}

/// A key derived from the master key; wiped when dropped, its `Debug` shows nothing.
#[derive(Clone, Debug)]
pub struct DerivedKey(pub(super) Secret);

impl DerivedKey {
    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// A key of one file alone: HKDF-SHA256 with this key as input key material, the file's random salt, and `info`.
    pub(crate) fn for_file(&self, salt: &[u8; 32], info: &[u8]) -> Self {
        let mut derived = Secret::zeroed();
        Hkdf::<Sha256>::new(Some(salt), self.as_bytes())
            .expand(info, derived.as_mut_bytes())
            .expect("hkdf-sha256 gives up to 8160 bytes");
        Self(derived)
    }
}

impl MasterKey {
    /// The key for `purpose` in its `version`: the same master key always gives the same one.
    #[must_use]
    pub fn derive(&self, purpose: Purpose, version: u8) -> DerivedKey {
        let mut derived = Secret::zeroed();
        Hkdf::<Sha256>::new(None, self.as_bytes())
            .expand_multi_info(&[purpose.info(), &[version]], derived.as_mut_bytes())
            .expect("hkdf-sha256 gives up to 8160 bytes");
        const { assert!(SECRET_BYTES <= 8160) };
        DerivedKey(derived)
    }
}
