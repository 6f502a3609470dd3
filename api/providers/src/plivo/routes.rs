//! The callback URLs that we emit, and how they are read back. No URL holds a number; those of a dialled session hold its
//! id, whose keyed check is verified before anything else happens.

use std::fmt;

use qnect_core::check::CheckKeys;
use qnect_core::instruction::CODE_ATTEMPTS_MAX;
use qnect_core::session_id::SessionId;

/// The path that all of Plivo's webhooks begin with.
pub const PATH: &str = "/webhooks/plivo/";

/// Asks Plivo to try twice more when it cannot connect, hears nothing, or is told a 5xx; by default it tries once more and
/// never after a 5xx (docs: voice/concepts/callback-configurations). A fragment is neither sent nor signed. All URLs that
/// we emit (`action`, `callbackUrl`, `confirmSound`) are ones that it documents as configurable in this way.
const RETRY: &str = "#rc=2&rp=ct,rt,5xx";

/// What a webhook is about, by the URL that it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlivoRoute {
    /// The answer and hang-up URL of our numbers, configured at Plivo.
    Voice,
    /// Digits were keyed.
    Code {
        /// Which attempt this is, from 1 to [`CODE_ATTEMPTS_MAX`].
        attempt: u8,
    },
    /// The owner answered: what to whisper?
    Whisper {
        /// The session whose owner listens.
        session: SessionId,
    },
    /// Something happened to the owner's leg.
    Leg {
        /// The session that was dialled.
        session: SessionId,
    },
    /// The dial is over: what comes next on the scanner's line?
    DialEnd {
        /// The session that was dialled.
        session: SessionId,
    },
}

impl PlivoRoute {
    /// Reads what follows [`PATH`]; `None` for any other form, or a session id that is none of ours.
    pub fn read(path: &str, keys: &CheckKeys) -> Option<Self> {
        if path == "voice" {
            return Some(Self::Voice);
        }
        let (kind, rest) = path.split_once('/')?;
        match kind {
            "code" => (1..=CODE_ATTEMPTS_MAX)
                .find(|attempt| attempt.to_string() == rest)
                .map(|attempt| Self::Code { attempt }),
            "whisper" => SessionId::read(rest, keys).map(|session| Self::Whisper { session }),
            "leg" => SessionId::read(rest, keys).map(|session| Self::Leg { session }),
            "dial-end" => SessionId::read(rest, keys).map(|session| Self::DialEnd { session }),
            _ => None,
        }
    }

    /// The URL to emit, under our configured public origin.
    pub(super) fn url(self, base_url: &str) -> String {
        format!("{}{PATH}{self}{RETRY}", base_url.trim_end_matches('/'))
    }
}

impl fmt::Display for PlivoRoute {
    /// What follows [`PATH`]. A session's id is a bearer secret: not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Voice => f.write_str("voice"),
            Self::Code { attempt } => write!(f, "code/{attempt}"),
            Self::Whisper { session } => write!(f, "whisper/{session}"),
            Self::Leg { session } => write!(f, "leg/{session}"),
            Self::DialEnd { session } => write!(f, "dial-end/{session}"),
        }
    }
}
