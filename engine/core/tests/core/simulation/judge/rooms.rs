//! Who has to make room for whom: in a full room only, and only whoever holds most of it, or has waited long for something
//! urgent.

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
enum Holder {
    Caller(DayToken),
    Address(Option<AddressKey>),
}

impl Notes {
    fn holder(&self) -> Holder {
        self.last.bound_to.map_or(Holder::Address(self.from), Holder::Caller)
    }
}

impl Judge {
    /// A session was opened from there.
    pub(in super::super) fn came_from(&mut self, session: SessionId, from: Option<AddressKey>) {
        self.notes.get_mut(&session).expect("it was opened").from = from;
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
        assert_eq!(room.len(), self.rules.policy.tag_open_sessions_max, "a session gives way where there is room");
        let notes = &self.notes[&s.id];
        assert_eq!(state(&notes.last), State::Waiting, "a session gives way that was called");
        let waiting = || room.iter().map(|id| &self.notes[id]).filter(|n| state(&n.last) == State::Waiting);
        let share = |holder: Holder| waiting().filter(|n| n.holder() == holder).count();
        let theirs = share(notes.holder());
        assert!(waiting().all(|n| share(n.holder()) <= theirs), "one gives way who holds less than another");
        let is_older = |n: &Notes| n.holder() == notes.holder() && n.last.opened_at < notes.last.opened_at;
        assert!(!waiting().any(is_older), "a session gives way before an older one of the same holder");
        if theirs == 1 {
            let waited = now.since(notes.last.opened_at) > PATIENCE;
            assert!(waited && s.reason.is_urgent() && s.bound_to.is_none(), "the only session of somebody gives way");
            self.census.saw("an old session that gave way to an urgent one");
        }
    }
}
