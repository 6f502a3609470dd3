//! What we ask of providers by REST: hang up a call, tell how it stands, delete the record of it.
//!
//! A request goes by number to the provider's lane, and a full lane drops it: nothing here is waited for by anybody on a
//! line. Each provider has a courier of its own, so that one that hangs holds up no other. All of it runs on one thread
//! apart from the workers ([`on_own_thread`]).

mod breaker;
mod budget;
mod courier;
mod janitor;
mod probe;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use futures_util::future::join_all;
use metrics::Counter;
use qnect_core::leg::ProviderEvent;
use qnect_core::number::IntermediaryNumber;
use qnect_core::provider_request::{Operation, ProviderRequest};
use qnect_providers::rest::Rest;
use tokio::sync::{mpsc, oneshot};

use crate::config::Secret;
use courier::{Courier, Job};

pub use janitor::{ChoreBook, Deletes, run as run_janitor};
pub use probe::{ProbeError, Probed, probe_account, probe_page};
pub use wire::OutboxError;

/// Requests that may wait for one provider; more are dropped and counted.
pub const REQUESTS_MAX: usize = 256;

/// Our account at a provider.
#[derive(Debug)]
pub struct Account {
    /// How the provider is spoken to.
    pub rest: &'static dyn Rest,
    /// Where its interface is: an origin, perhaps with a path, without a slash at its end.
    pub api_base_url: String,
    /// The account's name.
    pub account: String,
    /// What proves that we are it; the first of two during a rotation.
    pub secret: Secret,
    /// The numbers that it carries.
    pub numbers: Vec<IntermediaryNumber>,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// The provider knows no such call, or no more.
    Gone,
    /// The call is still on.
    Live,
    /// The call is over, and its session was told.
    Over,
    /// Not so soon after the call.
    NotYet,
    /// The provider has no such operation.
    Unsupported,
    /// The provider does not let us.
    Refused,
    /// The provider did not answer, or not so that it could be understood.
    Failed,
    /// The provider was not asked: it has failed too often lately.
    CircuitOpen,
    /// The provider was not asked: too much waits for it, or nobody carries the number.
    Dropped,
}

impl Outcome {
    /// All outcomes.
    const ALL: [Self; 10] = [
        Self::Done,
        Self::Gone,
        Self::Live,
        Self::Over,
        Self::NotYet,
        Self::Unsupported,
        Self::Refused,
        Self::Failed,
        Self::CircuitOpen,
        Self::Dropped,
    ];

    /// Its name as a metric label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Gone => "gone",
            Self::Live => "live",
            Self::Over => "over",
            Self::NotYet => "not_yet",
            Self::Unsupported => "unsupported",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::CircuitOpen => "circuit_open",
            Self::Dropped => "dropped",
        }
    }
}

/// The way to all providers. Cheap to clone.
#[derive(Clone)]
pub struct Outbox(Arc<Lanes>);

struct Lanes {
    lanes: Vec<Lane>,
    lane_by_number: HashMap<IntermediaryNumber, usize>,
}

struct Lane {
    provider: &'static str,
    jobs: mpsc::Sender<Job>,
}

/// The couriers of all providers. Nothing is sent until they [run](Couriers::run).
pub struct Couriers(Vec<Courier>);

impl Outbox {
    /// An outbox for these accounts. What providers tell of calls goes to `told`, as if it had come by a webhook; when that
    /// is full, it is lost.
    ///
    /// # Errors
    /// An account's `api_base_url` is no origin, or it needs TLS and this machine has no certificate authorities.
    pub fn new(accounts: Vec<Account>, told: &mpsc::Sender<ProviderEvent>) -> Result<(Self, Couriers), OutboxError> {
        let (mut lanes, mut couriers, mut lane_by_number) = (Vec::new(), Vec::new(), HashMap::new());
        for account in accounts {
            let (jobs, inbox) = mpsc::channel(REQUESTS_MAX);
            lane_by_number.extend(account.numbers.iter().map(|&number| (number, lanes.len())));
            lanes.push(Lane { provider: account.rest.name(), jobs });
            show_zeros(account.rest.name());
            couriers.push(Courier::new(&account, inbox, told.clone())?);
        }
        Ok((Self(Arc::new(Lanes { lanes, lane_by_number })), Couriers(couriers)))
    }

    /// Asks, and does not wait. What it leads to is counted, and told to the session that it is about.
    pub fn ask(&self, request: ProviderRequest) {
        self.push(request, None);
    }

    /// Asks, and waits for what comes of it.
    pub async fn deliver(&self, request: ProviderRequest) -> Outcome {
        let (heard, outcome) = oneshot::channel();
        self.push(request, Some(heard));
        outcome.await.unwrap_or(Outcome::Dropped)
    }

    fn push(&self, request: ProviderRequest, heard: Option<oneshot::Sender<Outcome>>) {
        let operation = request.operation;
        let lane = self.0.lane_by_number.get(&request.number).map(|&lane| &self.0.lanes[lane]);
        let taken = lane.is_some_and(|lane| lane.jobs.try_send(Job { request, heard }).is_ok());
        if !taken {
            let provider = lane.map_or("none", |lane| lane.provider);
            tracing::warn!(provider, operation = operation.name(), "a request to a provider was dropped");
            count(provider, operation, Outcome::Dropped);
        }
    }
}

impl Couriers {
    /// Carries requests until the last [`Outbox`] is gone and all are carried.
    pub async fn run(self) {
        join_all(self.0.into_iter().map(Courier::run)).await;
    }
}

/// Runs `work` on a thread of its own, beside the workers: TLS handshakes take their time.
///
/// # Errors
/// The operating system gives no thread.
pub fn on_own_thread(work: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("qnect-outbox".into()).spawn(move || runtime.block_on(work))?;
    Ok(())
}

fn count(provider: &'static str, operation: Operation, outcome: Outcome) {
    counter(provider, operation, outcome).increment(1);
}

/// Makes the series of a provider be there before anything is counted: a rate does not see what a series begins with.
fn show_zeros(provider: &'static str) {
    for operation in Operation::ALL {
        for outcome in Outcome::ALL {
            counter(provider, operation, outcome).increment(0);
        }
    }
    metrics::counter!("qnect_provider_retries_total", "provider" => provider).increment(0);
}

fn counter(provider: &'static str, operation: Operation, outcome: Outcome) -> Counter {
    metrics::counter!(
        "qnect_provider_requests_total",
        "provider" => provider, "operation" => operation.name(), "result" => outcome.name()
    )
}
