//! Who comes by, drawn from a seed before the day begins: a whole day over all tags, or two hours behind one address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::day::people::{Home, Kind, Person};
use crate::draw::Dice;

/// Honest people for each tag in a day.
const HONEST_PER_TAG: u64 = 4;
/// Attackers and machines for each 2,000 tags in a day, and how many of a hundred come through a carrier's address.
const OTHERS: [(Kind, u64, u64); 14] = [
    (Kind::Preview, 200, 0),
    (Kind::Enumerator, 40, 0),
    (Kind::FastHarvester, 40, 0),
    (Kind::SlowHarvester, 40, 25),
    (Kind::NetworkHarvester, 20, 0),
    (Kind::Harasser, 40, 40),
    (Kind::MovingHarasser, 20, 0),
    (Kind::WithheldHarasser, 20, 40),
    (Kind::Guesser, 30, 0),
    (Kind::WithheldGuesser, 10, 0),
    (Kind::Prankster, 40, 40),
    (Kind::Flooder6, 12, 25),
    (Kind::Flooder60, 12, 25),
    (Kind::Flooder600, 12, 25),
];
const OTHERS_PER_TAGS: u64 = 2_000;
/// Abusers behind the one address, 50 for each 1,000 honest people.
const BEHIND_ONE: [(Kind, u64); 7] = [
    (Kind::SlowHarvester, 10),
    (Kind::FastHarvester, 4),
    (Kind::Enumerator, 6),
    (Kind::Harasser, 12),
    (Kind::Prankster, 10),
    (Kind::Guesser, 6),
    (Kind::Flooder60, 2),
];
/// Honest people per 50 abusers there.
const HONEST_BEHIND_ONE: u32 = 1_000;
/// How many come in each hour, in proportion: two ways to work and back, and shops that close at nine and ten.
const HOURS: [u64; 24] = [2, 1, 1, 1, 1, 3, 8, 16, 20, 14, 10, 10, 12, 12, 10, 10, 12, 18, 22, 18, 14, 22, 10, 4];
/// The minutes after closing, in which most of that hour's people come.
const CLOSING: [(u64, u64); 2] = [(21, 20), (22, 15)];
/// Of a thousand honest people: behind a carrier's address, with a browser that looks ahead, with an urgent reason,
/// without a number, and at a car that is in the way of several.
const CARRIER_PER_MILLE: u64 = 400;
const PREFETCH_PER_MILLE: u64 = 200;
const URGENT_PER_MILLE: u64 = 40;
const WITHHELD_PER_MILLE: u64 = 30;
const CROWDED_PER_MILLE: u64 = 60;
/// People at a car that is in the way, and within which time they come.
const CROWD: (u64, u64) = (3, 8);
const CROWD_SECONDS: u64 = 600;
/// Carriers' addresses, four to a /24; the first has most people.
const CARRIERS: u64 = 20;
/// How far through its flood an urgent caller comes: when it is all but over.
const FLOOD_PAUSE_MS: (u64, u64) = (200, 1_000);
const DAY_SECONDS: u64 = 86_400;
/// The one address of [`behind_one_address`], and how long they come by.
const THE_ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(100, 64, 0, 1));
const TWO_HOURS_SECONDS: u64 = 7_200;

/// Draws people one after the other.
struct Drawing {
    dice: Dice,
    tags: u64,
    people: Vec<Person>,
    crowds: u32,
}

/// Everybody of a day over `tags` tags, in the order in which they come.
pub(crate) fn day(tags: u32, seed: u64) -> Vec<Person> {
    let mut drawing = Drawing::new(tags, seed);
    let honest = u64::from(tags) * HONEST_PER_TAG;
    while (drawing.people.len() as u64) < honest {
        let starts = drawing.moment_of_day();
        if drawing.dice.per_mille(CROWDED_PER_MILLE * 2 / (CROWD.0 + CROWD.1)) {
            drawing.crowd(starts);
        } else {
            let (home, tag) = (drawing.honest_home(), drawing.tag());
            drawing.honest(starts, home, tag, None);
        }
    }
    for (kind, count, behind_carriers) in OTHERS {
        for _ in 0..(u64::from(tags) * count).div_ceil(OTHERS_PER_TAGS) {
            let home = match drawing.dice.below(100) < behind_carriers {
                true => drawing.carrier(),
                false => drawing.home_of(kind),
            };
            drawing.other(kind, home, DAY_SECONDS);
        }
    }
    drawing.in_order()
}

