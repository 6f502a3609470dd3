//! Who has to make room for whom: in a full room only whoever holds most of it, or has waited long for something urgent; where
//! there is room, only one of an address that has its share of it already.

use qnect_core::caller::DayToken;
use qnect_core::scan::AddressKey;
use qnect_core::session::{SessionSnapshot, State};
use qnect_core::session_id::SessionId;
use qnect_core::time::{Span, Timestamp};

use super::{Judge, Notes, state};

/// An urgent newcomer takes the place of a session that has waited longer than this.
const PATIENCE: Span = Span::from_secs(60);

/// Whose place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Caller(DayToken),
    Address(Option<AddressKey>),
}

/// Why a session gave way.
#[derive(Debug, Clone, Copy)]
pub(super) enum Room {
    /// A full room needs a place, and it is the oldest of whoever holds the most of it, first by networks, then by addresses.
    OfTheLargest,
    /// It can only be that somebody comes from the same address, which has its share.
    OfItsOwn(Holder),
}

impl Holder {
    /// Addresses of one network may all be one person's.
    fn may_be(self, other: Self) -> bool {
        match (self, other) {
            (Self::Address(one), Self::Address(other)) => one.map(AddressKey::prefix) == other.map(AddressKey::prefix),
            (one, other) => one == other,
        }
    }
}

impl Notes {
    fn holder(&self) -> Holder {
        self.last.bound_to.map_or(Holder::Address(self.from), Holder::Caller)
    }
}

impl Judge {
    /// A session was opened from there.
    pub(in super::super) fn came_from(&mut self, session: SessionId, from: Option<AddressKey>) {
        let notes = self.notes.get_mut(&session).expect("it was opened");
        notes.from = from;
        let (holder, s) = (notes.holder(), notes.last.clone());
        match self.made_room.take() {
            Some(Room::OfItsOwn(gave_way)) => assert_eq!(gave_way, holder, "one gives way to somebody else's share"),
            Some(Room::OfTheLargest) => {}
            None if from.is_some() && self.rules.policy.tag_open_sessions_max > 0 => {
                let room = self.room_of(&s);
                let is_own = |n: &&Notes| is_waiting(n) && !n.is_used && n.holder() == holder;
                let own = room.iter().map(|id| &self.notes[id]).filter(is_own);
                assert!(own.count() <= self.share(), "an address has more than its share of a room");
            }
            None => {}
        }
    }

    /// So much of a room is one address's, with sessions that nobody has called yet.
    fn share(&self) -> usize {
        (self.rules.policy.tag_open_sessions_max / 8).max(1)
    }

    /// The open sessions of the room of `s`.
    pub(super) fn room_of(&self, s: &SessionSnapshot) -> Vec<SessionId> {
        let room = |s: &SessionSnapshot| (s.id.tag(), s.reason.is_urgent());
        let is_open = |notes: &Notes| notes.last.ended.is_none() && room(&notes.last) == room(s);
        self.opened.iter().copied().filter(|id| is_open(&self.notes[id])).collect()
    }

    /// A session is over because another wants its place.
    pub(super) fn gives_way(&mut self, s: &SessionSnapshot, now: Timestamp) {
        assert_eq!(self.giving_way.replace(s.id), None, "two make room for one");
        let room = self.room_of(s);
        let max = self.rules.policy.tag_open_sessions_max;
        let notes = &self.notes[&s.id];
        assert_eq!(state(&notes.last), State::Waiting, "a session gives way that was called");
        let waiting = || room.iter().map(|id| &self.notes[id]).filter(|n| is_waiting(n));
        let share = |holder: Holder| {
            let (theirs, own) = (waiting().filter(|n| holder.may_be(n.holder())), |n: &&Notes| n.holder() == holder);
            (theirs.clone().count(), theirs.filter(own).count())
        };
        let theirs = share(notes.holder());
        let is_older = |n: &Notes| {
            let counts = !n.is_used || notes.is_used;
            counts && n.holder() == notes.holder() && n.last.opened_at < notes.last.opened_at
        };
        assert!(!waiting().any(is_older), "a session gives way before an older one of the same holder");
        let is_full = room.len() == max;
        let is_largest = waiting().all(|n| share(n.holder()) <= theirs);
        let waited = now.since(notes.last.opened_at) > PATIENCE && s.reason.is_urgent() && s.bound_to.is_none();
        if is_full && is_largest && (theirs.0 > 1 || waited) {
            self.made_room = Some(Room::OfTheLargest);
            if theirs.0 == 1 {
                self.census.saw("an old session that gave way to an urgent one");
            }
            return;
        }
        assert!(matches!(notes.holder(), Holder::Address(Some(_))), "one gives way who need not");
        assert!(theirs.1 >= self.share(), "an address gives way that has less than its share");
        self.made_room = Some(Room::OfItsOwn(notes.holder()));
        self.census.saw("a session of an address that has its share");
    }
}

fn is_waiting(notes: &Notes) -> bool {
    state(&notes.last) == State::Waiting
}
