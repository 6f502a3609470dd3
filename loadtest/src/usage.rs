//! What may be asked for, and what a run is made from once it has been checked.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use qnect_simulator::{Network, NetworkConfig, OwnerScript};

use crate::call;
use crate::codes;
use crate::day::{DayOptions, SharedAddressOptions};
use crate::door::Door;
use crate::forged::ForgedOptions;
use crate::hot_tag::HotTagOptions;
use crate::load::{self, LoadOptions};
use crate::overload::OverloadOptions;
use crate::peak_hour::PeakHourOptions;
use crate::report::Setting;
use crate::restart_herd::RestartHerdOptions;
use crate::scan::ScanOptions;
use crate::session::SessionOptions;
use crate::slow_clients::SlowClientsOptions;
use crate::storm::StormOptions;
use crate::stranger::Stranger;
use crate::target::{self, Target};
use crate::tls::TlsOptions;

/// Calls of a run at most: each has a caller's number of its own.
const CALLS_MAX: u32 = 100_000;
/// Calls at once at most: each keeps up to two connections open.
const CONCURRENCY_MAX: u16 = 256;

/// Load tests of a running engine, over HTTP only.
#[derive(Debug, Parser)]
#[command(name = "qnect-loadtest")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) scenario: Scenario,
}

/// What is played.
#[derive(Debug, Subcommand)]
pub(crate) enum Scenario {
    /// People who look at a tag and go on, in an open loop: 1000 a second for 30 seconds, if nothing else is said.
    ///
    /// Latency counts from when a visitor was to come, however slow the answers before were, and in grains of a
    /// millisecond. The engine's `server.trusted_proxies` must have this machine.
    ///
    /// Exit code 0: the run is valid and keeps its thresholds. 1: not so. 2: bad usage.
    Scan(ScanOptions),
    /// People who ask for a number and give it back, in an open loop: 200 a second for 30 seconds.
    ///
    /// A session is cancelled as soon as it is there, so that neither tags nor numbers fill.
    ///
    /// Exit code 0: the run is valid and keeps its thresholds. 1: not so. 2: bad usage.
    Session(SessionOptions),
    /// People who come for the first time: a connection of one's own, TLS 1.3, and a page: 200 a second for 30 seconds.
    ///
    /// Nobody has a ticket of an earlier visit. Latency counts from when a visitor was to come to the page's last byte.
    ///
    /// Exit code 0: the run is valid and keeps its thresholds. 1: not so. 2: bad usage.
    Tls(TlsOptions),
    /// Whole masked calls: scan, session, telephones, as fast as the engine answers.
    ///
    /// For each call a stranger with a number of its own scans a tag, opens a session and dials through a simulated
    /// network in which every owner answers and presses the key. Switch the engine's [limits] off, because all strangers
    /// have one address. A session stays open for seconds after its call: an intermediary number whose codes have 7
    /// digits carries about 20 calls a second, one with 9 digits 2,000.
    ///
    /// With --rate it is an open loop: so many strangers come in a second, for 30 seconds, from many addresses, however
    /// long their calls last. Its steps are `call` (from when a stranger was to come to the last webhook's answer), `scan`,
    /// `session`, `ring` and `talk`: from the tap on Call until the owner's telephone rings, and until the two are connected,
    /// in telephones' time.
    ///
    /// Exit code 0: all calls were bridged and masked; with --rate: the run is valid and keeps its thresholds. 1: not so.
    /// 2: bad usage.
    Call(CallOptions),
    /// A labelled day: honest people and attackers at an engine whose clock runs fast, and a table of what it made of them.
    ///
    /// The engine's clock must run as fast as the day is played: `ops/labelled-day` starts both, with
    /// `server.trusted_proxies` such that the X-Forwarded-For of this machine is believed.
    ///
    /// Exit code 0: the run is valid and no threshold is passed. 1: not so. 2: bad usage.
    Day(DayOptions),
    /// Honest people and abusers behind one address within two hours, played like `day`.
    SharedAddress(SharedAddressOptions),
    /// Codes that nobody printed, from many addresses: none may reach the store, and none may leave anything in memory.
    ///
    /// Exit code 0: every answer is 404, no store read, resident memory within its bound. 1: not so. 2: bad usage.
    Forged(ForgedOptions),
    /// One tag that everybody asks for, beside a steady load on others, whose latencies must not suffer.
    ///
    /// Exit code 0: the others' p99 is within its bound, and nobody was turned away. 1: not so. 2: bad usage.
    HotTag(HotTagOptions),
    /// Signed webhooks of calls that are on, again and again and in any order: 500 a second for 30 seconds.
    ///
    /// So many whole calls are made first, of which the engine hears nothing but what needs an answer. What it was not told
    /// then comes in the storm: an event is drawn anew for each webhook, so that it comes early, late, several times or never.
    ///
    /// Exit code 0: the run is valid and keeps its thresholds. 1: not so. 2: bad usage.
    WebhookStorm(StormOptions),
    /// A day in ten minutes: commuters in the morning and the evening, and everybody at once when the mall closes.
    ///
    /// --rate is the mall's closing, which takes a tenth of the run and is 20 times an ordinary hour. Tags are visited as
    /// towns are large; of hundred visitors 60 look, 15 ask for a number that they give back, 20 call, and 5 mean no good: they
    /// guess codes, or walk from car to car. The provider has few lines, tells everything twice, late and in another order.
    /// `scan` is what all but those who guess begin with.
    ///
    /// Exit code 0: the run is valid and keeps its thresholds. 1: not so. 2: bad usage.
    PeakHour(PeakHourOptions),
    /// The engine is struck at a busy hour, and everybody who finds nobody comes again and again: 1000 a second for 100
    /// seconds, of whom every fifth asks for a number and keeps it.
    ///
    /// `ops/chaos` starts an engine, and strikes it. A visit lasts from when a visitor was to come to the answer of the try
    /// that had one. At the end the engine is asked for every session that it gave. With --calls some of those who were given
    /// one dial its number, and their telephones go on beside their visits.
    ///
    /// Exit code 0: the run is valid and keeps its thresholds, the p99 of visits is as before in time, no session is lost, and
    /// every call was bridged and masked, but for owners who heard nothing because the provider was out. 1: not so, or the
    /// strike failed. 2: bad usage.
    RestartHerd(RestartHerdOptions),
    /// Twice as many people as the engine can serve, after the most that it can has been measured.
    ///
    /// `ops/overload` starts an engine that is held to half a core. Its [limits] and [abuse] are off: what is turned away
    /// is turned away for want of time only.
    ///
    /// Exit code 0: goodput, the answers of those who are turned away, memory, and the calm before are within their bounds.
    /// 1: not so, or the generator was late. 2: bad usage.
    Overload(OverloadOptions),
    /// Thousands of clients that are in no hurry, of each kind, beside a steady load of those who are.
    ///
    /// Exit code 0: all of them were hung up on in time, nobody else was turned away or waited longer than the bounds allow.
    /// 1: not so. 2: bad usage.
    SlowClients(SlowClientsOptions),
}

