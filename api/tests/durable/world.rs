//! One session, as far as a scanner and the providers can know it, and what each write makes of it.

use std::time::{Duration, Instant};

use qnect_core::facts::{Facts, Outcome};
use qnect_core::leg::LegEvent;
use qnect_core::session::State;

/// The outcome is published so long after the call was over; less a moment, because the client sees the end later.
const SETTLE_MIN: Duration = Duration::from_millis(4_500);
/// The watchdog closes a call whose end nobody told: not before ring time, whisper and patience are over.
const WATCHDOG_MIN: Duration = Duration::from_secs(95);

/// What a write does to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// The caller gave the code: the owner is rung.
    Dial,
    /// A provider told of a leg.
    Leg(LegEvent),
    /// The scanner wants no call any more.
    Cancel,
}

/// A session as it may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct World {
    dialed: bool,
    facts: Facts,
    ended: Option<Outcome>,
}

/// When what was asked of a session, first and at the earliest: the clock may have ended it since.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) expires: Option<Instant>,
    pub(crate) dialed: Option<Instant>,
    pub(crate) over: Option<Instant>,
}

impl Times {
    /// A write was sent.
    pub(crate) fn note(&mut self, write: Write, now: Instant) {
        match write {
            Write::Dial => self.dialed = self.dialed.or(Some(now)),
            Write::Leg(event) if event.is_terminal() => self.over = self.over.or(Some(now)),
            Write::Leg(_) | Write::Cancel => {}
        }
    }
}

impl World {
    /// A session that was opened.
    pub(crate) const OPENED: Self = Self { dialed: false, facts: Facts::from_bits(0), ended: None };

    /// The session after a write.
    pub(crate) fn after(self, write: Write) -> Self {
        match write {
            // What is published stands.
            _ if self.ended.is_some() => self,
            Write::Dial => Self { dialed: true, ..self },
            Write::Leg(event) if self.dialed => Self { facts: self.facts.and(Facts::told_by(event)), ..self },
            Write::Leg(_) => self,
            Write::Cancel if self.dialed => self,
            Write::Cancel => Self { ended: Some(Outcome::Cancelled), ..self },
        }
    }

    /// The session after the clock ended it, if that may have happened by `now`.
    pub(crate) fn by_clock(self, times: &Times, now: Instant) -> Option<Self> {
        let since = |at: Option<Instant>, least| at.is_some_and(|at| at + least <= now);
        let may_end = if self.dialed {
            self.facts.over() && since(times.over, SETTLE_MIN) || since(times.dialed, WATCHDOG_MIN)
        } else {
            since(times.expires, Duration::ZERO)
        };
        let outcome = if self.dialed { self.facts.outcome() } else { Outcome::Expired };
        (self.ended.is_none() && may_end).then_some(Self { ended: Some(outcome), ..self })
    }

    /// The state that is shown of it.
    pub(crate) fn state(&self) -> State {
        match self {
            Self { ended: Some(_), .. } => State::Ended,
            Self { dialed: false, .. } => State::Waiting,
            Self { facts, .. } if facts.accepted() => State::Connected,
            Self { facts, .. } if facts.rang() => State::Ringing,
            _ => State::Dialing,
        }
    }

    /// The outcome that is shown of it.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.ended
    }

    /// Whether a call is on: the same caller gets the same instruction again.
    pub(crate) fn is_in_call(&self) -> bool {
        self.dialed && !self.facts.over() && self.ended.is_none()
    }

    /// Whether it has ended, or will by the clock within seconds.
    pub(crate) fn is_over(&self) -> bool {
        self.ended.is_some() || self.dialed && self.facts.over()
    }
}
