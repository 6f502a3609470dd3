//! The engine's face: inputs in, decisions out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use actix::dev::channel::channel;
use actix::{Addr, Context};
use moka::sync::Cache;
use qnect_core::abuse::SignalSet;
use qnect_core::language::Language;
use qnect_core::limiter::Remaining;
use qnect_core::policy::{ACCEPT, Policy, WATCHDOG};
use qnect_core::provider_request::ProviderRequest;
use qnect_core::reason::Reason;
use qnect_core::scan::{AddressKey, Refusal, Scan, ScanDecision, Verdict};
use qnect_core::session::{Idempotency, Session};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OpenDecision, SessionView, Tag};
use qnect_core::tag_code::{TagCode, TagId};
use qnect_core::time::Span;
use qnect_storage::{Lane, ReadError, Revival, Storage, StorageError};
use tokio::sync::mpsc;

use crate::actor::{MAILBOX, TagActor};
use crate::cells::{SharedCells, lock};
use crate::clock::Clock;
use crate::error::EngineError;
use crate::idle;
use crate::lines::{AccountPlan, Lines};
use crate::messages::{CancelSession, OpenSession, PreviewTag, ScanTag, ViewSession};
use crate::metrics::Metrics;
use crate::random::random_bytes;
use crate::registry::{Entrance, Registry};
use crate::switchboard::{NumberPlan, Switchboard};
use crate::telephony::kept_within;
use crate::visit::{Active, Visit};
use crate::workers::Workers;

/// Unknown tags that are remembered, and for how long: a burst at one dead sticker reads the store once.
const UNKNOWN_TAGS_MAX: u64 = 100_000;
const UNKNOWN_TAG_KEPT: Duration = Duration::from_secs(10);
/// Lost tags that wait to be woken for their clocks; one that finds no room is woken by its next visit.
const WAKES_MAX: usize = 65_536;
/// How often the load of the numbers is told.
const GAUGES_EVERY: Duration = Duration::from_secs(5);
/// How often shared cells that hold nothing are forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How long somebody with a page before them waits for a commit; then they are asked to try again.
const OPEN_COMMIT_MAX: Duration = Duration::from_millis(2_500);
/// How long a caller is on the line at most before an owner is rung.
const KEYING_AND_HOLDING_MAX: Span = Span::from_secs(180);
/// Turns at a door that opens and closes meanwhile.
const ENTER_TURNS_MAX: usize = 4;

/// Settings of an engine.
#[derive(Debug)]
pub struct EngineOptions {
    /// What decisions depend on.
    pub policy: Policy,
    /// The intermediary numbers.
    pub numbers: Vec<NumberPlan>,
    /// The accounts that carry them, each with its limits.
    pub accounts: Vec<AccountPlan>,
    /// How long a tag without open sessions stays in memory.
    pub tag_idle: Span,
    /// Tags in memory at most.
    pub active_tags_max: usize,
    /// Where requests to providers go. Bounded: one that finds no room is dropped and counted, because each of them only
    /// makes sooner what a time limit does anyway.
    pub provider_requests: mpsc::Sender<ProviderRequest>,
}

/// What actors and the face share.
pub(crate) struct Inner {
    pub(crate) clock: Clock,
    pub(crate) storage: Arc<Storage>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) registry: Registry,
    pub(crate) cells: SharedCells,
    pub(crate) switchboard: Switchboard,
    pub(crate) lines: Lines,
    pub(crate) metrics: Metrics,
    pub(crate) tag_idle: Span,
    #[cfg(any(test, feature = "faults"))]
    pub(crate) panics: crate::faults::Panics,
    pub(crate) provider_requests: mpsc::Sender<ProviderRequest>,
    workers: Workers,
    pub(crate) unknown_tags: Cache<TagId, ()>,
    /// Held while a change is handed on, so that no older one is handed on after a newer one.
    pub(crate) handing_on: tokio::sync::Mutex<()>,
    wakes: mpsc::Sender<TagId>,
    draining: AtomicBool,
}

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

/// A request for a session.
#[derive(Debug, Clone)]
pub struct SessionRequest {
    /// Why.
    pub reason: Reason,
    /// The scanner's language.
    pub language: Language,
    /// The request's own name, if it has one.
    pub idempotency: Option<Idempotency>,
    /// Where it comes from.
    pub address: AddressKey,
}

