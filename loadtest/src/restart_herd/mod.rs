//! A herd: the engine is struck at its busiest hour, and everybody who was turned away comes again and again until they are
//! served. How long people wait, when all is as it was, and whether a session is missing that somebody was given.
//!
//! What strikes is a command of who runs this: it kills the engine, slows its disk, or whatever else is feared. `visitor` is
//! one who comes, `callers` those who call, whose provider may be out (`outage`), `recovery` what is made of all of them, and
//! `host` what the machine itself could not do meanwhile.

mod callers;
mod host;
mod outage;
mod recovery;
mod visitor;

use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use clap::Args;
use qnect_simulator::Network;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::door::Door;
use crate::load::{LoadOptions, Plan, Usual};
use crate::usage::EngineOptions;
use callers::{Callers, Calls};
use host::Host;
use outage::Watched;
use recovery::{Bounds, Recovery};
use visitor::Herd;

const USUAL: Usual =
    Usual { scenario: "restart-herd", steps: &["visit"], rate: 1_000, seconds: 105, zipf: 0.0, curve: Usual::EVEN };

/// The options of `restart-herd`.
#[derive(Debug, Args)]
pub(crate) struct RestartHerdOptions {
    #[command(flatten)]
    engine: EngineOptions,
    /// What strikes, run by `sh -c`; what it says on its standard error is shown. It must be over when the run is.
    #[arg(long, value_name = "COMMAND")]
    strike: String,
    /// When it strikes, from the begin of the run: what comes before is what the rest is held against.
    #[arg(long, value_name = "SECONDS", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    strike_at: u32,
    /// Of a thousand visitors so many ask for a number and keep it; the others look and go on.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    sessions: u32,
    /// Of a thousand visitors so many call the number that they asked for: part of --sessions. Their telephones live in the
    /// machine's time, beside their visits, and the provider's API is not there.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    calls: u32,
    /// The provider is out as long as there is such a file: nothing that it has to tell arrives, and then all of it, twice.
    /// It must have been out during the run.
    #[arg(long, value_name = "FILE")]
    provider_out: Option<PathBuf>,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    load: LoadOptions,
}

/// A run that can begin.
#[derive(Debug)]
pub(crate) struct Struck {
    plan: Plan<Herd>,
    strike: String,
    at: Duration,
    bounds: Bounds,
    out: Option<(Network, PathBuf)>,
}

impl RestartHerdOptions {
    /// Checks everything that can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(&self) -> Result<Struck, String> {
        if self.calls > self.sessions {
            return Err("--calls must be at most --sessions: who calls asks for a number before".to_owned());
        }
        if self.calls == 0 && self.provider_out.is_some() {
            return Err("say --calls, too: nobody else would notice that the provider is out".to_owned());
        }
        let target = self.engine.tags.door.target()?;
        let (mut course, people) = self.load.crowd(&USUAL, &self.engine.tags)?;
        let network = (self.calls > 0).then(|| self.engine.network(&target, 1.0)).transpose()?;
        let door = Door::new(target);
        let at = Duration::from_secs(u64::from(self.strike_at));
        self.bounds.fit(at, course.lasts)?;
        course.options.extend([
            ("sessions", format!("{} of 1000", self.sessions)),
            ("calls", format!("{} of 1000", self.calls)),
            ("strike at", format!("{} s", self.strike_at)),
            ("strike", self.strike.clone()),
        ]);
        let callers = network.clone().map(|network| Callers::new(door.clone(), network, self.calls));
        let plan = Plan::new(course, Herd::new(door, people, self.sessions, callers));
        let out = network.zip(self.provider_out.clone());
        Ok(Struck { plan, strike: self.strike.clone(), at, bounds: self.bounds, out })
    }
}

/// Lets all of them come, strikes, and prints what came of it.
pub(crate) async fn run(struck: Struck) -> ExitCode {
    let Struck { plan, strike, at, bounds, out } = struck;
    let is_struck = out.is_some();
    let watched = out.map(|(network, file)| Watched::begin(network, file));
    let host = Host::watch();
    let began = Instant::now();
    let strike = strike_at(began + at, strike);
    let verdict = plan.measure().await;
    let stolen = host.end();
    let strike = if strike.is_finished() {
        strike.await.unwrap_or_else(|cause| Err(cause.to_string()))
    } else {
        Err(still(&strike))
    };
    drop(watched);
    let calls = match &plan.visitors.callers {
        Some(callers) => Some(callers.all(is_struck).await),
        None => None,
    };
    let kept = plan.visitors.look_after().await;
    let recovery = Recovery::of(&plan.visitors.visits(), began, [at, plan.course.lasts], bounds, kept, &stolen);
    let calls_are_good = calls.as_ref().is_none_or(Calls::good);
    let is_good = strike.is_ok() && verdict.good() && recovery.good() && calls_are_good;
    if plan.course.json {
        let mut report = verdict.json();
        report["recovery"] = recovery.json();
        report["calls"] = calls.as_ref().map(Calls::json).into();
        report["strike_failed"] = strike.err().into();
        report["good"] = is_good.into();
        println!("{report}");
    } else {
        print!("{verdict}");
        if let Some(calls) = &calls {
            print!("{calls}");
        }
        print!("{recovery}");
        if let Err(why) = strike {
            println!("the strike failed: {why}");
        }
    }
    plan.end(&verdict, is_good)
}

/// Strikes when it is time. An error says why that was no strike.
fn strike_at(when: Instant, command: String) -> JoinHandle<Result<(), String>> {
    tokio::spawn(async move {
        sleep_until(when).await;
        let mut strike = Command::new("sh");
        // Its output is none of the report's.
        strike.args(["-c", &command]).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        match strike.status().await {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(status.to_string()),
            Err(cause) => Err(cause.to_string()),
        }
    })
}

/// Ends a strike that is still going on.
fn still(strike: &JoinHandle<Result<(), String>>) -> String {
    strike.abort();
    "it was still going on at the end of the run; say more --seconds".to_owned()
}
