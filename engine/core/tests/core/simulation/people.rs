//! What people want, and what else befalls a world: one wish after the other.

use qnect_core::access_code::AccessCode;
use qnect_core::blocked::BlockedCallers;
use qnect_core::desk::{AddressCell, NetworkCell};
use qnect_core::language::Language;
use qnect_core::number::IntermediaryNumber;
use qnect_core::preferences::{Pause, Preferences};
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::scan::{BrowserClass, DeviceClass, Refusal, Scan, Verdict};
use qnect_core::session::{Cancelled, Idempotency};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OpenDecision, OpenSession, TagStatus};

use super::agenda::Item;
use super::cast::{Calling, NUMBERS, Person, address_key, code, network, new_session_id};
use super::judge::Promise;
use super::world::World;
use crate::dsl::our_number;

/// People in a world.
const PEOPLE: usize = 4;

/// How many sessions are fresh in people's minds.
const LATELY: usize = 3;

impl World {
    /// Somebody does something.
    pub(super) fn wish(&mut self) {
        // In the middle of what this leads to.
        let meanwhile = self.now.plus(self.bits.millis(0, 12_000));
        if self.rules.luck.crashes && self.bits.percent(4) {
            self.agenda.add(meanwhile, Item::Crash);
        }
        if self.rules.luck.jumps && self.bits.percent(6) {
            self.agenda.add(meanwhile, Item::Jump);
        }
        match self.bits.below(100) {
            0..5 => self.scan(),
            5..35 => self.open(),
            35..60 => self.call_with_a_code(),
            60..75 => self.call_without_a_code(),
            75..80 => self.cancel(),
            80..84 => self.report(),
            84..88 => self.reconfigure(),
            88..92 if self.rules.luck.crashes => self.crash(),
            92..94 if self.rules.luck.crashes => {
                let n = self.bits.below(self.places.len());
                self.revive(n);
            }
            94..98 => self.network.replay(self.now, (&mut self.agenda, &mut self.bits)),
            98..100 if self.rules.lies.misaddresses > 0 => {
                if let Some(session) = self.bits.pick_any(self.judge.opened()) {
                    self.network.invent(session, self.now, (&mut self.agenda, &mut self.bits));
                }
            }
            _ => self.call_with_a_code(),
        }
    }

    /// The machine slept, or its clock was set; it never falls.
    pub(super) fn jump(&mut self) {
        let longest = if self.bits.percent(80) { 300_000 } else { 4_000_000 };
        self.now = self.now.plus(self.bits.millis(1_000, longest));
        self.judge.census.saw("a clock that jumps");
        self.trace.tell(self.now, format_args!("the clock jumps"));
        // Whose timers fire first is anybody's guess.
        if self.bits.percent(50) {
            self.clock();
        }
    }

    fn scan(&mut self) {
        let (n, address, now) = (self.bits.below(self.places.len()), self.bits.below(self.addresses.len()), self.now);
        let prefix = address_key(address).prefix();
        let scan = Scan { address: prefix, device: DeviceClass::Phone, browser: BrowserClass::Safari };
        let before = self.conduct(address);
        let (decision, _) =
            self.input(n, None, Some(address), |tag, desk, effects| tag.on_scan(&scan, now, desk, effects));
        if matches!(decision.refusal, Some(Refusal::AddressLimit | Refusal::Score)) {
            self.costs_nothing(address, &before);
        }
        assert_eq!(
            decision.because.is_empty(),
            decision.verdict != Verdict::Challenge && decision.refusal != Some(Refusal::Score),
            "whoever is held up for a score is told why, and nobody else"
        );
        self.trace.tell(now, format_args!("tag {n} is scanned: {decision:?}"));
    }