/// What came of a request for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenReply {
    /// A session is open and on stable storage; the same request made twice gets the same one.
    Open(SessionView),
    /// The request's name was used for something else.
    IdempotencyConflict,
    /// Not now, or not at all.
    Refused {
        /// Why.
        refusal: Refusal,
        /// When to come back, for limits and scores; else zero.
        retry_after: Span,
        /// The signs of abuse for which, where it is the score.
        because: SignalSet,
    },
}

/// How long a call takes at most, from its arrival to its end: keying and holding, ringing, talking, and the watchdog.
fn call_max(policy: &Policy) -> Span {
    KEYING_AND_HOLDING_MAX.plus(policy.ring).plus(ACCEPT).plus(policy.talk).plus(WATCHDOG)
}

impl Engine {
    /// Starts an engine on `workers` over an opened store: reads all open sessions back first, so that when it returns,
    /// every access code leads where it led before. Call it inside [`crate::host`]. Blocks while it reads.
    pub fn start(
        options: EngineOptions,
        storage: Arc<Storage>,
        clock: Clock,
        workers: Workers,
    ) -> Result<Self, StorageError> {
        let (wakes, woken) = mpsc::channel(WAKES_MAX);
        let inner = Arc::new(Inner {
            clock,
            storage,
            switchboard: Switchboard::new(&options.numbers),
            lines: Lines::new(&options.accounts, call_max(&options.policy)),
            policy: Arc::new(options.policy),
            registry: Registry::new(options.active_tags_max, clock),
            cells: SharedCells::new(),
            metrics: Metrics::resolve(),
            tag_idle: options.tag_idle,
            #[cfg(any(test, feature = "faults"))]
            panics: crate::faults::Panics::default(),
            provider_requests: options.provider_requests,
            workers,
            unknown_tags: Cache::builder().max_capacity(UNKNOWN_TAGS_MAX).time_to_live(UNKNOWN_TAG_KEPT).build(),
            handing_on: tokio::sync::Mutex::new(()),
            wakes,
            draining: AtomicBool::new(false),
        });
        let engine = Self { inner };
        let open = engine.restore()?;
        actix::spawn(engine.clone().wake_tags(open, woken));
        actix::spawn(engine.clone().keep_house());
        #[cfg(any(test, feature = "faults"))]
        actix::spawn(crate::faults::watch(engine.inner.clone()));
        let watched = engine.inner.clone();
        engine.inner.workers.on_each(move |_| idle::watch(watched.clone()));
        Ok(engine)
    }

    /// Someone looks at a sticker's page.
    pub async fn scan(&self, code: TagCode, scan: Scan, address: AddressKey) -> Result<ScanDecision, EngineError> {
        let started = Instant::now();
        let decision = self.enter(code.tag(), Lane::Scans).await?.tell(ScanTag { scan, address }).await?;
        let decision = decision.ok_or(EngineError::UnknownTag)?;
        self.inner.metrics.scan(decision.verdict);
        self.inner.metrics.held_up(decision.because);
        self.inner.metrics.scan_decision_seconds.record(started.elapsed().as_secs_f64());
        Ok(decision)
    }

    /// What a scan would be answered now, for a browser that looks ahead: nothing is charged, counted or recorded.
    pub async fn preview(&self, code: TagCode) -> Result<ScanDecision, EngineError> {
        self.enter(code.tag(), Lane::Scans).await?.tell(PreviewTag).await?.ok_or(EngineError::UnknownTag)
    }

    /// How many more scans an address may make; `None` without a limit.
    pub fn remaining_scans(&self, address: AddressKey) -> Option<Remaining> {
        let (quota, cell) = (self.inner.policy.address_scans?, self.inner.cells.addresses.of(address));
        Some(lock(&cell).scans.remaining(quota, self.inner.clock.now()))
    }

    /// How many more sessions an address may open; `None` without a limit.
    pub fn remaining_sessions(&self, address: AddressKey) -> Option<Remaining> {
        let (cell, now) = (self.inner.cells.addresses.of(address), self.inner.clock.now());
        let cell = lock(&cell);
        Some(cell.sessions.remaining(cell.sessions_quota(&self.inner.policy, now)?, now))
    }

