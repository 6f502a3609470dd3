//! A world for one test: a data folder that outlives engines, and lives of an engine over it, one after another.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use qnect_core::caller::CallingParty;
use qnect_core::instruction::{Announcement, Dial, Instruction, Question};
use qnect_core::language::Language;
use qnect_core::leg::{Call, LegEvent, LegId, ProviderEvent};
use qnect_core::limiter::Quota;
use qnect_core::number::IntermediaryNumber;
use qnect_core::phone::Phone;
use qnect_core::policy::Policy;
use qnect_core::provider_request::ProviderRequest;
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::scan::{AddressKey, AddressPrefix, BrowserClass, DeviceClass, Scan, ScanDecision};
use qnect_core::session::State;
use qnect_core::tag::SessionView;
use qnect_core::tag_code::{TagCode, TagId};
use qnect_core::time::{Span, Timestamp};
use qnect_storage::keys::MasterKey;
use qnect_storage::{NewOwner, OpenOptions, Storage};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::{
    Clock, Engine, EngineError, EngineOptions, NumberPlan, OpenReply, SessionRequest, Workers, describe_metrics, host,
};

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Workers of every life.
pub(super) const WORKERS: usize = 2;
pub(super) const ALICE: &str = "+919811111111";
pub(super) const BOB: &str = "+919822222222";

pub(super) struct World {
    pub(super) policy: Policy,
    pub(super) digits: u8,
    pub(super) tag_idle: Span,
    pub(super) active_tags_max: usize,
    folder: TempDir,
    master: MasterKey,
    recorder: DebuggingRecorder,
    totals: Arc<Mutex<HashMap<String, u64>>>,
}

/// One life of an engine.
#[derive(Clone)]
pub(super) struct Life {
    pub(super) engine: Engine,
    pub(super) storage: Arc<Storage>,
    pub(super) workers: Workers,
    snapshotter: Snapshotter,
    totals: Arc<Mutex<HashMap<String, u64>>>,
    asked: Arc<Mutex<mpsc::Receiver<ProviderRequest>>>,
}

impl World {
    /// An empty folder, and a policy without limits.
    pub(super) fn new() -> Self {
        Self {
            policy: Policy {
                tag_rings: None,
                tag_urgent_rings: None,
                tag_open_sessions_max: 0,
                address_scans: None,
                address_sessions: None,
                caller_rings: None,
                owner_rings: None,
                withheld_rings: None,
                challenge_at: 0,
                refuse_at: 0,
                provider_records_kept: Span::DAY,
                allowed_prefixes: vec!["+91".into()],
                ring: Span::from_secs(30),
                talk: Span::from_secs(300),
                session_life: Span::from_secs(600),
                owner_caller_id: None,
            },
            digits: 8,
            tag_idle: Span::HOUR,
            active_tags_max: 100_000,
            folder: tempfile::tempdir().unwrap(),
            master: MasterKey::generate().unwrap(),
            recorder: DebuggingRecorder::new(),
            totals: Arc::default(),
        }
    }

    /// Registers `count` owners; returns the codes on their stickers. Owner number `i` has the phone [`phone`]`(i)`.
    pub(super) fn register(&self, count: u32) -> Vec<TagCode> {
        let storage = self.open(Timestamp::default()).0;
        let owners: Vec<_> = (0..count).map(owner).collect();
        let registered = storage.register(&owners, Timestamp::from_millis(1)).unwrap();
        registered.iter().map(|r| r.code).collect()
    }

    /// Runs an engine while `program` runs. Afterwards everything of it is gone, without an orderly end.
    pub(super) fn live<F: Future>(&self, program: impl FnOnce(Life) -> F) -> F::Output {
        self.live_from(Timestamp::default(), program)
    }

    /// The same, with a clock that starts at `start` if that is in the future: how a test lets time pass.
    pub(super) fn live_from<F: Future>(&self, start: Timestamp, program: impl FnOnce(Life) -> F) -> F::Output {
        let (output, storage) = host(WORKERS, |workers| async move {
            let (storage, clock) = self.open(start);
            let storage = Arc::new(storage);
            let weak = Arc::downgrade(&storage);
            let (provider_requests, asked) = mpsc::channel(64);
            let options = EngineOptions {
                policy: self.policy.clone(),
                accounts: Vec::new(),
                numbers: vec![NumberPlan { number: number(), digits: self.digits }],
                tag_idle: self.tag_idle,
                active_tags_max: self.active_tags_max,
                provider_requests,
            };
            let engine = metrics::with_local_recorder(&self.recorder, || {
                describe_metrics();
                Engine::start(options, storage.clone(), clock, workers.clone()).unwrap()
            });
            let life = Life {
                engine,
                storage,
                workers,
                snapshotter: self.recorder.snapshotter(),
                totals: self.totals.clone(),
                asked: Arc::new(Mutex::new(asked)),
            };
            (program(life).await, weak)
        });
        assert_eq!(storage.strong_count(), 0, "something of an ended engine lives on");
        output
    }

    fn open(&self, start: Timestamp) -> (Storage, Clock) {
        let mut clock = None;
        let options = OpenOptions::new(self.folder.path(), &self.master);
        let storage = metrics::with_local_recorder(&self.recorder, || {
            Storage::open(&options, |floor| {
                let c = Clock::of_machine().unwrap().after(floor.max(start), 0).unwrap();
                clock = Some(c);
                move || c.now()
            })
            .unwrap()
        });
        (storage, clock.unwrap())
    }
}

