//! The name of a session: a bearer secret that also says which tag it belongs to. Never logged.

use subtle::ConstantTimeEq;

use crate::check::{CHECK_BITS, CheckKeys};
use crate::crockford;
use crate::tag_code::TagId;

/// Characters of a session id: 12 for the tag, 26 for 130 random bits, 8 for the check.
pub const SESSION_ID_CHARS: usize = 46;

/// A session's id: the tag's 60 bits, 130 random bits and a 40-bit keyed check. Whoever holds it may see the session.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId {
    tag: TagId,
    /// 130 bits, big-endian, in the low bits of 136.
    secret: [u8; 17],
    check: u64,
}

impl SessionId {
    /// A new id of `tag` from 136 random bits, of which the lower 130 count; `None` for an unknown key version.
    pub fn new(tag: TagId, mut random: [u8; 17], keys: &CheckKeys) -> Option<Self> {
        random[0] &= 0b11;
        Some(Self { tag, secret: random, check: keys.of_session(tag.key_version(), tag.as_u64(), &random)? })
    }

    /// Reads an id; `None` for any other form or a wrong check, before any store is read.
    pub fn read(text: &str, keys: &CheckKeys) -> Option<Self> {
        if text.len() != SESSION_ID_CHARS {
            return None;
        }
        let symbols: [u8; SESSION_ID_CHARS] = crockford::read(text)?;
        let tag = TagId::from_u64(crockford::fold(&symbols[..12]) as u64);
        let mut secret = [0; 17];
        secret[0] = symbols[12] >> 3;
        let low = u128::from(symbols[12] & 0b111) << 125 | crockford::fold(&symbols[13..38]);
        secret[1..].copy_from_slice(&low.to_be_bytes());
        let check = crockford::fold(&symbols[38..]) as u64 & ((1 << CHECK_BITS) - 1);
        let right = keys.of_session(tag.key_version(), tag.as_u64(), &secret)?;
        bool::from(right.ct_eq(&check)).then_some(Self { tag, secret, check })
    }

    /// The tag that the session belongs to.
    pub fn tag(&self) -> TagId {
        self.tag
    }

    /// The random part, as stored in the session's key.
    pub fn secret(&self) -> &[u8; 17] {
        &self.secret
    }
}

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::with_capacity(SESSION_ID_CHARS);
        crockford::push(&mut text, u128::from(self.tag.as_u64()), 12);
        let mut low = [0; 16];
        low.copy_from_slice(&self.secret[1..]);
        let low = u128::from_be_bytes(low);
        text.push(crockford::symbol(self.secret[0] << 3 | (low >> 125) as u8));
        crockford::push(&mut text, low, 25);
        crockford::push(&mut text, u128::from(self.check), 8);
        f.write_str(&text)
    }
}

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionId(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_reads_back_and_a_changed_one_does_not(random: [u8; 17], tag: u64, at in 0..SESSION_ID_CHARS, by in 1u8..32) {
            let keys = CheckKeys::new(3, &[1; 32], &[2; 32]);
            let id = SessionId::new(TagId::from_random(3, tag), random, &keys).unwrap();
            let text = id.to_string();
            prop_assert_eq!(text.len(), SESSION_ID_CHARS);
            prop_assert_eq!(SessionId::read(&text, &keys), Some(id));
            let mut bytes = text.into_bytes();
            bytes[at] = crockford::symbol(crockford::value(bytes[at]).unwrap() ^ by) as u8;
            let forged = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(SessionId::read(&forged, &keys), None);
        }
    }

    #[test]
    fn debug_tells_nothing() {
        let keys = CheckKeys::new(0, &[1; 32], &[2; 32]);
        let id = SessionId::new(TagId::from_random(0, 5), [3; 17], &keys).unwrap();
        assert_eq!(format!("{id:?}"), "SessionId(hidden)");
    }
}
