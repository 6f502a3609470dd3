//! Our instructions as Plivo's documents. The same instruction always gives the same bytes.

use qnect_core::instruction::{CHALLENGE_DIGITS, HOLD_TURN, Instruction, Question};
use qnect_core::language::{Language, Languages};
use qnect_core::time::Span;

use super::verbs::{GetDigits, Speak, Verb, document};
use crate::routes::Route;
use crate::speech;

/// How long to listen in silence first: digits that a telephone dials after the number come about three seconds after the
/// answer (one comma waits that long on Android), and a prompt would only talk into them.
const SILENCE: Span = Span::from_secs(4);

/// How long a person may look for the code before keying it, counted from the end of the prompt.
const PATIENCE: Span = Span::from_secs(8);

/// The document that tells Plivo `instruction`, with callback URLs under the public origin `base_url`.
pub(super) fn render(instruction: &Instruction, base_url: &str) -> String {
    let verbs = match instruction {
        Instruction::Ask { question, digits, languages } => ask(*question, *digits, *languages),
        Instruction::Challenge { session, attempt, spoken, language } => {
            let to = Route::Challenge { session: *session, attempt: *attempt };
            let prompt = vec![speak(speech::challenge(*spoken, *language), *language)];
            let listen = GetDigits { to, digits: CHALLENGE_DIGITS, wait: PATIENCE, prompt };
            // Silence is an answer too: the next attempt, or the end.
            vec![Verb::GetDigits(listen), Verb::Redirect(to)]
        }
        Instruction::Hold { session, turn, language } => vec![
            Verb::Speak(speak(speech::hold(*turn, *language), *language)),
            Verb::Wait(HOLD_TURN),
            Verb::Redirect(Route::Hold { session: *session, turn: *turn }),
        ],
        Instruction::Dial(dial) => vec![Verb::Dial(dial)],
        // What a `confirmSound` returns may only sound; Plivo itself waits for the key.
        Instruction::Whisper { session: _, reason, language } => {
            vec![Verb::Speak(speak(speech::whisper(*reason, false, *language), *language))]
        }
        Instruction::Say { announcement, languages } => {
            let say = languages.iter().map(|language| speak(speech::announcement(*announcement, language), language));
            say.map(Verb::Speak).chain([Verb::Hangup]).collect()
        }
        Instruction::Connect | Instruction::Acknowledge => Vec::new(),
    };
    document(&verbs, base_url)
}

fn ask<'a>(question: Question, digits: u8, languages: Languages) -> Vec<Verb<'a>> {
    let to = Route::Asked(question);
    let silent = GetDigits { to, digits, wait: SILENCE, prompt: Vec::new() };
    let all = |text: &dyn Fn(Language) -> String| languages.iter().map(|l| speak(text(l), l)).collect::<Vec<_>>();
    let listen = |prompt| GetDigits { to, digits, wait: PATIENCE, prompt };
    let wanted = |language| speech::code_wanted(digits, language);
    let missing = all(&|language| speech::code_missing(language).to_owned()).into_iter().map(Verb::Speak);
    let mut verbs = match question {
        // Outside of the next verb, so that stray digits of the last attempt cannot cut it short.
        Question::Code { attempt: 2.. } => {
            let mut verbs: Vec<_> =
                all(&|language| speech::code_wrong(language).to_owned()).into_iter().map(Verb::Speak).collect();
            verbs.push(Verb::GetDigits(listen(all(&wanted))));
            verbs
        }
        Question::Code { .. } => vec![Verb::GetDigits(silent), Verb::GetDigits(listen(all(&wanted)))],
        Question::CodeOrRedial => return vec![Verb::GetDigits(silent), Verb::Redirect(to)],
        Question::CodeOrMenu => {
            let menu = |language| speech::owner_menu(digits, language);
            vec![Verb::GetDigits(silent), Verb::GetDigits(listen(all(&menu)))]
        }
    };
    verbs.extend(missing);
    verbs.push(Verb::Hangup);
    verbs
}

fn speak<'a>(text: impl Into<std::borrow::Cow<'a, str>>, language: Language) -> Speak<'a> {
    Speak { text: text.into(), language }
}