    /// A scanner asks for a number and a code. What it returns as open is on stable storage.
    pub async fn open_session(&self, code: TagCode, request: SessionRequest) -> Result<OpenReply, EngineError> {
        let reply = self.try_open(code, request).await;
        let metrics = &self.inner.metrics;
        match &reply {
            Ok(OpenReply::Open(_)) => &metrics.sessions_opened,
            Ok(OpenReply::Refused { refusal, .. }) if refusal.verdict() == Verdict::Limited => {
                &metrics.sessions_limited
            }
            Err(EngineError::NumbersExhausted) => &metrics.sessions_exhausted,
            Err(EngineError::Overloaded | EngineError::LinesBusy) => &metrics.sessions_overloaded,
            Ok(_) | Err(_) => &metrics.sessions_refused,
        }
        .increment(1);
        if let Ok(OpenReply::Open(SessionView { because, .. }) | OpenReply::Refused { because, .. }) = &reply {
            metrics.held_up(*because);
        }
        reply
    }

    /// What the holder of a session's id may see.
    pub async fn session(&self, id: SessionId) -> Result<SessionView, EngineError> {
        let in_memory = match self.enter(id.tag(), Lane::Scans).await {
            Ok(visit) => visit.tell(ViewSession(id)).await?,
            // A tag that answers nobody still has sessions that may be looked at until they are forgotten.
            Err(EngineError::UnknownTag) => None,
            Err(other) => return Err(other),
        };
        if let Some(view) = in_memory {
            return Ok(view);
        }
        let stored = self.inner.storage.session(id).await.map_err(|e| read_error(&e))?;
        let session = Session::restore(stored.ok_or(EngineError::UnknownSession)?);
        if session.is_stale(self.inner.clock.now()) {
            return Err(EngineError::UnknownSession);
        }
        Ok(SessionView::of(&session))
    }

    /// The scanner does not want the call any more: a session that waits ends, a call is hung up. What it returns is on
    /// stable storage.
    pub async fn cancel_session(&self, id: SessionId) -> Result<SessionView, EngineError> {
        let visit = self.enter(id.tag(), Lane::Webhooks).await?;
        let (view, promise) = visit.tell(CancelSession(id)).await?.map_err(|_| EngineError::Overloaded)?;
        drop(visit);
        kept_within(promise, OPEN_COMMIT_MAX).await?;
        match view {
            Some(view) => Ok(view),
            // It ended long ago: there is nothing left to cancel.
            None => self.session(id).await,
        }
    }

    /// The time, as the engine sees it.
    pub fn clock(&self) -> Clock {
        self.inner.clock
    }

    /// The store under the engine.
    pub fn storage(&self) -> &Arc<Storage> {
        &self.inner.storage
    }

    /// Tags in memory or on their way there.
    pub fn active_tags(&self) -> usize {
        self.inner.registry.len()
    }

    /// No actor that stops from now on counts as lost: the process is ending.
    pub fn begin_drain(&self) {
        self.inner.draining.store(true, Ordering::Release);
    }

    /// Opens the door to a tag's actor, fetching the tag if need be.
    pub(crate) async fn enter(&self, tag: TagId, lane: Lane) -> Result<Visit, EngineError> {
        let entered = self.try_enter(tag, lane).await;
        if matches!(entered, Err(EngineError::Overloaded)) {
            self.inner.metrics.visits_refused.increment(1);
        }
        entered
    }

    pub(crate) async fn try_enter(&self, tag: TagId, lane: Lane) -> Result<Visit, EngineError> {
        if let Some(visit) = self.inner.registry.visit(tag, lane) {
            return visit;
        }
        if self.inner.unknown_tags.contains_key(&tag) {
            return Err(EngineError::UnknownTag);
        }
        for _ in 0..ENTER_TURNS_MAX {
            match self.inner.registry.enter(tag, lane)? {
                Entrance::Visit(visit) => return Ok(visit),
                Entrance::Wait(wait) => wait.await.map_err(|_| EngineError::Overloaded)??,
                Entrance::Load(guard) => match self.revive(tag).await {
                    Ok(active) => guard.open(active),
                    Err(error) => {
                        if error == EngineError::UnknownTag {
                            self.inner.unknown_tags.insert(tag, ());
                        }
                        guard.fail(&error);
                        return Err(error);
                    }
                },
            }
        }
        Err(EngineError::Overloaded)
    }

