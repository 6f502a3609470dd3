//! The doors of the simulation: what a webhook leads to, and what is answered to it.

use qnect_core::abuse::Signal;
use qnect_core::caller::Caller;
use qnect_core::desk::Desk;
use qnect_core::effects::Effects;
use qnect_core::facts::Facts;
use qnect_core::instruction::{Announcement, Instruction};
use qnect_core::language::Languages;
use qnect_core::leg::{LegEvent, LegId};
use qnect_core::session::{Change, SessionSnapshot};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{CallTurn, FollowUp, LegReaction, OnLine, OwnerId, Tag};
use qnect_core::time::Span;

use super::agenda::Item;
use super::cast::{Calling, new_session_id, tag_id};
use super::hands::Wants;
use super::judge::{Answered, Promise};
use super::network::{Webhook, WebhookId};
use super::store::Ticket;
use super::world::World;

/// How long a caller on the line waits for a commit.
const DIAL_COMMIT_MAX: Span = Span::from_millis(2_500);

impl World {
    /// A webhook arrives.
    pub(super) fn arrives(&mut self, id: WebhookId, webhook: Webhook) {
        match webhook {
            Webhook::Keyed(call, Some(code)) => {
                let number = self.network.calls[call].number;
                let Some(caller) = self.may_key(call) else {
                    self.judge.census.saw("a caller locked out");
                    return self.answer((call, id), &refused());
                };
                match self.board.session((number, code)) {
                    Some(session) => self.on_line((call, id), session, CallTurn::Code),
                    None => {
                        // A webhook that is told again is no second guess.
                        let is_first = self.guesses.insert(id);
                        if let (Caller::Known(tokens), true) = (caller, is_first) {
                            let cell = self.caller_cells.entry(tokens.today).or_default();
                            if cell.lockout.on_wrong_code(self.now.as_millis(), self.now) {
                                cell.note(Signal::WrongCodes, None, &self.rules.policy, self.now);
                            }
                        }
                        self.answer((call, id), &refused());
                    }
                }
            }
            Webhook::Keyed(call, None) => {
                let number = self.network.calls[call].number;
                let caller = self.caller(self.network.calls[call].calling);
                // Now and then the switchboard takes a caller for another: the tag must notice.
                let mistaken = if self.bits.percent(5) { self.bits.pick_any(self.judge.opened()) } else { None };
                let mistaken = mistaken.filter(|id| self.judge.last(*id).is_some_and(|s| s.number == number));
                match mistaken.or(self.board.redial(number, caller, self.now)) {
                    Some(from) => self.redial((call, id), from),
                    None => self.answer((call, id), &refused()),
                }
            }
            Webhook::Challenged { call, session, keyed, attempt } => {
                let leg = self.network.calls[call].leg.clone();
                self.judge.keyed(session, &leg, attempt, &keyed);
                self.on_line((call, id), session, CallTurn::Challenge { keyed: &keyed, attempt });
            }
            Webhook::Held { call, session, turn } => self.on_line((call, id), session, CallTurn::Held { turn }),
            Webhook::Told { session, event, owner_leg } => self.told(session, event, owner_leg),
            Webhook::CallEnded(leg) => {
                if let Some(session) = self.board.session_of_leg(&leg) {
                    self.told(session, LegEvent::ScannerLegEnded, None);
                }
            }
        }
    }

    /// The caller of a call that keyed something, unless locked out.
    fn may_key(&self, call: usize) -> Option<Caller> {
        let caller = self.caller(self.network.calls[call].calling);
        let cell = caller.token().and_then(|token| self.caller_cells.get(&token));
        cell.is_none_or(|cell| !cell.lockout.is_locked(self.now)).then_some(caller)
    }

    pub(super) fn caller(&self, calling: Calling) -> Caller {
        calling.seen(self.now, self.rules.luck.no_yesterday)
    }

    /// The same, once it is known whom the caller wants.
    fn caller_of(&self, calling: Calling, owner: OwnerId) -> Caller {
        self.caller(calling).named_for_owner(Some(calling.person.name_with(owner)))
    }

    fn on_line(&mut self, to: (usize, WebhookId), session: SessionId, turn: CallTurn<'_>) {
        let Some(before) = self.judge.last(session).cloned() else { return self.answer(to, &refused()) };
        let (leg, calling) = (self.network.calls[to.0].leg.clone(), self.network.calls[to.0].calling);
        let caller = self.caller_of(calling, before.owner);
        let now = self.now;
        let (instruction, ticket) = self.input(self.place(session), Some(caller), None, |tag, desk, effects| {
            tag.on_caller(&OnLine { session, leg: &leg, caller, turn, line_is_free: true }, now, desk, effects)
        });
        if matches!((&instruction, turn), (Instruction::Dial(_), CallTurn::Held { .. })) {
            self.judge.census.saw("a dial after holding");
        }
        self.took_turn(to, &before, &instruction, ticket);
    }

