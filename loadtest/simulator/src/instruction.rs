//! What a document tells the provider to do, in words that fit both protocols.

use crate::method::Method;

/// One instruction, in the order of the document.
#[derive(Clone, Debug)]
pub(crate) enum Element {
    Sound(Sound),
    Gather(Gather),
    Dial(Box<DialElement>),
    Redirect { url: String, method: Method },
    Hangup { refusal: Option<Refusal>, schedule_seconds: Option<u64> },
}

/// Something that is heard, or silence.
#[derive(Clone, Debug)]
pub(crate) enum Sound {
    /// `times` 0 repeats until the call ends.
    Speak {
        text: String,
        times: u64,
    },
    Play {
        url: String,
        times: u64,
    },
    Wait {
        seconds: u64,
    },
}

/// How an unanswered call is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    Rejected,
    Busy,
}

/// Asks for digits.
#[derive(Clone, Debug)]
pub(crate) struct Gather {
    /// Who gets the digits; nobody, and the document goes on.
    pub(crate) action: Option<String>,
    pub(crate) method: Method,
    /// Until the first digit.
    pub(crate) timeout_seconds: u64,
    /// Between two digits.
    pub(crate) digit_timeout_seconds: u64,
    pub(crate) finish_on_key: Option<char>,
    /// `None`: as many as come.
    pub(crate) digits_max: Option<u64>,
    pub(crate) tries: u64,
    /// False: the action is only told, its answer changes nothing.
    pub(crate) redirect: bool,
    /// The action is asked even when no digit came.
    pub(crate) on_empty: bool,
    pub(crate) valid: String,
    pub(crate) invalid_sound: Option<String>,
    pub(crate) prompts: Vec<Sound>,
}

/// Rings somebody and bridges.
#[derive(Clone, Debug)]
pub(crate) struct DialElement {
    pub(crate) number: String,
    pub(crate) action: Option<String>,
    pub(crate) method: Method,
    /// False: the action is only told, its answer changes nothing.
    pub(crate) redirect: bool,
    pub(crate) caller_id: Option<String>,
    pub(crate) caller_name: Option<String>,
    /// `None`: as long as the network lets it ring.
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) time_limit_seconds: u64,
    /// A scanner whose line is not answered yet hears ringing until the bridge.
    pub(crate) answer_on_bridge: bool,
    pub(crate) callback: Option<LegCallback>,
    pub(crate) screening: Screening,
    /// A URL that returns sounds; the carrier's own ringing otherwise.
    pub(crate) music: Option<String>,
}

/// Who is told about the owner's leg, and of what.
#[derive(Clone, Debug)]
pub(crate) struct LegCallback {
    pub(crate) url: String,
    pub(crate) method: Method,
    pub(crate) told: Vec<Told>,
}

/// A kind of event on the owner's leg that can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Initiated,
    Ringing,
    Answered,
    Bridged,
    Over,
}

/// What stands between an owner who picked up and the bridge.
#[derive(Clone, Debug)]
pub(crate) enum Screening {
    Nothing,
    /// A sound, and one key that bridges; no other key does anything.
    Key {
        sound: Option<String>,
        key: Option<char>,
        timeout_seconds: u64,
    },
    /// A document on the owner's leg; its end bridges, unless it hangs up.
    Document {
        url: String,
        method: Method,
    },
}
