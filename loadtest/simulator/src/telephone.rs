//! Telephones: what a scanner dials and keys, and how an owner's telephone behaves.

use std::time::Duration;

use serde::Serialize;

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
    /// Picks up, listens, presses 2: coming in a few minutes.
    Coming,
    /// Picks up, listens, presses 3: cannot come.
    Cannot,
    /// Picks up, listens, presses 5, which means nothing.
    WrongKey,
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

/// What the owner does when a question was heard to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnerKey {
    /// The key that connects: the one that the provider waits for, where it waits for one, else 1.
    Accepting,
    Key(char),
    HangsUp,
    /// A machine does nothing.
    None,
}

impl OwnerScript {
    pub(crate) fn reaction(self) -> Reaction {
        match self {
            OwnerScript::Answers
            | OwnerScript::HangsUp
            | OwnerScript::Coming
            | OwnerScript::Cannot
            | OwnerScript::WrongKey => Reaction::PicksUp(4_000),
            OwnerScript::Declines => Reaction::Rejects(3_000),
            OwnerScript::Busy => Reaction::Engaged,
            OwnerScript::Silent => Reaction::Nothing,
            OwnerScript::Voicemail => Reaction::PicksUp(15_000),
        }
    }

    pub(crate) fn key(self) -> OwnerKey {
        match self {
            OwnerScript::Answers => OwnerKey::Accepting,
            OwnerScript::Coming => OwnerKey::Key('2'),
            OwnerScript::Cannot => OwnerKey::Key('3'),
            OwnerScript::WrongKey => OwnerKey::Key('5'),
            OwnerScript::HangsUp => OwnerKey::HangsUp,
            OwnerScript::Declines | OwnerScript::Busy | OwnerScript::Silent | OwnerScript::Voicemail => OwnerKey::None,
        }
    }
}

/// One call that a scanner makes.
#[derive(Clone, Debug, Default)]
pub struct Dial {
    /// The caller's own number, E.164. An owner's telephone calls like any other.
    pub from: String,
    /// The number that is dialled, E.164.
    pub number: String,
    /// Digits that the dialler sends after one comma; a further comma in them waits another 3 s. `None`: a redial.
    pub post_dial: Option<String>,
    /// How the tones of `post_dial` arrive.
    pub tones: Tones,
    /// What the caller keys by hand at the first, second, ... question that no tones of `post_dial` answer, a second
    /// after its prompt has ended. An empty text keys nothing at that question.
    pub at_prompts: Vec<String>,
    /// At a question for which `at_prompts` has nothing, key the digits that were spoken in its prompt: the last run of
    /// digits that is as long as the question asks for (the longest run, if it says no length). A run is written in
    /// numerals, ASCII or Devanagari, or in English words, `zero` to `nine`; spaces and punctuation join it, any other
    /// word ends it. So "to go on, type four, seven" keys 47, and "type the two digits 4 7" does too.
    pub repeats_spoken_digits: bool,
    /// How long the scanner talks once bridged, before hanging up.
    pub talk_seconds: u64,
    /// The scanner withholds the number: the provider is told `anonymous` (Plivo) or `+266696687` (Twilio).
    pub withheld: bool,
    /// When the scanner loses patience, counted from dialling. `None`: never before the provider's own limit of 4 hours.
    pub hang_up_after: Option<Duration>,
    /// The scanner hangs up at once when this happens.
    pub hang_up_when: Option<Moment>,
    /// Where the scanner's number comes from; Twilio tells the engine.
    pub place: Place,
    /// How the owner takes this very call. `None`: as the telephone that rings always does.
    pub owner: Option<OwnerScript>,
}

/// How tones get through a handset and a noisy line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Tones {
    /// As they were sent.
    #[default]
    Clear,
    /// One digit, drawn from the seed, does not arrive.
    Missing,
    /// One digit, drawn from the seed, arrives twice.
    Doubled,
}

/// A moment of a call that a scanner can notice, or happens to hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The line asks for digits.
    Asked,
    /// The owner's telephone rings.
    Ringing,
    /// The owner has picked up and is not connected yet.
    OwnerPicksUp,
    /// The two are connected.
    Bridged,
}

/// Where a number comes from, as a provider looks it up. The default is a place that exists nowhere, so that it is found
/// wherever it leaks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `FromCity`.
    pub city: String,
    /// `FromState`.
    pub state: String,
    /// `FromZip`.
    pub zip: String,
    /// `FromCountry`.
    pub country: String,
}

impl Default for Place {
    fn default() -> Place {
        let [city, state, zip, country] = ["STRANGERPUR", "NOWHERE", "000000", "ZZ"].map(str::to_owned);
        Place { city, state, zip, country }
    }
}

impl Dial {
    /// How the dialler shows it: `+91..., 4829137`.
    pub(crate) fn dialled(&self) -> String {
        match &self.post_dial {
            Some(digits) => format!("{},{digits}", self.number),
            None => self.number.clone(),
        }
    }
}
