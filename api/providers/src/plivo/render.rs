//! Our instructions as Plivo's documents. The same instruction always gives the same bytes.

use qnect_core::instruction::{CODE_ATTEMPTS_MAX, Instruction};
use qnect_core::time::Span;

use super::routes::PlivoRoute;
use super::verbs::{GetDigits, Speak, Verb, document};
use crate::speech;

/// How long to listen in silence first: digits that a telephone dials after the number come about three seconds after the
/// answer (one comma waits that long on Android), and a prompt would only talk into them.
const SILENCE: Span = Span::from_secs(4);

/// How long a person may look for the code before keying it, counted from the end of the prompt.
const PATIENCE: Span = Span::from_secs(8);

/// The document that tells Plivo `instruction`, with callback URLs under the public origin `base_url`.
pub fn render(instruction: &Instruction, base_url: &str) -> String {
    match instruction {
        Instruction::AskForCode { digits, attempt, language } => {
            let to = PlivoRoute::Code { attempt: (*attempt).clamp(1, CODE_ATTEMPTS_MAX) };
            let language = *language;
            let say = |text| Speak { text, language };
            let wanted = speech::code_wanted(*digits, language);
            let first = if *attempt > 1 {
                // Outside of the next verb, so that stray digits of the last attempt cannot cut it short.
                Verb::Speak(say(speech::code_wrong(language)))
            } else {
                Verb::GetDigits(GetDigits { to, digits: *digits, wait: SILENCE, prompt: None })
            };
            let listen = GetDigits { to, digits: *digits, wait: PATIENCE, prompt: Some(say(&wanted)) };
            let missing = say(speech::code_missing(language));
            document(&[first, Verb::GetDigits(listen), Verb::Speak(missing), Verb::Hangup], base_url)
        }
        Instruction::Dial(dial) => document(&[Verb::Dial(dial)], base_url),
        // What a `confirmSound` returns may only sound; Plivo itself waits for the key.
        Instruction::Whisper { reason, language } => {
            let text = speech::whisper(*reason, *language);
            let whisper = Speak { text: &text, language: *language };
            document(&[Verb::Speak(whisper)], base_url)
        }
        Instruction::Say { announcement, language } => {
            let say = Speak { text: speech::announcement(*announcement, *language), language: *language };
            document(&[Verb::Speak(say), Verb::Hangup], base_url)
        }
        Instruction::Acknowledge => document(&[], base_url),
    }
}
