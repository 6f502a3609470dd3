//! One provider's courier: takes requests from its lane, some at a time, and carries each there at most twice.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use qnect_core::leg::{LegEvent, ProviderEvent};
use qnect_core::policy::PROVIDER_ANSWERS;
use qnect_core::provider_request::ProviderRequest;
use qnect_providers::rest::{Answer, Rest, RestRequest, Shape, Side};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::breaker::Breaker;
use super::budget::Budget;
use super::wire::{Heard, OutboxError, Silence, TRY_MAX, Wire};
use super::{Account, Outcome, count};

/// Requests to one provider that are under way at once.
pub(super) const UNDER_WAY_MAX: usize = 16;
/// How often a request is sent at most.
const TRIES_MAX: u32 = 2;
/// Between two tries lies a random part of this time, so that those who failed together do not come back together.
const BACKOFF_MAX: Duration = Duration::from_millis(500);
/// A provider that wants to be left alone for longer is not asked a second time.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(1);

// Whoever asks how a call stands waits so long for it.
const _: () = assert!(
    PROVIDER_ANSWERS.as_millis() as u128 >= TRY_MAX.as_millis() * TRIES_MAX as u128 + RETRY_AFTER_MAX.as_millis()
);

/// A request on its way.
pub(super) struct Job {
    pub(super) request: ProviderRequest,
    /// Who waits for what comes of it.
    pub(super) heard: Option<oneshot::Sender<Outcome>>,
}

/// One provider's courier.
pub(super) struct Courier {
    round: Arc<Round>,
    inbox: mpsc::Receiver<Job>,
}

/// What the requests to one provider share.
struct Round {
    rest: &'static dyn Rest,
    account: String,
    wire: Wire,
    told: mpsc::Sender<ProviderEvent>,
    state: Mutex<State>,
}

struct State {
    breaker: Breaker,
    budget: Budget,
    /// The last answer refused us.
    refused: bool,
}

/// Why a try came to nothing.
enum Trouble {
    /// It was not made.
    CircuitOpen,
    /// It failed, and the provider wants to be left alone for so long, if it said so.
    Failed(Option<Duration>),
}

/// What failed, for the log.
enum Cause {
    Silence(Silence),
    Status(u16),
}

impl Courier {
    pub(super) fn new(
        account: &Account,
        inbox: mpsc::Receiver<Job>,
        told: mpsc::Sender<ProviderEvent>,
    ) -> Result<Self, OutboxError> {
        let state = State { breaker: Breaker::closed(), budget: Budget::default(), refused: false };
        let round = Round {
            rest: account.rest,
            account: account.account.clone(),
            wire: Wire::new(account)?,
            told,
            state: Mutex::new(state),
        };
        Ok(Self { round: Arc::new(round), inbox })
    }

    /// Carries requests until their lane is closed, then to its end what is under way.
    pub(super) async fn run(mut self) {
        self.round.show(false);
        let mut under_way = JoinSet::new();
        while let Some(Job { request, heard }) = self.inbox.recv().await {
            while under_way.try_join_next().is_some() {}
            if under_way.len() == UNDER_WAY_MAX {
                under_way.join_next().await;
            }
            let round = self.round.clone();
            under_way.spawn(async move {
                let outcome = round.carry(&request).await;
                count(round.rest.name(), request.operation, outcome);
                // Whoever waited may have left.
                heard.map(|heard| heard.send(outcome));
            });
        }
        while under_way.join_next().await.is_some() {}
    }
}

impl Round {
    async fn carry(&self, request: &ProviderRequest) -> Outcome {
        let shape = match self.rest.shape(request.operation, &self.account, &request.leg) {
            Shape::Request(shape) => shape,
            Shape::Unsupported => return Outcome::Unsupported,
            Shape::ForeignLeg => return Outcome::Gone,
        };
        let mut tried = self.attempt(request, &shape, true).await;
        for _ in 1..TRIES_MAX {
            let Err(Trouble::Failed(retry_after)) = tried else {
                break;
            };
            let Some(wait) = self.wait_before_retry(retry_after) else {
                break;
            };
            tokio::time::sleep(wait).await;
            tried = match self.attempt(request, &shape, false).await {
                // Others have failed meanwhile. This one was tried all the same.
                Err(Trouble::CircuitOpen) => return Outcome::Failed,
                other => other,
            };
        }
        match tried {
            Ok(answer) => self.understood(request, answer),
            Err(Trouble::CircuitOpen) => Outcome::CircuitOpen,
            Err(Trouble::Failed(_)) => Outcome::Failed,
        }
    }

