//! A model of the switchboard: what codes, redials and legs lead to.

use std::collections::HashMap;

use qnect_core::caller::{Caller, DayToken};
use qnect_core::leg::LegId;
use qnect_core::number::IntermediaryNumber;
use qnect_core::session::{Line, SessionSnapshot};
use qnect_core::session_id::SessionId;
use qnect_core::time::Timestamp;

use super::cast::code;
use crate::bits::Bits;

/// Who may dial again without a code, and until when.
#[derive(Debug, Clone, Copy)]
struct Redial {
    session: SessionId,
    until: Timestamp,
}

#[derive(Debug)]
pub(super) struct Switchboard {
    codes: u32,
    sessions: HashMap<Line, SessionId>,
    redials: HashMap<(IntermediaryNumber, DayToken), Redial>,
    legs: HashMap<LegId, SessionId>,
}

impl Switchboard {
    /// Nothing is taken of so many codes a number.
    pub(super) fn new(codes: u32) -> Self {
        Self { codes, sessions: HashMap::new(), redials: HashMap::new(), legs: HashMap::new() }
    }

    /// A free code on a number, if there is one.
    pub(super) fn free_line(&self, number: IntermediaryNumber, bits: &mut Bits) -> Option<Line> {
        let first = bits.below(self.codes as usize) as u32;
        let lines = (0..self.codes).map(|n| (number, code((first + n) % self.codes)));
        lines.into_iter().find(|line| !self.sessions.contains_key(line))
    }

    /// From now on the line leads to `session`.
    pub(super) fn bind(&mut self, line: Line, session: SessionId) {
        assert_eq!(self.sessions.insert(line, session), None, "a code is given to two sessions");
    }

    /// The code of `session` is free again, unless somebody else holds it by now. Returns whether it was freed.
    pub(super) fn release(&mut self, line: Line, session: SessionId) -> bool {
        let is_holder = self.sessions.get(&line) == Some(&session);
        if is_holder {
            self.sessions.remove(&line);
        }
        is_holder
    }

    pub(super) fn session(&self, line: Line) -> Option<SessionId> {
        self.sessions.get(&line).copied()
    }

    pub(super) fn remember_caller(
        &mut self,
        number: IntermediaryNumber,
        caller: DayToken,
        session: SessionId,
        until: Timestamp,
    ) {
        self.redials.insert((number, caller), Redial { session, until });
    }

    /// What a caller without a code means, under the name of today or of yesterday.
    pub(super) fn redial(&self, number: IntermediaryNumber, caller: Caller, now: Timestamp) -> Option<SessionId> {
        let Caller::Known(tokens) = caller else { return None };
        let names = [Some(tokens.today), tokens.yesterday];
        let known = names.into_iter().flatten().filter_map(|token| self.redials.get(&(number, token)));
        known.filter(|redial| now < redial.until).map(|redial| redial.session).next()
    }

    pub(super) fn connect_leg(&mut self, leg: LegId, session: SessionId) {
        self.legs.insert(leg, session);
    }

    pub(super) fn forget_leg(&mut self, leg: &LegId, session: SessionId) {
        if self.legs.get(leg) == Some(&session) {
            self.legs.remove(leg);
        }
    }

    pub(super) fn session_of_leg(&self, leg: &LegId) -> Option<SessionId> {
        self.legs.get(leg).copied()
    }

    /// Takes back what a session holds. They come in the order of their opening: where the end of one was not safe yet, its
    /// code may belong to a later one.
    pub(super) fn restore(&mut self, s: &SessionSnapshot, now: Timestamp) {
        if let (Some(caller), true) = (s.bound_to, now < s.expires_at) {
            self.remember_caller(s.number, caller, s.id, s.expires_at);
        }
        if s.ended.is_some() {
            return;
        }
        self.sessions.insert((s.number, s.code), s.id);
        if let Some(leg) = &s.scanner_leg {
            self.connect_leg(leg.clone(), s.id);
        }
    }

    /// Whether nothing is taken any more.
    pub(super) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.legs.is_empty()
    }
}
