//! A session: a scanner's time-limited right to reach an owner, and what became of it.
//!
//! The state is a function of the facts, and facts only join; so the state's rank only rises, whatever order and
//! however often a provider tells. The one step back is ours: a dial that we withheld ([`Session::withhold_dial`]).

use hmac::Mac;

use crate::abuse::{Signal, SignalSet};
use crate::access_code::AccessCode;
use crate::caller::{BlockToken, Caller, DayToken};
use crate::facts::{Facts, Outcome};
use crate::language::Language;
use crate::leg::{LegEvent, LegId};
use crate::mac::prepare;
use crate::number::IntermediaryNumber;
use crate::policy::{ACCEPT, ENDED_SESSION_KEPT, PROVIDER_ANSWERS, Policy, SETTLE, SHORT_TALK, WATCHDOG};
use crate::reason::Reason;
use crate::scan::AddressKey;
use crate::session_id::SessionId;
use crate::tag::OwnerId;
use crate::time::{Span, Timestamp};

/// Where a session stands, in rising rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// For its call.
    Waiting,
    /// The provider was told to ring the owner.
    Dialing,
    /// The owner's telephone rings, or the owner listens to the whisper.
    Ringing,
    /// The two talk.
    Connected,
    /// Over; the outcome stands.
    Ended,
}

impl State {
    /// All states, by rank.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Dialing, Self::Ringing, Self::Connected, Self::Ended];

    /// The fixed id of the public interface.
    pub fn id(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Dialing => "dialing",
            Self::Ringing => "ringing",
            Self::Connected => "connected",
            Self::Ended => "ended",
        }
    }
}

/// An intermediary number and the code that leads to the session on it.
pub type Line = (IntermediaryNumber, AccessCode);

/// What a scanner asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Why.
    pub reason: Reason,
    /// The scanner's language.
    pub language: Language,
    /// The request's own name, if it has one.
    pub idempotency: Option<Idempotency>,
    /// Whether the caller must key two spoken digits first, and for which signs of abuse.
    pub challenge: Option<SignalSet>,
    /// Where the request comes from.
    pub from: Option<AddressKey>,
}

/// What makes a repeated request recognisable: hashes of its idempotency key and of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency {
    /// Hash of the key that the client chose.
    pub key: [u8; 16],
    /// Hash of what was asked for.
    pub body: [u8; 16],
}

impl Idempotency {
    /// What recognises a request under `key` for `reason` in `language`. Hashed under a secret of ours, because a client may
    /// have chosen a key that names somebody, which nobody who reads the store shall find out by trying.
    pub fn of(secret: &[u8; 32], key: &str, reason: Reason, language: Language) -> Self {
        let hashed = |parts: [&[u8]; 2]| {
            let mut mac = prepare(secret);
            mac.update(b"idempotency");
            for part in parts {
                mac.update(&[0]);
                mac.update(part);
            }
            let mut first = [0; 16];
            first.copy_from_slice(&mac.finalize().into_bytes()[..16]);
            first
        };
        Self {
            key: hashed([b"key", key.as_bytes()]),
            body: hashed([reason.id().as_bytes(), language.tag().as_bytes()]),
        }
    }
}

/// A session as it is remembered: plain facts, all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSnapshot {
    /// Its name.
    pub id: SessionId,
    /// Whom it reaches: the tag's owner when it was opened.
    pub owner: OwnerId,
    /// Why the scanner calls.
    pub reason: Reason,
    /// The scanner's language.
    pub language: Language,
    /// The number to dial.
    pub number: IntermediaryNumber,
    /// The digits to key.
    pub code: AccessCode,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it ends if nobody calls.
    pub expires_at: Timestamp,
    /// The request that opened it, if the client named it.
    pub idempotency: Option<Idempotency>,
    /// The first caller that gave the code, unless withheld. Nobody else may use it.
    pub bound_to: Option<DayToken>,
    /// The same caller's name with the owner, who may block it; none for a withheld caller.
    pub block_token: Option<BlockToken>,
    /// The caller must key two spoken digits before the owner is rung.
    pub challenge: bool,
    /// The signs of abuse for which the caller must.
    pub because: SignalSet,
    /// The scanner's leg that was dialled for.
    pub scanner_leg: Option<LegId>,
    /// The owner's leg, once the provider has told it.
    pub owner_leg: Option<LegId>,
    /// When the provider was told to ring the owner.
    pub dialed_at: Option<Timestamp>,
    /// When the owner pressed 1.
    pub accepted_at: Option<Timestamp>,
    /// When the call was first known to be over.
    pub over_at: Option<Timestamp>,
    /// When a terminal event last told something new; the outcome is published [`SETTLE`] later.
    pub settling_since: Option<Timestamp>,
    /// What is known of the call.
    pub facts: Facts,
    /// The outcome and when it was published.
    pub ended: Option<(Outcome, Timestamp)>,
    /// When the owner reported the call as abuse.
    pub reported_at: Option<Timestamp>,
    /// When the provider's records of both legs are to be deleted; set when a session ends that had a call.
    pub records_due_at: Option<Timestamp>,
}

