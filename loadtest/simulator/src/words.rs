//! Sounds and documents in words and in time.

use crate::digits;
use crate::plivo::document::{Element, Sound};

/// How long a spoken character and a recording take.
const CHARACTER_MS: u64 = 60;
const RECORDING_MS: u64 = 3_000;

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

/// A document in a few words. What stands behind a question is only for a scanner who does not answer it.
pub(crate) fn summary(elements: &[Element]) -> String {
    let mut summary = String::new();
    let mut joint = "";
    for element in elements {
        summary.push_str(joint);
        summary.push_str(&words(element));
        joint = if matches!(element, Element::GetDigits(_)) { "; otherwise " } else { "; then " };
    }
    if summary.is_empty() { "nothing to do".to_owned() } else { summary }
}

fn words(element: &Element) -> String {
    match element {
        Element::Sound(Sound::Speak { text, .. }) => format!("say {text:?}"),
        Element::Sound(Sound::Play { .. }) => "play a recording".to_owned(),
        Element::Sound(Sound::Wait { seconds }) => format!("wait {seconds} s"),
        Element::GetDigits(gather) => format!("ask for {} digits", gather.digits_max),
        Element::Redirect { .. } => "go on with another document".to_owned(),
        Element::Hangup { .. } => "hang up".to_owned(),
        Element::Dial(dial) => {
            let shown = match &dial.caller_id {
                Some(id) => format!("showing {}", digits::shown(id)),
                None => "showing whatever the caller shows".to_owned(),
            };
            let key = dial.confirm_key.map(|key| format!(", bridge when {key} is pressed")).unwrap_or_default();
            format!("ring the owner, {shown}{key}")
        }
    }
}
