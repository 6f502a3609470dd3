//! The janitor: once a minute the chores that are due, each of which is to delete the provider's records of both legs of
//! an ended session.
//!
//! A chore that cannot be done now is postponed, first by minutes, then by as long again as it has waited: a provider that
//! is away for a day is not asked for each of its chores every minute, and its chores stand in nobody's way. A provider
//! that deletes nothing is done with at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use metrics::Counter;
use qnect_core::leg::LegId;
use qnect_core::provider_request::{Operation, ProviderRequest};
use qnect_core::session::SessionSnapshot;
use qnect_core::session_id::SessionId;
use qnect_core::time::{Span, Timestamp};
use qnect_storage::{Chore, QueueFull, ReadError, Storage};
use tokio::time::MissedTickBehavior;

use super::{Outbox, Outcome};

/// How often the janitor looks.
const ROUND_EVERY: Duration = Duration::from_secs(60);
/// Chores of one round; more wait for the next.
const CHORES_PER_ROUND_MAX: usize = 600;
/// Chores that are under way at once: a hang-up always finds a courier that is free.
const CHORES_AT_ONCE: usize = 4;
/// A chore is postponed by as long as it has waited, but at least and at most so long.
const POSTPONED_MIN: Span = Span::from_secs(10 * 60);
const POSTPONED_MAX: Span = Span::from_secs(6 * 3_600);
/// After so long a chore is given up: what the provider keeps then, it keeps. In rare cases Twilio takes 14 days until a
/// record can be deleted (docs: api/errors/20009).
const GIVEN_UP_AFTER: Span = Span::from_secs(30 * 86_400);

/// Where chores are written down.
pub trait ChoreBook: Send + Sync {
    /// What is due at `now`, the longest due first, `limit` at most.
    fn due(&self, now: Timestamp, limit: usize) -> impl Future<Output = Result<Vec<Chore>, ReadError>> + Send;
    /// What a chore is about.
    fn session(&self, id: SessionId) -> impl Future<Output = Result<Option<SessionSnapshot>, ReadError>> + Send;
    /// A chore is done.
    fn done(&self, chore: &Chore) -> Result<(), QueueFull>;
    /// A chore is due again at `due`.
    fn postpone(&self, chore: &Chore, due: Timestamp) -> Result<(), QueueFull>;
}

/// Whoever deletes records.
pub trait Deletes: Send + Sync {
    /// Asks for it, and waits for what comes of it.
    fn delete(&self, request: ProviderRequest) -> impl Future<Output = Outcome> + Send;
}

impl ChoreBook for Arc<Storage> {
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Chore>, ReadError> {
        self.due_chores(now, limit).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<SessionSnapshot>, ReadError> {
        Storage::session(self, id).await
    }

    fn done(&self, chore: &Chore) -> Result<(), QueueFull> {
        self.chore_done(chore)
    }

    fn postpone(&self, chore: &Chore, due: Timestamp) -> Result<(), QueueFull> {
        self.postpone_chore(chore, due)
    }
}

impl Deletes for Outbox {
    async fn delete(&self, request: ProviderRequest) -> Outcome {
        self.deliver(request).await
    }
}

/// Does what is due, once a minute by `now`, until the book is closed.
pub async fn run(book: impl ChoreBook, deletes: impl Deletes, now: impl Fn() -> Timestamp + Send + Sync) {
    for fate in Fate::ALL {
        fate.counter().increment(0);
    }
    let mut round = tokio::time::interval(ROUND_EVERY);
    round.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        round.tick().await;
        match book.due(now(), CHORES_PER_ROUND_MAX).await {
            Ok(chores) => {
                let each = |chore| tidy(&book, &deletes, &now, chore);
                stream::iter(chores).for_each_concurrent(CHORES_AT_ONCE, each).await;
            }
            Err(ReadError::Busy) => {}
            // It told why, and the process ends.
            Err(ReadError::Storage(_)) => return,
        }
    }
}

/// What became of a chore.
#[derive(Clone, Copy)]
enum Fate {
    Done,
    Unsupported,
    Postponed,
    GivenUp,
}

impl Fate {
    const ALL: [Self; 4] = [Self::Done, Self::Unsupported, Self::Postponed, Self::GivenUp];

    fn counter(self) -> Counter {
        metrics::counter!("qnect_provider_chores_total", "result" => self.name())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unsupported => "unsupported",
            Self::Postponed => "postponed",
            Self::GivenUp => "given_up",
        }
    }
}

async fn tidy(book: &impl ChoreBook, deletes: &impl Deletes, now: &impl Fn() -> Timestamp, chore: Chore) {
    let Ok(session) = book.session(chore.session).await else {
        // It stays due.
        return;
    };
    let fate = match &session {
        Some(session) => delete_both(session, deletes).await,
        // Nobody knows of a call any more.
        None => Fate::Done,
    };
    // Since it was due for the first time.
    let waited = now().since(session.and_then(|s| s.records_due_at).unwrap_or(chore.due));
    let (fate, written) = match fate {
        Fate::Postponed if waited < GIVEN_UP_AFTER => {
            (fate, book.postpone(&chore, now().plus(waited.clamp(POSTPONED_MIN, POSTPONED_MAX))))
        }
        Fate::Postponed | Fate::GivenUp => (Fate::GivenUp, book.done(&chore)),
        Fate::Done | Fate::Unsupported => (fate, book.done(&chore)),
    };
    fate.counter().increment(1);
    if matches!(fate, Fate::GivenUp) {
        tracing::error!(
            "a provider's record of a call could not be deleted for 30 days; delete old ones in its console"
        );
    }
    if written.is_err() {
        tracing::warn!("what became of a chore was not written down, so it is done again: the commit queue is full");
    }
}

async fn delete_both(session: &SessionSnapshot, deletes: &impl Deletes) -> Fate {
    // An erased owner's legs are unknown: then nothing is left to be asked for.
    let legs = [(&session.scanner_leg, true), (&session.owner_leg, false)];
    let mut fate = Fate::Done;
    for (leg, is_scanner_leg) in legs {
        let Some(leg) = leg else { continue };
        match deletes.delete(deletion(session, leg, is_scanner_leg)).await {
            Outcome::Done | Outcome::Gone => {}
            Outcome::Unsupported => fate = Fate::Unsupported,
            Outcome::NotYet | Outcome::Refused | Outcome::Failed | Outcome::CircuitOpen | Outcome::Dropped => {
                return Fate::Postponed;
            }
            // Not among the answers to a deletion.
            Outcome::Live | Outcome::Over => return Fate::Postponed,
        }
    }
    fate
}

fn deletion(session: &SessionSnapshot, leg: &LegId, is_scanner_leg: bool) -> ProviderRequest {
    ProviderRequest {
        number: session.number,
        session: session.id,
        leg: leg.clone(),
        is_scanner_leg,
        operation: Operation::DeleteRecord,
    }
}