/// What an event did to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The state rose.
    Moved,
    /// The state stands, but something new is known.
    Noted,
    /// Nothing new.
    Stay(Stay),
}

/// Why an event changed nothing: counted, never an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// It told what is known.
    Duplicate,
    /// The outcome is published and stands.
    Late,
    /// Nobody was dialled.
    NotDialed,
}

/// What the clock did to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nobody told of the end of its call: the provider is to be asked.
    Overdue,
    /// It ended. `lost` says that no end of its call was ever told, so that it may still be on.
    Ended {
        /// How.
        outcome: Outcome,
        /// Whether the call may still be on.
        lost: bool,
    },
}

/// What a scanner's wish to cancel did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// Nobody had called yet: the session is over.
    Now,
    /// The call is under way: it is to be hung up, and its end tells the rest.
    HangUp,
    /// It was over before.
    TooLate,
}

/// Whether a caller may use a session now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The session waits for this caller.
    Ready,
    /// This very leg was dialled for already: the same answer again.
    Repeated,
    /// The session is not for this caller, or over. All of it sounds like a wrong code.
    Refused,
}

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    s: SessionSnapshot,
    /// Where it was opened from. Not remembered: addresses never are.
    from: Option<AddressKey>,
    /// Whether it has spoken for that address.
    has_spoken: bool,
    /// Whether somebody has called for it.
    is_used: bool,
    /// The instruction of the dial may be at the provider. Not remembered: after a restart it may be, if there is a dial.
    dial_sent: bool,
    /// The leg whose caller keyed the digits of the challenge. Not remembered: after a restart it is asked again.
    challenge_met_by: Option<LegId>,
    /// When the provider was asked after a call without an end. Not remembered: after a restart it is asked again.
    asked_at: Option<Timestamp>,
}

impl Session {
    /// A session from what was remembered.
    ///
    /// Whether the instruction of a dial was sent before a restart is not known; it may have been, so it is not withheld.
    pub fn restore(snapshot: SessionSnapshot) -> Self {
        Self {
            dial_sent: snapshot.dialed_at.is_some(),
            s: snapshot,
            from: None,
            has_spoken: false,
            is_used: false,
            challenge_met_by: None,
            asked_at: None,
        }
    }

    /// A new session, which waits for its call until `expires_at`.
    pub fn open(
        id: SessionId,
        asked: Asked,
        (number, code): Line,
        owner: OwnerId,
        life: (Timestamp, Timestamp),
    ) -> Self {
        let Asked { reason, language, idempotency, challenge, from } = asked;
        let (opened_at, expires_at) = life;
        let session = Self::restore(SessionSnapshot {
            id,
            owner,
            reason,
            language,
            number,
            code,
            opened_at,
            expires_at,
            idempotency,
            bound_to: None,
            block_token: None,
            challenge: challenge.is_some(),
            because: challenge.unwrap_or_default(),
            scanner_leg: None,
            owner_leg: None,
            dialed_at: None,
            accepted_at: None,
            over_at: None,
            settling_since: None,
            facts: Facts::default(),
            ended: None,
            reported_at: None,
            records_due_at: None,
        });
        Self { from, ..session }
    }

