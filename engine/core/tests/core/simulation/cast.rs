//! The people, tags and numbers of the simulated worlds.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use qnect_core::access_code::AccessCode;
use qnect_core::blocked::BlockedCallers;
use qnect_core::caller::{BlockToken, Caller, CallerTokens, DayToken};
use qnect_core::check::CheckKeys;
use qnect_core::language::Language;
use qnect_core::leg::LegId;
use qnect_core::phone::Phone;
use qnect_core::preferences::Preferences;
use qnect_core::scan::AddressKey;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OwnerId, OwnerProfile, TagConfig, TagStatus};
use qnect_core::tag_code::TagId;
use qnect_core::time::Timestamp;

use crate::bits::Bits;

/// Our numbers.
pub(super) const NUMBERS: [&str; 2] = ["+911140000001", "+911140000002"];

/// Addresses from which people look and ask; the first two are of one network.
pub(super) const ADDRESSES: usize = 4;

static KEYS: LazyLock<CheckKeys> = LazyLock::new(|| CheckKeys::new(0, &[1; 32], &[2; 32]));

/// Someone with a telephone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Person(pub(super) u8);

/// A person who calls, with or without showing a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Calling {
    pub(super) person: Person,
    pub(super) withheld: bool,
}

impl Calling {
    /// What the machines see of it at `now`, as long as nobody knows whom it wants.
    pub(super) fn seen(self, now: Timestamp, no_yesterday: bool) -> Caller {
        if self.withheld {
            return Caller::Withheld;
        }
        let day = now.utc_day();
        let yesterday = (!no_yesterday).then(|| self.person.token(day - 1));
        Caller::Known(CallerTokens { today: self.person.token(day), yesterday, for_owner: None })
    }
}

impl Person {
    /// The name of this person on one day.
    pub(super) fn token(self, day: u32) -> DayToken {
        let mut bytes = [self.0 + 1; 16];
        bytes[..4].copy_from_slice(&day.to_be_bytes());
        DayToken::from_bytes(bytes)
    }

    /// The name of this person with one owner.
    pub(super) fn name_with(self, owner: OwnerId) -> BlockToken {
        let mut bytes = [self.0 + 1; 16];
        bytes[..8].copy_from_slice(&owner.0.to_be_bytes());
        BlockToken::from_bytes(bytes)
    }
}

/// A tag of the world, by its number.
pub(super) fn tag_id(n: usize) -> TagId {
    TagId::from_random(0, 1_000 + n as u64)
}

/// A new name of a session.
pub(super) fn new_session_id(tag: usize, bits: &mut Bits) -> SessionId {
    let mut random = [0; 17];
    random[1..9].copy_from_slice(&bits.next().to_be_bytes());
    SessionId::new(tag_id(tag), random, &KEYS).unwrap()
}

/// The key of one of the addresses.
pub(super) fn address_key(n: usize) -> AddressKey {
    AddressKey::of(IpAddr::V4(Ipv4Addr::new(203, 0, network(n) as u8, n as u8)))
}

/// The network of one of the addresses.
pub(super) fn network(address: usize) -> usize {
    address.saturating_sub(1)
}

pub(super) fn code(index: u32) -> AccessCode {
    AccessCode::from_index(index, 7)
}

pub(super) fn leg(n: usize) -> LegId {
    LegId::new(&format!("leg-{n}")).unwrap()
}

/// An owner, with the number of a telephone that changes now and then.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) id: OwnerId,
    pub(super) phone: Phone,
    pub(super) preferences: Preferences,
    pub(super) blocked: BlockedCallers,
}

impl Owner {
    pub(super) fn new(n: usize) -> Self {
        let id = OwnerId(n as u64 + 1);
        let phone = Phone::from_digits(10_000_000).unwrap();
        let mut owner = Self { id, phone, preferences: Preferences::default(), blocked: BlockedCallers::default() };
        owner.change_phone(0);
        owner
    }

    /// From now on this owner is reached elsewhere; no two owners ever share a number.
    pub(super) fn change_phone(&mut self, times: u64) {
        self.phone = Phone::from_digits(919_800_000_000 + self.id.0 * 100 + times).unwrap();
    }
}

/// What a tag of this owner is.
pub(super) fn config(tag: usize, status: TagStatus, owner: Option<&Owner>) -> Arc<TagConfig> {
    let owner = owner.map(|owner| OwnerProfile {
        id: owner.id,
        phone: owner.phone.clone(),
        language: Language::Hindi,
        preferences: owner.preferences.clone(),
        blocked: owner.blocked.clone(),
    });
    Arc::new(TagConfig { id: tag_id(tag), status, owner, appealed_at: None })
}
