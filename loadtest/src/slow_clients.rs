//! Thousands of clients that are in no hurry, and what they cost those who are.
//!
//! Clients of one kind come, so many a second, each on a connection of its own, and stay until the engine hangs up on them.
//! Meanwhile honest people ask for a page, each on a new connection, in an open loop; before, they did so by themselves. One
//! p99 is a few requests, so every kind comes several times, and the middle one counts.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::door::Door;
use crate::draw::Dice;
use crate::hot_tag::source;
use crate::memory::Memory;
use crate::middle::middle;
use crate::open_loop::{self, Load, Measured};
use crate::usage::TagOptions;

/// Addresses of this machine that slow clients come from.
const SOURCES: u32 = 8;
/// What one has room for who does not read.
const RECEIVE_BYTES: u32 = 4 * 1024;
/// Requests of one who reads no answer: more than both kernels keep.
const UNREAD: usize = 12;
/// Between two bytes of one who trickles.
const TRICKLE_EVERY: Duration = Duration::from_secs(1);
/// So long one holds out.
const HOLD_MAX: Duration = Duration::from_secs(30);
/// So long honest people go on asking after the last slow client came.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// The options of `slow-clients`.
#[derive(Debug, Args)]
pub(crate) struct SlowClientsOptions {
    #[command(flatten)]
    tags: TagOptions,
    /// The engine's process on this machine, whose resident memory is watched.
    #[arg(long, value_name = "PID")]
    pid: u32,
    /// Slow clients of each kind. Each is a file of this process and of the engine's: `ulimit -n` must allow them.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    sockets: u32,
    /// How many of them come in a second.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    arrivals: u32,
    /// Pages a second that honest people ask for.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Only these kinds.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Kind::ALL)]
    kinds: Vec<Kind>,
    /// How often each kind comes.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=25))]
    rounds: u32,
    /// Seconds after which the engine has hung up on every one.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    gone_within: f64,
    /// The p99 of honest people may be so many times that without slow clients.
    #[arg(long, value_name = "TIMES", default_value_t = 2.0)]
    ratio_at_most: f64,
    /// MiB by which resident memory may grow.
    #[arg(long, value_name = "MIB", default_value_t = 50)]
    memory_within: u64,
    /// Where honest people come from.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// What slow clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Nothing.
    Silence,
    /// The head of a request, a byte at a time.
    Head,
    /// A request for a session whose body does not come.
    Body,
    /// The same of a body of unknown length.
    Chunks,
    /// A webhook whose body does not come.
    Webhook,
    /// Empty lines, and no request.
    EmptyLines,
    /// The beginning of HTTP/2, and no request.
    Http2,
    /// Requests whose answers are not read.
    Unread,
    /// Nothing, and all from the address of the honest people.
    OneAddress,
}

/// A run that can begin.
#[derive(Debug)]
pub(crate) struct Plan {
    people: Arc<People>,
    address: SocketAddr,
    pid: u32,
    sockets: u32,
    arrivals: u32,
    load: Load,
    kinds: Vec<Kind>,
    rounds: u32,
    bounds: Bounds,
    json: bool,
}

#[derive(Clone, Copy, Debug)]
struct Bounds {
    gone: Duration,
    ratio: f64,
    memory_kib: u64,
}

/// The honest ones.
#[derive(Debug)]
struct People {
    door: Door,
    /// At which tag they stand, and at which the slow ones do: each tag has visits of its own.
    code: String,
    besieged: String,
    seed: u64,
}

/// What slow clients of a kind do.
#[derive(Clone, Debug)]
struct Slow {
    first: Arc<[u8]>,
    then: &'static [u8],
    reads: bool,
}

/// What came of one kind, each time that it came.
#[derive(Debug)]
struct Sieges {
    kind: Kind,
    rounds: Vec<Siege>,
}

