//! Which elements, attributes and nestings the vendor's builders can write (its Python package, `voice_response.py`), and
//! which of them this simulator plays. Everything else is an error.

use crate::markup::{Rule, SPOKEN};

/// The elements that this simulator plays; those of speech inside them are `markup::SPEECH`.
pub(crate) const RULES: &[Rule] = &[
    Rule::new(
        "Response",
        &[],
        &[
            "Connect", "Dial", "Echo", "Enqueue", "Gather", "Hangup", "Leave", "Pause", "Pay", "Play", "Prompt",
            "Queue", "Record", "Redirect", "Refer", "Reject", "Say", "Sms", "Start", "Stop",
        ],
    ),
    Rule::new("Say", &["voice", "language", "loop"], SPOKEN).texted(),
    Rule::new("Play", &["loop"], &[]).unplayed(&["digits"]).texted(),
    Rule::new("Pause", &["length"], &[]),
    Rule::new(
        "Gather",
        &["input", "action", "method", "timeout", "finishOnKey", "numDigits", "actionOnEmptyResult"],
        &["Say", "Play", "Pause"],
    )
    .unplayed(&[
        "speechTimeout",
        "maxSpeechTime",
        "profanityFilter",
        "partialResultCallback",
        "partialResultCallbackMethod",
        "language",
        "hints",
        "bargeIn",
        "debug",
        "speechModel",
        "enhanced",
    ]),
    Rule::new(
        "Dial",
        &["action", "method", "timeout", "hangupOnStar", "timeLimit", "callerId", "answerOnBridge", "ringTone"],
        &["Application", "Client", "Conference", "Number", "Queue", "Sim", "Sip", "WhatsApp"],
    )
    .unplayed(&[
        "record",
        "trim",
        "recordingStatusCallback",
        "recordingConfigurationId",
        "recordingStatusCallbackMethod",
        "recordingStatusCallbackEvent",
        "recordingTrack",
        "sequential",
        "referUrl",
        "referMethod",
        "events",
        "passports",
    ]),
    Rule::new("Number", &["url", "method", "statusCallback", "statusCallbackMethod", "statusCallbackEvent"], &[])
        .unplayed(&[
            "sendDigits",
            "byoc",
            "machineDetection",
            "amdStatusCallbackMethod",
            "amdStatusCallback",
            "machineDetectionTimeout",
            "machineDetectionSpeechThreshold",
            "machineDetectionSpeechEndThreshold",
            "machineDetectionSilenceTimeout",
        ])
        .texted(),
    Rule::new("Redirect", &["method"], &[]).texted(),
    Rule::new("Hangup", &[], &["Parameter"]),
    Rule::new("Reject", &["reason"], &["Parameter"]),
];
