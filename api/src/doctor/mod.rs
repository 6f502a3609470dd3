//! What an operator wants to know before the first start, and when something is odd: the clock, the disk, the keys, the
//! limits, the providers, and whether the public address leads here.
//!
//! It looks and changes nothing: what it writes into the data folder it removes again. No check waits for another, and
//! each is bounded: a disk that hangs is told as one, and the rest is told all the same.

mod clock;
mod configuration;
mod data_folder;
mod disk;
mod key_file;
mod machine;
mod outside;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::{Config, Provider};

/// How long all checks may take. They run at once; the longest measure the disk, read the journals, or wait for the
/// network.
const CHECKS_TIME_MAX: Duration = Duration::from_secs(10);

/// How a check stands, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Ok,
    /// An engine runs with it, and somebody should look at it; or it could not be found out.
    Warn,
    /// An engine would not start, or not do its work.
    Fail,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What was looked at; the same in every version.
    pub id: String,
    /// How it stands.
    pub state: State,
    /// What was found, and what to do where something is to be done.
    pub text: String,
    /// What was measured, by a name with its unit.
    pub figures: Map<String, Value>,
}

impl Check {
    fn new(id: impl Into<String>, state: State, text: impl Into<String>) -> Self {
        Self { id: id.into(), state, text: text.into(), figures: Map::new() }
    }

    fn ok(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(id, State::Ok, text)
    }

    fn warn(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(id, State::Warn, text)
    }

    fn fail(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(id, State::Fail, text)
    }

    fn with(mut self, figure: &str, value: impl Into<Value>) -> Self {
        self.figures.insert(figure.to_owned(), value.into());
        self
    }
}

/// What is looked at.
#[derive(Debug)]
pub struct Patient {
    /// The configuration, as `serve` would take it.
    pub config: Config,
    /// Its file, if there is one.
    pub file: Option<PathBuf>,
    /// The origin on the stickers.
    pub origin: String,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The master key's file.
    pub key_file: PathBuf,
    /// Where an engine of this folder listens.
    pub control_socket: PathBuf,
}

/// A check that is still to be made.
struct Look {
    /// By which it is told that it hangs.
    id: String,
    look: Box<Looking>,
}

/// Mostly it finds one thing.
type Looking = dyn FnOnce(&Patient) -> Vec<Check> + Send;

impl Look {
    fn one(id: &str, look: fn(&Patient) -> Check) -> Self {
        Self::some(id, move |patient| vec![look(patient)])
    }

    fn some(id: impl Into<String>, look: impl FnOnce(&Patient) -> Vec<Check> + Send + 'static) -> Self {
        Self { id: id.into(), look: Box::new(look) }
    }
}

/// Makes all checks at once, and gives what they found in a fixed order. Takes [`CHECKS_TIME_MAX`] at most.
pub fn examine(patient: Patient) -> Vec<Check> {
    let at_provider = |provider: Provider| {
        let id = format!("provider_{}", provider.name());
        vec![Look::some(id.clone(), move |patient| outside::provider(patient, provider, &id))]
    };
    let used = |provider: &Provider| patient.config.providers.has(*provider);
    let mut rounds = vec![
        vec![Look::one("configuration", configuration::configuration)],
        vec![Look::one("key_file", key_file::key_file)],
        vec![Look::one("clock", clock::clock)],
        vec![Look::one("clock_sync", clock::clock_sync)],
        vec![Look::one("cores", machine::cores), Look::one("open_files", machine::open_files)],
        // One after the other: reading the journals would slow the measurement down.
        vec![
            Look::one("file_system", disk::file_system),
            Look::one("disk_space", disk::disk_space),
            Look::one("disk_sync", disk::disk_sync),
            Look::some("data_folder", data_folder::data_folder),
        ],
    ];
    if patient.config.tls.is_some() {
        rounds.insert(1, vec![Look::some("certificate", configuration::certificate)]);
    }
    rounds.extend(Provider::ALL.into_iter().filter(used).map(at_provider));
    rounds.push(vec![Look::one("public_url", outside::public_url)]);
    at_once(rounds, &Arc::new(patient), CHECKS_TIME_MAX)
}

/// Each round runs on a thread of its own, which nobody waits for any longer.
fn at_once(rounds: Vec<Vec<Look>>, patient: &Arc<Patient>, time_max: Duration) -> Vec<Check> {
    let deadline = Instant::now() + time_max;
    let (tell, told) = channel();
    let mut findings: Vec<(String, Option<Vec<Check>>)> = Vec::new();
    for round in rounds {
        let first = findings.len();
        findings.extend(round.iter().map(|look| (look.id.clone(), None)));
        let (patient, tell) = (patient.clone(), tell.clone());
        // Without a thread it is told as a check that hangs.
        let _ = std::thread::Builder::new().spawn(move || run(round, first, &patient, &tell));
    }
    drop(tell);
    // Ends with the last thread, too: one that panics tells no more.
    while let Ok((place, checks)) = told.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        let (_, finding): &mut (String, Option<Vec<Check>>) = &mut findings[place];
        *finding = Some(checks);
    }
    let text = if Instant::now() < deadline {
        "it broke off; this is a bug, please report it".to_owned()
    } else {
        let seconds = time_max.as_secs();
        format!("no answer within {seconds} s: a disk or a network hangs; look at the kernel's log")
    };
    let missing = |id| vec![Check::fail(id, text.clone())];
    findings.into_iter().flat_map(|(id, checks)| checks.unwrap_or_else(|| missing(id))).collect()
}

fn run(round: Vec<Look>, first: usize, patient: &Patient, tell: &Sender<(usize, Vec<Check>)>) {
    for (place, look) in (first..).zip(round) {
        // Nobody listens any more when the time is over.
        let _ = tell.send((place, (look.look)(patient)));
    }
}

/// A span in the largest unit that it fills.
fn in_words(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
