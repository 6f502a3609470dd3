//! The key of one day, and the tokens that it makes of callers.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::secret::Secret;

/// The key of one day. Tokens of different days cannot be linked, and once the key is gone, not even by us.
///
/// Wiped when dropped; its `Debug` shows nothing.
#[derive(Clone, Debug)]
pub struct DayKey(pub(super) Secret);

impl DayKey {
    /// The token of a caller on this day: the first 16 bytes of HMAC-SHA256(day key, `root`).
    #[must_use]
    pub fn token(&self, root: &[u8; 32]) -> [u8; 16] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("hmac takes a key of any length");
        mac.update(root);
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let [token @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
        token
    }
}
