//! Our steps as TwiML. The same instruction always gives the same bytes.
//!
//! Elements and attributes are those of `twilio.twiml.voice_response`; what they mean is in docs: voice/twiml/gather,
//! voice/twiml/dial, voice/twiml/number, voice/twiml/say.

use qnect_core::instruction::{Dial, Instruction};
use qnect_core::language::Language;

use super::{CAPABILITIES, NAME};
use crate::routes::Route;
use crate::steps::{Listen, Silence, Speak, Step, seconds, steps, target};
use crate::xml::{Xml, borrowed};

/// Polly's bilingual Indian voice, one of `SayVoice`; it speaks both of our languages, so a caller hears one person.
const VOICE: &str = "Polly.Aditi";

/// What we want to know of the owner's leg. Not `initiated`, which would tell that our own document was read.
const LEG_EVENTS: &str = "ringing answered completed";

/// The document that tells Twilio `instruction`, with callback URLs under the public origin `base_url`.
pub(super) fn render(instruction: &Instruction, base_url: &str) -> String {
    // A document without a verb on the owner's leg connects the two: that is what `Connect` is.
    let steps = steps(instruction, CAPABILITIES.owner_keys);
    Xml::document("Response", |xml| {
        for step in &steps {
            match step {
                Step::Speak(speak) => write_speak(xml, speak),
                Step::Listen(listen) => write_listen(xml, listen, base_url),
                Step::Dial(dial) => write_dial(xml, dial, base_url),
                Step::Wait(span) => xml.leaf("Pause", &[("length", &seconds(*span))], ""),
                Step::Redirect(to) => xml.leaf("Redirect", &[("method", "POST")], &to.url(NAME, base_url)),
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
    xml.leaf("Say", &[("voice", VOICE), ("language", language)], &speak.text);
}

fn write_listen(xml: &mut Xml, listen: &Listen, base_url: &str) {
    let attributes = [
        // Keys only: what is said is neither sent anywhere nor understood.
        ("input", "dtmf".to_owned()),
        ("action", listen.to.url(NAME, base_url)),
        ("method", "POST".to_owned()),
        ("numDigits", listen.digits.to_string()),
        // Between two digits as well as before the first.
        ("timeout", seconds(listen.wait)),
        // Nobody is told to press it; who does is not punished for it, because the key is not counted among the digits.
        ("finishOnKey", "#".to_owned()),
        ("actionOnEmptyResult", (listen.silence == Silence::IsPosted).to_string()),
    ];
    xml.element("Gather", &borrowed(&attributes), |xml| {
        for prompt in &listen.prompt {
            write_speak(xml, prompt);
        }
    });
}

/// No `ringTone`: the scanner hears Twilio's ringing until the two are connected.
fn write_dial(xml: &mut Xml, dial: &Dial, base_url: &str) {
    let session = dial.session;
    let call = [
        // Without it the owner would see the scanner's number.
        ("callerId", dial.caller_id.number().to_string()),
        // The scanner hears ringing, and not the whisper's silence, until the owner has pressed 1. [U] for a line that was
        // answered before, because a code was keyed on it.
        ("answerOnBridge", "true".to_owned()),
        ("timeout", seconds(dial.ring)),
        ("timeLimit", seconds(dial.talk)),
        ("action", Route::DialEnd { session }.url(NAME, base_url)),
        ("method", "POST".to_owned()),
    ];
    let owner = [
        // Fetched when the owner has answered, and before the two are connected.
        ("url", Route::Whisper { session }.url(NAME, base_url)),
        ("method", "POST".to_owned()),
        ("statusCallback", Route::Leg { session }.url(NAME, base_url)),
        ("statusCallbackMethod", "POST".to_owned()),
        ("statusCallbackEvent", LEG_EVENTS.to_owned()),
    ];
    xml.element("Dial", &borrowed(&call), |xml| {
        xml.leaf("Number", &borrowed(&owner), &format!("+{}", target(dial)));
    });
}