    async fn revive(&self, tag: TagId) -> Result<Active, EngineError> {
        let inner = &self.inner;
        if inner.registry.was_lost(tag) {
            // What the lost actor promised may be on its way to disk still: read behind it.
            let behind = inner.storage.promise(Lane::Webhooks, Vec::new());
            let behind = behind.map_err(|_| EngineError::Overloaded)?;
            behind.kept().await.map_err(|_| EngineError::Storage)?;
        }
        let revival = inner.storage.revive(tag, inner.clock.now()).await.map_err(|e| read_error(&e))?;
        // A tag that answers nobody still has a clock and telephones to hear of, as long as a session is open.
        let wanted = |r: &Revival| r.config.answers() || r.sessions.iter().any(|s| s.ended.is_none());
        let revival = revival.filter(wanted).ok_or(EngineError::UnknownTag)?;
        let machine = Tag::restore(Arc::new(revival.config), inner.policy.clone(), revival.sessions, inner.clock.now());
        let generation = inner.registry.next_generation();
        let actor = TagActor::new(machine, inner.clone(), generation);
        let (sender, mailbox) = channel(MAILBOX);
        let start = move || {
            actix::spawn(Context::with_receiver(mailbox).into_future(actor));
        };
        // The code's bits are random, so their remainder spreads tags evenly.
        inner.workers.on_that_of(tag.as_u64(), start).map_err(|_| EngineError::Overloaded)?;
        inner.metrics.revivals.increment(1);
        Ok(Active { generation, visits: AtomicU32::new(0), address: Addr::new(sender) })
    }

    async fn try_open(&self, code: TagCode, request: SessionRequest) -> Result<OpenReply, EngineError> {
        let SessionRequest { reason, language, idempotency, address } = request;
        let visit = self.enter(code.tag(), Lane::Sessions).await?;
        let id = self.fresh_session_id(code.tag())?;
        let open = OpenSession { id, reason, language, idempotency, address };
        let (opening, promise) = visit.tell(open).await?.map_err(|_| EngineError::Overloaded)?;
        // The commit may take its time; others may visit meanwhile.
        drop(visit);
        let opening = opening.ok_or(EngineError::UnknownTag)?;
        // One that comes too late is not lost: the same request, made again, finds its session.
        kept_within(promise, OPEN_COMMIT_MAX).await?;
        match opening.decision {
            OpenDecision::Opened(view) | OpenDecision::Replayed(view) => Ok(OpenReply::Open(view)),
            OpenDecision::IdempotencyConflict => Ok(OpenReply::IdempotencyConflict),
            OpenDecision::NumbersExhausted if opening.lines_are_busy => Err(EngineError::LinesBusy),
            OpenDecision::NumbersExhausted => Err(EngineError::NumbersExhausted),
            OpenDecision::Refused { refusal, retry_after, because } => {
                Ok(OpenReply::Refused { refusal, retry_after, because })
            }
        }
    }

    /// A name that no session has had.
    pub(crate) fn fresh_session_id(&self, tag: TagId) -> Result<SessionId, EngineError> {
        SessionId::new(tag, random_bytes(), self.inner.storage.keys().checks()).ok_or(EngineError::UnknownTag)
    }

    async fn keep_house(self) {
        let (mut gauges, mut sweep) = (tokio::time::interval(GAUGES_EVERY), tokio::time::interval(SWEEP_EVERY));
        loop {
            tokio::select! {
                _ = gauges.tick() => {
                    self.inner.lines.sweep(self.inner.clock.now());
                    let (open, max) = self.inner.switchboard.load();
                    metrics::gauge!("qnect_intermediary_numbers", "state" => "in_use").set(open as f64);
                    metrics::gauge!("qnect_intermediary_numbers", "state" => "free").set(max.saturating_sub(open) as f64);
                }
                _ = sweep.tick() => {
                    self.inner.cells.sweep(self.inner.clock.now());
                    self.inner.switchboard.sweep(self.inner.clock.now());
                }
            }
        }
    }
}

impl Inner {
    /// An actor was lost to a panic.
    pub(crate) fn lost(&self, tag: TagId, generation: u64, has_open_sessions: bool) {
        self.metrics.tag_actor_panics.increment(1);
        self.registry.lost(tag, generation);
        if has_open_sessions {
            self.wake(tag);
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    fn wake(&self, tag: TagId) {
        // No room: its next visit wakes it.
        let _ = self.wakes.try_send(tag);
    }
}

pub(crate) fn read_error(error: &ReadError) -> EngineError {
    match error {
        ReadError::Busy => EngineError::Overloaded,
        ReadError::Storage(_) => EngineError::Storage,
    }
}
