//! The people and things of the scenarios.

use std::net::{IpAddr, Ipv4Addr};

use qnect_core::access_code::AccessCode;
use qnect_core::blocked::BlockedCallers;
use qnect_core::caller::{BlockToken, Caller, CallerTokens, DayToken};
use qnect_core::check::CheckKeys;
use qnect_core::language::Language;
use qnect_core::leg::LegId;
use qnect_core::limiter::Quota;
use qnect_core::number::IntermediaryNumber;
use qnect_core::phone::Phone;
use qnect_core::policy::Policy;
use qnect_core::preferences::Preferences;
use qnect_core::reason::Reason;
use qnect_core::scan::{AddressKey, AddressPrefix, BrowserClass, DeviceClass, Scan};
use qnect_core::session::Idempotency;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OpenSession, OwnerId, OwnerProfile, TagConfig, TagStatus};
use qnect_core::tag_code::TagId;
use qnect_core::time::{Span, Timestamp};

/// Midnight in UTC, some day: quiet hours are easy to count from here.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_763_683_200_000);

/// Where the demo owner can be reached.
pub(crate) const OWNER_PHONE: &str = "+919812345678";

/// Our number that scanners dial.
pub(crate) const NUMBER: &str = "+911140000001";

pub(crate) fn asha() -> Caller {
    known(1)
}

pub(crate) fn bela() -> Caller {
    known(2)
}

/// Asha on the next day, while yesterday's key is there.
pub(crate) fn asha_tomorrow() -> Caller {
    Caller::Known(CallerTokens { today: token(101), yesterday: Some(token(1)), for_owner: Some(name(1)) })
}

/// A caller, the same one all day.
pub(crate) fn known(n: u8) -> Caller {
    Caller::Known(CallerTokens { today: token(n), yesterday: None, for_owner: Some(name(n)) })
}

pub(crate) fn token(n: u8) -> DayToken {
    DayToken::from_bytes([n; 16])
}

/// A caller's name with the owner, the same one every day.
pub(crate) fn name(n: u8) -> BlockToken {
    BlockToken::from_bytes([n; 16])
}

pub(crate) fn leg(n: u8) -> LegId {
    LegId::new(&format!("leg-{n}")).unwrap()
}

pub(crate) fn tag_id() -> TagId {
    TagId::from_random(0, 42)
}

pub(crate) fn session_id(n: u8) -> SessionId {
    SessionId::new(tag_id(), [n; 17], &CheckKeys::new(0, &[1; 32], &[2; 32])).unwrap()
}

/// One of as many sessions as a flood needs, with a code of its own.
pub(crate) fn one_of_many(n: u32, from: AddressKey, reason: Reason) -> OpenSession {
    let mut random = [255; 17];
    random[..4].copy_from_slice(&n.to_be_bytes());
    let id = SessionId::new(tag_id(), random, &CheckKeys::new(0, &[1; 32], &[2; 32])).unwrap();
    let line = Some((our_number(NUMBER), AccessCode::from_index(1_000 + n, 7)));
    OpenSession { id, line, from: Some(from), ..request(0, reason) }
}

pub(crate) fn our_number(number: &str) -> IntermediaryNumber {
    IntermediaryNumber::parse(number).unwrap()
}

pub(crate) fn code(n: u8) -> AccessCode {
    AccessCode::from_index(u32::from(n), 7)
}

pub(crate) fn request(n: u8, reason: Reason) -> OpenSession {
    OpenSession {
        id: session_id(n),
        line: Some((our_number(NUMBER), code(n))),
        reason,
        language: Language::English,
        idempotency: None,
        from: None,
    }
}

/// The same from an address.
pub(crate) fn request_from(address: u8, n: u8, reason: Reason) -> OpenSession {
    OpenSession { from: Some(address_key(address)), ..request(n, reason) }
}

/// An address, each in a network of its own.
pub(crate) fn address_key(n: u8) -> AddressKey {
    AddressKey::of(IpAddr::V4(Ipv4Addr::new(203, 0, n, 113)))
}

/// An address, all in one network.
pub(crate) fn neighbour_key(n: u8) -> AddressKey {
    AddressKey::of(IpAddr::V4(Ipv4Addr::new(198, 51, 100, n)))
}

pub(crate) fn named(n: u8, reason: Reason, key: u8, body: u8) -> OpenSession {
    OpenSession { idempotency: Some(Idempotency { key: [key; 16], body: [body; 16] }), ..request(n, reason) }
}

pub(crate) fn scan() -> Scan {
    Scan {
        address: AddressPrefix::of(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 77))),
        device: DeviceClass::Phone,
        browser: BrowserClass::Chromium,
    }
}

pub(crate) fn default_config() -> TagConfig {
    TagConfig {
        id: tag_id(),
        status: TagStatus::Active,
        owner: Some(OwnerProfile {
            id: OwnerId(7),
            phone: Phone::parse(OWNER_PHONE).unwrap(),
            language: Language::Hindi,
            preferences: Preferences::default(),
            blocked: BlockedCallers::default(),
        }),
        appealed_at: None,
    }
}

pub(crate) fn default_policy() -> Policy {
    Policy {
        tag_rings: per_hour(6),
        tag_urgent_rings: per_hour(4),
        tag_open_sessions_max: 32,
        address_scans: Quota::new(600, Span::from_secs(60)),
        address_sessions: per_hour(200),
        caller_rings: per_hour(5),
        owner_rings: Quota::new(30, Span::DAY),
        withheld_rings: per_hour(2),
        challenge_at: 50,
        refuse_at: 100,
        provider_records_kept: Span::DAY,
        allowed_prefixes: vec!["+91".into()],
        ring: Span::from_secs(25),
        talk: Span::from_secs(180),
        session_life: Span::from_secs(600),
        owner_caller_id: None,
    }
}

pub(crate) fn per_hour(limit: u32) -> Option<Quota> {
    Quota::new(limit, Span::HOUR)
}