/// A thousand honest people and fifty abusers for each thousand, all behind one address, within two hours.
pub(crate) fn behind_one_address(tags: u32, honest: u32, seed: u64) -> Vec<Person> {
    let mut drawing = Drawing::new(tags, seed);
    for _ in 0..honest {
        let starts = drawing.dice.below(TWO_HOURS_SECONDS * 1_000);
        let tag = drawing.tag();
        drawing.honest(starts, Home::One(THE_ONE), tag, None);
    }
    for (kind, count) in BEHIND_ONE {
        for _ in 0..(u64::from(honest) * count).div_ceil(u64::from(HONEST_BEHIND_ONE)) {
            drawing.other(kind, Home::One(THE_ONE), TWO_HOURS_SECONDS);
        }
    }
    drawing.in_order()
}

impl Drawing {
    fn new(tags: u32, seed: u64) -> Drawing {
        Drawing { dice: Dice::new(seed, u64::MAX), tags: u64::from(tags), people: Vec::new(), crowds: 0 }
    }

    fn in_order(mut self) -> Vec<Person> {
        self.people.sort_by_key(|person| (person.starts, person.id));
        self.people
    }

    /// A moment of the day in milliseconds, by the hour's share.
    fn moment_of_day(&mut self) -> u64 {
        let hour = self.dice.weighted(&HOURS) as u64;
        let rush = CLOSING.iter().find(|(closing, _)| *closing == hour);
        // Four of five leave at once.
        let minutes = match rush {
            Some((_, minutes)) if self.dice.per_mille(800) => *minutes,
            _ => 60,
        };
        hour * 3_600_000 + self.dice.below(minutes * 60_000)
    }

    fn tag(&mut self) -> u32 {
        u32::try_from(self.dice.below(self.tags)).unwrap_or(0)
    }

    fn honest(&mut self, starts_ms: u64, home: Home, tag: u32, crowd: Option<u32>) {
        let kind = if self.dice.per_mille(PREFETCH_PER_MILLE) { Kind::Prefetcher } else { Kind::Honest };
        let withheld = self.dice.per_mille(WITHHELD_PER_MILLE);
        let urgent = crowd.is_none() && self.dice.per_mille(URGENT_PER_MILLE);
        self.add(Person { withheld, urgent, crowd, ..person(kind, starts_ms, home, tag) });
    }

    /// Several at one car that is in the way, each with a telephone of its own.
    fn crowd(&mut self, starts_ms: u64) {
        let (crowd, tag) = (self.crowds, self.tag());
        self.crowds += 1;
        for _ in 0..self.dice.between(&(CROWD.0..=CROWD.1)) {
            let later = self.dice.below(CROWD_SECONDS * 1_000);
            let home = self.honest_home();
            self.honest(starts_ms + later, home, tag, Some(crowd));
        }
    }

    /// Where an honest person's requests come from: a carrier's address, an IPv6 /64 or an IPv4 address of one's own.
    fn honest_home(&mut self) -> Home {
        if self.dice.per_mille(CARRIER_PER_MILLE) {
            return self.carrier();
        }
        let drawn = self.dice.next().to_be_bytes();
        Home::One(match self.dice.per_mille(300) {
            true => {
                let [b, c] = [u16::from_be_bytes([drawn[0], drawn[1]]), u16::from_be_bytes([drawn[2], drawn[3]])];
                Ipv6Addr::new(0x2001, 0xdb8, b, c, 0, 0, 0, u16::from(drawn[4])).into()
            }
            false => Ipv4Addr::new(10, drawn[0], drawn[1], drawn[2]).into(),
        })
    }

