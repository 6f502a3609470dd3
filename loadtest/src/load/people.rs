//! Who comes: from which address, to which tag. Drawn from the seed, a visitor at a time.

use std::net::Ipv4Addr;

use crate::draw::{self, Dice};

/// Draws visitors.
#[derive(Debug)]
pub(crate) struct People {
    codes: Vec<String>,
    /// The tags, the most visited first.
    order: Vec<u32>,
    /// By rank: how much of all visits this tag and those before it have; the last one is 1.
    share: Vec<f64>,
    sources: u64,
    seed: u64,
}

/// One visitor.
#[derive(Clone, Debug)]
pub(crate) struct Person<'a> {
    pub(crate) code: &'a str,
    pub(crate) address: Ipv4Addr,
    /// What else chance decides for this visitor.
    pub(crate) dice: Dice,
}

impl People {
    /// Visitors from so many addresses to `codes`, the nth most visited of which has 1/n^`zipf` of what the first one
    /// has: all the same with 0.
    pub(crate) fn new(codes: Vec<String>, sources: u32, zipf: f64, seed: u64) -> People {
        let order = draw::order(u32::try_from(codes.len()).unwrap_or(u32::MAX), seed);
        let mut sum = 0.0;
        let mut share: Vec<f64> = (1..=order.len())
            .map(|rank| {
                sum += (rank as f64).powf(-zipf);
                sum
            })
            .collect();
        share.iter_mut().for_each(|share| *share /= sum);
        People { codes, order, share, sources: u64::from(sources), seed }
    }

    /// Visitor number `nth`.
    pub(crate) fn person(&self, nth: u64) -> Person<'_> {
        let mut dice = Dice::new(self.seed, nth);
        let address = address(&mut dice, self.sources);
        Person { code: self.tag(&mut dice), address, dice }
    }

    /// A tag, as often as it is visited.
    pub(crate) fn tag(&self, dice: &mut Dice) -> &str {
        let drawn = dice.fraction();
        let rank = self.share.partition_point(|share| *share <= drawn).min(self.order.len() - 1);
        &self.codes[self.order[rank] as usize]
    }

    /// One tag after the other, round and round.
    pub(crate) fn nth_tag(&self, nth: u32) -> &str {
        &self.codes[self.order[nth as usize % self.order.len()] as usize]
    }

    pub(crate) fn tags(&self) -> usize {
        self.codes.len()
    }
}

/// One of so many addresses of a private network, at most 2^24.
pub(crate) fn address(dice: &mut Dice, sources: u64) -> Ipv4Addr {
    let [_, b, c, d] = u32::try_from(dice.below(sources)).unwrap_or(0).to_be_bytes();
    Ipv4Addr::new(10, b, c, d)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::People;

    fn codes(count: usize) -> Vec<String> {
        (0..count).map(|nth| format!("{nth}")).collect()
    }

    /// How often each tag is visited, the most visited first.
    fn visits(zipf: f64) -> Vec<u32> {
        let people = People::new(codes(10), 100, zipf, 7);
        let mut visits: HashMap<String, u32> = HashMap::new();
        for nth in 0..20_000 {
            *visits.entry(people.person(nth).code.to_owned()).or_default() += 1;
        }
        let mut visits: Vec<u32> = visits.into_values().collect();
        visits.sort_unstable_by(|a, b| b.cmp(a));
        visits
    }

    #[test]
    fn the_nth_tag_has_an_nth_of_the_first() {
        let (even, zipf) = (visits(0.0), visits(1.0));
        assert!(even.len() == 10 && even.iter().all(|visits| (1_800..2_200).contains(visits)), "{even:?}");
        let first = f64::from(zipf[0]);
        for (rank, visits) in (1..).zip(&zipf) {
            let expected = first / f64::from(rank);
            assert!((f64::from(*visits) - expected).abs() < expected * 0.15, "{rank}: {zipf:?}");
        }
    }

    #[test]
    fn people_are_the_seeds_and_come_from_so_many_addresses() {
        let drawn = |seed| {
            let people = People::new(codes(50), 100, 1.0, seed);
            (0..5_000).map(|nth| (people.person(nth).code.to_owned(), people.person(nth).address)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert_eq!(drawn(1).into_iter().map(|(_, address)| address).collect::<HashSet<_>>().len(), 100);
    }
}
