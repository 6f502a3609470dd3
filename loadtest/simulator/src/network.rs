//! The telephone network: who is where, and a way to dial.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::api::Api;
use crate::call::Call;
use crate::config::{NetworkConfig, SimulatorError};
use crate::digits;
use crate::draw::Draw;
use crate::lines::Lines;
use crate::provider::Provider;
use crate::records::{CallRecord, Records};
use crate::report::{CallReport, TimelineEntry};
use crate::telephone::{Dial, OwnerScript};
use crate::webhook::Mailer;

/// Callers whose calls are counted; what goes wrong for others is the same in each of their calls.
const CALLERS_MAX: usize = 200_000;

/// A telephone network with one provider in it. Clones share subscribers, connections and the provider's account.
#[derive(Clone, Debug)]
pub struct Network {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) mailer: Mailer,
    pub(crate) provider: &'static dyn Provider,
    /// Ids and nonces: never the same twice, whatever the seed is.
    pub(crate) draw: Draw,
    pub(crate) lines: Lines,
    pub(crate) records: Records,
    pub(crate) api: Api,
    subscribers: Mutex<Subscribers>,
}

#[derive(Debug, Default)]
struct Subscribers {
    script_by_digits: HashMap<String, OwnerScript>,
    default: OwnerScript,
    calls_by_caller: HashMap<String, u64>,
}

impl Network {
    /// A network with no subscribers; every number answers until told otherwise.
    ///
    /// # Errors
    /// The configuration is out of its bounds, or the system gives no random bits.
    pub fn new(config: NetworkConfig) -> Result<Network, SimulatorError> {
        let config = config.checked()?;
        let shared = Shared {
            provider: config.protocol.provider(),
            draw: Draw::random()?,
            lines: Lines::new(config.lines_max, config.calls_per_second),
            records: Records::default(),
            api: Api::failing(config.faults.rest),
            subscribers: Mutex::default(),
            mailer: Mailer::new(config),
        };
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

    /// From now on the provider is out, or back. Until it is back, nothing that it has to tell leaves it: who calls hears
    /// nothing more from the engine, telephones that are connected stay so. Then all of it comes, at most a thousand a
    /// second, and each of it twice. An outage, with what it takes to tell all of that, should be shorter than a vendor waits
    /// for a document, a minute at Plivo \[D\]: here nobody gives up. The provider's API is not part of it: see
    /// [`RestFault`](crate::RestFault).
    pub fn set_out(&self, is_out: bool) {
        self.shared.mailer.outage.set(is_out);
    }

    /// Waits until so many things that the provider has to tell are held back by an outage.
    pub async fn until_held(&self, count: usize) {
        self.shared.mailer.outage.until_waiting(count).await;
    }

    /// Whether the provider is out.
    pub fn is_out(&self) -> bool {
        self.shared.mailer.outage.is_on()
    }

    /// The records of legs that the provider still has, in the order in which the legs began; at most 65,536.
    pub fn records(&self) -> Vec<CallRecord> {
        self.shared.records.all()
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

    /// What goes wrong in this caller's next call.
    pub(crate) fn luck(&self, caller: &str) -> Draw {
        let caller = digits::only(caller);
        let nth = self.with_subscribers(|subscribers| {
            let known = subscribers.calls_by_caller.len();
            match subscribers.calls_by_caller.get_mut(&caller) {
                Some(calls) => {
                    *calls += 1;
                    *calls
                }
                None if known < CALLERS_MAX => {
                    subscribers.calls_by_caller.insert(caller.clone(), 0);
                    0
                }
                None => 0,
            }
        });
        Draw::of_call(self.mailer.config().faults.seed, &caller, nth)
    }

    // Nothing panics while it holds this lock, so a poisoned one is whole.
    fn with_subscribers<T>(&self, f: impl FnOnce(&mut Subscribers) -> T) -> T {
        f(&mut self.subscribers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
