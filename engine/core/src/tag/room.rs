//! The room that a tag has for open sessions: bounded, and shared so that nobody can fill it for others.
//!
//! Urgent sessions have a room of their own. An address has its share of a room and no more: who opens one session after the other
//! and calls for none hears that it is enough. Where people share an address, their oldest session gives way instead, for the
//! next one may be somebody else.
//!
//! When a room is full, whoever holds most of it gives way: the oldest session of the caller who waits with the most, or of the
//! network that has opened the most which nobody has called yet, and there of the address that has. One who has many
//! addresses has them in one network.

use super::{Tag, let_go};
use crate::caller::DayToken;
use crate::desk::Desk;
use crate::effects::{Effect, Effects};
use crate::record::Record;
use crate::scan::{AddressKey, Refusal};
use crate::session::{Session, State};
use crate::time::{Span, Timestamp};

/// One address holds so much of a room, with sessions that nobody has called yet, that so many of them fill it.
const ADDRESSES_PER_ROOM: usize = 8;
/// So long an address that nobody shares pays for a session that nobody called and that has run out, while the tag is in memory.
const UNUSED_KEPT: Span = Span::from_secs(30 * 60);
/// In a room that many share, an urgent newcomer takes the place of a session that has waited longer than this for a call.
const PATIENCE: Span = Span::from_secs(60);

/// Whose place in a room it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// Nobody has called: that of the address from which the session was opened, if that is known still.
    Address(Option<AddressKey>),
    /// That of the caller who gave its code. Nobody is on the line of two.
    Caller(DayToken),
}

/// How much of a room an address has.
enum Share {
    /// It may have more.
    Left,
    /// It has its share, and the oldest of that, which is here, gives way to the next.
    TurnsOver(usize),
    /// It has had its share, and there is more then.
    UsedUp(Timestamp),
}

impl Holder {
    fn of(session: &Session) -> Self {
        session.snapshot().bound_to.map_or(Self::Address(session.opened_from()), Self::Caller)
    }

    /// Whether both may be one person: the same caller, or addresses of one network.
    fn may_be(self, other: Self) -> bool {
        match (self, other) {
            (Self::Address(one), Self::Address(other)) => one.map(AddressKey::prefix) == other.map(AddressKey::prefix),
            (one, other) => one == other,
        }
    }
}

impl Tag {
    /// Finds room for one more session, `urgent` or not, and makes some if it can. Without any: why, and after how long there may
    /// be some.
    pub(super) fn make_room(
        &mut self,
        urgent: bool,
        from: Option<AddressKey>,
        now: Timestamp,
        desk: &mut Desk<'_>,
        effects: &mut Effects,
    ) -> Result<(), (Refusal, Span)> {
        let max = self.policy.tag_open_sessions_max;
        let in_room = |s: &&Session| s.state() != State::Ended && s.snapshot().reason.is_urgent() == urgent;
        if max == 0 {
            return Ok(());
        }
        let is_crowd = desk.address.as_ref().is_some_and(|address| address.crowd.is_there(now));
        let index = match self.own_share(urgent, from, is_crowd, now) {
            Share::UsedUp(at) => return Err((Refusal::AddressLimit, at.since(now))),
            Share::TurnsOver(oldest) => oldest,
            Share::Left if self.sessions.iter().filter(in_room).count() < max => return Ok(()),
            Share::Left => self.gives_way(urgent, now).ok_or_else(|| {
                let retry_after = self.next_end().map_or(Span::ZERO, |at| at.since(now));
                (Refusal::TagLimit, retry_after)
            })?,
        };
        let session = &mut self.sessions[index];
        session.give_way(now);
        if from.is_some() && session.opened_from() == from && !urgent {
            // One goes and one comes: the address has no more than before, and pays for no more, or one who does this would use up what
            // all of a crowd have. Urgent ones have a budget of their own, and each is paid for: every one is written to the disk.
            if let Some(address) = desk.address.as_mut() {
                let quota = address.sessions_quota(&self.policy, now);
                address.sessions_for(urgent).refund(quota);
            }
        }
        let snapshot = session.snapshot().clone();
        let_go(&snapshot, desk, effects);
        // Safe before the newcomer's: its code may be given to somebody else from now on.
        effects.push(Effect::Record(Record::SessionAdvanced(Box::new(snapshot))));
        effects.push(Effect::GaveWay);
        Ok(())
    }

    /// How an address stands with its share of a room.
    fn own_share(&self, urgent: bool, from: Option<AddressKey>, is_crowd: bool, now: Timestamp) -> Share {
        let share = (self.policy.tag_open_sessions_max / ADDRESSES_PER_ROOM).max(1);
        let is_own = |(_, s): &(usize, &Session)| {
            let is_recent = now.since(s.snapshot().opened_at) < UNUSED_KEPT;
            from.is_some()
                && s.opened_from() == from
                && s.snapshot().reason.is_urgent() == urgent
                && !s.is_used()
                && (s.state() == State::Waiting || !is_crowd && is_recent && s.has_run_out())
        };
        let mut own: Vec<_> = (0..).zip(&self.sessions).filter(is_own).collect();
        own.sort_by_key(|(_, s)| s.snapshot().opened_at);
        match own.len().checked_sub(share).map(|first| own[first]) {
            None => Share::Left,
            Some(_) if is_crowd => Share::TurnsOver(own[0].0),
            Some((_, s)) => Share::UsedUp(s.snapshot().opened_at.plus(UNUSED_KEPT).max(now)),
        }
    }

    /// The session that gives way to a newcomer, if any must.
    fn gives_way(&self, urgent: bool, now: Timestamp) -> Option<usize> {
        let may = |s: &Session| s.state() == State::Waiting && s.snapshot().reason.is_urgent() == urgent;
        let waiting: Vec<(usize, Holder, Timestamp)> = (0..)
            .zip(&self.sessions)
            .filter(|(_, s)| may(s))
            .map(|(index, s)| (index, Holder::of(s), s.snapshot().opened_at))
            .collect();
        // So many of theirs wait, and of these so many of one address.
        let share = |holder: Holder| {
            let theirs = waiting.iter().filter(|(_, other, _)| holder.may_be(*other));
            (theirs.clone().count(), theirs.filter(|(_, other, _)| *other == holder).count())
        };
        let largest = waiting.iter().map(|(_, holder, _)| share(*holder)).max()?;
        let gives_way = |(_, holder, opened_at): &&(usize, Holder, Timestamp)| match holder {
            _ if largest.0 > 1 => share(*holder) == largest,
            Holder::Address(_) => urgent && now.since(*opened_at) > PATIENCE,
            // On the line perhaps, and with no place but this one.
            Holder::Caller(_) => false,
        };
        waiting.iter().filter(gives_way).min_by_key(|(_, _, opened_at)| *opened_at).map(|(index, _, _)| *index)
    }
}