impl Life {
    pub(super) async fn scan(&self, code: TagCode) -> Result<ScanDecision, EngineError> {
        let scan = Scan {
            address: AddressPrefix::of(localhost()),
            device: DeviceClass::Phone,
            browser: BrowserClass::Chromium,
        };
        self.engine.scan(code, scan, AddressKey::of(localhost())).await
    }

    /// Opens a session that nothing refuses.
    pub(super) async fn open(&self, code: TagCode) -> SessionView {
        match self.engine.open_session(code, request()).await.unwrap() {
            OpenReply::Open(view) => view,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn call(&self, caller: &str, leg: &str) -> Call {
        Call {
            leg: self::leg(leg),
            number: number(),
            caller: CallingParty::Known(self.storage.keys().roots().caller(caller).unwrap()),
        }
    }

    pub(super) async fn told(&self, event: ProviderEvent) -> Instruction {
        self.engine.provider_event(event).await.unwrap()
    }

    /// A caller keys the code of a session.
    pub(super) async fn keyed(&self, call: Call, session: &SessionView) -> Instruction {
        self.told(digits(call, session)).await
    }

    pub(super) async fn leg_event(&self, session: &SessionView, event: LegEvent) -> Instruction {
        let session = session.id;
        self.told(ProviderEvent::Leg { session, event, leg: None }).await
    }

    /// What the provider was asked last, if it was not looked at yet.
    pub(super) fn asked(&self) -> Option<ProviderRequest> {
        self.asked.lock().unwrap().try_recv().ok()
    }

    pub(super) async fn state(&self, session: &SessionView) -> State {
        self.engine.session(session.id).await.unwrap().state
    }

    /// Codes that are taken, on all numbers.
    pub(super) fn codes_taken(&self) -> u64 {
        self.engine.inner.switchboard.load().0
    }

    pub(super) async fn no_code_is_taken(&self) {
        until("all codes are free", async || self.codes_taken() == 0).await;
    }

    pub(super) fn worker_of(&self, tag: TagId) -> usize {
        self.workers.home(tag.as_u64())
    }

    /// Makes the worker on which a tag lives stand still until what is returned is dropped.
    pub(super) fn stop_worker_of(&self, code: TagCode) -> std::sync::mpsc::Sender<()> {
        let (going_on, standing_still) = std::sync::mpsc::channel();
        let stand_still = move || {
            // An error means that whoever stopped it has gone on.
            let _ = standing_still.recv();
        };
        self.workers.on_that_of(code.tag().as_u64(), stand_still).unwrap();
        going_on
    }

    /// What a counter has counted in all lives so far, over all its labels.
    pub(super) fn counted(&self, name: &str) -> u64 {
        let mut totals = self.totals.lock().unwrap();
        // A snapshot sets what it reads back to zero.
        for (key, _, _, value) in self.snapshotter.snapshot().into_vec() {
            if let DebugValue::Counter(more) = value {
                *totals.entry(key.key().name().to_owned()).or_default() += more;
            }
        }
        totals.get(name).copied().unwrap_or(0)
    }
}

/// Looks until it `holds`, but not for ever.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let look = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let seen = tokio::time::timeout(PATIENCE, look).await;
    assert!(seen.is_ok(), "waited in vain until {what}");
}

/// The output of what must end soon.
pub(super) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(PATIENCE, future).await;
    ended.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

pub(super) fn number() -> IntermediaryNumber {
    IntermediaryNumber::parse("+911140000001").unwrap()
}

pub(super) fn phone(owner: u32) -> Phone {
    Phone::from_digits(919_800_000_000 + u64::from(owner)).unwrap()
}

pub(super) fn leg(id: &str) -> LegId {
    LegId::new(id).unwrap()
}

pub(super) fn per_hour(limit: u32) -> Option<Quota> {
    Quota::new(limit, Span::HOUR)
}

pub(super) fn request() -> SessionRequest {
    SessionRequest {
        reason: Reason::Blocking,
        language: Language::Hindi,
        idempotency: None,
        address: AddressKey::of(localhost()),
    }
}

pub(super) fn digits(call: Call, session: &SessionView) -> ProviderEvent {
    ProviderEvent::DigitsGiven { call, keyed: session.code.to_string(), question: Question::Code { attempt: 1 } }
}

pub(super) fn dial(instruction: Instruction) -> Dial {
    match instruction {
        Instruction::Dial(dial) => dial,
        other => panic!("no dial but {other:?}"),
    }
}

pub(super) fn said(instruction: &Instruction) -> Announcement {
    match instruction {
        Instruction::Say { announcement, .. } => *announcement,
        other => panic!("nothing said but {other:?}"),
    }
}

fn localhost() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

fn owner(number: u32) -> NewOwner {
    NewOwner {
        name: format!("Owner {number}"),
        email: format!("owner{number}@example.org"),
        phone: phone(number),
        vehicle: None,
        language: Language::English,
        time_zone: where_it_is_day(),
        quiet_hours: None,
        night_reasons: ReasonSet::URGENT,
    }
}

/// A zone in which it is about noon: at night signs of abuse weigh more.
fn where_it_is_day() -> String {
    let now = Clock::of_machine().expect("a clock that can be right").now();
    let hours = 12 - (now.as_millis() / 3_600_000 % 24) as i64;
    // Their signs are those of POSIX: what is east of Greenwich is negative.
    format!("Etc/GMT{}{}", if hours > 0 { '-' } else { '+' }, hours.abs())
}
