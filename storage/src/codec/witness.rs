//! What a commit tells of those before it, so that damage to their rows cannot pass for rows that never were.

use minicbor::{Decode, Encode};

use crate::codec::Head;
use crate::layout::Space;

/// Written in every head.
///
/// fjall deletes a journal once its rows are in tables, and a table or a journal that is missing, or was put back from an
/// older copy, leaves no gap that fjall would see. So every head says how far each keyspace reaches: its tables must reach
/// up to there, or the journals must go on from there.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Witness {
    /// fjall's next sequence number when this commit was about to be written: that of its batch, or a little below, where
    /// fjall's own thread took one in between. The batch's checksum does not cover its number.
    #[n(0)]
    pub(crate) place: u64,
    /// The last commit that was known to be on stable storage when this one was written.
    #[n(1)]
    pub(crate) safe: u64,
    /// The keyspaces in which this commit puts a row: a bit each, the first keyspace's the lowest.
    #[n(2)]
    put: u16,
    /// Those from which it takes one.
    #[n(3)]
    taken: u16,
    /// How far each keyspace reached before this commit.
    #[n(4)]
    before: Vec<u64>,
}

/// In which keyspaces a commit changes rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Touched {
    put: u16,
    taken: u16,
}

impl Touched {
    /// A row of `space` is put, or taken away.
    pub(crate) fn note(&mut self, space: Space, is_put: bool) {
        let bits = if is_put { &mut self.put } else { &mut self.taken };
        *bits |= bit(space);
    }

    /// Whether it changes rows of `space`; the head's always.
    pub(crate) fn is_in(self, space: Space) -> bool {
        (self.put | self.taken | bit(Space::Head)) & bit(space) != 0
    }
}

impl Witness {
    /// The witness of the commit behind `previous`, which itself is safe unless it is `unsynced`.
    pub(crate) fn behind(previous: &Head, unsynced: bool, place: u64, touched: Touched) -> Self {
        let witness = previous.witness.as_ref();
        let safe = match witness {
            Some(witness) if unsynced => witness.safe,
            None if unsynced => 0,
            Some(_) | None => previous.sequence,
        };
        let before = Space::ALL.map(|space| witness.map_or(0, |witness| witness.reach_with_this(space)));
        // The head itself stands in every commit.
        Self { place, safe, put: touched.put | bit(Space::Head), taken: touched.taken, before: before.into() }
    }

    /// How far a keyspace reached before this commit: one more than the place of the last row that was put there, and that
    /// nothing has been taken away behind. 0: not known. Behind a row that is taken away nothing is: a compaction forgets
    /// both, and then the tables end earlier.
    pub(crate) fn reach_before(&self, space: Space) -> u64 {
        self.before.get(space as usize).copied().unwrap_or_default()
    }

    /// How far it reaches with this commit.
    pub(crate) fn reach_with_this(&self, space: Space) -> u64 {
        if self.taken & bit(space) != 0 {
            0
        } else if self.put & bit(space) != 0 {
            self.place + 1
        } else {
            self.reach_before(space)
        }
    }
}

const fn bit(space: Space) -> u16 {
    1 << space as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(sequence: u64, witness: Witness) -> Head {
        Head { sequence, witness: Some(witness), ..Head::default() }
    }

    fn put(space: Space) -> Touched {
        Touched { put: bit(space), taken: 0 }
    }

    #[test]
    fn how_far_each_keyspace_reaches_is_known_until_something_is_taken_away() {
        let first = Witness::behind(&Head::default(), false, 40, put(Space::Tags));
        assert_eq!((first.reach_before(Space::Tags), first.reach_with_this(Space::Tags)), (0, 41));
        let second = Witness::behind(&head(1, first), false, 41, put(Space::Chores));
        assert_eq!(second.reach_before(Space::Tags), 41);
        assert_eq!(second.reach_with_this(Space::Tags), 41);
        assert_eq!(second.reach_with_this(Space::Head), 42);
        assert_eq!(second.reach_with_this(Space::Vehicles), 0);
        let third = Witness::behind(&head(2, second), false, 42, Touched { put: 0, taken: bit(Space::Chores) });
        assert_eq!((third.reach_before(Space::Chores), third.reach_with_this(Space::Chores)), (42, 0));
    }

    #[test]
    fn what_was_not_synced_is_not_called_safe() {
        let first = Witness::behind(&Head::default(), false, 0, Touched::default());
        let second = Witness::behind(&head(1, first), true, 1, Touched::default());
        let third = Witness::behind(&head(2, second.clone()), true, 2, Touched::default());
        let fourth = Witness::behind(&head(3, third.clone()), false, 3, Touched::default());
        assert_eq!([second.safe, third.safe, fourth.safe], [0, 0, 3]);
    }
}
