//! The room that a tag has for open sessions: bounded, and shared so that nobody can fill it for others.
//!
//! Urgent sessions have a room of their own. When a room is full, whoever holds most of it gives way: the oldest session of the
//! address that has the most, which nobody has called yet. One who opens sixty sessions pushes out sixty of their own.

use super::{Tag, let_go};
use crate::desk::Desk;
use crate::effects::{Effect, Effects};
use crate::record::Record;
use crate::scan::AddressKey;
use crate::session::{Session, State};
use crate::time::{Span, Timestamp};

/// In a room that many share, an urgent newcomer takes the place of a session that has waited longer than this for a call.
const PATIENCE: Span = Span::from_secs(60);

impl Tag {
    /// Whether there is room for one more session, `urgent` or not; makes some if it can.
    pub(super) fn make_room(
        &mut self,
        urgent: bool,
        now: Timestamp,
        desk: &mut Desk<'_>,
        effects: &mut Effects,
    ) -> bool {
        let max = self.policy.tag_open_sessions_max;
        let in_room = |s: &&Session| s.state() != State::Ended && s.snapshot().reason.is_urgent() == urgent;
        if max == 0 || self.sessions.iter().filter(in_room).count() < max {
            return true;
        }
        let Some(index) = self.gives_way(urgent, now) else { return false };
        let session = &mut self.sessions[index];
        session.give_way(now);
        let snapshot = session.snapshot().clone();
        let_go(&snapshot, desk, effects);
        // Safe before the newcomer's: its code may be given to somebody else from now on.
        effects.push(Effect::Record(Record::SessionAdvanced(Box::new(snapshot))));
        effects.push(Effect::GaveWay);
        true
    }

    /// The session that gives way to a newcomer, if any must.
    fn gives_way(&self, urgent: bool, now: Timestamp) -> Option<usize> {
        let may = |s: &Session| s.is_uncalled() && s.snapshot().reason.is_urgent() == urgent;
        let uncalled: Vec<(usize, Option<AddressKey>, Timestamp)> = (0..)
            .zip(&self.sessions)
            .filter(|(_, s)| may(s))
            .map(|(index, s)| (index, s.opened_from(), s.snapshot().opened_at))
            .collect();
        let share = |from: Option<AddressKey>| uncalled.iter().filter(|(_, other, _)| *other == from).count();
        let largest = uncalled.iter().map(|(_, from, _)| share(*from)).max()?;
        let is_of_largest = |(_, from, _): &&(usize, Option<AddressKey>, Timestamp)| share(*from) == largest;
        let &(index, _, opened_at) = uncalled.iter().filter(is_of_largest).min_by_key(|(_, _, opened)| *opened)?;
        let is_fair = largest > 1 || urgent && now.since(opened_at) > PATIENCE;
        is_fair.then_some(index)
    }
}
