//! A scan: exactly what is known of a scanner, and what is answered.

use std::net::IpAddr;

use crate::abuse::SignalSet;
use crate::reason::ReasonSet;
use crate::time::Span;

/// A network prefix instead of an address: /24 of IPv4, /48 of IPv6. The only form in which an address is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressPrefix {
    /// The upper three bytes.
    V4([u8; 3]),
    /// The upper six bytes.
    V6([u8; 6]),
}

/// The key of an address's own limits, in memory only: one IPv4 address or one IPv6 /64, because that is what one
/// connection gets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressKey(u64, bool);

impl std::fmt::Debug for AddressKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AddressKey(hidden)")
    }
}

impl AddressKey {
    /// The key of a client's address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(u64::from(u32::from(v4)), false),
            IpAddr::V6(v6) => Self((u128::from(v6) >> 64) as u64, true),
        }
    }
}

impl AddressKey {
    /// The network of the address.
    pub fn prefix(self) -> AddressPrefix {
        let Self(bits, is_v6) = self;
        if is_v6 {
            let [a, b, c, d, e, f, ..] = bits.to_be_bytes();
            AddressPrefix::V6([a, b, c, d, e, f])
        } else {
            let [_, _, _, _, a, b, c, _] = bits.to_be_bytes();
            AddressPrefix::V4([a, b, c])
        }
    }
}

impl AddressPrefix {
    /// The prefix of a client's address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(v6) => {
                let [a, b, c, d, e, f, ..] = v6.octets();
                Self::V6([a, b, c, d, e, f])
            }
        }
    }
}

/// What kind of device, no finer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum DeviceClass {
    /// Not told, or not known.
    #[default]
    Unknown = 0,
    /// A telephone.
    Phone = 1,
    /// A tablet.
    Tablet = 2,
    /// A desktop or laptop computer.
    Desktop = 3,
    /// A program that says so.
    Bot = 4,
}

impl DeviceClass {
    /// All classes.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::Phone, Self::Tablet, Self::Desktop, Self::Bot];

    /// The word for it where operators read it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Phone => "phone",
            Self::Tablet => "tablet",
            Self::Desktop => "desktop",
            Self::Bot => "bot",
        }
    }
}

/// What kind of browser, no finer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum BrowserClass {
    /// Not told, or not known.
    #[default]
    Unknown = 0,
    /// Chrome and its relatives.
    Chromium = 1,
    /// Safari.
    Safari = 2,
    /// Firefox.
    Firefox = 3,
}

impl BrowserClass {
    /// All classes.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Chromium, Self::Safari, Self::Firefox];

    /// The word for it where operators read it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Chromium => "chromium",
            Self::Safari => "safari",
            Self::Firefox => "firefox",
        }
    }
}

/// One scan.
#[derive(Debug, Clone, Copy)]
pub struct Scan {
    /// Where from, to the network.
    pub address: AddressPrefix,
    /// With what kind of device.
    pub device: DeviceClass,
    /// In what kind of browser.
    pub browser: BrowserClass,
}

/// The verdict on a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The owner can be called.
    Allow,
    /// The owner can be called after a challenge on the line.
    Challenge,
    /// A limit is reached; it refills.
    Limited,
    /// The owner cannot be called.
    Refused,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Challenge, Self::Limited, Self::Refused];

    /// The fixed id of the public interface, also a metric label.
    pub fn id(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Challenge => "challenge",
            Self::Limited => "limited",
            Self::Refused => "refused",
        }
    }
}

/// Why a scan or a session is not simply allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The tag's ring budget is used up, or it has too many open sessions.
    TagLimit,
    /// The address has asked too often.
    AddressLimit,
    /// The abuse score is too high.
    Score,
    /// The owner has paused calls or has quiet hours.
    OwnerUnavailable,
    /// The tag was minted but nobody has claimed it.
    NotActive,
}

impl Refusal {
    /// The fixed id of the public interface.
    pub fn id(self) -> &'static str {
        match self {
            Self::TagLimit => "tag_limit",
            Self::AddressLimit => "address_limit",
            Self::Score => "score",
            Self::OwnerUnavailable => "owner_unavailable",
            Self::NotActive => "not_active",
        }
    }

    /// The verdict that the refusal leads to.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::TagLimit | Self::AddressLimit => Verdict::Limited,
            Self::Score | Self::OwnerUnavailable | Self::NotActive => Verdict::Refused,
        }
    }
}

/// The answer to a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanDecision {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, unless allowed.
    pub refusal: Option<Refusal>,
    /// When to come back, for limits; else zero.
    pub retry_after: Span,
    /// For which reasons a session may be opened even so.
    pub offered: ReasonSet,
    /// The signs for which somebody is challenged or refused, so that whoever is concerned can be told.
    pub because: SignalSet,
}