/// Whose door it is.
#[derive(Debug, Args)]
pub(crate) struct DoorOptions {
    /// Where the engine listens, http://127.0.0.1:8080; https:// for `tls`.
    #[arg(long, value_name = "URL")]
    target: String,
    /// Allow a target that is not on this machine.
    #[arg(long)]
    i_own_this_host: bool,
}

/// Whose door it is, and which tags it has.
#[derive(Debug, Args)]
pub(crate) struct TagOptions {
    #[command(flatten)]
    pub(crate) door: DoorOptions,
    /// Tag codes, one a line, or the lines that `qnect import` prints.
    #[arg(long, value_name = "FILE")]
    codes: PathBuf,
}

/// Where the engine is, its tags, and the provider account: what every scenario with telephones needs.
#[derive(Debug, Args)]
pub(crate) struct EngineOptions {
    #[command(flatten)]
    pub(crate) tags: TagOptions,
    /// What the engine is called outside; webhooks are signed over it. Default: the target.
    #[arg(long, value_name = "URL")]
    public_base_url: Option<String>,
    /// The provider account. Default: PLIVO_AUTH_ID.
    #[arg(long, value_name = "ID")]
    auth_id: Option<String>,
    /// Its secret. Default: PLIVO_AUTH_TOKEN, which keeps it out of the process list.
    #[arg(long, value_name = "TOKEN")]
    auth_token: Option<String>,
}