    /// The session that follows `before`, whose call is over: for the same caller and reason, within the same life.
    pub fn following(before: &Self, id: SessionId, line: Line, owner: OwnerId, now: Timestamp) -> Self {
        let b = &before.s;
        let asked = Asked {
            reason: b.reason,
            language: b.language,
            idempotency: None,
            challenge: b.challenge.then_some(b.because),
            // What it speaks for the address, the first call has said.
            from: None,
        };
        let mut session = Self::open(id, asked, line, owner, (now, b.expires_at));
        (session.s.bound_to, session.s.block_token) = (b.bound_to, b.block_token);
        session
    }

    /// What there is to remember.
    pub fn snapshot(&self) -> &SessionSnapshot {
        &self.s
    }

    /// Where the session stands.
    pub fn state(&self) -> State {
        let s = &self.s;
        if s.ended.is_some() {
            State::Ended
        } else if s.dialed_at.is_none() {
            State::Waiting
        } else if s.facts.accepted() {
            State::Connected
        } else if s.facts.rang() {
            State::Ringing
        } else {
            State::Dialing
        }
    }

    /// Whether `caller`, on `leg`, may use the session at `now`: after its life it is over, whether or not the clock has
    /// been told yet. Binds nothing.
    pub fn admits(&self, leg: &LegId, caller: Caller, now: Timestamp) -> Admission {
        let right_caller = match (self.s.bound_to, caller) {
            (None, _) => true,
            (Some(bound), Caller::Known(tokens)) => tokens.include(&bound),
            (Some(_), Caller::Withheld) => false,
        };
        // A call that is over is not made again, however late its webhook is repeated.
        let same_leg = self.s.scanner_leg.as_ref() == Some(leg) && !self.s.facts.over();
        match self.state() {
            State::Waiting if right_caller && now < self.s.expires_at => Admission::Ready,
            // The leg alone: a number that was told with one webhook may be missing in its repetition.
            State::Dialing | State::Ringing | State::Connected if same_leg => Admission::Repeated,
            State::Waiting | State::Dialing | State::Ringing | State::Connected | State::Ended => Admission::Refused,
        }
    }

    /// Binds the session to the first caller that gave its code; a withheld caller binds nothing. Returns whether it did.
    pub fn bind(&mut self, caller: Caller) -> bool {
        let is_first = self.s.bound_to.is_none();
        if is_first {
            self.s.bound_to = caller.token();
        }
        // Also of a session that was bound before callers had such a name.
        if self.s.block_token.is_none() && self.is_bound_to(caller) {
            self.s.block_token = caller.for_owner();
        }
        is_first && self.s.bound_to.is_some()
    }

    /// Whether `caller` is the one that the session is bound to.
    pub fn is_bound_to(&self, caller: Caller) -> bool {
        matches!((self.s.bound_to, caller), (Some(bound), Caller::Known(tokens)) if tokens.include(&bound))
    }

    /// Whether `caller` may dial again what this session was for: within its life, after a call that the owner neither
    /// declined nor reported as abuse.
    pub fn may_be_followed(&self, caller: Caller, now: Timestamp) -> bool {
        let over = !matches!(self.s.ended, None | Some((Outcome::Declined | Outcome::Expired, _)));
        over && self.s.reported_at.is_none() && now < self.s.expires_at && self.is_bound_to(caller)
    }

    /// Whether the owner did not want the call, by declining or by reporting it.
    pub fn was_unwanted(&self) -> bool {
        self.s.reported_at.is_some() || matches!(self.s.ended, Some((Outcome::Declined, _)))
    }

    /// The sign of abuse that the owner gave of this call, and when: that it was reported, or declined. An owner who comes has
    /// declined the talk, not the caller.
    pub fn unwanted(&self) -> Option<(Signal, Timestamp)> {
        match (self.s.reported_at, self.s.ended) {
            (Some(at), _) => Some((Signal::ReportedCalls, at)),
            (None, Some((Outcome::Declined, at))) if !self.s.facts.coming() => Some((Signal::DeclinedCalls, at)),
            (None, _) => None,
        }
    }

    /// How little the call was wanted, in halves of a strike, and when that was known: a call that was declined is one strike, one
    /// that was reported two, and one that was over at once half of one, for that may be bad luck.
    pub fn half_strikes(&self) -> Option<(u32, Timestamp)> {
        let (signal, at) = self.unwanted().or_else(|| self.sign_at_end())?;
        match signal {
            Signal::ReportedCalls => Some((4, at)),
            Signal::DeclinedCalls => Some((2, at)),
            Signal::ShortCalls => Some((1, at)),
            _ => None,
        }
    }