    fn carrier(&mut self) -> Home {
        let weights: Vec<u64> = (1..=CARRIERS).map(|nth| 10_000 / nth).collect();
        let nth = u8::try_from(self.dice.weighted(&weights)).unwrap_or(0);
        Home::One(Ipv4Addr::new(100, 64, nth / 4, 1 + nth % 4).into())
    }

    /// Where somebody else's come from: nobody shares these addresses.
    fn home_of(&mut self, kind: Kind) -> Home {
        let drawn = self.dice.next().to_be_bytes();
        match kind {
            // A messenger has a handful of machines.
            Kind::Preview => Home::One(Ipv4Addr::new(203, 0, 113, 1 + drawn[0] % 8).into()),
            Kind::MovingHarasser => Home::Anywhere,
            Kind::NetworkHarvester if drawn[0].is_multiple_of(2) => Home::Net24([198, 18, drawn[1]]),
            Kind::NetworkHarvester => Home::Net48([0x2001, 0xdb9, u16::from_be_bytes([drawn[1], drawn[2]])]),
            _ => Home::One(Ipv4Addr::new(198, 19, drawn[1], drawn[2]).into()),
        }
    }

    fn other(&mut self, kind: Kind, home: Home, within_seconds: u64) {
        let (campaign, pause_ms) = self.campaign(kind);
        let lasts_ms = u64::from(campaign) * u64::midpoint(pause_ms.0, pause_ms.1);
        let latest_ms = (within_seconds * 1_000).saturating_sub(lasts_ms).max(1);
        let (starts_ms, tag) = (self.dice.below(latest_ms), self.tag());
        let withheld = matches!(kind, Kind::WithheldHarasser | Kind::WithheldGuesser);
        let opens_sessions = self.dice.per_mille(500);
        self.add(Person { withheld, campaign, pause_ms, opens_sessions, ..person(kind, starts_ms, home, tag) });
        if matches!(kind, Kind::Flooder6 | Kind::Flooder60 | Kind::Flooder600) {
            let home = self.honest_home();
            self.add(Person { urgent: true, ..person(Kind::UrgentInFlood, starts_ms + lasts_ms, home, tag) });
        }
    }

    /// How often somebody tries, and the pauses between.
    fn campaign(&mut self, kind: Kind) -> (u32, (u64, u64)) {
        let (times, pause_ms) = match kind {
            Kind::Honest | Kind::Prefetcher | Kind::UrgentInFlood | Kind::Preview => (1..=1, (0, 0)),
            Kind::Enumerator if self.dice.per_mille(500) => (200..=400, (100, 300)),
            Kind::Enumerator => (60..=120, (5_000, 20_000)),
            Kind::FastHarvester => (80..=200, self.dice.one_of(&[(100, 200), (300, 700), (700, 1_300)])),
            Kind::SlowHarvester => (60..=120, (10_000, 30_000)),
            Kind::NetworkHarvester => (80..=200, (500, 3_000)),
            Kind::Harasser | Kind::MovingHarasser | Kind::WithheldHarasser => (40..=60, (30_000, 180_000)),
            Kind::Guesser | Kind::WithheldGuesser => (30..=60, (2_000, 30_000)),
            Kind::Prankster => (40..=60, (30_000, 240_000)),
            Kind::Flooder6 => (6..=6, FLOOD_PAUSE_MS),
            Kind::Flooder60 => (60..=60, FLOOD_PAUSE_MS),
            Kind::Flooder600 => (600..=600, FLOOD_PAUSE_MS),
        };
        (u32::try_from(self.dice.between(&times)).unwrap_or(u32::MAX), pause_ms)
    }

    fn add(&mut self, person: Person) {
        let id = u32::try_from(self.people.len()).unwrap_or(u32::MAX);
        self.people.push(Person { id, ..person });
    }
}

