//! What a tag is, and whose.

use crate::blocked::BlockedCallers;
use crate::language::Language;
use crate::phone::Phone;
use crate::preferences::Preferences;
use crate::tag_code::TagId;
use crate::time::Timestamp;

/// An owner's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerId(pub u64);

impl OwnerId {
    /// Reads what was printed, as kindly as a tag's code; `None` for any other form.
    pub fn read(text: &str) -> Option<Self> {
        let symbols: [u8; 12] = crate::crockford::read(text)?;
        u64::try_from(crate::crockford::fold(&symbols)).ok().map(Self)
    }
}

impl std::fmt::Display for OwnerId {
    /// Twelve characters of Crockford base32: the low 60 bits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::with_capacity(12);
        crate::crockford::push(&mut text, u128::from(self.0), 12);
        f.write_str(&text)
    }
}

/// Where a tag stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TagStatus {
    /// Printed, claimed by nobody.
    Minted = 0,
    /// In use.
    Active = 1,
    /// Switched off by the operator; answers like an unknown one.
    Suspended = 2,
    /// Out of use for good; answers like an unknown one.
    Retired = 3,
}

/// What a decision needs to know of an owner.
#[derive(Debug, Clone)]
pub struct OwnerProfile {
    /// Who.
    pub id: OwnerId,
    /// Where calls go.
    pub phone: Phone,
    /// The language of the whisper.
    pub language: Language,
    /// When the owner wants to be reached.
    pub preferences: Preferences,
    /// Who does not reach the owner any more.
    pub blocked: BlockedCallers,
}

/// What a tag is, apart from what happens to it.
#[derive(Debug, Clone)]
pub struct TagConfig {
    /// Which tag.
    pub id: TagId,
    /// Where it stands.
    pub status: TagStatus,
    /// Whose it is, once claimed.
    pub owner: Option<OwnerProfile>,
    /// When an appeal against the tag's score was heard last: what came before counts no more.
    pub appealed_at: Option<Timestamp>,
}

impl TagConfig {
    /// Whether the tag answers at all; one that does not looks exactly like an unknown one.
    pub fn answers(&self) -> bool {
        match self.status {
            TagStatus::Minted | TagStatus::Active => true,
            TagStatus::Suspended | TagStatus::Retired => false,
        }
    }
}
