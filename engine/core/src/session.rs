//! A session: a scanner's time-limited right to reach an owner, and what became of it.
//!
//! The state is a function of the facts, and facts only join; so the state's rank only rises, whatever order and
//! however often a provider tells. The one step back is ours: a dial that we withheld ([`Session::withhold_dial`]).

use sha2::{Digest, Sha256};

use crate::access_code::AccessCode;
use crate::caller::{Caller, DayToken};
use crate::facts::{Facts, Outcome};
use crate::language::Language;
use crate::leg::{LegEvent, LegId};
use crate::number::IntermediaryNumber;
use crate::policy::{ACCEPT, ENDED_SESSION_KEPT, Policy, SETTLE, WATCHDOG};
use crate::reason::Reason;
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

/// What makes a repeated request recognisable: hashes of its idempotency key and of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency {
    /// Hash of the key that the client chose.
    pub key: [u8; 16],
    /// Hash of what was asked for.
    pub body: [u8; 16],
}

impl Idempotency {
    /// What recognises a request under `key` for `reason` in `language`.
    pub fn of(key: &str, reason: Reason, language: Language) -> Self {
        let truncated = |hash: Sha256| {
            let hash = hash.finalize();
            let mut first = [0; 16];
            first.copy_from_slice(&hash[..16]);
            first
        };
        let body = Sha256::new().chain_update(reason.id()).chain_update([0]).chain_update(language.tag());
        Self { key: truncated(Sha256::new().chain_update(key)), body: truncated(body) }
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
    /// The scanner's leg that was dialled for.
    pub scanner_leg: Option<LegId>,
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
    /// The instruction of the dial may be at the provider. Not remembered: after a restart it may be, if there is a dial.
    dial_sent: bool,
}

impl Session {
    /// A session from what was remembered.
    ///
    /// Whether the instruction of a dial was sent before a restart is not known; it may have been, so it is not withheld.
    pub fn restore(snapshot: SessionSnapshot) -> Self {
        Self { dial_sent: snapshot.dialed_at.is_some(), s: snapshot }
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
            (Some(bound), Caller::Known(token)) => bound.same(&token),
            (Some(_), Caller::Withheld) => false,
        };
        let same_leg = self.s.scanner_leg.as_ref() == Some(leg);
        match self.state() {
            State::Waiting if right_caller && now < self.s.expires_at => Admission::Ready,
            // The leg alone: a caller's token changes at midnight, the leg does not.
            State::Dialing | State::Ringing | State::Connected if same_leg => Admission::Repeated,
            State::Waiting | State::Dialing | State::Ringing | State::Connected | State::Ended => Admission::Refused,
        }
    }

    /// Binds the session to the first caller that gave its code; a withheld caller binds nothing.
    pub fn bind(&mut self, caller: Caller) {
        if let (None, Caller::Known(token)) = (self.s.bound_to, caller) {
            self.s.bound_to = Some(token);
        }
    }

    /// The provider is told to ring the owner.
    pub fn dial(&mut self, leg: LegId, now: Timestamp) {
        self.dial_sent = false;
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

    /// Whether the instruction to dial was sent: we did, or the owner's side of the call tells so.
    pub fn dial_is_sent(&self) -> bool {
        self.dial_sent || self.s.facts.without(Facts::SCANNER_LEG_OVER) != Facts::default()
    }

    /// The instruction to dial was not sent in the end: the session waits again.
    pub fn withhold_dial(&mut self) {
        let Self { s, dial_sent: _ } = self;
        (s.dialed_at, s.scanner_leg, s.over_at, s.settling_since) = (None, None, None, None);
        s.facts = Facts::default();
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
        if known.accepted() {
            self.s.accepted_at.get_or_insert(now);
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
            (None, Some(dialed), None) => Some(match s.accepted_at {
                Some(accepted) => accepted.plus(policy.talk).plus(WATCHDOG),
                None => dialed.plus(policy.ring).plus(ACCEPT).plus(WATCHDOG),
            }),
        }
    }

    /// Ends the session if its deadline has passed; the outcome is told once.
    pub fn end_if_due(&mut self, policy: &Policy, now: Timestamp) -> Option<Outcome> {
        if self.deadline(policy)? > now {
            return None;
        }
        let outcome = if self.state() == State::Waiting { Outcome::Expired } else { self.s.facts.outcome() };
        self.s.ended = Some((outcome, now));
        Some(outcome)
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
