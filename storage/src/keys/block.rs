//! The names by which an owner may block callers.
//!
//! # Derivation, version 1
//!
//! The block key of an owner is HKDF-SHA256 (RFC 5869) of the owner's data key, no salt, info `qnect block key 1`, 32 bytes;
//! a caller's token is the first 16 bytes of HMAC-SHA256(block key, root). It lives as long as the data key does: no
//! midnight ends it, and it dies with the owner's erasure.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::seal::DataKey;
use super::secret::Secret;

const INFO: &[u8] = b"qnect block key 1";

impl DataKey {
    /// The token of a caller with this owner.
    #[must_use]
    pub fn block_token(&self, root: &[u8; 32]) -> [u8; 16] {
        let mut key = Secret::zeroed();
        Hkdf::<Sha256>::new(None, self.0.as_bytes())
            .expand(INFO, key.as_mut_bytes())
            .expect("hkdf-sha256 gives up to 8160 bytes");
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("hmac takes a key of any length");
        mac.update(root);
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let [token @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
        token
    }
}
