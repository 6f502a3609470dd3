//! More people than the engine can serve: what it still does, and how soon the others hear that it can't.
//!
//! A visitor is a whole masked call: scan, session, telephones, some ten requests. The peak is the most that closed loops of
//! few, some and many strangers get done; the calm is an open loop at 60 % of it, and a rush one at twice of it. A machine that
//! is shared is now faster and now slower, so there are five rushes, each held against the peaks before and after it, and the
//! middle one counts; a phase in which we were late ourselves is played again. `crowd` lets visitors come, `tally` counts what
//! they saw, `verdict` compares it with the bounds.

mod crowd;
mod tally;
mod verdict;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::door::Door;
use crate::memory::{self, Looks, Memory};
use crate::stranger::Stranger;
use crate::usage::EngineOptions;
use crowd::Crowd;
use tally::Tally;
use verdict::{Bounds, Verdict};

/// Strangers at once in the steps of the closed loop: with fewer the engine waits, with more it turns many away.
const STEPS: [u32; 3] = [16, 32, 64];
/// Of the peak, so much comes in the calm, and in the rush.
const CALM: f64 = 0.6;
const RUSH: f64 = 2.0;
/// Between two phases, so that what the one left behind is not the other's.
const REST: Duration = Duration::from_secs(3);
/// Rushes that count, and phases that may be played again because the generator was late.
const RUSHES: usize = 5;
const AGAIN_MAX: usize = 5;

/// The options of `overload`.
#[derive(Debug, Args)]
pub(crate) struct OverloadOptions {
    #[command(flatten)]
    engine: EngineOptions,
    /// The engine's process on this machine, whose resident memory is watched.
    #[arg(long, value_name = "PID")]
    pid: u32,
    /// Seconds of each rush, and of each closed loop beside it. In few, right after a rest, the engine puts off what it writes
    /// to be flushed and compacted later.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Seconds of the calm.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=600))]
    calm_seconds: u32,
    #[command(flatten)]
    bounds: Bounds,
    /// Who comes when, from where, to which tag.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// A run that can begin.
#[derive(Debug)]
pub(crate) struct Plan {
    crowd: Crowd,
    pid: u32,
    lasts: Duration,
    calm: Duration,
    bounds: Bounds,
    json: bool,
}

impl OverloadOptions {
    /// Checks everything that can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(&self) -> Result<Plan, String> {
        let target = self.engine.tags.door.target()?;
        let network = self.engine.network(&target, 0.0)?;
        memory::resident_kib(self.pid)?;
        Ok(Plan {
            crowd: Crowd::new(Stranger::new(Door::new(target), network), self.engine.tags.codes()?, self.seed),
            pid: self.pid,
            lasts: Duration::from_secs(u64::from(self.seconds)),
            calm: Duration::from_secs(u64::from(self.calm_seconds)),
            bounds: self.bounds,
            json: self.json,
        })
    }
}

/// Plays all phases and prints what came of them.
pub(crate) async fn run(plan: Plan) -> ExitCode {
    let (strangers, peak) = plan.search().await;
    if peak == 0.0 {
        eprintln!("nobody's call was bridged and masked; `qnect-loadtest call` says why");
        return ExitCode::FAILURE;
    }
    let mut again = 0;
    let calm = loop {
        let calm = plan.phase("calm", peak, CALM * peak, plan.calm).await;
        if !plays_again(&calm, &mut again) {
            break calm;
        }
    };
    let (mut rushes, mut before) = (Vec::new(), plan.peak(strangers).await);
    while rushes.len() < RUSHES {
        let mut rush = plan.phase("rush", before, RUSH * before, plan.lasts).await;
        let after = plan.peak(strangers).await;
        rush.peak = f64::midpoint(before, after);
        before = after;
        if !plays_again(&rush, &mut again) {
            rushes.push(rush);
        }
    }
    let verdict = Verdict::new(plan.bounds, calm, rushes);
    if plan.json {
        println!("{}", verdict.json());
    } else {
        print!("{verdict}");
    }
    if verdict.good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether a phase counts for nothing because we were late ourselves; so often at most.
fn plays_again(phase: &Phase, again: &mut usize) -> bool {
    if phase.kept_time() || *again == AGAIN_MAX {
        return false;
    }
    *again += 1;
    eprintln!("we were late ourselves: this is played again");
    true
}

/// An open loop: what visitors saw, and what the engine's memory was meanwhile.
#[derive(Debug)]
struct Phase {
    /// Calls a second, the mean of before and after.
    peak: f64,
    /// Calls that had been made before it.
    calls_before: u64,
    tally: Tally,
    memory: Looks,
}

impl Plan {
    /// Visitors come, so many a second, who are held against this peak.
    async fn phase(&self, name: &str, peak: f64, rate: f64, lasts: Duration) -> Phase {
        tokio::time::sleep(REST).await;
        let calls_before = self.crowd.calls();
        let memory = Memory::watch(self.pid);
        let tally = self.crowd.come(rate, lasts).await;
        progress(name, &tally);
        let memory = memory.end();
        tokio::time::sleep(REST).await;
        Phase { peak, calls_before, tally, memory }
    }

    /// With how many strangers at once the most calls are made, and how many a second.
    async fn search(&self) -> (u32, f64) {
        let mut most = (STEPS[0], 0.0);
        for strangers in STEPS {
            let peak = self.peak(strangers).await;
            if peak > most.1 {
                most = (strangers, peak);
            }
        }
        most
    }

    /// Calls a second of so many strangers at once.
    async fn peak(&self, strangers: u32) -> f64 {
        let tally = self.crowd.stay(strangers, self.lasts).await;
        progress(&format!("{strangers:>3} at once"), &tally);
        tally.goodput()
    }
}

fn progress(phase: &str, tally: &Tally) {
    eprintln!("{phase}: {tally}");
}
