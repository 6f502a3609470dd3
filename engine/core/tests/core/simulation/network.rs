//! The telephone network and a provider that lies: what really happens on calls, and what we are told of it.

mod ringing;

use qnect_core::access_code::AccessCode;
use qnect_core::instruction::Instruction;
use qnect_core::leg::{LegEnd, LegEvent, LegId};
use qnect_core::number::IntermediaryNumber;
use qnect_core::phone::Phone;
use qnect_core::provider_request::{Operation, ProviderRequest};
use qnect_core::session_id::SessionId;
use qnect_core::time::{Span, Timestamp};

use super::agenda::{Agenda, Item};
use super::cast::{Calling, leg};
use super::judge::digits;
use super::restart::Reset;
use super::rules::Lies;
use crate::bits::Bits;

/// A webhook, with all its copies.
pub(super) type WebhookId = usize;

/// How long a provider waits for an answer; a caller whose call gets none is cut off.
const ANSWER_MAX: Span = Span::from_secs(15);

/// What a provider tells.
#[derive(Debug, Clone)]
pub(super) enum Webhook {
    /// A caller keyed a code, or kept silent.
    Keyed(usize, Option<AccessCode>),
    /// A caller keyed digits for a challenge.
    Challenged { call: usize, session: SessionId, keyed: String, attempt: u8 },
    /// A turn of holding is over.
    Held { call: usize, session: SessionId, turn: u8 },
    /// Something happened to the owner's side of a call.
    Told { session: SessionId, event: LegEvent, owner_leg: Option<LegId> },
    /// A scanner's leg is over.
    CallEnded(LegId),
}

/// What happens on a call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Truth {
    /// The caller keys something, of which the provider tells.
    Keys(Option<AccessCode>),
    /// No answer came to this webhook in time.
    Unanswered(WebhookId),
    /// The owner keyed 1, and nobody connected the two.
    NotConnected,
    /// The owner's side is over in this way.
    Over(LegEnd),
    /// The caller is gone.
    Gone,
}

/// A call on one of our numbers.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) leg: LegId,
    pub(super) number: IntermediaryNumber,
    pub(super) calling: Calling,
    is_up: bool,
    /// The webhook whose answer says what comes next, and until when it is waited for.
    awaits: Option<(WebhookId, Timestamp)>,
    run: Option<Run>,
}

/// An owner who is being rung, or was.
#[derive(Debug)]
struct Run {
    session: SessionId,
    to: Phone,
    owner_leg: LegId,
    talk: Span,
    /// How long the provider waits for our word on the owner's key.
    connects_until: Timestamp,
    is_connected: bool,
    is_over: bool,
    /// By a clock that leapt, it must have been over long ago.
    is_outrun: bool,
}

#[derive(Debug)]
pub(super) struct Network {
    lies: Lies,
    pub(super) calls: Vec<Call>,
    history: Vec<Webhook>,
    legs: usize,
    /// The sessions whose owner was really rung: for none of them twice.
    rung: Vec<SessionId>,
}

impl Network {
    pub(super) fn new(lies: Lies) -> Self {
        Self { lies, calls: Vec::new(), history: Vec::new(), legs: 0, rung: Vec::new() }
    }

    /// A person dials one of our numbers and, some seconds later, keys a code or nothing.
    pub(super) fn dial_us(
        &mut self,
        number: IntermediaryNumber,
        calling: Calling,
        code: Option<AccessCode>,
        now: Timestamp,
        (agenda, bits): (&mut Agenda, &mut Bits),
    ) {
        let leg = self.new_leg();
        let call = Call { leg, number, calling, is_up: true, awaits: None, run: None };
        self.calls.push(call);
        agenda.add(now.plus(bits.millis(500, 8_000)), Item::Call(self.calls.len() - 1, Truth::Keys(code)));
    }

    /// The clock was set while nobody looked; the network's patience is what it was.
    pub(super) fn reset_clock(&mut self, reset: Reset) {
        for call in &mut self.calls {
            call.awaits = call.awaits.map(|(webhook, until)| (webhook, reset.of(until)));
            if let Some(run) = &mut call.run {
                run.connects_until = reset.of(run.connects_until);
                run.is_outrun |= reset.leaps();
            }
        }
    }