/// What came of one kind once.
#[derive(Debug)]
struct Siege {
    kind: Kind,
    /// From its connection to its end, of the one who stayed longest; none if one outstayed everything.
    longest: Option<Duration>,
    alone: Measured,
    besieged: Measured,
    grown_kib: Option<u64>,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Silence,
        Self::Head,
        Self::Body,
        Self::Chunks,
        Self::Webhook,
        Self::EmptyLines,
        Self::Http2,
        Self::Unread,
        Self::OneAddress,
    ];

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn slow(self, code: &str) -> Slow {
        let post = |path: &str, length: &str| {
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n\r\n{{\"reason\"")
        };
        let (first, then, reads) = match self {
            Self::Silence | Self::OneAddress => (String::new(), "", true),
            Self::Head => ("GET /q/".to_owned(), "01234567890123456789", true),
            Self::Body => (post(&format!("/q/{code}/sessions"), "Content-Length: 30"), "", true),
            Self::Chunks => (post(&format!("/q/{code}/sessions"), "Transfer-Encoding: chunked"), "", true),
            Self::Webhook => (post("/webhooks/plivo/voice", "Content-Length: 30"), "", true),
            Self::EmptyLines => ("\r\n\r\n".to_owned(), "", true),
            Self::Http2 => ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), "", true),
            Self::Unread => {
                (format!("GET /q/{code} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n").repeat(UNREAD), "", false)
            }
        };
        Slow { first: first.into_bytes().into(), then: then.as_bytes(), reads }
    }
}

impl SlowClientsOptions {
    /// Checks everything that can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(&self) -> Result<Plan, String> {
        let target = self.tags.door.target()?;
        let address = target.base().trim_start_matches("http://").parse();
        let address =
            address.map_err(|_| "slow clients need an address and a port, http://127.0.0.1:8080".to_owned())?;
        let mut codes = self.tags.codes()?;
        if codes.len() < 2 {
            return Err("honest people stand at one tag, and slow clients at another".to_owned());
        }
        crate::memory::resident_kib(self.pid)?;
        let (besieged, code) = (codes.swap_remove(1), codes.swap_remove(0));
        let lasts = Duration::from_secs(u64::from(self.sockets.div_ceil(self.arrivals))) + AFTERWARDS;
        Ok(Plan {
            people: Arc::new(People { door: Door::without_reuse(target), code, besieged, seed: self.seed }),
            address,
            pid: self.pid,
            sockets: self.sockets,
            arrivals: self.arrivals,
            load: Load { rate: self.rate, lasts },
            kinds: self.kinds.clone(),
            rounds: self.rounds,
            bounds: Bounds {
                gone: Duration::from_secs_f64(self.gone_within),
                ratio: self.ratio_at_most,
                memory_kib: self.memory_within * 1024,
            },
            json: self.json,
        })
    }
}

