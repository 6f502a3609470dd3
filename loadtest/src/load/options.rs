//! The options that all open-loop scenarios have.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::door::Door;
use crate::load::{Course, Pace, People};
use crate::memory;
use crate::threshold::Threshold;
use crate::usage::{DoorOptions, TagOptions};

/// What a run must keep if nothing is said.
const THRESHOLD: &str = "errors<=0.1%";

/// How many visits, by whom, and what is made of them.
#[derive(Clone, Debug, Args)]
pub(crate) struct LoadOptions {
    /// Visits that begin in a second, however slow the answers are. The default is the scenario's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub(crate) rate: Option<u32>,
    /// For how long visits begin. The default is the scenario's.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: Option<u32>,
    /// Visits under way at once at most, each with a connection. One that is due then is left out, and the run is invalid.
    #[arg(long, value_name = "N", default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    in_flight: u32,
    /// Addresses that visitors come from, by X-Forwarded-For: the engine must trust this machine as a proxy.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    sources: u32,
    /// How uneven tags are visited: the nth most visited has 1/n^EXPONENT of the first; 0 is even, 1 is what towns are.
    /// The default is the scenario's.
    #[arg(long, value_name = "EXPONENT", value_parser = exponent)]
    zipf: Option<f64>,
    /// Who comes when, from where, to which tag.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) seed: u64,
    /// What the run must keep, any number of times: p50, p90, p99, p99.9, max or mean of what the scenario is about
    /// (p99<20ms) or of one of its steps (session:p99<50ms), errors or refused in percent (errors<0.1%), good visits a
    /// second (rate>500). Default: errors<=0.1%.
    #[arg(long = "threshold", value_name = "BOUND")]
    thresholds: Vec<Threshold>,
    /// Print the report as one line of JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a page with the report and its plots, which needs nothing else to be shown.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The operations listener, whose /metrics are read each second for the page.
    #[arg(long, value_name = "URL")]
    ops: Option<String>,
    /// The engine's process on this machine, whose resident memory is read each second for the page.
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
}

/// What is the scenario's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usual {
    pub(crate) scenario: &'static str,
    /// What a visit is made of; the first is what the scenario is about.
    pub(crate) steps: &'static [&'static str],
    pub(crate) rate: u32,
    pub(crate) seconds: u32,
    pub(crate) zipf: f64,
    /// What part of the rate comes at which part of the run, both 0 to 1.
    pub(crate) curve: fn(f64) -> f64,
}

impl Usual {
    /// As many at every time.
    pub(crate) const EVEN: fn(f64) -> f64 = |_| 1.0;
}

impl LoadOptions {
    /// Checks everything that can be checked before the first request: the run, and who comes to which tags. An error is a
    /// sentence for who typed it.
    pub(crate) fn crowd(&self, usual: &Usual, tags: &TagOptions) -> Result<(Course, People), String> {
        let mut course = self.course(usual, &tags.door)?;
        let people = People::new(tags.codes()?, self.sources, self.zipf(usual), self.seed);
        course.options.push(("tags", people.tags().to_string()));
        Ok((course, people))
    }

    fn course(&self, usual: &Usual, door: &DoorOptions) -> Result<Course, String> {
        let mut thresholds = self.thresholds.clone();
        if thresholds.is_empty() {
            thresholds.push(THRESHOLD.parse()?);
        }
        thresholds.iter().try_for_each(|threshold| threshold.is_about(usual.steps))?;
        self.pid.map(memory::resident_kib).transpose()?;
        if let Some(html) = &self.html {
            // A run of an hour must not end with a page that cannot be written.
            std::fs::write(html, "").map_err(|cause| format!("{}: {cause}", html.display()))?;
        }
        let (rate, seconds) = (self.rate.unwrap_or(usual.rate), self.seconds.unwrap_or(usual.seconds));
        Ok(Course {
            scenario: usual.scenario,
            steps: usual.steps,
            options: vec![
                ("rate", format!("{rate}/s")),
                ("seconds", seconds.to_string()),
                ("in flight", self.in_flight.to_string()),
                ("sources", self.sources.to_string()),
                ("zipf", self.zipf(usual).to_string()),
                ("seed", self.seed.to_string()),
            ],
            pace: Pace { rate: f64::from(rate), curve: usual.curve, seed: self.seed },
            lasts: Duration::from_secs(u64::from(seconds)),
            in_flight: self.in_flight as usize,
            thresholds,
            json: self.json,
            html: self.html.clone(),
            operations: self.ops.as_deref().map(|ops| door.own(ops)).transpose()?.map(Door::new),
            pid: self.pid,
        })
    }

    /// Whether only an open loop makes sense of what was said.
    pub(crate) fn asks_for_more_than_a_line(&self) -> bool {
        let watches = self.html.is_some() || self.ops.is_some() || self.pid.is_some();
        watches || self.seconds.is_some() || self.zipf.is_some() || !self.thresholds.is_empty()
    }

    fn zipf(&self, usual: &Usual) -> f64 {
        self.zipf.unwrap_or(usual.zipf)
    }
}

fn exponent(text: &str) -> Result<f64, String> {
    let exponent: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=4.0).contains(&exponent) { Ok(exponent) } else { Err("must be between 0 and 4".to_owned()) }
}