    /// Something happens on a call.
    pub(super) fn happens(&mut self, call: usize, truth: Truth, now: Timestamp, with: (&mut Agenda, &mut Bits)) {
        let (agenda, bits) = with;
        match truth {
            Truth::Keys(code) => {
                if self.calls[call].is_up {
                    self.ask(call, &Webhook::Keyed(call, code), now, agenda, bits);
                }
            }
            Truth::Unanswered(webhook) => {
                if self.calls[call].awaits.is_some_and(|(awaited, _)| awaited == webhook) {
                    self.hang_up(call, now, agenda, bits);
                }
            }
            Truth::NotConnected => {
                if self.calls[call].run.as_ref().is_some_and(|run| !run.is_connected) {
                    self.over(call, LegEnd::Completed, now, agenda, bits);
                }
            }
            Truth::Over(end) => self.over(call, end, now, agenda, bits),
            Truth::Gone => self.hang_up(call, now, agenda, bits),
        }
    }

    /// We answered a webhook of this call.
    pub(super) fn answered(
        &mut self,
        (call, webhook): (usize, WebhookId),
        instruction: &Instruction,
        now: Timestamp,
        (agenda, bits): (&mut Agenda, &mut Bits),
    ) {
        let c = &mut self.calls[call];
        let is_awaited = c.awaits.is_some_and(|(awaited, until)| awaited == webhook && now <= until);
        let is_idle = c.run.as_ref().is_none_or(|run| run.is_over);
        let obeys = is_awaited || (is_idle && c.awaits.is_none() && bits.percent(self.lies.obeys_replays));
        let is_old = matches!(instruction, Instruction::Dial(dial) if self.rung.contains(&dial.session));
        if !c.is_up || !obeys || (is_old && !is_awaited) {
            return;
        }
        c.awaits = None;
        match instruction {
            Instruction::Dial(dial) => self.ring(call, dial, now, agenda, bits),
            Instruction::Challenge { session, attempt, spoken, .. } => {
                let keyed = if bits.percent(70) { digits(*spoken) } else { format!("{:02}", bits.below(100)) };
                let webhook = Webhook::Challenged { call, session: *session, keyed, attempt: *attempt };
                self.ask(call, &webhook, now.plus(bits.millis(2_000, 8_000)), agenda, bits);
            }
            Instruction::Hold { session, turn, .. } => {
                if bits.percent(15) {
                    agenda.add(now.plus(bits.millis(0, 10_000)), Item::Call(call, Truth::Gone));
                }
                let webhook = Webhook::Held { call, session: *session, turn: *turn };
                self.ask(call, &webhook, now.plus(Span::from_secs(10)), agenda, bits);
            }
            Instruction::Say { .. } => agenda.add(now.plus(Span::from_secs(3)), Item::Call(call, Truth::Gone)),
            Instruction::Ask { .. } | Instruction::Whisper { .. } | Instruction::Connect | Instruction::Acknowledge => {
                agenda.add(now.plus(bits.millis(1_000, 5_000)), Item::Call(call, Truth::Gone));
            }
        }
    }

    /// We noted that an owner pressed 1: only now the two are connected.
    pub(super) fn connected(&mut self, session: SessionId, now: Timestamp, (agenda, bits): (&mut Agenda, &mut Bits)) {
        let waits = |r: &Run| r.session == session && !r.is_over && !r.is_connected && now <= r.connects_until;
        let is_live = |c: &Call| c.run.as_ref().is_some_and(waits);
        let Some(call) = self.calls.iter().position(is_live) else { return };
        let Some(run) = &mut self.calls[call].run else { return };
        run.is_connected = true;
        let talk = bits.millis(0, run.talk.as_millis());
        agenda.add(now.plus(talk), Item::Call(call, Truth::Over(LegEnd::Completed)));
    }

