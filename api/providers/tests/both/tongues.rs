//! What happens on the lines, in nobody's words, and how each provider tells it.

mod plivo;
mod twilio;

use qnect_core::leg::LegEnd;
use qnect_core::session_id::SessionId;
use qnect_providers::{Provider, Route};

/// Who is on the lines: digits without a plus sign, and the provider's ids of the two calls.
#[derive(Debug, Clone)]
pub(crate) struct People {
    /// `None` withholds the number.
    pub(crate) caller: Option<String>,
    pub(crate) owner: String,
    pub(crate) line: String,
    pub(crate) leg: String,
    pub(crate) owner_leg: String,
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Happening {
    /// The caller is on the line and hears what comes next.
    CallerWaits,
    /// The caller keyed these digits; none where silence is an answer.
    CallerKeyed(&'static str),
    /// The caller hung up.
    CallerGone,
    /// The caller hung up while the owner was rung, and nothing else is told.
    CallerGoneFromDial,
    /// A call of ours to somebody, of which the number's webhook must not make a caller.
    OutboundCall,
    /// The owner picked up, and is to hear the whisper.
    OwnerListens,
    /// The owner pressed this key; none in time.
    OwnerKeyed(&'static str),
    /// The owner's leg is being made.
    OwnerLegMade,
    /// The owner's telephone rings.
    OwnerRings,
    /// The owner picked up.
    OwnerAnswers,
    /// The owner's leg is over.
    OwnerLegEnds(LegEnd),
    /// The dial is over.
    DialEnds(LegEnd),
    /// Something that no documentation names.
    Unheard,
}

/// A provider, and how it tells what happened: the body of its webhook, and where that goes. `None` where it cannot tell.
pub(crate) struct Tongue {
    pub(crate) provider: &'static dyn Provider,
    pub(crate) tells: fn(Happening, &People) -> Option<String>,
    /// Where it tells which key the owner pressed, or that none was.
    pub(crate) keys_at: fn(SessionId) -> Route,
}

/// Every provider's.
pub(crate) const TONGUES: [Tongue; 2] = [plivo::TONGUE, twilio::TONGUE];
