//! Which elements, attributes and nestings the vendor's builders can write. Whatever they cannot write is an error.

use crate::markup::Rule;

const SPOKEN: &[&str] = &["break", "cont", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"];

/// The elements that this simulator plays; those of speech inside them are `markup::SPEECH`.
pub(crate) const RULES: &[Rule] = &[
    Rule::new(
        "Response",
        &[],
        &[
            "Conference",
            "Dial",
            "DTMF",
            "GetDigits",
            "GetInput",
            "Hangup",
            "Message",
            "Play",
            "PreAnswer",
            "Record",
            "Redirect",
            "Speak",
            "Wait",
            "MultiPartyCall",
            "Stream",
        ],
    ),
    Rule::new(
        "GetDigits",
        &[
            "action",
            "method",
            "timeout",
            "digitTimeout",
            "finishOnKey",
            "numDigits",
            "retries",
            "redirect",
            "playBeep",
            "validDigits",
            "invalidDigitsSound",
            "log",
        ],
        &["Speak", "Play", "Wait"],
    ),
    Rule::new(
        "Dial",
        &[
            "action",
            "method",
            "hangupOnStar",
            "timeLimit",
            "timeout",
            "callerId",
            "callerName",
            "confirmSound",
            "confirmTimeout",
            "confirmKey",
            "dialMusic",
            "callbackUrl",
            "callbackMethod",
            "redirect",
            "digitsMatch",
            "digitsMatchBLeg",
            "sipHeaders",
        ],
        &["User", "Number"],
    ),
    Rule::new("Number", &["sendDigits", "sendOnPreanswer", "sendDigitsMode"], &[]).texted(),
    Rule::new("User", &["sendDigits", "sendOnPreanswer", "sipHeaders"], &[]).texted(),
    Rule::new("Speak", &["voice", "language", "loop"], SPOKEN).texted(),
    Rule::new("Play", &["loop"], &[]).texted(),
    Rule::new("Wait", &["length", "silence", "minSilence", "beep"], &[]),
    Rule::new("Hangup", &["reason", "schedule"], &[]),
    Rule::new("Redirect", &["method"], &[]).texted(),
    Rule::new("cont", &[], SPOKEN).texted(),
];
