//! The commit path against the disk under it: group commit at 256 writers against one fsync for each write, and how long
//! one promise takes beside one raw fdatasync.
//!
//! Everything is written to one file system, that of `QNECT_BENCH_DIR` (by default cargo's folder for such files), in one
//! run. A raw write is what a commit of one session writes, appended to a file that is as long as a journal from the start.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use qnect_core::access_code::AccessCode;
use qnect_core::language::Language;
use qnect_core::number::IntermediaryNumber;
use qnect_core::phone::Phone;
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::record::Record;
use qnect_core::session::{Asked, Session, SessionSnapshot};
use qnect_core::session_id::SessionId;
use qnect_core::time::{Span, Timestamp};
use qnect_storage::keys::MasterKey;
use qnect_storage::{Lane, NewOwner, OpenOptions, RegisteredOwner, Storage};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
/// Writers who wait, each for a promise of its own, all the time.
const WRITERS: u64 = 256;
/// The length that fjall gives a journal when it makes one.
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;
/// What a commit of one session takes in a journal: its row, its note, the head.
const WRITE_BYTES: usize = 460;

/// What was measured of one way to write.
#[derive(Default)]
struct Measured {
    writes: u64,
    took: Duration,
    each: Vec<Duration>,
}

impl Measured {
    fn add(&mut self, took: Duration, each: Vec<Duration>) {
        self.writes += each.len() as u64;
        self.took += took;
        self.each.extend(each);
    }

    fn per_second(&self) -> f64 {
        self.writes as f64 / self.took.as_secs_f64()
    }

    /// Tells the rate, and the median and the 99th percentile of one write.
    fn tell(&mut self, name: &str) {
        self.each.sort_unstable();
        let at = |share: usize| self.each[(self.each.len() - 1) * share / 100].as_secs_f64() * 1e3;
        let rate = self.per_second();
        println!("{name:<32} {rate:>9.0}/s   p50 {:>7.3} ms   p99 {:>7.3} ms", at(50), at(99));
    }
}

/// A store with one tag, and the sessions that are written to it.
struct Bench {
    runtime: Runtime,
    storage: Storage,
    mine: RegisteredOwner,
}

impl Bench {
    fn open(folder: &Path) -> Self {
        let master = MasterKey::from_bytes([7; 32]);
        let options = OpenOptions::new(folder, &master);
        let storage = Storage::open(&options, |_| || NOW).expect("a store");
        let owner = NewOwner {
            name: "Owner".into(),
            email: "owner@qnect.example".into(),
            phone: Phone::from_digits(919_800_000_001).expect("a phone"),
            vehicle: None,
            language: Language::Hindi,
            time_zone: "Asia/Kolkata".into(),
            quiet_hours: None,
            night_reasons: ReasonSet::URGENT,
        };
        let mine = storage.register(&[owner], NOW).expect("registered")[0];
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        Self { runtime, storage, mine }
    }

    fn session(&self, serial: u64) -> SessionSnapshot {
        let mut random = [0; 17];
        random[9..].copy_from_slice(&serial.to_be_bytes());
        let id = SessionId::new(self.mine.code.tag(), random, self.storage.keys().checks()).expect("a session id");
        let asked = Asked {
            reason: Reason::Blocking,
            language: Language::English,
            idempotency: None,
            challenge: None,
            from: None,
        };
        let number = IntermediaryNumber::parse("+911140000001").expect("a number");
        let line = (number, AccessCode::from_index(serial as u32, 9));
        Session::open(id, asked, line, self.mine.owner, (NOW, NOW.plus(Span::HOUR))).snapshot().clone()
    }

    /// One write that somebody waits for.
    async fn keep(&self, serial: u64) -> Duration {
        let record = Record::SessionOpened(Box::new(self.session(serial)));
        let started = Instant::now();
        self.storage.promise(Lane::Webhooks, vec![record]).expect("room").kept().await.expect("kept");
        started.elapsed()
    }

    /// `count` writes by so many writers, each of which makes the next one when its last one is kept.
    fn write(&self, writers: u64, count: u64) -> (Duration, Vec<Duration>) {
        let next = RefCell::new(0..count);
        let each = RefCell::new(Vec::with_capacity(count as usize));
        let started = Instant::now();
        let writer = async || {
            loop {
                let Some(serial) = next.borrow_mut().next() else { return };
                let took = self.keep(serial).await;
                each.borrow_mut().push(took);
            }
        };
        self.runtime
            .block_on(LocalSet::new().run_until(futures_util::future::join_all((0..writers).map(|_| writer()))));
        (started.elapsed(), each.into_inner())
    }
}

/// `count` writes to a file, each followed by its own fdatasync.
fn write_raw(path: &Path, count: u64) -> (Duration, Vec<Duration>) {
    let mut file = File::create(path).expect("a file");
    file.set_len(JOURNAL_BYTES).and_then(|()| file.sync_all()).expect("a long file");
    let bytes = [7; WRITE_BYTES];
    let started = Instant::now();
    let each = (0..count).map(|_| {
        let started = Instant::now();
        file.write_all(&bytes).and_then(|()| file.sync_data()).expect("written");
        started.elapsed()
    });
    let each = each.collect();
    (started.elapsed(), each)
}

fn commits(c: &mut Criterion) {
    let parent = std::env::var_os("QNECT_BENCH_DIR").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let folder = tempfile::tempdir_in(PathBuf::from(parent)).expect("a folder");
    let bench = Bench::open(&folder.path().join("data"));
    let raw_file = folder.path().join("raw");
    let [mut raw, mut alone, mut group] = [(); 3].map(|()| Measured::default());
    let mut benches = c.benchmark_group("commit");
    benches.sample_size(20).throughput(Throughput::Elements(1));
    let mut time = |name, measured: &mut Measured, write: &dyn Fn(u64) -> (Duration, Vec<Duration>)| {
        benches.bench_function(name, |b| {
            b.iter_custom(|count| {
                let (took, each) = write(count);
                measured.add(took, each);
                took
            });
        });
    };
    time("a raw write and fdatasync each", &mut raw, &|count| write_raw(&raw_file, count));
    time("one writer", &mut alone, &|count| bench.write(1, count));
    time("256 writers", &mut group, &|count| bench.write(WRITERS, count));
    benches.finish();
    if group.writes == 0 {
        return; // criterion was asked for something else
    }
    raw.tell("a raw write and fdatasync each");
    alone.tell("a promise, one writer");
    group.tell("a promise, 256 writers");
    let ratio = group.per_second() / raw.per_second();
    println!("256 writers with group commit: {ratio:.1} times one fsync per write");
}

criterion_group!(benches, commits);
criterion_main!(benches);