    /// Somebody asks for a session, and mostly calls with its code right away. One in four requests has a name.
    fn open(&mut self) {
        let (n, address, now) = (self.bits.below(self.places.len()), self.bits.below(self.addresses.len()), self.now);
        if !matches!(self.places[n].status, TagStatus::Active) {
            return;
        }
        let reason = self.bits.pick(&Reason::ALL);
        let name = self.bits.percent(25).then(|| self.bits.below(3) as u8);
        let open = OpenSession {
            id: new_session_id(n, &mut self.bits),
            line: self.board.free_line(our_number(self.bits.pick(&NUMBERS)), &mut self.bits),
            reason,
            language: Language::English,
            idempotency: name.map(|key| Idempotency { key: [key; 16], body: [reason as u8; 16] }),
            from: self.bits.percent(90).then(|| address_key(address)),
        };
        let before = self.conduct(address);
        let (decision, ticket) =
            self.input(n, None, Some(address), |tag, desk, effects| tag.on_open_session(&open, now, desk, effects));
        self.trace.tell(now, format_args!("a session of tag {n} for {reason:?}: {decision:?}"));
        let view = match decision {
            OpenDecision::Opened(view) => {
                assert_eq!((view.id, Some((view.number, view.code))), (open.id, open.line));
                self.judge.came_from(open.id, open.from);
                self.keeps_word(open.id, Promise::Opened, ticket);
                view
            }
            OpenDecision::Replayed(view) => {
                let earlier = self.judge.last(view.id).expect("a replay shows a session that was opened");
                assert_eq!(earlier.idempotency, open.idempotency, "a replay shows another request's session");
                assert_eq!(ticket, None, "a replay opens nothing");
                self.judge.census.saw("a request replayed");
                view
            }
            OpenDecision::NumbersExhausted | OpenDecision::IdempotencyConflict | OpenDecision::Refused { .. } => {
                assert_eq!(ticket, None, "a refusal opens nothing");
                self.costs_nothing(address, &before);
                if let OpenDecision::Refused { refusal: Refusal::Score, because, .. } = decision {
                    assert!(
                        !reason.is_urgent() && !because.is_empty(),
                        "a score refuses what is urgent, or says nothing"
                    );
                    self.judge.census.saw("a session refused for a score");
                }
                self.judge.census.saw("a request refused");
                return;
            }
        };
        if self.bits.percent(60) {
            self.call(view.number, Some(view.code));
        }
    }

    /// What an address, and its network, have used up and what stands against them.
    fn conduct(&self, address: usize) -> (AddressCell, NetworkCell) {
        (self.addresses[address].clone(), self.networks[network(address)].clone())
    }

    /// Two phases: what is refused charges nothing and adds no points.
    fn costs_nothing(&self, address: usize, before: &(AddressCell, NetworkCell)) {
        let now = self.conduct(address);
        assert_eq!(format!("{now:?}"), format!("{before:?}"), "a refusal costs something");
    }

    /// A code that was given to somebody, whether or not it leads anywhere still, or one that was made up.
    fn call_with_a_code(&mut self) {
        let opened = self.judge.opened();
        let lately = &opened[opened.len().saturating_sub(LATELY)..];
        let among = if self.bits.percent(80) { lately } else { opened };
        let known = self.bits.pick_any(among).and_then(|session| self.judge.last(session));
        let line = known.filter(|_| self.bits.percent(95)).map(|s| (s.number, s.code));
        let (number, code) = line.unwrap_or_else(|| {
            (our_number(self.bits.pick(&NUMBERS)), code(self.bits.below(self.rules.codes as usize) as u32))
        });
        self.call(number, Some(code));
    }

    /// Mostly somebody who was put through before dials the same number again.
    fn call_without_a_code(&mut self) {
        let called = self.judge.callers();
        match self.bits.pick_any(&called).filter(|_| self.bits.percent(80)) {
            Some((person, number)) => self.call_as(person, number, None),
            None => {
                let number = our_number(self.bits.pick(&NUMBERS));
                self.call(number, None);
            }
        }
    }

    fn call(&mut self, number: IntermediaryNumber, code: Option<AccessCode>) {
        let person = Person(self.bits.below(PEOPLE) as u8);
        self.call_as(person, number, code);
    }

