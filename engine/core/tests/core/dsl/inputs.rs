//! What a world can be told: every input of a tag, with the cells of whoever takes part.

use std::collections::HashMap;
use std::sync::Arc;

use qnect_core::caller::{Caller, DayToken};
use qnect_core::desk::{CallerCell, Desk};
use qnect_core::facts::Outcome;
use qnect_core::instruction::Instruction;
use qnect_core::leg::{LegEvent, LegId};
use qnect_core::scan::ScanDecision;
use qnect_core::session::{Cancelled, Line};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{
    CallTurn, DialSettled, FollowUp, LegReaction, OnLine, OpenDecision, OpenSession, Redialled, Tag, TagConfig,
};

use super::{NUMBER, World, code, our_number, scan, session_id};

impl World {
    /// Someone looks at the page.
    pub(crate) fn scan(&mut self) -> ScanDecision {
        let now = self.begin();
        let mut desk = Desk { address: Some(&mut self.address), network: Some(&mut self.network), ..Desk::default() };
        self.tag.on_scan(&scan(), now, &mut desk, &mut self.lane)
    }

    /// Someone asks for a session.
    pub(crate) fn open(&mut self, open: &OpenSession) -> OpenDecision {
        let now = self.begin();
        let mut desk = Desk { address: Some(&mut self.address), network: Some(&mut self.network), ..Desk::default() };
        if let Some((_, code)) = open.line {
            self.codes.entry(code).or_insert(open.id);
        }
        if open.from.is_some() {
            self.located.insert(open.id);
        }
        self.tag.on_open_session(open, now, &mut desk, &mut self.lane)
    }

    /// Someone calls and gives the code of `session`.
    pub(crate) fn call(&mut self, session: SessionId, leg: &LegId, caller: Caller) -> Instruction {
        self.take_turn(session, leg, caller, CallTurn::Code)
    }

    /// A caller is on the line of `session`, for whatever reason.
    pub(crate) fn take_turn(
        &mut self,
        session: SessionId,
        leg: &LegId,
        caller: Caller,
        turn: CallTurn<'_>,
    ) -> Instruction {
        let now = self.begin();
        let caller_cell = caller_cell(&mut self.callers, caller);
        let mut desk = Desk { owner: Some(&mut self.owner), caller: caller_cell, ..Desk::default() };
        self.tag.on_caller(
            &OnLine { session, leg, caller, turn, line_is_free: self.line_is_free },
            now,
            &mut desk,
            &mut self.lane,
        )
    }

    /// The caller of `from` dials again without a code; number `n` names what follows.
    pub(crate) fn redial(&mut self, from: SessionId, n: u8, leg: &LegId, caller: Caller) -> Redialled {
        self.codes.entry(code(n)).or_insert(session_id(n));
        self.redial_on(Some((our_number(NUMBER), code(n))), from, n, leg, caller)
    }

    /// The same when all numbers are in use.
    pub(crate) fn redial_without_line(&mut self, from: SessionId, n: u8, leg: &LegId, caller: Caller) -> Redialled {
        self.redial_on(None, from, n, leg, caller)
    }

    fn redial_on(&mut self, line: Option<Line>, from: SessionId, n: u8, leg: &LegId, caller: Caller) -> Redialled {
        let now = self.begin();
        let caller_cell = caller_cell(&mut self.callers, caller);
        let mut desk = Desk { owner: Some(&mut self.owner), caller: caller_cell, ..Desk::default() };
        let follow_up = FollowUp { id: session_id(n), line, line_is_free: self.line_is_free };
        self.tag.on_redial(from, &follow_up, (leg, caller), now, &mut desk, &mut self.lane)
    }

    /// The scanner does not want the call any more.
    pub(crate) fn cancel(&mut self, session: SessionId) -> Option<Cancelled> {
        let now = self.begin();
        let mut desk = Desk { owner: Some(&mut self.owner), ..Desk::default() };
        self.tag.on_cancel(session, now, &mut desk, &mut self.lane)
    }

    /// The owner reports the call of `session`.
    pub(crate) fn report(&mut self, session: SessionId) -> bool {
        let now = self.begin();
        self.tag.on_abuse_reported(session, now, &mut self.lane)
    }

    /// The instruction to dial, given to `caller`, was not sent.
    pub(crate) fn withhold(&mut self, session: SessionId, caller: Caller) -> DialSettled {
        let dialed = self.tag.snapshot().into_iter().find(|s| s.id == session).and_then(|s| s.scanner_leg);
        self.settle(session, &dialed.unwrap_or_else(|| super::leg(1)), caller, false)
    }

    /// The record of a dial for `leg` is safe, or too late.
    pub(crate) fn settle(&mut self, session: SessionId, leg: &LegId, caller: Caller, kept: bool) -> DialSettled {
        self.begin();
        let caller_cell = caller_cell(&mut self.callers, caller);
        let mut desk = Desk { owner: Some(&mut self.owner), caller: caller_cell, ..Desk::default() };
        self.tag.on_dial_settled(session, leg, kept, &mut desk, &mut self.lane)
    }

    /// A provider told something.
    pub(crate) fn told(&mut self, session: SessionId, event: LegEvent) -> LegReaction {
        let now = self.begin();
        let mut desk = Desk { owner: Some(&mut self.owner), ..Desk::default() };
        self.tag.on_leg_event(session, (event, None), now, &mut desk, &mut self.lane)
    }

    /// A provider told something, and which its call to the owner is.
    pub(crate) fn told_with_leg(&mut self, session: SessionId, event: LegEvent, leg: LegId) -> LegReaction {
        let now = self.begin();
        let mut desk = Desk { owner: Some(&mut self.owner), ..Desk::default() };
        self.tag.on_leg_event(session, (event, Some(leg)), now, &mut desk, &mut self.lane)
    }

    /// The operator or the owner changed the tag.
    pub(crate) fn configured(&mut self, change: impl FnOnce(&mut TagConfig)) {
        self.begin();
        change(Arc::make_mut(&mut self.config));
        self.tag.on_configured(self.config.clone());
        self.led_to_nothing();
    }

    /// The clock looks in.
    pub(crate) fn clock(&mut self) -> Vec<Outcome> {
        let now = self.begin();
        let mut desk = Desk { owner: Some(&mut self.owner), ..Desk::default() };
        self.tag.on_time(now, &mut desk, &mut self.lane)
    }

    /// The process ends and another one begins: the tag comes back from what it remembers.
    pub(crate) fn restart(&mut self) {
        self.begin();
        self.located.clear();
        self.tag = Tag::restore(self.config.clone(), self.policy.clone(), self.tag.snapshot(), self.now);
    }

    /// A restart after which no number may be dialled.
    pub(crate) fn restart_without_prefixes(&mut self) {
        Arc::make_mut(&mut self.policy).allowed_prefixes.clear();
        self.restart();
    }

    /// The tag or its owner's wishes change: the tag comes back with them.
    pub(crate) fn reconfigured(&mut self, change: impl FnOnce(&mut TagConfig)) {
        change(Arc::make_mut(&mut self.config));
        self.restart();
    }
}

fn caller_cell(cells: &mut HashMap<DayToken, CallerCell>, caller: Caller) -> Option<&mut CallerCell> {
    match caller {
        Caller::Known(tokens) => Some(cells.entry(tokens.today).or_default()),
        Caller::Withheld => None,
    }
}
