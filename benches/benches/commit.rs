//! The commit path against what it would be without groups, and against the disk under it: 256 writers with group commit
//! beside the same writers and store with one fsync for each write, and one promise beside one raw fdatasync.
//!
//! Everything is written to one file system, that of `QNECT_BENCH_DIR` (by default cargo's folder for such files), in one
//! run. A raw write is what a commit of one session writes, appended to a file that is as long as a journal from the start.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use qnect_core::access_code::AccessCode;
use qnect_core::language::Language;
use qnect_core::number::IntermediaryNumber;
use qnect_core::reason::Reason;
use qnect_core::record::Record;
use qnect_core::session::{Asked, Session, SessionSnapshot};
use qnect_core::session_id::SessionId;
use qnect_core::tag::OwnerId;
use qnect_core::tag_code::TagId;
use qnect_core::time::{Span, Timestamp};
use qnect_engine::host;
use qnect_storage::keys::MasterKey;
use qnect_storage::{Grouping, Lane, OpenOptions, Storage};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
/// Writers who wait, each for a promise of its own, all the time.
const WRITERS: usize = 256;
/// Odd, and without a pattern in its bits: its multiples are scattered and all different.
const SCATTER: u64 = 0x9e37_79b9_7f4a_7c15;
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
    /// Processor time of the commit thread, of fjall's, and of the whole program.
    spent: [Duration; 3],
}

impl Measured {
    /// Adds what `write` takes, and returns how long that is.
    fn add(&mut self, write: impl FnOnce() -> (Duration, Vec<Duration>)) -> Duration {
        let before = spent();
        let (took, each) = write();
        for (sum, (before, after)) in self.spent.iter_mut().zip(before.into_iter().zip(spent())) {
            *sum += after.saturating_sub(before);
        }
        self.writes += each.len() as u64;
        self.took += took;
        self.each.extend(each);
        took
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

    /// Tells the processor time of one write.
    fn tell_spent(&self) {
        let [commit, fjall, all] = self.spent.map(|spent| spent.as_secs_f64() * 1e6 / self.writes as f64);
        let others = all - commit - fjall;
        println!(
            "processor time of each: the commit thread {commit:.2} us, fjall {fjall:.2} us, writers {others:.2} us"
        );
    }
}

/// Processor time so far: of the commit thread, of fjall's, and of the whole program. Zeros where there is no `/proc`.
fn spent() -> [Duration; 3] {
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let mut spent = [Duration::ZERO; 3];
    for thread in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let nanoseconds = read(thread.path().join("schedstat"));
        let nanoseconds = nanoseconds.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or_default();
        match read(thread.path().join("comm")).trim() {
            "qnect-commit" => spent[0] += Duration::from_nanos(nanoseconds),
            "fjall:worker" => spent[1] += Duration::from_nanos(nanoseconds),
            _ => {}
        }
    }
    // The fields behind the name, which is in parentheses; those of user and system are in hundredths of a second.
    let all = read("/proc/self/stat".into());
    let ticks = all.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    spent[2] = Duration::from_millis(10 * ticks.filter_map(|t| t.parse::<u64>().ok()).sum::<u64>());
    spent
}

/// A store, and how many sessions were written to it.
struct Bench {
    storage: Storage,
    sessions: AtomicU64,
}

impl Bench {
    fn open(folder: &Path, grouping: Grouping) -> Self {
        let master = MasterKey::from_bytes([7; 32]);
        let options = OpenOptions { grouping, ..OpenOptions::new(folder, &master) };
        let storage = Storage::open(&options, |_| || NOW).expect("a store");
        Self { storage, sessions: AtomicU64::new(0) }
    }