    /// We ask something of the provider, which does not always do it.
    pub(super) fn asked(&mut self, request: &ProviderRequest, now: Timestamp, with: (&mut Agenda, &mut Bits)) {
        let (agenda, bits) = with;
        let of_leg = |c: &Call| c.leg == request.leg || c.run.as_ref().is_some_and(|r| r.owner_leg == request.leg);
        let call = self.calls.iter().position(of_leg);
        let Some(call) = call.filter(|_| bits.percent(70)) else { return };
        let at = now.plus(bits.millis(100, 12_000));
        match request.operation {
            Operation::HangUp => agenda.add(at, Item::Call(call, Truth::Gone)),
            Operation::FetchCall => {
                // Of a call that never rang an owner there is nothing to tell but its own end, which was told.
                let is_over = self.calls[call].run.as_ref().is_some_and(|run| run.is_over);
                let event = match bits.below(2) {
                    0 if self.lies.misaddresses > 0 => LegEvent::OwnerAccepted,
                    _ => LegEvent::DialEnded(bits.pick(&LegEnd::ALL)),
                };
                if is_over {
                    self.tell(Webhook::Told { session: request.session, event, owner_leg: None }, at, agenda, bits);
                }
            }
            Operation::DeleteRecord => {}
        }
    }

    /// We did not answer, because our process ended: some of it is told again.
    pub(super) fn retry(&mut self, now: Timestamp, (agenda, bits): (&mut Agenda, &mut Bits)) {
        for (webhook, _) in self.calls.iter().filter_map(|call| call.awaits) {
            if bits.percent(50) {
                let item = Item::Arrives(webhook, self.history[webhook].clone());
                agenda.add(now.plus(bits.millis(0, 2_000)), item);
            }
        }
    }

    /// Some of what was told long ago is told again.
    pub(super) fn replay(&mut self, now: Timestamp, (agenda, bits): (&mut Agenda, &mut Bits)) {
        if self.history.is_empty() {
            return;
        }
        for _ in 0..bits.between(1, 12) {
            let webhook = bits.below(self.history.len());
            let item = Item::Arrives(webhook, self.history[webhook].clone());
            agenda.add(now.plus(bits.millis(0, 2_000)), item);
        }
    }

    /// Something that never happened is told of a session.
    pub(super) fn invent(&mut self, session: SessionId, now: Timestamp, with: (&mut Agenda, &mut Bits)) {
        let (agenda, bits) = with;
        let event = bits.pick(&LegEvent::all().collect::<Vec<_>>());
        let owner_leg = bits.percent(50).then(|| leg(bits.below(self.legs + 1)));
        self.tell(Webhook::Told { session, event, owner_leg }, now, agenda, bits);
    }

    fn new_leg(&mut self) -> LegId {
        self.legs += 1;
        leg(self.legs)
    }

    /// A webhook whose answer says what comes next on a call; it may be repeated, never delayed beyond its use.
    fn ask(&mut self, call: usize, webhook: &Webhook, at: Timestamp, agenda: &mut Agenda, bits: &mut Bits) {
        let id = self.history.len();
        self.history.push(webhook.clone());
        self.calls[call].awaits = Some((id, at.plus(ANSWER_MAX)));
        agenda.add(at.plus(ANSWER_MAX), Item::Call(call, Truth::Unanswered(id)));
        if bits.percent(self.lies.loses / 3) {
            return;
        }
        for _ in 0..self.copies(bits) {
            agenda.add(at.plus(bits.millis(0, 3_000)), Item::Arrives(id, webhook.clone()));
        }
    }

    /// A webhook that only tells.
    fn tell(&mut self, mut webhook: Webhook, at: Timestamp, agenda: &mut Agenda, bits: &mut Bits) {
        if let Webhook::Told { session, .. } = &mut webhook
            && bits.percent(self.lies.misaddresses)
            && !self.rung.is_empty()
        {
            *session = self.rung[bits.below(self.rung.len())];
        }
        let id = self.history.len();
        self.history.push(webhook.clone());
        if bits.percent(self.lies.loses) {
            return;
        }
        for _ in 0..self.copies(bits) {
            let delay = if bits.percent(self.lies.delays) { bits.millis(0, 3_600_000) } else { bits.millis(0, 2_000) };
            agenda.add(at.plus(delay), Item::Arrives(id, webhook.clone()));
        }
    }

    fn copies(&self, bits: &mut Bits) -> u64 {
        if bits.percent(self.lies.repeats) { bits.between(2, 10) } else { 1 }
    }
}
