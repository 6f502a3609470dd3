//! Instructions as steps that every provider's language has words for. What is not among them cannot be said: nothing
//! records, streams, transcribes or messages, no SIP header is passed on, and no dial exists without one of our numbers as
//! its caller id.

use qnect_core::instruction::{CHALLENGE_DIGITS, Dial, HOLD_TURN, Instruction, Question};
use qnect_core::language::{Language, Languages};
use qnect_core::time::Span;

use crate::routes::Route;
use crate::speech;

/// How long to listen in silence first: digits that a telephone dials after the number come about three seconds after the
/// answer (one comma waits that long on Android), and a prompt would only talk into them.
const SILENCE: Span = Span::from_secs(4);

/// How long a person may look for the code before keying it, counted from the end of the prompt.
const PATIENCE: Span = Span::from_secs(8);

/// How long an owner may think after the whisper, counted from its end; the keys that it names can be pressed before.
const DECISION: Span = Span::from_secs(5);

/// One step of a document.
pub(crate) enum Step<'a> {
    /// Says something.
    Speak(Speak),
    /// Waits for digits and posts them.
    Listen(Listen),
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
pub(crate) struct Speak {
    /// The words.
    pub(crate) text: String,
    /// Their language.
    pub(crate) language: Language,
}

/// How to listen for digits.
pub(crate) struct Listen {
    /// Where they go.
    pub(crate) to: Route,
    /// How many there are: the last one ends the wait.
    pub(crate) digits: u8,
    /// How long to wait for the first.
    pub(crate) wait: Span,
    /// What to say meanwhile, one after the other; a key cuts it short.
    pub(crate) prompt: Vec<Speak>,
    /// What happens when none came.
    pub(crate) silence: Silence,
}

/// What happens when nothing was keyed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// The next step.
    GoesOn,
    /// It is posted like digits, because it is an answer too.
    IsPosted,
}

/// The steps of `instruction`. `owner_keys`: whether the whisper itself listens for the owner's key; where a provider takes
/// the key while it dials, the whisper only sounds.
pub(crate) fn steps(instruction: &Instruction, owner_keys: bool) -> Vec<Step<'_>> {
    match instruction {
        Instruction::Ask { question, digits, languages } => ask(*question, *digits, *languages),
        Instruction::Challenge { session, attempt, spoken, language } => vec![Step::Listen(Listen {
            to: Route::Challenge { session: *session, attempt: *attempt },
            digits: CHALLENGE_DIGITS,
            wait: PATIENCE,
            prompt: vec![speak(speech::challenge(*spoken, *language), *language)],
            silence: Silence::IsPosted,
        })],
        Instruction::Hold { session, turn, language } => vec![
            Step::Speak(speak(speech::hold(*turn, *language), *language)),
            Step::Wait(HOLD_TURN),
            Step::Redirect(Route::Hold { session: *session, turn: *turn }),
        ],
        Instruction::Dial(dial) => vec![Step::Dial(dial)],
        Instruction::Whisper { session, reason, language } => {
            let whisper = speak(speech::whisper(*reason, owner_keys, *language), *language);
            if !owner_keys {
                return vec![Step::Speak(whisper)];
            }
            let listen = Listen {
                to: Route::OwnerKey { session: *session },
                digits: 1,
                wait: DECISION,
                prompt: vec![whisper],
                silence: Silence::IsPosted,
            };
            // No key, no bridge, even where silence is not posted: a voicemail is never connected.
            vec![Step::Listen(listen), Step::Hangup]
        }
        Instruction::Say { announcement, languages } => {
            let say = in_all(*languages, |language| speech::announcement(*announcement, language));
            say.into_iter().map(Step::Speak).chain([Step::Hangup]).collect()
        }
        Instruction::Connect => Vec::new(),
        // Where the owner's leg runs documents, one without a step connects the two: that is for `Connect` to say.
        Instruction::Acknowledge if owner_keys => vec![Step::Hangup],
        Instruction::Acknowledge => Vec::new(),
    }
}

fn ask<'a>(question: Question, digits: u8, languages: Languages) -> Vec<Step<'a>> {
    let listen =
        |wait, prompt, silence| Step::Listen(Listen { to: Route::Asked(question), digits, wait, prompt, silence });
    let silent = |silence| listen(SILENCE, Vec::new(), silence);
    let prompted = |prompt| listen(PATIENCE, prompt, Silence::GoesOn);
    let code_wanted = || in_all(languages, |language| speech::code_wanted(digits, language));
    let mut steps = match question {
        Question::CodeOrRedial => return vec![silent(Silence::IsPosted)],
        Question::Code { attempt: 2.. } => {
            // Outside of the next step, so that stray digits of the last attempt cannot cut it short.
            let wrong = in_all(languages, speech::code_wrong).into_iter().map(Step::Speak);
            wrong.chain([prompted(code_wanted())]).collect()
        }
        Question::Code { .. } => vec![silent(Silence::GoesOn), prompted(code_wanted())],
        Question::CodeOrMenu => {
            let menu = in_all(languages, |language| speech::owner_menu(digits, language));
            vec![silent(Silence::GoesOn), prompted(menu)]
        }
    };
    steps.extend(in_all(languages, speech::code_missing).into_iter().map(Step::Speak));
    steps.push(Step::Hangup);
    steps
}

fn in_all<T: Into<String>>(languages: Languages, text: impl Fn(Language) -> T) -> Vec<Speak> {
    languages.iter().map(|language| speak(text(language), language)).collect()
}

fn speak(text: impl Into<String>, language: Language) -> Speak {
    Speak { text: text.into(), language }
}

/// The owner's number for the target of a dial, in digits: the one place where it goes out to a provider.
pub(crate) fn target(dial: &Dial) -> String {
    dial.to.reveal().to_string()
}

/// Whole seconds, at least one: zero is no allowed value.
pub(crate) fn seconds(span: Span) -> String {
    span.as_secs_ceil().max(1).to_string()
}