    /// The sign of abuse in how this call ended, and when.
    pub fn sign_at_end(&self) -> Option<(Signal, Timestamp)> {
        let (outcome, at) = self.s.ended?;
        // Of no length is what a key makes that was told after the end.
        let is_short = |talk| Span::ZERO < talk && talk < SHORT_TALK;
        match outcome {
            Outcome::Declined if !self.s.facts.coming() => Some((Signal::DeclinedCalls, at)),
            Outcome::Completed if self.talk().is_some_and(is_short) => Some((Signal::ShortCalls, at)),
            _ => None,
        }
    }

    /// All signs of abuse in this call, each with its time.
    pub fn signs(&self) -> impl Iterator<Item = (Signal, Timestamp)> {
        let reported = self.s.reported_at.map(|at| (Signal::ReportedCalls, at));
        self.sign_at_end().into_iter().chain(reported)
    }

    /// The address that a call of this session speaks for, told once: a dial that was withheld is followed by another one.
    pub fn speaks_for(&mut self) -> Option<AddressKey> {
        if std::mem::replace(&mut self.has_spoken, true) { None } else { self.from }
    }

    /// The address from which the session was opened, told once: when somebody calls for it.
    pub fn first_use(&mut self) -> Option<AddressKey> {
        if std::mem::replace(&mut self.is_used, true) { None } else { self.from }
    }

    /// Whether it ended because its time was over, and for nobody's sake before.
    pub fn has_run_out(&self) -> bool {
        matches!(self.s.ended, Some((Outcome::Expired, at)) if at >= self.s.expires_at)
    }

    /// Whether somebody has called for it since the last start, with a number or without.
    pub fn is_used(&self) -> bool {
        self.is_used
    }

    /// Where the session was opened from, if that is known still.
    pub fn opened_from(&self) -> Option<AddressKey> {
        self.from
    }

    /// The session gives way to another: it is over before its time.
    pub fn give_way(&mut self, now: Timestamp) {
        self.end(Outcome::Expired, now, Span::ZERO);
    }

    /// The caller must key two spoken digits, because of these signs.
    pub fn require_challenge(&mut self, because: SignalSet) {
        self.s.challenge = true;
        self.s.because = SignalSet::from_bits(self.s.because.bits() | because.bits());
    }

    /// Whether the caller on `leg` must still key the digits of a challenge.
    pub fn wants_challenge(&self, leg: &LegId) -> bool {
        self.s.challenge && self.challenge_met_by.as_ref() != Some(leg)
    }

    /// The caller on `leg` has keyed the digits of the challenge.
    pub fn meet_challenge(&mut self, leg: LegId) {
        self.challenge_met_by = Some(leg);
    }

    /// The provider is told to ring the owner.
    pub fn dial(&mut self, leg: LegId, now: Timestamp) {
        self.dial_sent = false;
        self.asked_at = None;
        self.s.scanner_leg = Some(leg);
        self.s.dialed_at = Some(now);
    }

    /// Whether the session has a dial for `leg` under way.
    pub fn is_dialed_for(&self, leg: &LegId) -> bool {
        self.s.dialed_at.is_some() && self.s.ended.is_none() && self.s.scanner_leg.as_ref() == Some(leg)
    }

    /// The instruction to dial is about to be sent: it can no longer be withheld.
    pub fn send_dial(&mut self) {
        self.dial_sent = true;
    }

    /// Whether the instruction to dial was sent.
    pub fn dial_is_sent(&self) -> bool {
        self.dial_sent
    }

    /// Whether a provider told of the owner's side of the call.
    pub fn dial_is_told(&self) -> bool {
        self.s.facts.without(Facts::SCANNER_LEG_OVER) != Facts::default()
    }

    /// The instruction to dial was not sent in the end: the session waits again.
    pub fn withhold_dial(&mut self) {
        let s = &mut self.s;
        (s.dialed_at, s.scanner_leg, s.owner_leg, s.over_at, s.settling_since) = (None, None, None, None, None);
        s.facts = Facts::default();
    }

