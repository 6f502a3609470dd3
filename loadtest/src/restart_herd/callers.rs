//! Those of the herd who call: their telephones go on beside the visits, which last until there is a number to dial.
//!
//! Telephones' time is the machine's, because an outage is: so many are in each state of a call when it begins, and it
//! lasts as long for them as for the engine. An owner has one call at a time, so that who calls does so at a tag of their
//! own, as far as there are tags.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use qnect_simulator::{Network, OwnerScript};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::call::number;
use crate::cause::Cause;
use crate::door::Door;
use crate::stranger::{Opened, Seen, Stranger};

/// A call that broke before it told how it went.
const BROKE: &str = "the generator broke";

/// Everybody who calls.
#[derive(Debug)]
pub(super) struct Callers {
    stranger: Arc<Stranger>,
    /// Of a thousand visitors, so many.
    share: u32,
    tags: AtomicU32,
    calls: Mutex<JoinSet<Seen>>,
}

/// What came of one call.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// Bridged, masked, and nothing else was wrong with it.
    Good,
    /// The owner picked up and heard nothing, because what was to be heard waited for the provider.
    CutShort,
    /// Anything else, for this reason.
    Failed(String),
}

/// What came of all calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    made: u64,
    bridged: u64,
    cut_short: u64,
    failed_by_reason: BTreeMap<String, u64>,
    /// Requests of the provider in all, those that came late, and those that were not answered with 2xx.
    webhooks: u64,
    held: u64,
    refused: u64,
    /// Whether the provider was to be out: then webhooks must have been late.
    is_struck: bool,
}

impl Callers {
    /// Of a thousand visitors `share` call through `network`, in which every owner answers.
    pub(super) fn new(door: Door, network: Network, share: u32) -> Callers {
        network.set_default_script(OwnerScript::Answers);
        let stranger = Arc::new(Stranger::new(door, network));
        Callers { stranger, share, tags: AtomicU32::new(0), calls: Mutex::default() }
    }

    /// Whether a visitor calls for whom this number below a thousand was drawn; then the number of the tag.
    pub(super) fn tag_for(&self, drawn: u64) -> Option<u32> {
        (drawn < u64::from(self.share)).then(|| self.tags.fetch_add(1, Ordering::Relaxed))
    }

    /// Visitor number `nth` calls, and goes on calling when the visit is over.
    pub(super) fn begin(&self, nth: u64, opened: Opened) {
        let stranger = self.stranger.clone();
        self.lock().spawn(async move { stranger.dial(number(nth), opened).await });
    }

    /// Waits for the last call.
    pub(super) async fn all(&self, is_struck: bool) -> Calls {
        let mut begun = std::mem::take(&mut *self.lock());
        let mut calls = Calls { is_struck, ..Calls::default() };
        while let Some(seen) = begun.join_next().await {
            calls.add(seen.ok().as_ref());
        }
        calls
    }

    /// Nothing panics while it holds this lock, so a poisoned one is whole.
    fn lock(&self) -> std::sync::MutexGuard<'_, JoinSet<Seen>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an engine is not to blame for is little. The provider plays on when it is back, and nobody here loses patience, so
/// that whatever the engine is asked late has an answer that connects the two; but a provider gives an owner who picked up
/// only so long for the key, whether the whisper came in time or not. A leak, an owner who was not rung at all, and a
/// webhook that was refused are the engine's, however late it was asked.
fn fate(seen: &Seen) -> Fate {
    match &seen.failure {
        None => Fate::Good,
        Some(failure) if seen.held > 0 && failure.cause == Cause::NotBridged => Fate::CutShort,
        Some(failure) => Fate::Failed(format!("{} {}", failure.cause.id(), failure.note).trim_end().to_owned()),
    }
}

impl Calls {
    fn add(&mut self, seen: Option<&Seen>) {
        self.made += 1;
        match seen.map_or(Fate::Failed(BROKE.to_owned()), fate) {
            Fate::Good => self.bridged += 1,
            Fate::CutShort => self.cut_short += 1,
            Fate::Failed(reason) => *self.failed_by_reason.entry(reason).or_default() += 1,
        }
        if let Some(seen) = seen {
            self.webhooks += seen.webhooks;
            self.held += seen.held;
            self.refused += seen.webhooks_failed;
        }
    }

    /// Whether no call failed, and those that were to be struck were.
    pub(super) fn good(&self) -> bool {
        self.failed_by_reason.is_empty() && self.is_struck == (self.held > 0)
    }

    pub(super) fn json(&self) -> Value {
        json!({"calls": self.made, "bridged_and_masked": self.bridged, "cut_short": self.cut_short,
            "failed": self.failed_by_reason.values().sum::<u64>(), "failed_by_reason": self.failed_by_reason,
            "webhooks": self.webhooks, "webhooks_held": self.held, "webhooks_not_2xx": self.refused,
            "good": self.good()})
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Calls { made, bridged, cut_short, webhooks, held, refused, .. } = self;
        let failed: u64 = self.failed_by_reason.values().sum();
        writeln!(
            f,
            "calls      {made}: {bridged} bridged and masked, {cut_short} cut short by the outage, {failed} failed"
        )?;
        for (reason, calls) in &self.failed_by_reason {
            writeln!(f, "           {calls} times {reason}")?;
        }
        writeln!(f, "webhooks   {webhooks}: {held} came late, {refused} were not answered with 2xx")?;
        if self.is_struck && self.held == 0 { writeln!(f, "           the provider was never out") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Calls, Fate, fate};
    use crate::cause::Cause;
    use crate::stranger::Seen;

    fn seen(failure: Option<Cause>, held: u64) -> Seen {
        Seen { failure: failure.map(|cause| cause.with("")), held, webhooks: 8, ..Seen::default() }
    }

    #[test]
    fn an_outage_explains_an_owner_who_heard_nothing_and_nothing_else() {
        for cause in Cause::ALL {
            let expected =
                if cause == Cause::NotBridged { Fate::CutShort } else { Fate::Failed(cause.id().to_owned()) };
            assert_eq!(fate(&seen(Some(cause), 1)), expected);
            assert_eq!(fate(&seen(Some(cause), 0)), Fate::Failed(cause.id().to_owned()), "nothing was late");
        }
        assert_eq!([0, 3].map(|held| fate(&seen(None, held))), [Fate::Good, Fate::Good]);
    }

    #[test]
    fn calls_are_good_if_none_failed_and_the_outage_was_seen() {
        let of = |is_struck, all: &[Option<Seen>]| {
            let mut calls = Calls { is_struck, ..Calls::default() };
            all.iter().for_each(|seen| calls.add(seen.as_ref()));
            calls
        };
        assert!(of(false, &[]).good() && of(false, &[Some(seen(None, 0))]).good());
        assert!(of(true, &[Some(seen(None, 2)), Some(seen(Some(Cause::NotBridged), 1))]).good());
        assert!(!of(true, &[Some(seen(None, 0))]).good(), "the provider was never out");
        assert!(!of(true, &[Some(seen(None, 1)), None]).good(), "one broke");
        let leak = of(true, &[Some(seen(None, 1)), Some(seen(Some(Cause::NotMasked), 1))]);
        assert!(!leak.good() && leak.to_string().contains("1 times not_masked\n"), "{leak}");
    }
}
