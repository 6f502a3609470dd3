//! The two legs of a call, as a provider knows them.

use crate::clock::Clock;
use crate::ending::Ending;
use crate::telephone::Place;

/// One leg. Moments are simulated milliseconds since dialling.
#[derive(Clone, Debug)]
pub(crate) struct Leg {
    /// The provider's id of it.
    pub(crate) id: String,
    /// Numbers as the provider writes them.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) began_ms: u64,
    pub(crate) rang: bool,
    pub(crate) answered_ms: Option<u64>,
    pub(crate) bridged_ms: Option<u64>,
    /// How many status callbacks told of it so far.
    pub(crate) told: u32,
}

impl Leg {
    pub(crate) fn new(id: String, from: String, to: String, began_ms: u64) -> Leg {
        Leg { id, from, to, began_ms, rang: false, answered_ms: None, bridged_ms: None, told: 0 }
    }

    /// Whole seconds since the leg was answered; 0 if it was not.
    pub(crate) fn seconds(&self, now_ms: u64) -> u64 {
        self.answered_ms.map_or(0, |answered| (now_ms - answered).div_ceil(1_000))
    }
}

/// What a provider words a webhook from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) account: &'a str,
    pub(crate) clock: &'a Clock,
    pub(crate) scanner: &'a Leg,
    /// Where the scanner's number comes from; `None` if it is withheld.
    pub(crate) place: Option<&'a Place>,
}

/// Why a document is asked for on the scanner's leg.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    /// The call has just come in.
    Start,
    Redirect,
    /// The scanner keyed these digits.
    Digits {
        digits: &'a str,
        finished_by: Option<char>,
    },
    /// The owner, or the scanner who waits, is to hear something.
    Sounds,
}

/// What happened on the owner's leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LegEvent {
    Initiated,
    Ringing,
    Answered,
    Bridged,
    Over(Ending),
}
