//! What may be asked of a day, and what it is made from once it has been checked.

use clap::Args;
use qnect_simulator::Network;

use crate::day::clock::Clock;
use crate::day::people::Person;
use crate::day::play::PEOPLE_MAX;
use crate::day::population;
use crate::day::report::{Setting, Thresholds};
use crate::day::world::World;
use crate::door::Door;
use crate::usage::EngineOptions;

/// How much faster than life a day may go by.
const RATE_MAX: i64 = 10_000;

/// What both scenarios need.
#[derive(Debug, Args)]
struct Playing {
    #[command(flatten)]
    engine: EngineOptions,
    /// How many of the day's seconds go by in one: as many as in the engine, at most 10000.
    #[arg(long, value_name = "R", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=RATE_MAX))]
    rate: u32,
    /// Who comes by, and what they do.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// The options of `day`.
#[derive(Debug, Args)]
pub(crate) struct DayOptions {
    #[command(flatten)]
    playing: Playing,
    /// Percent of honest people who may be turned away although the owner is there.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1)]
    refused_at_most: f64,
    /// Percent of honest people who may be challenged.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.5)]
    challenged_at_most: f64,
    /// Percent of urgent calls that must ring although the tag is flooded with sessions.
    #[arg(long, value_name = "PERCENT", default_value_t = 100.0)]
    urgent_at_least: f64,
    /// Percent of attackers who must be stopped within 10 actions.
    #[arg(long, value_name = "PERCENT", default_value_t = 95.0)]
    stopped_at_least: f64,
}

/// The options of `shared-address`.
#[derive(Debug, Args)]
pub(crate) struct SharedAddressOptions {
    #[command(flatten)]
    playing: Playing,
    /// Honest people; 50 abusers come with each 1000. At most 100000.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    honest: u32,
    /// Percent of the honest people calling an owner who is there who must succeed.
    #[arg(long, value_name = "PERCENT", default_value_t = 99.0)]
    success_at_least: f64,
}

/// A day that can begin.
#[derive(Debug)]
pub(crate) struct Plan {
    setting: Setting,
    people: Vec<Person>,
    door: Door,
    network: Network,
    codes: Vec<String>,
}

impl DayOptions {
    /// Checks everything that can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(&self) -> Result<Plan, String> {
        self.playing.plan("day", |tags| population::day(tags, self.playing.seed))
    }

    pub(crate) fn thresholds(&self) -> Thresholds {
        Thresholds {
            honest_refused_at_most: Some(self.refused_at_most),
            honest_challenged_at_most: Some(self.challenged_at_most),
            attackers_stopped_at_least: Some(self.stopped_at_least),
            urgent_in_flood_at_least: Some(self.urgent_at_least),
            honest_success_at_least: None,
        }
    }

    pub(crate) fn json(&self) -> bool {
        self.playing.json
    }
}

impl SharedAddressOptions {
    /// Checks everything that can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(&self) -> Result<Plan, String> {
        let people = |tags| population::behind_one_address(tags, self.honest, self.playing.seed);
        self.playing.plan("shared-address", people)
    }

    pub(crate) fn thresholds(&self) -> Thresholds {
        Thresholds { honest_success_at_least: Some(self.success_at_least), ..Thresholds::default() }
    }

    pub(crate) fn json(&self) -> bool {
        self.playing.json
    }
}

impl Playing {
    fn plan(&self, scenario: &'static str, people: impl FnOnce(u32) -> Vec<Person>) -> Result<Plan, String> {
        let target = self.engine.tags.door.target()?;
        let network = self.engine.network(&target, 1.0 / f64::from(self.rate))?;
        let codes = self.engine.tags.codes()?;
        let people = people(u32::try_from(codes.len()).unwrap_or(u32::MAX));
        if people.len() > PEOPLE_MAX {
            return Err(format!("{} people would come, at most {PEOPLE_MAX} can; take fewer tags", people.len()));
        }
        let setting = Setting { scenario, seed: self.seed, rate: self.rate, tags: codes.len() };
        Ok(Plan { setting, people, door: Door::without_reuse(target), network, codes })
    }
}

impl Plan {
    pub(crate) fn setting(&self) -> Setting {
        self.setting
    }

    /// Who comes, in order.
    pub(crate) fn people(&self) -> Vec<Person> {
        self.people.clone()
    }

    /// The day begins.
    pub(crate) fn world(self) -> World {
        let Plan { setting, door, network, codes, .. } = self;
        World::new(Clock::start(setting.rate), door, network, codes, setting.seed)
    }
}