/// The options of `call`.
#[derive(Debug, Args)]
pub(crate) struct CallOptions {
    #[command(flatten)]
    engine: EngineOptions,
    /// How many calls in the closed loop, at most 100000.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(CALLS_MAX)))]
    calls: u32,
    /// How many of them at once, at most 256.
    #[arg(long, value_name = "M", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=i64::from(CONCURRENCY_MAX)))]
    concurrency: u16,
    #[command(flatten)]
    pub(crate) load: LoadOptions,
}

/// A run that can begin.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) stranger: Stranger,
    pub(crate) codes: Vec<String>,
    pub(crate) calls: u32,
    pub(crate) concurrency: u16,
    pub(crate) seed: u64,
}

impl DoorOptions {
    /// The target, if it may be one. An error is a sentence for who typed it.
    pub(crate) fn target(&self) -> Result<Target, String> {
        self.own(&self.target)
    }

    /// The same of a listener with a certificate.
    pub(crate) fn secure_target(&self) -> Result<Target, String> {
        self.ours(Target::read_secure(&self.target)?)
    }

    /// Another listener, if it may be one.
    pub(crate) fn own(&self, address: &str) -> Result<Target, String> {
        self.ours(Target::read(address)?)
    }

    fn ours(&self, target: Target) -> Result<Target, String> {
        if target.is_loopback() || self.i_own_this_host { Ok(target) } else { Err(target::NOT_OURS.to_owned()) }
    }
}

impl TagOptions {
    /// The codes, each once. An error is a sentence for who typed it.
    pub(crate) fn codes(&self) -> Result<Vec<String>, String> {
        codes::read(&self.codes).map_err(|cause| format!("{}: {cause}", self.codes.display()))
    }
}

impl EngineOptions {
    /// A telephone network before this engine, in which a second takes `time_scale` of the machine's.
    pub(crate) fn network(&self, target: &Target, time_scale: f64) -> Result<Network, String> {
        Self::network_with(NetworkConfig { time_scale, ..self.network_config(target)? })
    }

    /// The same with limits and faults, from [`network_config`](Self::network_config).
    pub(crate) fn network_with(config: NetworkConfig) -> Result<Network, String> {
        Network::new(config).map_err(|cause| cause.to_string())
    }

    /// A network in real time, without limits and faults.
    pub(crate) fn network_config(&self, target: &Target) -> Result<NetworkConfig, String> {
        Ok(NetworkConfig {
            engine: target.base().to_owned(),
            public_base_url: self.public_base_url.clone().unwrap_or_else(|| target.base().to_owned()),
            auth_id: option_or_variable(self.auth_id.as_ref(), "--auth-id", "PLIVO_AUTH_ID")?,
            auth_token: option_or_variable(self.auth_token.as_ref(), "--auth-token", "PLIVO_AUTH_TOKEN")?,
            ..NetworkConfig::default()
        })
    }
}

impl CallOptions {
    /// Checks everything that can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(&self) -> Result<Plan, String> {
        Ok(Plan {
            codes: self.engine.tags.codes()?,
            stranger: self.stranger()?,
            calls: self.calls,
            concurrency: self.concurrency,
            seed: self.load.seed,
        })
    }

    /// The same for an open loop, if that is what was asked for.
    pub(crate) fn open_plan(&self) -> Result<Option<load::Plan<call::Crowd>>, String> {
        if self.load.rate.is_none() {
            let is_closed = !self.load.asks_for_more_than_a_line();
            return is_closed.then_some(None).ok_or("say --rate, too: a closed loop has no other options".to_owned());
        }
        let (course, people) = self.load.crowd(&call::USUAL, &self.engine.tags)?;
        Ok(Some(call::plan(course, self.stranger()?, people)))
    }

    /// One whose owners answer at once.
    fn stranger(&self) -> Result<Stranger, String> {
        let target = self.engine.tags.door.target()?;
        let network = self.engine.network(&target, 0.0)?;
        network.set_default_script(OwnerScript::Answers);
        Ok(Stranger::new(Door::new(target), network))
    }
}

impl Plan {
    /// What the report says about how it was measured.
    pub(crate) fn setting(&self) -> Setting {
        Setting { seed: self.seed, tags: self.codes.len(), calls: self.calls, concurrency: self.concurrency }
    }
}

fn option_or_variable(given: Option<&String>, option: &str, variable: &str) -> Result<String, String> {
    given
        .cloned()
        .or_else(|| std::env::var(variable).ok())
        .ok_or_else(|| format!("neither {option} is given nor {variable} set"))
}
