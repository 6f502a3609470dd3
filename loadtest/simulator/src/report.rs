//! What a call was: who saw and heard what, when, and every webhook of it.

use serde::Serialize;

use crate::config::Protocol;
use crate::method::Method;

/// Somebody or something with a part in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// The person at the tag, or the telephone in that hand.
    Scanner,
    /// The telephone network between them.
    Network,
    /// The provider that bridges.
    Provider,
    /// The engine under test.
    Engine,
    /// The owner, or the telephone that rings.
    Owner,
}

/// One line of the story of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimelineEntry {
    /// Simulated milliseconds since dialling.
    pub at_ms: u64,
    /// Who does or notices it.
    pub who: Party,
    /// A sentence for a person. Only the number that is displayed or dialled stands in it, never the owner's.
    pub text: String,
}

/// One webhook as it was sent, and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// Simulated milliseconds since dialling.
    pub at_ms: u64,
    /// The URL that was signed, with its query, without its fragment.
    pub url: String,
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path and query of the request, as sent to the engine.
    pub path: String,
    /// The fields of the request's head that a provider chooses, in the order sent.
    pub headers: Vec<(String, String)>,
    /// The parameters, in the order sent.
    pub params: Vec<(String, String)>,
    /// The nonce that was signed; `None` when signatures are off, and at Twilio, which has none.
    pub nonce: Option<String>,
    /// It waited for the end of an outage.
    pub held: bool,
    /// The HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// The answer's `Content-Type`; empty if it has none.
    pub content_type: String,
    /// The body of the answer, or why there is none.
    pub body: String,
}

/// A status callback that was never sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostCallback {
    /// As the engine handed it out, with its fragment.
    pub url: String,
    /// How it would have been sent.
    pub method: Method,
    /// The parameters, in the order in which they would have been sent.
    pub params: Vec<(String, String)>,
}

/// Why a leg ended, in the provider's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LegEnd {
    /// Plivo's hangup cause, `NORMAL_CLEARING` and the like; at Twilio the final `CallStatus`.
    pub cause: &'static str,
    /// `Normal Hangup` and the like.
    pub name: &'static str,
    /// Plivo's hangup code, `4000` and the like; at Twilio the SIP response code or the code of the error.
    pub code: &'static str,
    /// `Caller`, `Callee`, the provider's name, `Answer XML`, ...
    pub source: &'static str,
}

/// Everything that can be said about one call.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CallReport {
    /// What the provider spoke.
    pub protocol: Protocol,
    /// What was drawn for the faults was drawn from this.
    pub seed: u64,
    /// The provider's id of the scanner's leg.
    pub scanner_call_id: String,
    /// The provider's id of the owner's leg; `None` if there was none.
    pub owner_call_id: Option<String>,
    /// Scanner and owner (or a machine) could hear each other.
    pub bridged: bool,
    /// They were bridged although nobody pressed a key.
    pub bridged_without_key: bool,
    /// What was bridged is a machine: a voicemail.
    pub bridged_to_machine: bool,
    /// Whole simulated seconds between bridging and its end.
    pub talk_seconds: u64,
    /// The number that the scanner's telephone displays: the one it dialled.
    pub scanner_saw: String,
    /// The number that the owner's telephone displayed; `None` if it never rang.
    pub owner_saw: Option<String>,
    /// When it rang first, in simulated milliseconds since dialling; `None` if it never did.
    pub owner_rang_ms: Option<u64>,
    /// When the two were connected, in simulated milliseconds since dialling; `None` if they never were.
    pub bridged_ms: Option<u64>,
    /// The name that the owner's telephone displayed with it.
    pub owner_saw_name: Option<String>,
    /// The number that the provider was told to ring, as the document has it.
    pub owner_number: Option<String>,
    /// Texts and recordings played to the scanner.
    pub scanner_heard: Vec<String>,
    /// What the scanner keyed and the line took, question by question.
    pub scanner_keyed: Vec<String>,
    /// The keys that the owner pressed.
    pub owner_pressed: String,
    /// Texts and recordings played to the owner.
    pub owner_heard: Vec<String>,
    /// The story, in order.
    pub timeline: Vec<TimelineEntry>,
    /// Status callbacks that got lost on purpose.
    pub callbacks_lost: u32,
    /// The same, for who wants to deliver them in another way. Not in the JSON form: nobody was told of them.
    #[serde(skip)]
    pub lost: Vec<LostCallback>,
    /// The city of the scanner's number that the engine was told; `None` if the provider does not tell.
    pub scanner_city: Option<String>,
    /// Every webhook, in the order sent, repetitions included. Callbacks that an outage held back come last.
    pub exchanges: Vec<Exchange>,
    /// What a provider would refuse in the engine's answers. Each ends the call.
    pub protocol_errors: Vec<String>,
    /// `DialStatus` or `DialCallStatus` of the last dial; `None` if the owner was never dialled.
    pub dial_status: Option<&'static str>,
    /// How the scanner's leg ended. Always present when a call is over.
    pub scanner_leg_end: Option<LegEnd>,
    /// How the owner's leg ended; `None` if there was none.
    pub owner_leg_end: Option<LegEnd>,
}

impl CallReport {
    /// True if neither party's digits, nor the scanner's city, ever reached the other: not on a display, not in speech, not in any document,
    /// where the owner's number may stand only as the text of a `Number` in a `Dial`. The owner's telephone must have
    /// rung: a call that showed nothing to the owner proves nothing and is not masked.
    pub fn masked(&self, scanner: &str, owner: &str) -> bool {
        crate::masking::leaks(self, scanner, owner).is_empty()
    }

    /// Where a number leaked, in words without the number; empty if [`masked`](CallReport::masked).
    pub fn leaks(&self, scanner: &str, owner: &str) -> Vec<&'static str> {
        crate::masking::leaks(self, scanner, owner)
    }
}
