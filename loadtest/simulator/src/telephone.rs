//! Telephones: what a scanner dials, and how an owner's telephone behaves.

use std::time::Duration;

use serde::Serialize;

/// One comma in a dialled number, as Android and iOS wait it.
const COMMA_MS: u64 = 3_000;
/// Between two tones of a dialler.
const TONE_MS: u64 = 200;

/// How the owner's telephone, or the owner, answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OwnerScript {
    /// Picks up, listens, presses the key that was asked for, talks.
    #[default]
    Answers,
    /// Rejects on the handset.
    Declines,
    /// Picks up, listens, hangs up without a key.
    HangsUp,
    /// Is in another call.
    Busy,
    /// Rings until somebody stops it.
    Silent,
    /// A machine picks up, records what it hears and never presses a key.
    Voicemail,
}

/// What happens when the owner's telephone has rung for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// The line is engaged: it never rings.
    Engaged,
    /// Rejected after so many milliseconds of ringing.
    Rejects(u64),
    /// Picked up after so many milliseconds of ringing.
    PicksUp(u64),
    /// Rings on.
    Nothing,
}

impl OwnerScript {
    pub(crate) fn reaction(self) -> Reaction {
        match self {
            OwnerScript::Answers | OwnerScript::HangsUp => Reaction::PicksUp(4_000),
            OwnerScript::Declines => Reaction::Rejects(3_000),
            OwnerScript::Busy => Reaction::Engaged,
            OwnerScript::Silent => Reaction::Nothing,
            OwnerScript::Voicemail => Reaction::PicksUp(15_000),
        }
    }
}

/// One call that a scanner makes.
#[derive(Clone, Debug, Default)]
pub struct Dial {
    /// The scanner's own number, E.164.
    pub from: String,
    /// The number that is dialled, E.164.
    pub number: String,
    /// Digits that the dialler sends after one comma; a further comma in them waits another 3 s.
    pub post_dial: Option<String>,
    /// How long the scanner talks once bridged, before hanging up.
    pub talk_seconds: u64,
    /// The scanner withholds the number: the provider is told `anonymous`.
    pub withheld: bool,
    /// When the scanner loses patience, counted from dialling. `None`: never before the provider's own limit of 4 hours.
    pub hang_up_after: Option<Duration>,
}

impl Dial {
    /// How the dialler shows it: `+91..., 4829137`.
    pub(crate) fn dialled(&self) -> String {
        match &self.post_dial {
            Some(digits) => format!("{} ,{digits}", self.number),
            None => self.number.clone(),
        }
    }
}

/// The tones that a dialler will send, each with its time. What nobody listens to is lost.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pressed: std::collections::VecDeque<(u64, char)>,
}

impl Keys {
    /// The tones of `post_dial` when the line is answered at `answered_ms`.
    pub(crate) fn after_answer(post_dial: Option<&str>, answered_ms: u64) -> Keys {
        let mut at = answered_ms + COMMA_MS;
        let mut keys = Keys::default();
        for key in post_dial.unwrap_or_default().chars() {
            if key == ',' {
                at += COMMA_MS;
                continue;
            }
            keys.pressed.push_back((at, key));
            at += TONE_MS;
        }
        keys
    }

    /// Forgets the tones before `now_ms` and returns them.
    pub(crate) fn lose_before(&mut self, now_ms: u64) -> String {
        let mut lost = String::new();
        while let Some((_, key)) = self.pressed.pop_front_if(|(at, _)| *at < now_ms) {
            lost.push(key);
        }
        lost
    }

    /// When the next tone comes, if it comes at `until_ms` or before.
    pub(crate) fn peek_until(&self, until_ms: u64) -> Option<u64> {
        self.pressed.front().map(|(at, _)| *at).filter(|at| *at <= until_ms)
    }

    /// The next tone, if it comes at `until_ms` or before.
    pub(crate) fn next_until(&mut self, until_ms: u64) -> Option<(u64, char)> {
        self.pressed.pop_front_if(|(at, _)| *at <= until_ms)
    }
}
