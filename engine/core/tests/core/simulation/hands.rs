//! The hands of the simulation, as the engine's are: they lend a tag its desk for one input, carry out all its effects,
//! and answer when a commit is done.

use qnect_core::caller::Caller;
use qnect_core::desk::Desk;
use qnect_core::effects::{Effect, Effects};
use qnect_core::facts::Facts;
use qnect_core::instruction::{Announcement, Instruction};
use qnect_core::language::Languages;
use qnect_core::leg::{LegEvent, LegId};
use qnect_core::record::Record;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{DialSettled, Tag};

use super::agenda::Item;
use super::cast::{ADDRESSES, address_key, network, tag_id};
use super::judge::Promise;
use super::network::WebhookId;
use super::store::Ticket;
use super::world::World;

/// Somebody who waits for a commit.
#[derive(Debug)]
pub(super) struct Pending {
    id: u64,
    ticket: Ticket,
    wants: Wants,
}

#[derive(Debug)]
pub(super) enum Wants {
    /// To be told to dial.
    Dial { to: (usize, WebhookId), session: SessionId, leg: LegId, caller: Caller, instruction: Instruction },
    /// To hear that this is kept.
    Word(SessionId, Promise),
}

impl World {
    /// One input, then all its effects, then a look at how things stand. Returns the ticket of what must be safe first.
    pub(super) fn input<R>(
        &mut self,
        n: usize,
        caller: Option<Caller>,
        address: Option<usize>,
        decide: impl FnOnce(&mut Tag, &mut Desk<'_>, &mut Effects) -> R,
    ) -> (R, Option<Ticket>) {
        let (reply, effects) = self.lend(n, caller, address, decide);
        let ticket = self.carry_out(effects);
        self.look(n, None);
        (reply, ticket)
    }

    /// Lends a tag its desk for one input.
    pub(super) fn lend<R>(
        &mut self,
        n: usize,
        caller: Option<Caller>,
        address: Option<usize>,
        decide: impl FnOnce(&mut Tag, &mut Desk<'_>, &mut Effects) -> R,
    ) -> (R, Effects) {
        let place = &mut self.places[n];
        let token = caller.and_then(Caller::token);
        let mut desk = Desk {
            owner: place.owner.map(|owner| &mut self.owner_cells[owner]),
            address: address.map(|address| &mut self.addresses[address]),
            network: address.map(|address| &mut self.networks[network(address)]),
            caller: token.map(|token| self.caller_cells.entry(token).or_default()),
        };
        let mut effects = Effects::new();
        let reply = decide(&mut place.tag, &mut desk, &mut effects);
        (reply, effects)
    }

    pub(super) fn carry_out(&mut self, mut effects: Effects) -> Option<Ticket> {
        let mut last = None;
        for effect in effects.drain() {
            let was_freed = match &effect {
                Effect::ReleaseCode { number, code, session } => self.board.release((*number, *code), *session),
                _ => false,
            };
            self.judge.effect(&effect, was_freed, self.now);
            match effect {
                Effect::Record(record) => {
                    let has_room = !self.bits.percent(self.rules.luck.full_queue);
                    if let Record::SessionOpened(s) = &record {
                        self.board.bind((s.number, s.code), s.id);
                    }
                    last = self.store.push(record, has_room).or(last);
                    self.schedule_commit();
                }
                Effect::ReleaseCode { .. } => {}
                Effect::RememberCaller { number, caller, session, until, .. } => {
                    self.board.remember_caller(number, caller, session, until);
                }
                Effect::ForgetLeg { leg, session } => self.board.forget_leg(&leg, session),
                Effect::NoteCaller { caller, signal, owner } => {
                    let cell = self.caller_cells.entry(caller).or_default();
                    cell.note(signal, Some(owner), &self.rules.policy, self.now);
                }
                Effect::UsedSession { from } => {
                    let n = (0..ADDRESSES).find(|n| address_key(*n) == from).expect("an address of this world");
                    self.addresses[n].session_is_used(Some(&mut self.networks[network(n)]), self.now);
                }
                Effect::CreditAddress { from, urgent, caller } => {
                    let n = (0..ADDRESSES).find(|n| address_key(*n) == from).expect("an address of this world");
                    self.addresses[n].credit_call(urgent, caller, &self.rules.policy, self.now);
                    self.networks[network(n)].credit_call(caller, self.now);
                    self.judge.census.saw("a call that does credit");
                }
                Effect::GaveWay => {}
                Effect::Ask(request) => {
                    let name = self.judge.name(request.session);
                    self.trace.tell(self.now, format_args!("{name}: the provider is asked to {:?}", request.operation));
                    self.network.asked(&request, self.now, (&mut self.agenda, &mut self.bits));
                }
            }
        }
        last
    }

    pub(super) fn look(&mut self, n: usize, withheld: Option<SessionId>) {
        self.judge.look(&self.places[n].tag.snapshot(), withheld);
    }

    /// No owner's line is taken by a session whose call is over, or was none.
    pub(super) fn look_at_lines(&self) {
        for cell in self.owner_cells.iter().filter(|_| !self.changed_hands) {
            let live = cell.live.filter(|(_, until)| self.now < *until);
            assert!(live.is_none_or(|(session, _)| self.judge.may_be_live(session)), "a line is taken by no call");
        }
    }

    /// The clocks of all tags that are due are looked at.
    pub(super) fn clock(&mut self) {
        for n in 0..self.places.len() {
            if self.places[n].tag.next_deadline().is_some_and(|at| at <= self.now) {
                self.look_at_clock(n);
            }
        }
    }

    pub(super) fn look_at_clock(&mut self, n: usize) {
        let now = self.now;
        let (outcomes, _) = self.input(n, None, None, |tag, desk, effects| tag.on_time(now, desk, effects));
        let sessions = self.places[n].tag.snapshot();
        self.judge.in_time(&sessions, now);
        self.judge.kept(&sessions, |id| id.tag() == tag_id(n), now);
        self.trace.tell(now, format_args!("the clock of tag {n}: {outcomes:?}"));
    }

    /// Somebody waits for a commit.
    pub(super) fn wait(&mut self, ticket: Ticket, wants: Wants) -> u64 {
        self.pendings += 1;
        self.pending.push(Pending { id: self.pendings, ticket, wants });
        self.pendings
    }

    fn schedule_commit(&mut self) {
        // One is under way for all that waited before.
        if self.store.waiting() > 1 {
            return;
        }
        let is_slow = self.bits.percent(self.rules.luck.slow_disk);
        let takes = if is_slow { self.bits.millis(500, 6_000) } else { self.bits.millis(1, 30) };
        self.agenda.add(self.now.plus(takes), Item::Commit);
    }

    /// Some of what waits is safe now; those who waited for it are answered, in any order.
    pub(super) fn commit(&mut self) {
        let waiting = self.store.waiting();
        if waiting == 0 {
            return;
        }
        let count = if self.bits.percent(70) { waiting } else { 1 + self.bits.below(waiting) };
        self.store.commit(count, self.now);
        if self.store.waiting() > 0 {
            self.agenda.add(self.now.plus(self.bits.millis(1, 30)), Item::Commit);
        }
        self.answer_the_kept();
    }

    pub(super) fn answer_the_kept(&mut self) {
        let kept = self.pending.iter().filter(|pending| self.store.is_safe(pending.ticket));
        let mut ids: Vec<_> = kept.map(|pending| pending.id).collect();
        while !ids.is_empty() {
            let id = ids.swap_remove(self.bits.below(ids.len()));
            self.settle(id, true);
        }
    }

    /// A caller has waited long enough.
    pub(super) fn too_late(&mut self, id: u64) {
        self.settle(id, false);
    }

    fn settle(&mut self, id: u64, kept: bool) {
        let Some(at) = self.pending.iter().position(|pending| pending.id == id) else { return };
        match self.pending.remove(at).wants {
            Wants::Word(session, promise) => {
                if let Promise::Knows(facts) = promise
                    && !self.judge.last(session).is_some_and(|s| s.facts.has(facts))
                {
                    // The dial that it was told of was withheld meanwhile.
                    return;
                }
                if promise == Promise::Knows(Facts::told_by(LegEvent::OwnerAccepted)) {
                    self.network.connected(session, self.now, (&mut self.agenda, &mut self.bits));
                }
                self.judge.promise(session, promise);
            }
            Wants::Dial { to, session, leg, caller, instruction } => {
                let n = self.place(session);
                let (settled, effects) = self.lend(n, Some(caller), None, |tag, desk, effects| {
                    tag.on_dial_settled(session, &leg, kept, desk, effects)
                });
                self.carry_out(effects);
                self.look(n, (settled == DialSettled::Withheld).then_some(session));
                self.judge.settled(session, settled, self.now);
                let name = self.judge.name(session);
                self.trace.tell(self.now, format_args!("{name}: dial kept {kept}: {settled:?}"));
                match settled {
                    DialSettled::Rings => self.answer(to, &instruction),
                    DialSettled::Withheld | DialSettled::Void => {
                        let announcement = Announcement::TryAgain;
                        self.answer(to, &Instruction::Say { announcement, languages: Languages::Every });
                    }
                }
            }
        }
    }
}