    /// A new session. Its key is as good as random, like that of a real one: one of few on one of very many tags.
    fn session(&self) -> SessionSnapshot {
        let serial = self.sessions.fetch_add(1, Ordering::Relaxed);
        let scattered = serial.wrapping_mul(SCATTER);
        let mut secret = [0; 17];
        secret[1..9].copy_from_slice(&scattered.to_be_bytes());
        let id = SessionId::new(TagId::from_random(0, scattered), secret, self.storage.keys().checks());
        let asked = Asked {
            reason: Reason::Blocking,
            language: Language::English,
            idempotency: None,
            challenge: None,
            from: None,
        };
        let number = IntermediaryNumber::parse("+911140000001").expect("a number");
        let line = (number, AccessCode::from_index(serial as u32, 9));
        let times = (NOW, NOW.plus(Span::HOUR));
        Session::open(id.expect("a session id"), asked, line, OwnerId(serial), times).snapshot().clone()
    }

    /// One write that somebody waits for.
    async fn keep(&self) -> Duration {
        let record = Record::SessionOpened(Box::new(self.session()));
        let started = Instant::now();
        self.storage.promise(Lane::Webhooks, vec![record]).expect("room").kept().await.expect("kept");
        started.elapsed()
    }

    /// `count` writes by so many writers, each of which makes the next one when its last one is kept. They live where
    /// those live that wait for commits in the program: on its workers, one for each core.
    fn write(self: &Arc<Self>, writers: usize, count: u64) -> (Duration, Vec<Duration>) {
        let left = Arc::new(AtomicU64::new(count));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        host(threads, async move |workers| {
            let (done, mut each) = tokio::sync::mpsc::unbounded_channel();
            let bench = self.clone();
            let started = Instant::now();
            workers.on_each(move |worker| {
                for _ in (worker..writers).step_by(threads) {
                    let (bench, left, done) = (bench.clone(), left.clone(), done.clone());
                    tokio::task::spawn_local(async move {
                        let mut each = Vec::new();
                        while left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
                        {
                            each.push(bench.keep().await);
                        }
                        // The one who waits for it waits for all.
                        let _ = done.send(each);
                    });
                }
                std::future::ready(())
            });
            let mut all = Vec::with_capacity(count as usize);
            for _ in 0..writers {
                all.extend(each.recv().await.expect("a writer's"));
            }
            (started.elapsed(), all)
        })
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
    let store = |name, grouping| Arc::new(Bench::open(&folder.path().join(name), grouping));
    let bench = store("data", Grouping::default());
    let ungrouped = store("ungrouped", Grouping { records_max: 1, ..Grouping::default() });
    let raw_file = folder.path().join("raw");
    let [mut raw, mut alone, mut each, mut group] = [(); 4].map(|()| Measured::default());
    let mut benches = c.benchmark_group("commit");
    benches.sample_size(20).throughput(Throughput::Elements(1));
    let mut time = |name, measured: &mut Measured, write: &dyn Fn(u64) -> (Duration, Vec<Duration>)| {
        benches.bench_function(name, |b| {
            b.iter_custom(|count| measured.add(|| write(count)));
        });
    };
    time("a raw write and fdatasync each", &mut raw, &|count| write_raw(&raw_file, count));
    time("one writer", &mut alone, &|count| bench.write(1, count));
    time("256 writers, one fsync per write", &mut each, &|count| ungrouped.write(WRITERS, count));
    time("256 writers, group commit", &mut group, &|count| bench.write(WRITERS, count));
    benches.finish();
    if [&raw, &alone, &each, &group].iter().any(|measured| measured.writes == 0) {
        return; // criterion was asked for something else
    }
    raw.tell("a raw write and fdatasync each");
    alone.tell("a promise, one writer");
    each.tell("256 writers, one fsync per write");
    group.tell("256 writers, group commit");
    group.tell_spent();
    let [ratio, of_raw] = [&each, &raw].map(|reference| group.per_second() / reference.per_second());
    println!("group commit: {ratio:.1} times one fsync per write, {of_raw:.1} times raw writes of one thread");
}

criterion_group!(benches, commits);
criterion_main!(benches);