/// Somebody who comes once.
fn person(kind: Kind, starts_ms: u64, home: Home, tag: u32) -> Person {
    Person {
        kind,
        id: 0,
        starts: Duration::from_millis(starts_ms),
        home,
        withheld: false,
        urgent: false,
        tag,
        crowd: None,
        campaign: 1,
        pause_ms: (0, 0),
        opens_sessions: false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};
    use std::time::Duration;

    use super::{CROWD, Home, Kind, Person, THE_ONE, behind_one_address, day};

    fn of(people: &[Person], kind: Kind) -> usize {
        people.iter().filter(|person| person.kind == kind).count()
    }

    #[test]
    fn a_day_is_the_seeds_and_nobodys_elses() {
        let people = day(2_000, 7);
        assert_eq!(people, day(2_000, 7));
        assert_ne!(people, day(2_000, 8));
        assert!(people.is_sorted_by_key(|person| person.starts));
        assert_eq!(people.iter().map(Person::telephone).collect::<HashSet<_>>().len(), people.len());
    }

    #[test]
    fn everybody_comes_in_the_shares_that_are_promised() {
        let people = day(2_000, 1);
        let honest: Vec<_> = people.iter().filter(|person| person.kind.is_honest()).collect();
        assert!((8_000..8_100).contains(&honest.len()), "{}", honest.len());
        let mut by_carrier = BTreeMap::new();
        for person in &honest {
            if let Home::One(std::net::IpAddr::V4(address)) = person.home
                && address.octets()[..2] == [100, 64]
            {
                *by_carrier.entry(address).or_insert(0) += 1;
            }
        }
        let behind: usize = by_carrier.values().sum();
        assert_eq!(by_carrier.len(), 20);
        assert!((37..43).contains(&(behind * 100 / honest.len())), "{behind} behind carriers");
        assert!(*by_carrier.values().max().expect("20") <= 1_000, "{by_carrier:?}");
        let urgent = honest.iter().filter(|person| person.urgent).count();
        assert!((3..6).contains(&(urgent * 100 / honest.len())), "{urgent} urgent");
        assert_eq!(of(&people, Kind::FastHarvester), 40);
        assert_eq!(of(&people, Kind::UrgentInFlood), 36);
        assert!(Kind::ALL.into_iter().all(|kind| of(&people, kind) > 0), "a kind is missing");
        let at_closing = honest.iter().filter(|person| person.starts.as_secs() / 1_200 == 21 * 3).count();
        assert!(at_closing * 24 * 3 > honest.len() * 4, "{at_closing} within 20 minutes of closing");
    }

    #[test]
    fn a_crowd_is_at_one_car_within_ten_minutes() {
        let people = day(2_000, 1);
        let mut crowds: BTreeMap<u32, Vec<&Person>> = BTreeMap::new();
        for person in &people {
            if let Some(crowd) = person.crowd {
                crowds.entry(crowd).or_default().push(person);
            }
        }
        assert!(crowds.len() > 40, "{}", crowds.len());
        for crowd in crowds.values() {
            assert!((CROWD.0..=CROWD.1).contains(&(crowd.len() as u64)));
            assert!(crowd.iter().all(|person| person.tag == crowd[0].tag));
            let (first, last) = (crowd[0].starts, crowd[crowd.len() - 1].starts);
            assert!(last - first <= Duration::from_secs(600));
        }
    }

    #[test]
    fn an_attack_is_over_before_the_day_is() {
        let over = |person: &Person| person.starts.as_millis() as u64 + u64::from(person.campaign) * person.pause_ms.0;
        assert!(day(200, 3).iter().filter(|person| person.kind.is_attacker()).all(|person| over(person) < 86_400_000));
    }

    #[test]
    fn a_thousand_and_fifty_share_one_address() {
        let people = behind_one_address(2_000, 1_000, 1);
        let attackers = people.iter().filter(|person| person.kind.is_attacker()).count();
        assert_eq!(attackers, 50);
        assert!(of(&people, Kind::Honest) + of(&people, Kind::Prefetcher) == 1_000);
        let elsewhere = people.iter().filter(|person| person.home != Home::One(THE_ONE));
        assert!(elsewhere.into_iter().all(|person| person.kind == Kind::UrgentInFlood));
        assert!(people.iter().all(|person| person.starts < Duration::from_secs(7_300)));
    }
}