    /// The provider told which its call to the owner is. Returns whether that was new.
    pub fn learn_owner_leg(&mut self, leg: LegId) -> bool {
        let is_new = self.s.dialed_at.is_some() && self.s.ended.is_none() && self.s.owner_leg.is_none();
        if is_new {
            self.s.owner_leg = Some(leg);
        }
        is_new
    }

    /// The scanner does not want the call any more.
    pub fn cancel(&mut self, now: Timestamp) -> Cancelled {
        match self.state() {
            State::Waiting => {
                self.end(Outcome::Cancelled, now, Span::ZERO);
                Cancelled::Now
            }
            State::Dialing | State::Ringing | State::Connected => Cancelled::HangUp,
            State::Ended => Cancelled::TooLate,
        }
    }

    /// The owner reports the call as abuse. Returns whether that was new.
    pub fn report(&mut self, now: Timestamp) -> bool {
        let is_new = self.s.dialed_at.is_some() && self.s.reported_at.is_none();
        if is_new {
            self.s.reported_at = Some(now);
        }
        is_new
    }

    /// Takes in what a provider told.
    pub fn apply(&mut self, event: LegEvent, now: Timestamp) -> Change {
        let before = self.state();
        match before {
            State::Waiting => return Change::Stay(Stay::NotDialed),
            State::Ended => return Change::Stay(Stay::Late),
            State::Dialing | State::Ringing | State::Connected => {}
        }
        let known = self.s.facts.and(Facts::told_by(event));
        if known == self.s.facts {
            return Change::Stay(Stay::Duplicate);
        }
        self.s.facts = known;
        if known.accepted() && self.s.accepted_at.is_none() {
            self.s.accepted_at = Some(now);
            // A call that was lost sight of goes on: the talk has its time from here.
            self.asked_at = None;
        }
        if event.is_terminal() {
            self.s.over_at.get_or_insert(now);
            self.s.settling_since = Some(now);
        }
        if self.state() > before { Change::Moved } else { Change::Noted }
    }

    /// When the clock next has something to do here; `None` once ended.
    pub fn deadline(&self, policy: &Policy) -> Option<Timestamp> {
        let s = &self.s;
        match (s.ended, s.dialed_at, s.settling_since) {
            (Some(_), _, _) => None,
            (None, None, _) => Some(s.expires_at),
            (None, Some(_), Some(since)) => Some(since.plus(SETTLE)),
            (None, Some(dialed), None) => Some(match (self.asked_at, s.accepted_at) {
                (Some(asked), _) => asked.plus(PROVIDER_ANSWERS),
                (None, Some(accepted)) => accepted.plus(policy.talk).plus(WATCHDOG),
                (None, None) => dialed.plus(policy.ring).plus(ACCEPT).plus(WATCHDOG),
            }),
        }
    }

    /// The clock looks in: a session whose deadline has passed ends, and one whose call was never told to be over is asked
    /// after first.
    pub fn on_time(&mut self, policy: &Policy, now: Timestamp) -> Option<Due> {
        if self.deadline(policy)? > now {
            return None;
        }
        let waits = self.state() == State::Waiting;
        let lost = !waits && self.s.settling_since.is_none();
        if lost && self.asked_at.is_none() {
            self.asked_at = Some(now);
            return Some(Due::Overdue);
        }
        let outcome = if waits { Outcome::Expired } else { self.s.facts.outcome() };
        self.end(outcome, now, policy.provider_records_kept);
        Some(Due::Ended { outcome, lost })
    }

    fn end(&mut self, outcome: Outcome, now: Timestamp, records_kept: Span) {
        self.s.ended = Some((outcome, now));
        self.s.records_due_at = self.s.scanner_leg.as_ref().map(|_| now.plus(records_kept));
    }

    /// When the session may be forgotten; `None` until it has ended.
    pub fn stale_at(&self) -> Option<Timestamp> {
        self.s.ended.map(|(_, at)| at.plus(ENDED_SESSION_KEPT))
    }

    /// Whether the session has ended and may be forgotten at `now`.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.stale_at().is_some_and(|at| at <= now)
    }

    /// How long the two talked, once the call is over.
    pub fn talk(&self) -> Option<Span> {
        Some(self.s.over_at?.since(self.s.accepted_at?))
    }
}
