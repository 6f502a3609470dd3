//! The engine's face: inputs in, decisions out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix::Actor;
use moka::sync::Cache;
use qnect_core::caller::DayToken;
use qnect_core::language::Language;
use qnect_core::policy::Policy;
use qnect_core::reason::Reason;
use qnect_core::scan::{AddressKey, Refusal, Scan, ScanDecision, Verdict};
use qnect_core::session::{Idempotency, Session, SessionSnapshot, State};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{OpenDecision, OwnerId, SessionView, Tag, latest_end};
use qnect_core::tag_code::{TagCode, TagId};
use qnect_core::time::{Span, Timestamp};
use qnect_storage::{Lane, ReadError, Storage, StorageError};
use tokio::sync::mpsc;

use crate::actor::TagActor;
use crate::cells::{SharedCells, lock};
use crate::clock::Clock;
use crate::error::EngineError;
use crate::messages::{OpenSession, PreviewTag, ScanTag, ViewSession};
use crate::metrics::Metrics;
use crate::registry::{Entrance, Registry};
use crate::switchboard::{NumberPlan, Switchboard};
use crate::visit::{Active, Visit};
use crate::workers::Workers;

/// Unknown tags that are remembered, and for how long: a burst at one dead sticker reads the store once.
const UNKNOWN_TAGS_MAX: u64 = 100_000;
const UNKNOWN_TAG_KEPT: Duration = Duration::from_secs(10);
/// Lost tags that wait to be woken for their clocks; one that finds no room is woken by its next visit.
const WAKES_MAX: usize = 65_536;
/// When a tag that could not be woken is tried again.
const WAKE_AGAIN: Duration = Duration::from_secs(1);
/// How often the load of the numbers is told.
const GAUGES_EVERY: Duration = Duration::from_secs(5);
/// How often shared cells that hold nothing are forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Turns at a door that opens and closes meanwhile.
const ENTER_TURNS_MAX: usize = 4;

/// Settings of an engine.
#[derive(Debug)]
pub struct EngineOptions {
    /// What decisions depend on.
    pub policy: Policy,
    /// The intermediary numbers.
    pub numbers: Vec<NumberPlan>,
    /// How long a tag without open sessions stays in memory.
    pub tag_idle: Span,
    /// Tags in memory at most.
    pub active_tags_max: usize,
}

/// What actors and the face share.
pub(crate) struct Inner {
    pub(crate) clock: Clock,
    pub(crate) storage: Arc<Storage>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) registry: Registry,
    pub(crate) cells: SharedCells,
    pub(crate) switchboard: Switchboard,
    pub(crate) metrics: Metrics,
    pub(crate) tag_idle: Span,
    workers: Workers,
    unknown_tags: Cache<TagId, ()>,
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
        /// When to come back, for limits; else zero.
        retry_after: Span,
    },
}

/// A ring of the past, as budgets need to know it.
struct Ring {
    dialed_at: Timestamp,
    owner: OwnerId,
    caller: Option<DayToken>,
    /// The session, if its call may still be on.
    live: Option<SessionId>,
}

