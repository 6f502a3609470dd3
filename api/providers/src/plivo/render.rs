//! Our steps in Plivo's words. The same instruction always gives the same bytes.
//!
//! Elements and attributes are those of `plivo.xml`; what they mean is in docs: xml/getdigits, xml/dial, xml/speak.

use qnect_core::instruction::{Dial, Instruction};
use qnect_core::language::Language;
use qnect_core::policy::ACCEPT;

use super::NAME;
use crate::routes::Route;
use crate::steps::{Listen, Silence, Speak, Step, seconds, steps, target};
use crate::xml::{Xml, borrowed};

/// Polly's bilingual Indian voice: Plivo's own voices speak neither Hindi nor Indian English (docs: voice/concepts/ssml).
const VOICE: &str = "Polly.Aditi";

/// The document that tells Plivo `instruction`, with callback URLs under the public origin `base_url`.
pub(super) fn render(instruction: &Instruction, base_url: &str) -> String {
    // What a `confirmSound` returns may only sound; Plivo itself waits for the key.
    let steps = steps(instruction, false);
    Xml::document("Response", |xml| {
        for step in &steps {
            match step {
                Step::Speak(speak) => write_speak(xml, speak),
                Step::Listen(listen) => write_listen(xml, listen, base_url),
                Step::Dial(dial) => write_dial(xml, dial, base_url),
                Step::Wait(span) => xml.leaf("Wait", &[("length", &seconds(*span))], ""),
                Step::Redirect(to) => write_redirect(xml, *to, base_url),
                Step::Hangup => xml.leaf("Hangup", &[], ""),
            }
        }
    })
}

fn write_speak(xml: &mut Xml, speak: &Speak) {
    let language = match speak.language {
        Language::English => "en-IN",
        Language::Hindi => "hi-IN",
    };
    xml.leaf("Speak", &[("voice", VOICE), ("language", language)], &speak.text);
}

/// Silence falls through to the next verb: where it is an answer, that verb asks for what comes after it.
fn write_listen(xml: &mut Xml, listen: &Listen, base_url: &str) {
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
    if listen.silence == Silence::IsPosted {
        write_redirect(xml, listen.to, base_url);
    }
}

fn write_redirect(xml: &mut Xml, to: Route, base_url: &str) {
    xml.leaf("Redirect", &[("method", "POST")], &to.url(NAME, base_url));
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
    xml.element("Dial", &borrowed(&attributes), |xml| xml.leaf("Number", &[], &target(dial)));
}
