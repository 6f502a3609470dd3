//! More people than the engine can serve: what it still does, and how soon the others hear that it can't.
//!
//! A visitor is a whole masked call: scan, session, telephones, some ten requests. The peak is the most that closed loops of
//! few, some and many strangers get done; the calm is an open loop at 60 % of it, the rush one at twice of it, and the rush
//! comes again: what the first one needs for its connections the second one finds there. A machine that is shared is now
//! faster and now slower, so the peak is taken before and after each of them. `crowd` lets visitors come, `tally` counts what
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

/// The options of `overload`.
#[derive(Debug, Args)]
pub(crate) struct OverloadOptions {
    #[command(flatten)]
    engine: EngineOptions,
    /// The engine's process on this machine, whose resident memory is watched.
    #[arg(long, value_name = "PID")]
    pid: u32,
    /// Seconds of the calm, and of each rush.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Seconds of each step on the way to the peak: all of them together as long as a rush. In less, right after a rest, the
    /// engine does what it could not go on with: what it writes then is flushed and compacted later.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    step_seconds: u32,
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
    step: Duration,
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
            step: Duration::from_secs(u64::from(self.step_seconds)),
            bounds: self.bounds,
            json: self.json,
        })
    }
}

/// Plays all phases and prints what came of them.
pub(crate) async fn run(plan: Plan) -> ExitCode {
    let before = plan.peak().await;
    if before == 0.0 {
        eprintln!("nobody's call was bridged and masked; `qnect-loadtest call` says why");
        return ExitCode::FAILURE;
    }
    let (calm, before) = plan.phase("calm", before, CALM).await;
    let (first, before) = plan.phase("rush", before, RUSH).await;
    let (second, _) = plan.phase("rush again", before, RUSH).await;
    let verdict = Verdict::new(plan.bounds, calm, [first, second]);
    if plan.json {
        println!("{}", verdict.json());
    } else {
        print!("{verdict}");
    }
    if verdict.good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
    /// Visitors come, `part` of the peak that was `before`. Returns the peak after it, too.
    async fn phase(&self, name: &str, before: f64, part: f64) -> (Phase, f64) {
        tokio::time::sleep(REST).await;
        let calls_before = self.crowd.calls();
        let memory = Memory::watch(self.pid);
        let tally = self.crowd.come(before * part, self.lasts).await;
        progress(name, &tally);
        let memory = memory.end();
        tokio::time::sleep(REST).await;
        let after = self.peak().await;
        (Phase { peak: f64::midpoint(before, after), calls_before, tally, memory }, after)
    }

    /// The most calls a second that any number of strangers gets done.
    async fn peak(&self) -> f64 {
        let mut peak: f64 = 0.0;
        for strangers in STEPS {
            let step = self.crowd.stay(strangers, self.step).await;
            progress(&format!("{strangers:>3} at once"), &step);
            peak = peak.max(step.goodput());
        }
        peak
    }
}

fn progress(phase: &str, tally: &Tally) {
    eprintln!("{phase}: {tally}");
}
