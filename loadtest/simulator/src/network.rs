//! The telephone network: who is where, and a way to dial.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::call::Call;
use crate::config::{NetworkConfig, SimulatorError};
use crate::digits;
use crate::draw::Draw;
use crate::report::{CallReport, TimelineEntry};
use crate::telephone::{Dial, OwnerScript};
use crate::webhook::Mailer;

/// A telephone network with one provider in it. Clones share subscribers and connections.
#[derive(Clone, Debug)]
pub struct Network {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) mailer: Mailer,
    pub(crate) draw: Draw,
    subscribers: Mutex<Subscribers>,
}

#[derive(Debug, Default)]
struct Subscribers {
    script_by_digits: HashMap<String, OwnerScript>,
    default: OwnerScript,
}

impl Network {
    /// A network with no subscribers; every number answers until told otherwise.
    ///
    /// # Errors
    /// The configuration is out of its bounds, or the system gives no random bits.
    pub fn new(config: NetworkConfig) -> Result<Network, SimulatorError> {
        let shared =
            Shared { mailer: Mailer::new(config.checked()?), draw: Draw::random()?, subscribers: Mutex::default() };
        Ok(Network { shared: Arc::new(shared) })
    }

    /// Makes `number` (any spelling, digits count) a telephone that behaves like `script` from its next call on.
    pub fn set_telephone(&self, number: &str, script: OwnerScript) {
        self.shared.with_subscribers(|subscribers| {
            subscribers.script_by_digits.insert(digits::only(number), script);
        });
    }

    /// How every number without a telephone of its own behaves. [`OwnerScript::Answers`] at first.
    pub fn set_default_script(&self, script: OwnerScript) {
        self.shared.with_subscribers(|subscribers| subscribers.default = script);
    }

    /// Plays one call to its last webhook. Never fails: what goes wrong stands in the report.
    pub async fn dial(&self, call: Dial) -> CallReport {
        self.dial_observed(call, |_| {}).await
    }

    /// Like [`dial`](Network::dial), and shows every line of the story as it happens.
    pub async fn dial_observed(&self, call: Dial, mut observe: impl FnMut(&TimelineEntry) + Send) -> CallReport {
        Call::new(&self.shared, call, &mut observe).play().await
    }
}

impl Shared {
    pub(crate) fn script_of(&self, number: &str) -> OwnerScript {
        let digits = digits::only(number);
        self.with_subscribers(|subscribers| {
            subscribers.script_by_digits.get(&digits).copied().unwrap_or(subscribers.default)
        })
    }

    // Nothing panics while it holds this lock, so a poisoned one is whole.
    fn with_subscribers<T>(&self, f: impl FnOnce(&mut Subscribers) -> T) -> T {
        f(&mut self.subscribers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
