//! Who comes by in a day: kinds of people and machines, and one of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::draw::Dice;

/// What somebody is, which the engine must find out and the day knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Somebody at a car who may call its owner.
    Honest,
    /// The same, with a browser that looks at the page before it is opened.
    Prefetcher,
    /// Somebody honest with an urgent reason, at a tag that is flooded with sessions just now.
    UrgentInFlood,
    /// A messenger's machine that looks at an address which somebody shared.
    Preview,
    /// Asks for random codes, hoping that one is a tag's.
    Enumerator,
    /// A machine that collects tags: 1 to 10 a second.
    FastHarvester,
    /// A person who does: one in 10 to 30 s.
    SlowHarvester,
    /// A machine that does, with another address of one /24 or /48 for each tag.
    NetworkHarvester,
    /// Calls one owner again and again, from one telephone and one address.
    Harasser,
    /// The same, with another address each time.
    MovingHarasser,
    /// The same, without showing a number.
    WithheldHarasser,
    /// Dials our numbers and keys codes that look right.
    Guesser,
    /// The same, without showing a number.
    WithheldGuesser,
    /// Calls many owners and hangs up on them.
    Prankster,
    /// Opens 6 sessions on one tag and calls nobody.
    Flooder6,
    /// 60 of them.
    Flooder60,
    /// 600 of them.
    Flooder600,
}

impl Kind {
    #[cfg(test)]
    pub(crate) const ALL: [Kind; 17] = [
        Kind::Honest,
        Kind::Prefetcher,
        Kind::UrgentInFlood,
        Kind::Preview,
        Kind::Enumerator,
        Kind::FastHarvester,
        Kind::SlowHarvester,
        Kind::NetworkHarvester,
        Kind::Harasser,
        Kind::MovingHarasser,
        Kind::WithheldHarasser,
        Kind::Guesser,
        Kind::WithheldGuesser,
        Kind::Prankster,
        Kind::Flooder6,
        Kind::Flooder60,
        Kind::Flooder600,
    ];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Kind::Honest => "honest",
            Kind::Prefetcher => "prefetcher",
            Kind::UrgentInFlood => "urgent_in_flood",
            Kind::Preview => "preview",
            Kind::Enumerator => "enumerator",
            Kind::FastHarvester => "harvester_fast",
            Kind::SlowHarvester => "harvester_slow",
            Kind::NetworkHarvester => "harvester_network",
            Kind::Harasser => "harasser",
            Kind::MovingHarasser => "harasser_moving",
            Kind::WithheldHarasser => "harasser_withheld",
            Kind::Guesser => "guesser",
            Kind::WithheldGuesser => "guesser_withheld",
            Kind::Prankster => "prankster",
            Kind::Flooder6 => "flooder_6",
            Kind::Flooder60 => "flooder_60",
            Kind::Flooder600 => "flooder_600",
        }
    }

    /// Somebody who wants nothing but to reach one owner for a reason.
    pub(crate) fn is_honest(self) -> bool {
        matches!(self, Kind::Honest | Kind::Prefetcher | Kind::UrgentInFlood)
    }

    /// Whether it must be stopped: neither honest nor a harmless machine.
    pub(crate) fn is_attacker(self) -> bool {
        !self.is_honest() && self != Kind::Preview
    }
}

/// Where somebody's requests come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// One address.
    One(IpAddr),
    /// Any address of a /24.
    Net24([u8; 3]),
    /// Any /64 of a /48.
    Net48([u16; 3]),
    /// Anywhere: another carrier or hot spot each time.
    Anywhere,
}

impl Home {
    /// The address of the next request, or of the next action of somebody who moves.
    pub(crate) fn address(self, dice: &mut Dice) -> IpAddr {
        let drawn = dice.next().to_be_bytes();
        match self {
            Home::One(address) => address,
            Home::Net24([a, b, c]) => Ipv4Addr::new(a, b, c, drawn[0]).into(),
            Home::Net48([a, b, c]) => {
                let [d, host] = [u16::from_be_bytes([drawn[0], drawn[1]]), u16::from_be_bytes([drawn[2], drawn[3]])];
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, host).into()
            }
            Home::Anywhere => Ipv4Addr::new(10, drawn[0], drawn[1], drawn[2]).into(),
        }
    }
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) kind: Kind,
    /// Stream of the dice, and telephone: no two have the same.
    pub(crate) id: u32,
    /// When it all begins, in the day's time.
    pub(crate) starts: Duration,
    pub(crate) home: Home,
    pub(crate) withheld: bool,
    pub(crate) urgent: bool,
    /// The car, for whoever comes to one car only; where to begin, for the others.
    pub(crate) tag: u32,
    /// Several at one car at once share its fate: who is talked to has moved it for all.
    pub(crate) crowd: Option<u32>,
    /// How often an attacker tries.
    pub(crate) campaign: u32,
    /// Shortest and longest pause between two tries, in milliseconds.
    pub(crate) pause_ms: (u64, u64),
    /// A harvester that asks for numbers too.
    pub(crate) opens_sessions: bool,
}

impl Person {
    /// The telephone. Fictional.
    pub(crate) fn telephone(&self) -> String {
        format!("+9197{:08}", self.id)
    }
}
