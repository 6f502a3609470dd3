//! The callback URLs that we emit, and how they are read back: the same for every provider, below a path of its own. No URL
//! holds a number; those of a session hold its id, whose keyed check is verified before anything else happens.

use std::fmt::{self, Write};
use std::ops::RangeInclusive;

use qnect_core::check::CheckKeys;
use qnect_core::instruction::{CHALLENGE_ATTEMPTS_MAX, CODE_ATTEMPTS_MAX, HOLD_TURNS_MAX, Question};
use qnect_core::leg::{Call, ProviderEvent};
use qnect_core::session_id::SessionId;

/// Asks a provider to try twice more when it cannot connect, hears nothing, or is told a 5xx. A fragment is neither sent nor
/// signed. Plivo (docs: voice/concepts/callback-configurations) and Twilio (docs: usage/webhooks/webhooks-connection-overrides)
/// know the same one; by default both try once more when they cannot connect, and never after a 5xx.
const RETRY: &str = "#rc=2&rp=ct,rt,5xx";

/// No URL of ours is longer behind the origin.
const PATH_MAX: usize = 128;

/// What a webhook is about, by the URL that it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// The answer and hang-up URL of our numbers, configured at the provider.
    Voice,
    /// Digits were keyed, or none.
    Asked(Question),
    /// The digits of a challenge were keyed, or none.
    Challenge {
        /// The session that was called.
        session: SessionId,
        /// Which attempt this is, from 1 to [`CHALLENGE_ATTEMPTS_MAX`].
        attempt: u8,
    },
    /// A turn of waiting for an engaged owner is over.
    Hold {
        /// The session that waits.
        session: SessionId,
        /// Which turn is over, from 1 to [`HOLD_TURNS_MAX`].
        turn: u8,
    },
    /// The owner answered: what to whisper?
    Whisper {
        /// The session whose owner listens.
        session: SessionId,
    },
    /// The owner pressed a key, or none.
    OwnerKey {
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

impl Route {
    /// Reads what follows `/webhooks/{provider}/`; `None` for any other form, or a session id that is none of ours.
    pub fn read(path: &str, keys: &CheckKeys) -> Option<Self> {
        let mut segments = path.split('/');
        let kind = segments.next()?;
        let mut session = || SessionId::read(segments.next()?, keys);
        let route = match kind {
            "voice" => Self::Voice,
            "redial" => Self::Asked(Question::CodeOrRedial),
            "menu" => Self::Asked(Question::CodeOrMenu),
            "code" => Self::Asked(Question::Code { attempt: counted(segments.next()?, 1..=CODE_ATTEMPTS_MAX)? }),
            "challenge" => {
                Self::Challenge { session: session()?, attempt: counted(segments.next()?, 1..=CHALLENGE_ATTEMPTS_MAX)? }
            }
            "hold" => Self::Hold { session: session()?, turn: counted(segments.next()?, 1..=HOLD_TURNS_MAX)? },
            "whisper" => Self::Whisper { session: session()? },
            "key" => Self::OwnerKey { session: session()? },
            "leg" => Self::Leg { session: session()? },
            "dial-end" => Self::DialEnd { session: session()? },
            _ => return None,
        };
        segments.next().is_none().then_some(route)
    }

    /// Whether a caller waits on the line for what the answer says.
    pub fn caller_waits(&self) -> bool {
        match self {
            Self::Voice | Self::Asked(_) | Self::Challenge { .. } | Self::Hold { .. } => true,
            Self::Whisper { .. } | Self::OwnerKey { .. } | Self::Leg { .. } | Self::DialEnd { .. } => false,
        }
    }

    /// What it means that a provider asks here what comes next for `call`, on which `keyed` was keyed. Where no caller waits
    /// it means nothing.
    pub(crate) fn asked(self, call: Call, keyed: String) -> ProviderEvent {
        match self {
            Self::Voice => ProviderEvent::CallArrived(call),
            Self::Asked(question) => ProviderEvent::DigitsGiven { call, keyed, question },
            Self::Challenge { session, attempt } => ProviderEvent::ChallengeAnswered { call, session, keyed, attempt },
            Self::Hold { session, turn } => ProviderEvent::HoldOver { call, session, turn },
            Self::Whisper { .. } | Self::OwnerKey { .. } | Self::Leg { .. } | Self::DialEnd { .. } => {
                ProviderEvent::Ignored
            }
        }
    }

    /// The URL to emit for `provider`, under our configured public origin.
    pub(crate) fn url(self, provider: &str, base_url: &str) -> String {
        let mut url = String::with_capacity(base_url.len() + PATH_MAX);
        for part in [base_url.trim_end_matches('/'), "/webhooks/", provider, "/"] {
            url.push_str(part);
        }
        // Writing to a String cannot fail.
        let _ = write!(url, "{self}");
        url.push_str(RETRY);
        url
    }
}

impl fmt::Display for Route {
    /// What follows `/webhooks/{provider}/`. A session's id is a bearer secret: not for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Voice => f.write_str("voice"),
            Self::Asked(Question::Code { attempt }) => write!(f, "code/{attempt}"),
            Self::Asked(Question::CodeOrRedial) => f.write_str("redial"),
            Self::Asked(Question::CodeOrMenu) => f.write_str("menu"),
            Self::Challenge { session, attempt } => write!(f, "challenge/{session}/{attempt}"),
            Self::Hold { session, turn } => write!(f, "hold/{session}/{turn}"),
            Self::Whisper { session } => write!(f, "whisper/{session}"),
            Self::OwnerKey { session } => write!(f, "key/{session}"),
            Self::Leg { session } => write!(f, "leg/{session}"),
            Self::DialEnd { session } => write!(f, "dial-end/{session}"),
        }
    }
}

/// One way to write each count: no sign, no leading zero.
fn counted(text: &str, mut range: RangeInclusive<u8>) -> Option<u8> {
    range.find(|n| n.to_string() == text)
}
