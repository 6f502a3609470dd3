//! What is printed on the sticker, and the tag that it names.

use subtle::ConstantTimeEq;

use crate::check::{CHECK_BITS, CheckKeys};
use crate::crockford;

/// Random bits of a tag's identity; five more name the version of its check key.
pub const TAG_RANDOM_BITS: u32 = 55;

/// Characters of a printed code.
pub const TAG_CODE_CHARS: usize = 20;

/// The identity of a tag: 60 bits, of which the upper five name the check key's version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId(u64);

impl TagId {
    /// A tag under key `version` from random bits, of which the lower 55 count.
    pub fn from_random(version: u8, random: u64) -> Self {
        Self(u64::from(version & 31) << TAG_RANDOM_BITS | random & ((1 << TAG_RANDOM_BITS) - 1))
    }

    /// The tag whose 60 bits are the low ones of `bits`: reading back what [`TagId::as_u64`] gave.
    pub fn from_u64(bits: u64) -> Self {
        Self(bits & ((1 << 60) - 1))
    }

    /// The 60 bits as a number.
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The version of the check key that signs this tag's codes and session ids.
    pub fn key_version(self) -> u8 {
        (self.0 >> TAG_RANDOM_BITS) as u8
    }
}

impl std::fmt::Debug for TagId {
    /// Shows the version only: a tag's bits in a log would let its reader print the sticker's page address.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TagId(v{})", self.key_version())
    }
}

/// A code that carries a right check: 100 bits, 20 characters of Crockford base32.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TagCode {
    tag: TagId,
    check: u64,
}

impl TagCode {
    /// The code of a tag, or `None` when the ring does not know the key version of `tag`.
    pub fn of(tag: TagId, keys: &CheckKeys) -> Option<Self> {
        Some(Self { tag, check: keys.of_tag(tag.key_version(), tag.0)? })
    }

    /// Reads what a browser asked for. `None` for any other form and for a wrong check, in the same work: nothing
    /// tells a guesser how close the guess was.
    pub fn read(text: &str, keys: &CheckKeys) -> Option<Self> {
        // Ten hyphens are more than any printed grouping has; the bound keeps a long path from costing a walk.
        if text.len() > TAG_CODE_CHARS + 10 {
            return None;
        }
        let symbols: [u8; TAG_CODE_CHARS] = crockford::read(text)?;
        let bits = crockford::fold(&symbols);
        let tag = TagId((bits >> CHECK_BITS) as u64);
        let check = bits as u64 & ((1 << CHECK_BITS) - 1);
        let right = keys.of_tag(tag.key_version(), tag.0)?;
        bool::from(right.ct_eq(&check)).then_some(Self { tag, check })
    }

    /// The tag that the code names.
    pub fn tag(&self) -> TagId {
        self.tag
    }
}

impl std::fmt::Display for TagCode {
    /// Upper case, so that a QR code can use its compact alphanumeric mode.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::with_capacity(TAG_CODE_CHARS);
        crockford::push(&mut text, u128::from(self.tag.0), 12);
        crockford::push(&mut text, u128::from(self.check), 8);
        f.write_str(&text)
    }
}

impl std::fmt::Debug for TagCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TagCode({:?})", self.tag)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> CheckKeys {
        CheckKeys::new(0, &[7; 32], &[9; 32])
    }

    proptest! {
        #[test]
        fn a_printed_code_reads_back_in_any_dress(random: u64) {
            let tag = TagId::from_random(0, random);
            let printed = TagCode::of(tag, &keys()).unwrap().to_string();
            prop_assert_eq!(printed.len(), TAG_CODE_CHARS);
            let dressed = format!("{}-{}", &printed[..10].to_lowercase(), &printed[10..]);
            prop_assert_eq!(TagCode::read(&dressed, &keys()).unwrap().tag(), tag);
        }

        #[test]
        fn one_changed_character_is_refused(random: u64, at in 0..TAG_CODE_CHARS, by in 1u8..32) {
            let printed = TagCode::of(TagId::from_random(0, random), &keys()).unwrap().to_string();
            let mut bytes = printed.into_bytes();
            bytes[at] = crockford::symbol(crockford::value(bytes[at]).unwrap() ^ by) as u8;
            let forged = String::from_utf8(bytes).unwrap();
            prop_assert!(TagCode::read(&forged, &keys()).is_none());
        }
    }

    #[test]
    fn another_master_refuses_the_code() {
        let printed = TagCode::of(TagId::from_random(0, 1), &keys()).unwrap().to_string();
        assert!(TagCode::read(&printed, &CheckKeys::new(0, &[8; 32], &[9; 32])).is_none());
    }
}