/// Lays all sieges and prints what they cost.
pub(crate) async fn run(plan: Plan) -> ExitCode {
    let mut all: Vec<Sieges> = plan.kinds.iter().map(|kind| Sieges { kind: *kind, rounds: Vec::new() }).collect();
    for _ in 0..plan.rounds {
        for sieges in &mut all {
            let siege = plan.siege(sieges.kind).await;
            eprintln!("{siege}");
            sieges.rounds.push(siege);
        }
    }
    let rounds = all.iter().flat_map(|sieges| &sieges.rounds);
    let alone = middle(rounds.map(|siege| siege.alone.p99()), u64::cmp).unwrap_or_default();
    let good = all.iter().all(|sieges| sieges.is_good(alone, plan.bounds));
    if plan.json {
        let kinds: Vec<_> = all.iter().map(|sieges| sieges.json(alone, plan.bounds)).collect();
        println!("{}", json!({"scenario": "slow-clients", "p99_us_alone": alone, "kinds": kinds, "good": good}));
    } else {
        println!("p99 of honest pages without slow clients: {alone} us (median)");
        for sieges in &all {
            let ratio = sieges.ratio(alone);
            let verdict = if sieges.is_good(alone, plan.bounds) { "good" } else { "not within its bounds" };
            println!("{:<12} {ratio:>5.2} times (median of {}), {verdict}", sieges.kind.name(), plan.rounds);
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Plan {
    async fn siege(&self, kind: Kind) -> Siege {
        let people = || open_loop::play(self.load, |nth| self.people.clone().one_asks(nth));
        let alone = people().await;
        let memory = Memory::watch(self.pid);
        let (besieged, longest) = tokio::join!(people(), self.crowd(kind));
        let looks = memory.end();
        let grown_kib = looks.most.zip(looks.before).map(|(most, before)| most - before);
        Siege { kind, longest, alone, besieged, grown_kib }
    }

    /// Until the last one is gone.
    async fn crowd(&self, kind: Kind) -> Option<Duration> {
        let (slow, began, mut crowd) = (kind.slow(&self.people.besieged), Instant::now(), JoinSet::new());
        for nth in 0..self.sockets {
            sleep_until(began + Duration::from_secs(1) * nth / self.arrivals).await;
            let source = if kind == Kind::OneAddress { 0 } else { 1 + (nth % SOURCES) as u8 };
            crowd.spawn(linger(self.address, Ipv4Addr::new(127, 0, source, 1), slow.clone()));
        }
        let stayed = crowd.join_all().await;
        stayed.into_iter().try_fold(Duration::ZERO, |longest, one| Some(longest.max(one?)))
    }
}

impl People {
    async fn one_asks(self: Arc<Self>, nth: u64) -> bool {
        let address = source(&mut Dice::new(self.seed, nth)).to_string();
        let answer = self.door.scan(&self.code, &[("x-forwarded-for", &address)]).await;
        answer.is_ok_and(|answer| answer.status == 200)
    }
}

/// Comes and stays until it is hung up on; returns how long that was, or none if it never was.
async fn linger(address: SocketAddr, source: Ipv4Addr, slow: Slow) -> Option<Duration> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.set_recv_buffer_size(RECEIVE_BYTES).ok()?;
    socket.bind(SocketAddr::from((source, 0))).ok()?;
    let mut stream = socket.connect(address).await.ok()?;
    let began = Instant::now();
    timeout(HOLD_MAX, stay(&mut stream, &slow)).await.ok()?;
    Some(began.elapsed())
}

async fn stay(stream: &mut TcpStream, slow: &Slow) {
    let (mut reader, mut writer) = stream.split();
    let says = async {
        // Whoever is hung up on meanwhile sees it below.
        let _ = writer.write_all(&slow.first).await;
        for byte in slow.then {
            sleep(TRICKLE_EVERY).await;
            let _ = writer.write_all(&[*byte]).await;
        }
        std::future::pending::<()>().await;
    };
    let is_left = async {
        if slow.reads {
            let mut bytes = [0; 1024];
            while reader.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
            return;
        }
        // What is never read hides the end of the stream, not an error of it.
        let end = Interest::ERROR | Interest::READABLE;
        while reader.ready(end).await.is_ok_and(|ready| !ready.is_error() && !ready.is_read_closed()) {
            sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = says => {}
        () = is_left => {}
    }
}

impl Sieges {
    fn ratio(&self, alone: u64) -> f64 {
        let besieged = middle(self.rounds.iter().map(|siege| siege.besieged.p99()), u64::cmp);
        besieged.unwrap_or_default() as f64 / alone.max(1) as f64
    }

    fn is_good(&self, alone: u64, bounds: Bounds) -> bool {
        self.ratio(alone) <= bounds.ratio && self.rounds.iter().all(|siege| siege.is_good(bounds))
    }

    fn json(&self, alone: u64, bounds: Bounds) -> serde_json::Value {
        let rounds: Vec<_> = self.rounds.iter().map(|siege| siege.json(bounds)).collect();
        json!({"kind": self.kind.name(), "ratio": self.ratio(alone), "rounds": rounds,
            "good": self.is_good(alone, bounds)})
    }
}

impl Siege {
    /// Everything but how long honest people waited.
    fn is_good(&self, bounds: Bounds) -> bool {
        let unserved = |people: &Measured| people.wrong + people.skipped;
        self.longest.is_some_and(|longest| longest <= bounds.gone)
            && self.grown_kib.is_some_and(|grown| grown <= bounds.memory_kib)
            && unserved(&self.alone) + unserved(&self.besieged) == 0
    }

    fn json(&self, bounds: Bounds) -> serde_json::Value {
        json!({"longest_s": self.longest.map(|longest| longest.as_secs_f64()),
            "p99_us_alone": self.alone.p99(), "p99_us_besieged": self.besieged.p99(),
            "resident_grown_kib": self.grown_kib, "wrong": self.alone.wrong + self.besieged.wrong,
            "skipped": self.alone.skipped + self.besieged.skipped, "good": self.is_good(bounds)})
    }
}

impl fmt::Display for Siege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.longest {
            Some(longest) => write!(f, "{}: the last one gone after {:.1} s", self.kind.name(), longest.as_secs_f64())?,
            None => write!(f, "{}: one was not hung up on, or not let in", self.kind.name())?,
        }
        let grown = self.grown_kib.map_or("none".to_owned(), |kib| format!("{kib} KiB"));
        write!(
            f,
            ", memory grew by {grown}; p99 of {} pages {} us alone, {} us besieged, {} not served",
            self.besieged.latency.len(),
            self.alone.p99(),
            self.besieged.p99(),
            self.alone.wrong + self.besieged.wrong
        )
    }
}
