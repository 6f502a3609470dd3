//! The situations in which a session is fed.

use qnect_core::facts::Outcome;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::reason::Reason;
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::time::Span;

use crate::dsl::{Led, World, asha, leg};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Situation {
    /// Waiting, and nobody has called yet.
    Fresh,
    /// Waiting again, because the dial for Asha was withheld: bound to her.
    Bound,
    Dialing,
    Ringing,
    Connected,
    /// Dialled, and the dial is known to be over; nothing is published.
    Over,
    /// Nothing was told of the call for so long that the provider was asked.
    AskedAfter,
    Ended,
}

impl Situation {
    /// Opened at second 0, dialled at 1, accepted at 2, hung up at 3.
    pub(super) fn given(self) -> (World, SessionId) {
        let mut w = World::new();
        let second = Span::from_secs(1);
        let id = w.waiting(1, Reason::Blocking);
        if self == Self::Fresh {
            return (w, id);
        }
        w.after(second).put_through(id, &leg(1), asha());
        if self == Self::Bound {
            w.withhold(id, asha());
            w.led_to([Led::ForgotLeg(leg(1)), Led::Advanced(id, State::Waiting)]);
        }
        if self == Self::Over {
            w.after(second.plus(second)).notes(id, LegEvent::DialEnded(LegEnd::NoAnswer));
        }
        if self == Self::AskedAfter {
            w.is_asked_after(id);
        }
        if self == Self::Ringing {
            w.lifts(id, LegEvent::OwnerRang, State::Ringing);
        }
        if matches!(self, Self::Connected | Self::Ended) {
            w.after(second).lifts(id, LegEvent::OwnerAccepted, State::Connected);
        }
        if self == Self::Ended {
            w.after(second).notes(id, LegEvent::DialEnded(LegEnd::Completed));
            w.ends(id, Outcome::Completed);
        }
        (w, id)
    }

    pub(super) fn state(self) -> State {
        match self {
            Self::Fresh | Self::Bound => State::Waiting,
            Self::Dialing | Self::Over | Self::AskedAfter => State::Dialing,
            Self::Ringing => State::Ringing,
            Self::Connected => State::Connected,
            Self::Ended => State::Ended,
        }
    }
}
