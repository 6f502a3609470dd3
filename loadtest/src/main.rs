//! Load tests: a stranger at the door, over HTTP only.
//!
//! What stands here knows of the engine what its public interface says, and of telephones what `qnect-simulator` plays.
//! Options are read in `usage`; `run` keeps so many strangers busy; `stranger` is one of them; `cause` says how a call
//! can fail; `report` is what a run found. In an open loop strangers come when they are due: `load` is such a run from its
//! options to its verdict, `threshold` what it must keep, `page` how it looks; `scan`, `session`, `call`,
//! `storm`, `tls`, `peak_hour` and `restart_herd` are what one visitor does in it. `day` plays whole days of people and attackers,
//! `forged` asks for codes that nobody printed, `hot_tag` for one tag only, in an `open_loop`; `overload` asks for more than
//! the engine can do, `slow_clients` for less than they could; `memory` is what it costs.

mod call;
mod cause;
mod codes;
mod day;
mod door;
mod draw;
mod forged;
mod hot_tag;
mod load;
mod memory;
mod middle;
mod open_loop;
mod overload;
mod page;
mod peak_hour;
mod report;
mod restart_herd;
mod run;
mod scan;
mod session;
mod slow_clients;
mod storm;
mod stranger;
mod target;
mod threshold;
mod tls;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use crate::report::Report;
use crate::usage::{Arguments, CallOptions, Scenario};

/// Bad usage, like the engine's own commands.
const USAGE: u8 = 2;

/// Tasks after which a busy worker looks whether something is due or has come: by default that is 61, and a twentieth of a
/// millisecond each makes visitors late by themselves.
const EVENT_INTERVAL: u32 = 4;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().event_interval(EVENT_INTERVAL).build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(Arguments::parse().scenario)),
        Err(problem) => bad_usage(&format!("no runtime: {problem}")),
    }
}

async fn run(scenario: Scenario) -> ExitCode {
    match scenario {
        Scenario::Scan(options) => play(options.plan(), load::Plan::run).await,
        Scenario::Session(options) => play(options.plan(), load::Plan::run).await,
        Scenario::Call(options) => call(&options).await,
        Scenario::Day(options) => {
            play(options.plan(), |plan| day::run(plan, options.thresholds(), options.json())).await
        }
        Scenario::Forged(options) => play(options.plan(), forged::run).await,
        Scenario::HotTag(options) => play(options.plan(), hot_tag::run).await,
        Scenario::Overload(options) => play(options.plan(), overload::run).await,
        Scenario::SlowClients(options) => play(options.plan(), slow_clients::run).await,
        Scenario::Tls(options) => play(options.plan(), load::Plan::run).await,
        Scenario::WebhookStorm(options) => play(options.plan(), storm::run).await,
        Scenario::RestartHerd(options) => play(options.plan(), restart_herd::run).await,
        Scenario::PeakHour(options) => play(options.plan(), load::Plan::run).await,
        Scenario::SharedAddress(options) => {
            play(options.plan(), |plan| day::run(plan, options.thresholds(), options.json())).await
        }
    }
}

/// Runs what was planned, or says why it cannot be.
async fn play<P, F: Future<Output = ExitCode>>(plan: Result<P, String>, run: impl FnOnce(P) -> F) -> ExitCode {
    match plan {
        Ok(plan) => run(plan).await,
        Err(problem) => bad_usage(&problem),
    }
}

async fn call(options: &CallOptions) -> ExitCode {
    match options.open_plan() {
        Ok(Some(plan)) => return plan.run().await,
        Ok(None) => {}
        Err(problem) => return bad_usage(&problem),
    }
    let plan = match options.plan() {
        Ok(plan) => plan,
        Err(problem) => return bad_usage(&problem),
    };
    let (calls, tags) = (u64::from(plan.calls), plan.codes.len() as u64);
    if tags < calls {
        eprintln!("{tags} tags for {calls} calls: an owner who is called again within seconds is engaged");
    }
    let (setting, began) = (plan.setting(), std::time::Instant::now());
    let tally = run::closed_loop(plan).await;
    let report = Report::new(&setting, &tally, began.elapsed());
    if options.load.json {
        println!("{}", report.json());
    } else {
        print!("{report}");
    }
    if report.all_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn bad_usage(problem: &str) -> ExitCode {
    eprintln!("{problem}");
    ExitCode::from(USAGE)
}