    /// One try, if the breaker lets it through.
    async fn attempt(&self, request: &ProviderRequest, shape: &RestRequest, is_first: bool) -> Result<Answer, Trouble> {
        let began = Instant::now();
        {
            let mut state = self.state();
            if !state.breaker.admits(began) {
                return Err(Trouble::CircuitOpen);
            }
            if is_first {
                state.budget.first_try();
            }
        }
        let Heard { status, retry_after, body } = match self.wire.send(shape).await {
            Ok(heard) => heard,
            Err(silence) => return Err(self.failed(began, &Cause::Silence(silence), None)),
        };
        let side = if request.is_scanner_leg { Side::Scanner } else { Side::Owner };
        match self.rest.answer(request.operation, side, status, &body) {
            Answer::TryLater => Err(self.failed(began, &Cause::Status(status), retry_after)),
            answer => {
                self.succeeded(answer, status);
                Ok(answer)
            }
        }
    }

    /// How long to wait before a second try; `None` when there is none. Full jitter.
    fn wait_before_retry(&self, retry_after: Option<Duration>) -> Option<Duration> {
        if retry_after.is_some_and(|time| time > RETRY_AFTER_MAX) || !self.state().budget.pay_retry() {
            return None;
        }
        metrics::counter!("qnect_provider_retries_total", "provider" => self.rest.name()).increment(1);
        Some(retry_after.unwrap_or_else(|| random_part_of(BACKOFF_MAX)))
    }

    fn failed(&self, began: Instant, cause: &Cause, retry_after: Option<Duration>) -> Trouble {
        let now = Instant::now();
        let mut state = self.state();
        let was_open = state.breaker.is_open();
        state.breaker.failed(began, now);
        if let Some(time) = retry_after {
            state.breaker.hold(time, now);
        }
        if state.breaker.is_open() && !was_open {
            drop(state);
            tracing::warn!(provider = self.rest.name(), %cause, "the provider fails and is hardly asked any more");
            self.show(true);
        }
        Trouble::Failed(retry_after)
    }

    fn succeeded(&self, answer: Answer, status: u16) {
        let provider = self.rest.name();
        let mut state = self.state();
        let was_open = state.breaker.is_open();
        state.breaker.succeeded();
        let was_refused = std::mem::replace(&mut state.refused, answer == Answer::Refused);
        drop(state);
        if was_open {
            tracing::info!(provider, "the provider answers again");
            self.show(false);
        }
        if answer == Answer::Refused && !was_refused {
            tracing::error!(
                provider,
                status,
                "the provider refuses our requests; check its section in the configuration"
            );
        }
    }

    fn understood(&self, request: &ProviderRequest, answer: Answer) -> Outcome {
        match answer {
            Answer::Done => Outcome::Done,
            Answer::Gone => Outcome::Gone,
            Answer::Live => Outcome::Live,
            Answer::Over(event) => {
                self.tell(request, event);
                Outcome::Over
            }
            Answer::NotYet => Outcome::NotYet,
            Answer::Refused => Outcome::Refused,
            Answer::TryLater => Outcome::Failed,
        }
    }

    fn tell(&self, request: &ProviderRequest, event: LegEvent) {
        let leg = (!request.is_scanner_leg).then(|| request.leg.clone());
        let event = ProviderEvent::Leg { session: request.session, event, leg };
        if self.told.try_send(event).is_err() {
            // The session's own deadline ends it.
            tracing::warn!("what a provider told of a call was lost: too much waits for the engine");
        }
    }

    fn show(&self, is_open: bool) {
        let gauge = metrics::gauge!("qnect_provider_circuit_open", "provider" => self.rest.name());
        gauge.set(if is_open { 1.0 } else { 0.0 });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence(silence) => silence.fmt(f),
            Self::Status(status @ 200..=299) => write!(f, "an answer with status {status} that nobody understands"),
            Self::Status(status) => write!(f, "status {status}"),
        }
    }
}

fn random_part_of(time: Duration) -> Duration {
    let mut bytes = [0; 4];
    // Without random bits, the whole time.
    let part = getrandom::fill(&mut bytes).map_or(1.0, |()| f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX));
    time.mul_f64(part)
}
