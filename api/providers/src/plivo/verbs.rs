//! The verbs that we speak to Plivo. What is not among them cannot be said: nothing records, streams, transcribes or
//! messages, no SIP header is passed on, and no dial exists without one of our numbers as its caller id.
//!
//! Elements and attributes are those of `plivo.xml`; what they mean is in docs: xml/getdigits, xml/dial, xml/speak.

use std::borrow::Cow;

use qnect_core::instruction::Dial;
use qnect_core::language::Language;
use qnect_core::policy::ACCEPT;
use qnect_core::time::Span;

use super::NAME;
use crate::routes::Route;
use crate::xml::Xml;

/// Polly's bilingual Indian voice: Plivo's own voices speak neither Hindi nor Indian English (docs: voice/concepts/ssml).
const VOICE: &str = "Polly.Aditi";

/// One step of a document.
pub(super) enum Verb<'a> {
    /// Says something.
    Speak(Speak<'a>),
    /// Waits for digits and posts them; goes on to the next verb when none came.
    GetDigits(GetDigits<'a>),
    /// Rings the owner.
    Dial(&'a Dial),
    /// Keeps silent for a while.
    Wait(Span),
    /// Asks for the next document.
    Redirect(Route),
    /// Ends the call.
    Hangup,
}

/// Words in a language.
pub(super) struct Speak<'a> {
    /// The words.
    pub(super) text: Cow<'a, str>,
    /// Their language.
    pub(super) language: Language,
}

/// How to listen for digits.
pub(super) struct GetDigits<'a> {
    /// Where they go.
    pub(super) to: Route,
    /// How many there are: the last one ends the wait.
    pub(super) digits: u8,
    /// How long to wait for the first.
    pub(super) wait: Span,
    /// What to say meanwhile, one after the other; a key cuts it short.
    pub(super) prompt: Vec<Speak<'a>>,
}

/// Writes a document.
pub(super) fn document(verbs: &[Verb<'_>], base_url: &str) -> String {
    Xml::document("Response", |xml| {
        for verb in verbs {
            match verb {
                Verb::Speak(speak) => write_speak(xml, speak),
                Verb::GetDigits(listen) => write_get_digits(xml, listen, base_url),
                Verb::Dial(dial) => write_dial(xml, dial, base_url),
                Verb::Wait(span) => xml.leaf("Wait", &[("length", &seconds(*span))], ""),
                Verb::Redirect(to) => xml.leaf("Redirect", &[("method", "POST")], &to.url(NAME, base_url)),
                Verb::Hangup => xml.leaf("Hangup", &[], ""),
            }
        }
    })
}

fn write_speak(xml: &mut Xml, speak: &Speak<'_>) {
    let language = match speak.language {
        Language::English => "en-IN",
        Language::Hindi => "hi-IN",
    };
    xml.leaf("Speak", &[("voice", VOICE), ("language", language)], &speak.text);
}

fn write_get_digits(xml: &mut Xml, listen: &GetDigits<'_>, base_url: &str) {
    let attributes = [
        ("action", listen.to.url(NAME, base_url)),
        ("method", "POST".to_owned()),
        ("numDigits", listen.digits.to_string()),
        ("timeout", seconds(listen.wait)),
        ("digitTimeout", "3".to_owned()),
        // Nobody is told to press it; who does is not punished for it, because the key is not counted among the digits.
        ("finishOnKey", "#".to_owned()),
        ("retries", "1".to_owned()),
        ("redirect", "true".to_owned()),
        ("playBeep", "false".to_owned()),
        // An access code is a secret for a while: keep it out of the provider's logs.
        ("log", "false".to_owned()),
    ];
    xml.element("GetDigits", &borrowed(&attributes), |xml| {
        for prompt in &listen.prompt {
            write_speak(xml, prompt);
        }
    });
}

/// No `dialMusic`: the scanner hears Plivo's ringing. The carrier's own (`real`) may speak the owner's number.
fn write_dial(xml: &mut Xml, dial: &Dial, base_url: &str) {
    let session = dial.session;
    let attributes = [
        // Without them the owner would see the scanner's number and name.
        ("callerId", dial.caller_id.number().digits().to_string()),
        ("callerName", "QNect".to_owned()),
        ("timeLimit", seconds(dial.talk)),
        ("timeout", seconds(dial.ring)),
        ("action", Route::DialEnd { session }.url(NAME, base_url)),
        ("method", "POST".to_owned()),
        ("redirect", "true".to_owned()),
        ("callbackUrl", Route::Leg { session }.url(NAME, base_url)),
        ("callbackMethod", "POST".to_owned()),
        // No key, no bridge: a voicemail is never connected. The key counts only if there is a sound.
        ("confirmSound", Route::Whisper { session }.url(NAME, base_url)),
        ("confirmKey", "1".to_owned()),
        ("confirmTimeout", seconds(ACCEPT)),
    ];
    xml.element("Dial", &borrowed(&attributes), |xml| {
        xml.leaf("Number", &[], &dial.to.reveal().to_string());
    });
}

/// Whole seconds, at least one: zero is no allowed value.
fn seconds(span: Span) -> String {
    span.as_secs_ceil().max(1).to_string()
}

fn borrowed<'a, const N: usize>(attributes: &'a [(&'static str, String); N]) -> [(&'a str, &'a str); N] {
    attributes.each_ref().map(|(name, value)| (*name, value.as_str()))
}
