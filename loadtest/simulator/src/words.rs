//! Sounds and documents in words and in time.

use crate::digits;
use crate::instruction::{Element, Screening, Sound};

/// How long a spoken character and a recording take.
const CHARACTER_MS: u64 = 60;
const RECORDING_MS: u64 = 3_000;

/// Most times that a sound is repeated when it says "until the call ends".
const REPEATS_MAX: u64 = 50;

/// What a listener would say it was; silence is nothing.
pub(crate) fn heard(sound: &Sound) -> Option<String> {
    match sound {
        Sound::Speak { text, .. } => Some(text.clone()),
        Sound::Play { url, .. } => Some(format!("recording {url}")),
        Sound::Wait { .. } => None,
    }
}

/// How long a sound takes once.
pub(crate) fn sound_ms(sound: &Sound) -> u64 {
    match sound {
        Sound::Speak { text, .. } => 500 + CHARACTER_MS * text.chars().count() as u64,
        Sound::Play { .. } => RECORDING_MS,
        Sound::Wait { seconds } => seconds * 1_000,
    }
}

/// How often a sound is played.
pub(crate) fn times(sound: &Sound) -> usize {
    let times = match sound {
        Sound::Speak { times: 0, .. } | Sound::Play { times: 0, .. } => REPEATS_MAX,
        Sound::Speak { times, .. } | Sound::Play { times, .. } => (*times).min(REPEATS_MAX),
        Sound::Wait { .. } => 1,
    };
    times as usize
}

/// A document in a few words: what the engine does with the call. What stands behind a question is only for a scanner
/// who does not answer it; a question that is asked again is the same question.
pub(crate) fn summary(elements: &[Element]) -> String {
    let mut summary = String::new();
    let (mut joint, mut last) = ("", String::new());
    for element in elements {
        let next = words(element);
        let is_question = matches!(element, Element::Gather(_));
        if is_question && next == last {
            continue;
        }
        summary.push_str(joint);
        summary.push_str(&next);
        joint = if is_question { "; if none come, " } else { ", then " };
        last = next;
    }
    if summary.is_empty() { "has nothing more to do".to_owned() } else { summary }
}

fn words(element: &Element) -> String {
    match element {
        Element::Sound(Sound::Speak { text, .. }) => format!("says \"{text}\""),
        Element::Sound(Sound::Play { .. }) => "plays a recording".to_owned(),
        Element::Sound(Sound::Wait { seconds }) => format!("waits {seconds} s"),
        Element::Gather(gather) => match gather.digits_max {
            Some(1) => "asks for a digit".to_owned(),
            Some(digits) => format!("asks for the {digits} digits"),
            None => "asks for digits".to_owned(),
        },
        Element::Redirect { .. } => "goes on with another document".to_owned(),
        Element::Hangup { .. } => "hangs up".to_owned(),
        Element::Dial(dial) => {
            let shown = match &dial.caller_id {
                Some(id) => format!("showing {}", digits::shown(id)),
                None => "showing whatever the caller shows".to_owned(),
            };
            let screening = match &dial.screening {
                Screening::Key { key: Some(key), .. } => format!(", and bridges when {key} is pressed"),
                Screening::Document { .. } => ", and asks the owner before it bridges".to_owned(),
                Screening::Key { key: None, .. } | Screening::Nothing => String::new(),
            };
            format!("rings the owner, {shown}{screening}")
        }
    }
}