    fn redial(&mut self, to: (usize, WebhookId), from: SessionId) {
        let n = self.place(from);
        let (leg, calling) = (self.network.calls[to.0].leg.clone(), self.network.calls[to.0].calling);
        let owner = self.judge.last(from).expect("a session that was dialled before").owner;
        let caller = self.caller_of(calling, owner);
        let now = self.now;
        // On the number that was dialled: it is there that the caller may dial again.
        let line = self.board.free_line(self.network.calls[to.0].number, &mut self.bits);
        let follow_up = FollowUp { id: new_session_id(n, &mut self.bits), line, line_is_free: true };
        let before: Vec<_> = self.places[n].tag.snapshot();
        let (answer, ticket) = self.input(n, Some(caller), None, |tag, desk, effects| {
            tag.on_redial(from, &follow_up, (&leg, caller), now, desk, effects)
        });
        let known = before.into_iter().find(|s| s.id == answer.session);
        // A follow-up was fresh before this very turn.
        let before = known.or(self.judge.as_opened(answer.session));
        self.judge.census.saw(match &answer.instruction {
            Instruction::Say { announcement: Announcement::CodeRefused, .. } => "a redial refused",
            Instruction::Say { announcement: Announcement::OwnerUnavailable, .. } => "an owner unavailable",
            Instruction::Say { announcement: Announcement::TryAgain, .. } => "try again",
            _ if answer.session == follow_up.id => "a follow-up",
            _ => "a redial of what waits",
        });
        if matches!(answer.instruction, Instruction::Dial(_)) {
            self.judge.is_first_dial_of(&leg, answer.session, now);
        }
        if answer.session == follow_up.id {
            self.judge.follows(from, follow_up.id);
        }
        match before {
            // Said in all languages, it is the last word on a session that there is none.
            Some(before) if !matches!(answer.instruction, Instruction::Say { languages: Languages::Every, .. }) => {
                self.took_turn(to, &before, &answer.instruction, ticket);
            }
            Some(_) | None => self.answer(to, &answer.instruction),
        }
    }

    /// A dial waits for its commit; all else is answered from memory.
    fn took_turn(
        &mut self,
        to: (usize, WebhookId),
        before: &SessionSnapshot,
        instruction: &Instruction,
        ticket: Option<Ticket>,
    ) {
        let session = before.id;
        let place = &self.places[self.place(session)];
        let call = &self.network.calls[to.0];
        let (leg, calling) = (call.leg.clone(), call.calling);
        let answered = Answered {
            session,
            before,
            calling,
            number: call.number,
            leg: &leg,
            instruction,
            owner: place.owner.map(|owner| &self.owners[owner]),
            status: place.status,
        };
        self.judge.answered(&answered, self.now);
        if !matches!(instruction, Instruction::Dial(_)) {
            return self.answer(to, instruction);
        }
        self.board.connect_leg(leg.clone(), session);
        let ticket = ticket.expect("a dial is recorded");
        let (caller, instruction) = (self.caller(calling), instruction.clone());
        let id = self.wait(ticket, Wants::Dial { to, session, leg, caller, instruction });
        self.agenda.add(self.now.plus(DIAL_COMMIT_MAX), Item::TooLate(id));
    }

    fn told(&mut self, session: SessionId, event: LegEvent, owner_leg: Option<LegId>) {
        let now = self.now;
        let name = self.judge.name(session);
        let (reaction, ticket) = self.input_told(session, event, |tag, desk, effects| {
            tag.on_leg_event(session, (event, owner_leg), now, desk, effects)
        });
        self.trace.tell(now, format_args!("{name} is told {event:?}: {reaction:?}"));
        if let (LegReaction::Changed { change: Change::Moved | Change::Noted, .. }, None) = (reaction, ticket) {
            panic!("something new is acknowledged and not recorded");
        }
        if let Some(ticket) = ticket {
            self.wait(ticket, Wants::Word(session, Promise::Knows(Facts::told_by(event))));
        }
    }

    /// Feeds what a provider told; the judge hears of it before it looks at the tag.
    fn input_told(
        &mut self,
        session: SessionId,
        event: LegEvent,
        decide: impl FnOnce(&mut Tag, &mut Desk<'_>, &mut Effects) -> LegReaction,
    ) -> (LegReaction, Option<Ticket>) {
        let n = self.place(session);
        let (reaction, effects) = self.lend(n, None, None, decide);
        if let LegReaction::Changed { change, .. } = reaction {
            self.judge.told(session, event, change, self.now);
        }
        let ticket = self.carry_out(effects);
        self.look(n, None);
        (reaction, ticket)
    }

    pub(super) fn answer(&mut self, (call, webhook): (usize, WebhookId), instruction: &Instruction) {
        self.trace.tell(self.now, format_args!("call {call} is answered {instruction:?}"));
        self.network.answered((call, webhook), instruction, self.now, (&mut self.agenda, &mut self.bits));
    }

    /// The place of a session's tag.
    pub(super) fn place(&self, session: SessionId) -> usize {
        (0..self.places.len()).find(|n| tag_id(*n) == session.tag()).expect("a tag of this world")
    }
}

fn refused() -> Instruction {
    Instruction::Say { announcement: Announcement::CodeRefused, languages: Languages::Every }
}
