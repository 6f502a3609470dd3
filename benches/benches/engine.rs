//! The engine's ways, one at a time: a message to a tag's actor on the same worker and on another one, a tag read from
//! the store, and a session read and decoded as a start does it.
//!
//! Nothing else is on its way, so that the other worker, or the reader, sleeps before each message: what is timed is a
//! whole hop with two threads woken. Under load they are awake, and a hop costs less.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use qnect_benches::life::Opened;
use qnect_core::language::Language;
use qnect_core::phone::Phone;
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::scan::{AddressKey, AddressPrefix, BrowserClass, DeviceClass, Scan};
use qnect_core::tag_code::TagCode;
use qnect_core::time::Timestamp;
use qnect_engine::{Engine, OpenReply, SessionRequest, Workers, host};
use qnect_storage::keys::MasterKey;
use qnect_storage::{NewOwner, Storage};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
/// Workers, whatever the machine has: a tag lives on the one or on the other.
const WORKERS: usize = 2;
const TAGS: u32 = 4_096;
/// Sessions that are open, each on a tag of its own.
const SESSIONS: usize = 1_024;

fn owner(nth: u32) -> NewOwner {
    NewOwner {
        name: format!("Owner {nth}"),
        email: format!("owner{nth}@qnect.example"),
        phone: Phone::parse(&format!("+9198{nth:08}")).expect("a number"),
        vehicle: None,
        language: Language::English,
        time_zone: "Asia/Kolkata".to_owned(),
        quiet_hours: None,
        night_reasons: ReasonSet::URGENT,
    }
}

/// An opened folder with owners, and their tags' codes.
fn open(folder: &std::path::Path) -> (Opened, Arc<Vec<TagCode>>) {
    let (config, key) = (folder.join("qnect.toml"), folder.join("master.key"));
    MasterKey::create_file(&key).expect("a key file");
    let text = format!(
        "[server]\npublic_base_url = \"https://qnect.example\"\n[storage]\ndata_dir = {:?}\nkey_file = {key:?}\n\
         [limits]\naddress_scans_per_minute = 1000000\naddress_sessions_per_hour = 1000000\n\
         [abuse]\nchallenge_at = 1000000\nrefuse_at = 1000000\n\
         [[numbers]]\nnumber = \"+911140000001\"\nprovider = \"plivo\"\naccess_code_digits = 9\n\
         [providers.plivo]\nauth_id = \"MA00000000000000BENCH\"\nauth_token = \"not-a-secret-used-by-the-bench-only\"\n",
        folder.join("data"),
    );
    std::fs::write(&config, text).expect("written");
    let opened = Opened::of(&config).expect("a store");
    let owners: Vec<_> = (0..TAGS).map(owner).collect();
    let registered = opened.storage().register(&owners, NOW).expect("registered");
    (opened, Arc::new(registered.iter().map(|r| r.code).collect()))
}

async fn scan(engine: &Engine, code: TagCode) {
    let address = std::net::Ipv4Addr::LOCALHOST.into();
    let scan =
        Scan { address: AddressPrefix::of(address), device: DeviceClass::Phone, browser: BrowserClass::Chromium };
    black_box(engine.scan(code, scan, AddressKey::of(address)).await.expect("a decision"));
}

async fn open_session(engine: &Engine, code: TagCode) {
    let address = AddressKey::of(std::net::Ipv4Addr::LOCALHOST.into());
    let request = SessionRequest { reason: Reason::Blocking, language: Language::English, idempotency: None, address };
    let reply = engine.open_session(code, request).await;
    assert!(matches!(reply, Ok(OpenReply::Open(_))), "a refusal measures something else");
}

/// How long it takes to read and decode `count` sessions, in walks over all of them.
fn sessions_walked(storage: &Storage, now: Timestamp, count: u64) -> Duration {
    let (mut seen, started) = (0, Instant::now());
    while seen < count {
        let before = seen;
        storage.walk_sessions(now, |session| seen += u64::from(black_box(session).ended.is_none())).expect("read");
        assert!(seen > before, "there are open sessions");
    }
    started.elapsed().mul_f64(count as f64 / seen as f64)
}

/// How long `count` scans of tags that live on `home` take whom worker 0 serves, one after the other.
fn scans_from_worker_0(workers: &Workers, engine: &Engine, home: &Arc<Vec<TagCode>>, count: u64) -> Duration {
    let (took, ended) = mpsc::channel();
    let (engine, codes) = (engine.clone(), home.clone());
    workers.on_each(move |worker| {
        let (engine, codes, took) = (engine.clone(), codes.clone(), took.clone());
        async move {
            if worker != 0 {
                return;
            }
            let started = Instant::now();
            for code in codes.iter().cycle().take(count as usize) {
                scan(&engine, *code).await;
            }
            let _ = took.send(started.elapsed());
        }
    });
    ended.recv().expect("the worker is there")
}

fn ways(c: &mut Criterion) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let (opened, codes) = open(folder.path());
    let (storage, runtime) = (opened.storage().clone(), tokio::runtime::Builder::new_current_thread().build());
    let runtime = runtime.expect("a runtime");
    let mut next = codes.iter().cycle();
    c.bench_function("a tag read from the store", |b| {
        b.iter(|| {
            let tag = next.next().expect("a code").tag();
            runtime.block_on(storage.revive(tag, NOW)).expect("read").expect("there")
        });
    });
    host(WORKERS, async |workers| {
        let engine = opened.start(&workers).expect("an engine").engine;
        // The engine places a tag by the remainder of its bits.
        let lives_on = |worker| {
            let lives_there = codes.iter().filter(|code| code.tag().as_u64() % WORKERS as u64 == worker);
            Arc::new(lives_there.copied().collect::<Vec<_>>())
        };
        for (name, home) in [("a scan, own worker", lives_on(0)), ("a scan, other worker", lives_on(1))] {
            // All of them come into memory.
            scans_from_worker_0(&workers, &engine, &home, home.len() as u64);
            c.bench_function(name, |b| b.iter_custom(|count| scans_from_worker_0(&workers, &engine, &home, count)));
        }
        for code in codes.iter().take(SESSIONS) {
            open_session(&engine, *code).await;
        }
        let now = engine.clock().now();
        c.bench_function("a session read and decoded", |b| {
            b.iter_custom(|count| sessions_walked(&storage, now, count));
        });
    });
    storage.close();
}

criterion_group!(benches, ways);
criterion_main!(benches);