    fn call_as(&mut self, person: Person, number: IntermediaryNumber, code: Option<AccessCode>) {
        let calling = Calling { person, withheld: self.bits.percent(15) };
        self.trace.tell(self.now, format_args!("{calling:?} calls, with a code: {}", code.is_some()));
        self.network.dial_us(number, calling, code, self.now, (&mut self.agenda, &mut self.bits));
    }

    fn cancel(&mut self) {
        let Some(session) = self.bits.pick_any(self.judge.opened()) else { return };
        let (n, now) = (self.place(session), self.now);
        let (cancelled, ticket) =
            self.input(n, None, None, |tag, desk, effects| tag.on_cancel(session, now, desk, effects));
        let name = self.judge.name(session);
        self.trace.tell(now, format_args!("{name} is cancelled: {cancelled:?}"));
        assert_eq!(ticket.is_some(), cancelled == Some(Cancelled::Now), "what ends is recorded, and nothing else");
        match cancelled {
            Some(Cancelled::Now) => self.judge.census.saw("a cancelled session"),
            Some(Cancelled::HangUp) => self.judge.census.saw("a call hung up"),
            Some(Cancelled::TooLate) | None => {}
        }
        self.keeps_word(session, Promise::Cancelled, ticket);
    }

    /// An owner reports the call that rang last.
    fn report(&mut self) {
        let owner = self.bits.below(self.owners.len());
        let Some(session) = self.owner_cells[owner].last_rung(self.now) else { return };
        let (n, now) = (self.place(session), self.now);
        let (is_new, ticket) =
            self.input(n, None, None, |tag, _, effects| tag.on_abuse_reported(session, now, effects));
        let name = self.judge.name(session);
        self.trace.tell(now, format_args!("{name} is reported: {is_new}"));
        assert_eq!(ticket.is_some(), is_new, "a report is recorded, and nothing else");
        if is_new {
            self.judge.census.saw("a report");
        }
        self.keeps_word(session, Promise::Reported, ticket);
    }

    /// An owner blocks the caller of the call that rang last.
    fn block(&mut self, owner: usize) {
        let last = self.owner_cells[owner].last_rung(self.now).and_then(|session| self.judge.last(session));
        let Some(caller) = last.and_then(|s| s.block_token) else { return };
        self.owners[owner].blocked = self.owners[owner].blocked.with(caller).expect("there are few people");
        self.judge.census.saw("a caller blocked");
    }

    fn keeps_word(&mut self, session: SessionId, promise: Promise, ticket: Option<super::store::Ticket>) {
        if let Some(ticket) = ticket {
            self.wait(ticket, super::hands::Wants::Word(session, promise));
        }
    }

    /// An owner's wishes, or a tag's state, change.
    pub(super) fn reconfigure(&mut self) {
        let n = self.bits.below(self.places.len());
        let owner = self.bits.below(self.owners.len());
        match self.bits.below(11) {
            0 | 1 => {
                let night_reasons = if self.bits.percent(50) { ReasonSet::URGENT } else { ReasonSet::default() };
                let pause = Pause::Indefinite;
                self.owners[owner].preferences = Preferences { pause, night_reasons, ..Preferences::default() };
            }
            2..=4 => self.owners[owner].preferences = Preferences::default(),
            5 => {
                let times = self.bits.between(1, 99);
                self.owners[owner].change_phone(times);
            }
            6 => {
                let suspended = self.places[n].status == TagStatus::Active;
                self.places[n].status = if suspended { TagStatus::Suspended } else { TagStatus::Active };
            }
            7 | 8 => self.block(owner),
            9 => self.owners[owner].blocked = BlockedCallers::default(),
            _ => {
                self.places[n].owner = self.bits.percent(80).then_some(owner);
                self.changed_hands = true;
            }
        }
        self.trace.tell(self.now, format_args!("tag {n} or owner {owner} changes"));
        // Whoever's tags they are, they come back with what is true now.
        for n in 0..self.places.len() {
            self.revive(n);
        }
    }
}
