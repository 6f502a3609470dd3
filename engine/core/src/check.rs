//! Keyed checks of codes and session ids: a forged one is refused before any store is read or any actor is made.

use hmac::Mac;

use crate::mac::{PreparedMac, prepare};

/// How many versions of a check key may live side by side: five bits of every tag code name the version.
pub const CHECK_KEY_VERSIONS: usize = 32;

/// Bits of a check, in a tag code and in a session id alike.
pub const CHECK_BITS: u32 = 40;

#[derive(Clone)]
struct VersionKeys {
    tag: PreparedMac,
    session: PreparedMac,
}

/// The check keys of all versions; new codes carry the current one, printed stickers keep theirs for good.
#[derive(Clone)]
pub struct CheckKeys {
    current: u8,
    versions: Vec<Option<VersionKeys>>,
}

impl CheckKeys {
    /// A ring that so far knows one version (below [`CHECK_KEY_VERSIONS`]), which is the current one.
    pub fn new(version: u8, tag_key: &[u8; 32], session_key: &[u8; 32]) -> Self {
        let mut ring = Self { current: version & 31, versions: vec![None; CHECK_KEY_VERSIONS] };
        ring.versions[usize::from(version & 31)] =
            Some(VersionKeys { tag: prepare(tag_key), session: prepare(session_key) });
        ring
    }

    /// The version that new codes carry.
    pub fn current(&self) -> u8 {
        self.current
    }

    /// The check of a tag's 60 bits, or `None` when the version is unknown here.
    pub(crate) fn of_tag(&self, version: u8, tag: u64) -> Option<u64> {
        Some(truncated(&self.keys(version)?.tag, &[&tag.to_be_bytes()]))
    }

    /// The check of a session id, in a domain of its own.
    pub(crate) fn of_session(&self, version: u8, tag: u64, secret: &[u8; 17]) -> Option<u64> {
        Some(truncated(&self.keys(version)?.session, &[&tag.to_be_bytes(), secret]))
    }

    fn keys(&self, version: u8) -> Option<&VersionKeys> {
        self.versions.get(usize::from(version))?.as_ref()
    }
}

impl std::fmt::Debug for CheckKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckKeys").field("current", &self.current).finish_non_exhaustive()
    }
}

fn truncated(key: &PreparedMac, parts: &[&[u8]]) -> u64 {
    let mut mac = key.clone();
    for part in parts {
        mac.update(part);
    }
    let tag = mac.finalize().into_bytes();
    let mut first = [0; 8];
    first.copy_from_slice(&tag[..8]);
    u64::from_be_bytes(first) >> (64 - CHECK_BITS)
}