impl Ring {
    fn of(session: &SessionSnapshot) -> Option<Self> {
        let is_live = session.ended.is_none() && !session.facts.over();
        Some(Self {
            dialed_at: session.dialed_at?,
            owner: session.owner,
            caller: session.bound_to,
            live: is_live.then_some(session.id),
        })
    }
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
            policy: Arc::new(options.policy),
            registry: Registry::new(options.active_tags_max),
            cells: SharedCells::new(),
            metrics: Metrics::resolve(),
            tag_idle: options.tag_idle,
            workers,
            unknown_tags: Cache::builder().max_capacity(UNKNOWN_TAGS_MAX).time_to_live(UNKNOWN_TAG_KEPT).build(),
            wakes,
            draining: AtomicBool::new(false),
        });
        let engine = Self { inner };
        let open = engine.restore()?;
        actix::spawn(engine.clone().wake_tags(open, woken));
        actix::spawn(engine.clone().keep_house());
        Ok(engine)
    }

    /// Someone looks at a sticker's page.
    pub async fn scan(&self, code: TagCode, scan: Scan, address: AddressKey) -> Result<ScanDecision, EngineError> {
        let started = Instant::now();
        let decision = self.enter(code.tag()).await?.tell(ScanTag { scan, address }).await?;
        self.inner.metrics.scan(decision.verdict);
        self.inner.metrics.scan_decision_seconds.record(started.elapsed().as_secs_f64());
        Ok(decision)
    }

    /// What a scan would be answered now, for a browser that looks ahead: nothing is charged, counted or recorded.
    pub async fn preview(&self, code: TagCode) -> Result<ScanDecision, EngineError> {
        self.enter(code.tag()).await?.tell(PreviewTag).await
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
            Err(EngineError::Overloaded) => &metrics.sessions_overloaded,
            Ok(_) | Err(_) => &metrics.sessions_refused,
        }
        .increment(1);
        reply
    }

    /// What the holder of a session's id may see.
    pub async fn session(&self, id: SessionId) -> Result<SessionView, EngineError> {
        let in_memory = match self.enter(id.tag()).await {
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
    pub(crate) async fn enter(&self, tag: TagId) -> Result<Visit, EngineError> {
        let entered = self.try_enter(tag).await;
        if matches!(entered, Err(EngineError::Overloaded)) {
            self.inner.metrics.visits_refused.increment(1);
        }
        entered
    }

    async fn try_enter(&self, tag: TagId) -> Result<Visit, EngineError> {
        if let Some(visit) = self.inner.registry.visit(tag) {
            return visit;
        }
        if self.inner.unknown_tags.contains_key(&tag) {
            return Err(EngineError::UnknownTag);
        }
        for _ in 0..ENTER_TURNS_MAX {
            match self.inner.registry.enter(tag)? {
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
        let revival = revival.filter(|r| r.config.answers()).ok_or(EngineError::UnknownTag)?;
        let machine = Tag::restore(Arc::new(revival.config), inner.policy.clone(), revival.sessions, inner.clock.now());
        let generation = inner.registry.next_generation();
        let actor = TagActor::new(machine, inner.clone(), generation);
        // The code's bits are random, so their remainder spreads tags evenly.
        let address = TagActor::start_in_arbiter(inner.workers.of(tag.as_u64()), move |_| actor);
        inner.metrics.revivals.increment(1);
        Ok(Active { generation, visits: Arc::default(), address })
    }

    async fn try_open(&self, code: TagCode, request: SessionRequest) -> Result<OpenReply, EngineError> {
        let SessionRequest { reason, language, idempotency, address } = request;
        let visit = self.enter(code.tag()).await?;
        let id = SessionId::new(code.tag(), random_bytes(), self.inner.storage.keys().checks());
        let id = id.ok_or(EngineError::UnknownTag)?;
        let lease = self.inner.switchboard.lease(|| u32::from_be_bytes(random_bytes()));
        let lease = lease.ok_or(EngineError::NumbersExhausted)?;
        let open = OpenSession { id, lease, reason, language, idempotency, address };
        let (decision, promise) = visit.tell(open).await?.map_err(|_| EngineError::Overloaded)?;
        if let Some(promise) = promise {
            promise.kept().await.map_err(|_| EngineError::Storage)?;
        }
        Ok(match decision {
            OpenDecision::Opened(view) | OpenDecision::Replayed(view) => OpenReply::Open(view),
            OpenDecision::IdempotencyConflict => OpenReply::IdempotencyConflict,
            OpenDecision::Refused { refusal, retry_after } => OpenReply::Refused { refusal, retry_after },
        })
    }

    /// Takes codes, legs, owners' lines and budgets back from what was remembered. Returns the tags with open sessions.
    fn restore(&self) -> Result<BTreeSet<TagId>, StorageError> {
        let inner = &self.inner;
        let mut open = BTreeSet::new();
        let mut rings = Vec::new();
        inner.storage.walk_sessions(inner.clock.now(), |snapshot| {
            rings.extend(Ring::of(&snapshot));
            if Session::restore(snapshot.clone()).state() != State::Ended {
                inner.switchboard.restore(&snapshot);
                inner.metrics.sessions_open.increment(1.0);
                open.insert(snapshot.id.tag());
            }
        })?;
        // Out of order, an old ring would weigh like a new one.
        rings.sort_unstable_by_key(|ring| ring.dialed_at);
        for ring in rings {
            self.restore_budgets(&ring);
        }
        Ok(open)
    }

    fn restore_budgets(&self, ring: &Ring) {
        let inner = &self.inner;
        let owner = inner.cells.owners.of(ring.owner);
        let mut owner = lock(&owner);
        owner.replay_ring(&inner.policy, ring.dialed_at);
        if let Some(session) = ring.live {
            owner.live = Some((session, latest_end(&inner.policy, ring.dialed_at)));
        }
        if let Some(token) = ring.caller {
            let caller = inner.cells.callers.of(token);
            lock(&caller).rings.replay(inner.policy.caller_rings, ring.dialed_at);
        }
    }

    /// Brings tags back whose sessions need their clock: after a start, and after a panic. One that is turned away is
    /// tried again, because nobody else might ever visit it, and its codes would stay taken.
    async fn wake_tags(self, open: BTreeSet<TagId>, mut woken: mpsc::Receiver<TagId>) {
        let mut waiting = open;
        loop {
            for tag in std::mem::take(&mut waiting) {
                if let Err(EngineError::Overloaded | EngineError::ActorLost) = self.try_enter(tag).await {
                    waiting.insert(tag);
                }
            }
            let pause = if waiting.is_empty() { Duration::MAX } else { WAKE_AGAIN };
            if let Ok(Some(tag)) = tokio::time::timeout(pause, woken.recv()).await {
                waiting.insert(tag);
            }
        }
    }

    async fn keep_house(self) {
        let (mut gauges, mut sweep) = (tokio::time::interval(GAUGES_EVERY), tokio::time::interval(SWEEP_EVERY));
        loop {
            tokio::select! {
                _ = gauges.tick() => {
                    let (open, max) = self.inner.switchboard.load();
                    metrics::gauge!("qnect_intermediary_numbers", "state" => "in_use").set(open as f64);
                    metrics::gauge!("qnect_intermediary_numbers", "state" => "free").set(max.saturating_sub(open) as f64);
                }
                _ = sweep.tick() => self.inner.cells.sweep(self.inner.clock.now()),
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

fn read_error(error: &ReadError) -> EngineError {
    match error {
        ReadError::Busy => EngineError::Overloaded,
        ReadError::Storage(_) => EngineError::Storage,
    }
}

/// Random bytes of the operating system. Without them nothing can be kept secret, so there is no going on.
fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
