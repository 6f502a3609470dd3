//! A day in ten minutes: everybody who comes to the tags of a town, those who mean no good among them.

use std::time::Duration;

use clap::Args;
use qnect_simulator::{Faults, NetworkConfig};
use tokio::time::Instant;

use crate::call::{self, number};
use crate::day::forged;
use crate::door::{Answer, Door};
use crate::load::{End, LoadOptions, People, Person, Plan, Step, Usual, Visit, address};
use crate::session;
use crate::stranger::{self, Stranger};
use crate::usage::EngineOptions;

/// `scan` is the first request of all but those who guess, whose requests are `guess`.
const STEPS: &[&str] = &["scan", "session", "cancel", "ring", "talk", "guess"];
const SCAN: usize = 0;
const SESSION: usize = 1;
const CANCEL: usize = 2;
const RING: usize = 3;
const TALK: usize = 4;
const GUESS: usize = 5;
const USUAL: Usual = Usual { scenario: "peak-hour", steps: STEPS, rate: 1_000, seconds: 600, zipf: 1.0, curve: day };
/// How much comes up to which part of the day, in ordinary hours: at the mall's closing, 20 times as much.
const DAY: [(f64, f64); 9] = [
    (0.10, 0.2),
    (0.15, 1.0),
    (0.28, 3.0),
    (0.50, 1.0),
    (0.65, 4.0),
    (0.78, 1.5),
    (MALL_CLOSES, 1.0),
    (MALL_IS_EMPTY, MALL),
    (1.0, 0.3),
];
const MALL_CLOSES: f64 = 0.80;
const MALL_IS_EMPTY: f64 = 0.90;
const MALL: f64 = 20.0;
/// Of so many visitors: who look, who give a number back, who call, who guess codes, who walk from car to car.
const SHARES: [u64; 5] = [600, 150, 200, 25, 25];
/// Addresses of those who walk from car to car.
const WALKERS: u64 = 20;
/// Telephones' seconds in a run.
const DAY_SECONDS: f64 = 86_400.0;
/// Of hundred status callbacks so many come late, the others in an order of their own among so many, and all of them twice.
const FAULTS: Faults = Faults {
    duplicate: 1,
    drop: 0.0,
    delay: 0.05,
    reorder: 4,
    seed: 0,
    signature_off: false,
    signature_with_port: false,
    slow: Duration::ZERO,
    rest: None,
};

/// The options of `peak-hour`.
#[derive(Debug, Args)]
pub(crate) struct PeakHourOptions {
    #[command(flatten)]
    engine: EngineOptions,
    /// Legs that the provider's account may have at once, both sides of a call counted; 0: no limit. The engine should
    /// know the same by `lines_max`.
    #[arg(long, value_name = "N", default_value_t = 200)]
    lines: u32,
    /// Owners' telephones that the account may dial in a second of telephones' time; 0: no limit.
    #[arg(long, value_name = "N", default_value_t = 0)]
    dials: u32,
    #[command(flatten)]
    load: LoadOptions,
}

/// Everybody who comes.
#[derive(Debug)]
pub(crate) struct Town {
    door: Door,
    stranger: Stranger,
    people: People,
}

impl PeakHourOptions {
    /// Checks everything that can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(&self) -> Result<Plan<Town>, String> {
        let target = self.engine.tags.door.target()?;
        let (mut course, people) = self.load.crowd(&USUAL, &self.engine.tags)?;
        let network = EngineOptions::network_with(NetworkConfig {
            // Telephones live as fast as the day goes by.
            time_scale: course.lasts.as_secs_f64() / DAY_SECONDS,
            lines_max: self.lines,
            calls_per_second: self.dials,
            faults: Faults { seed: self.load.seed, ..FAULTS },
            ..self.engine.network_config(&target)?
        })?;
        let door = Door::new(target);
        course.options.extend([("lines", self.lines.to_string()), ("dials", format!("{}/s", self.dials))]);
        let stranger = Stranger::new(door.clone(), network);
        Ok(Plan::new(course, Town { door, stranger, people }))
    }
}

/// What part of the mall's closing comes at a part of the day.
fn day(at: f64) -> f64 {
    DAY.iter().find(|(until, _)| at < *until).map_or(0.0, |(_, ordinary_hours)| ordinary_hours / MALL)
}

impl Visit for Town {
    async fn visit(&self, nth: u64, due: Instant) -> Vec<Step> {
        let mut person = self.people.person(nth);
        match person.dice.weighted(&SHARES) {
            0 => vec![self.look(&person, due).await],
            1 => self.gives_back(&person, due).await,
            2 => self.calls(nth, &person, due).await,
            3 => vec![self.guess(&mut person, due).await],
            _ => vec![self.walk(&mut person, due).await],
        }
    }
}

impl Town {
    async fn look(&self, person: &Person<'_>, due: Instant) -> Step {
        let answer = self.door.scan(person.code, &[("x-forwarded-for", &person.address.to_string())]).await;
        Step { nth: SCAN, took: due.elapsed(), end: stranger::scanned(answer.as_ref()) }
    }

    async fn gives_back(&self, person: &Person<'_>, due: Instant) -> Vec<Step> {
        let mut steps = vec![self.look(person, due).await];
        if steps[0].end != End::Good {
            return steps;
        }
        let (asked, address) = (Instant::now(), person.address.to_string());
        let fields = [("x-forwarded-for", address.as_str())];
        let answer = self.door.open_session(person.code, &fields).await;
        let opened = stranger::session(answer.as_ref());
        let end = opened.as_ref().map_or_else(End::of, |_| End::Good);
        steps.push(Step { nth: SESSION, took: asked.elapsed(), end });
        if let Ok(opened) = opened {
            steps.push(session::cancel(&self.door, &opened.session, CANCEL, &fields).await);
        }
        steps
    }

    /// The whole lasts as long as people talk; it says how the visit ended, and its parts how long who waited.
    async fn calls(&self, nth: u64, person: &Person<'_>, due: Instant) -> Vec<Step> {
        let (late, address) = (due.elapsed(), person.address.to_string());
        let seen = self.stranger.call(number(nth), person.code, &[("x-forwarded-for", &address)]).await;
        let mut steps = call::steps(&seen, late, due.elapsed());
        let whole = steps.remove(0);
        for step in &mut steps {
            step.nth = [SCAN, SCAN, SESSION, RING, TALK][step.nth];
        }
        match steps.last_mut() {
            Some(last) => last.end = whole.end,
            None => steps.push(Step { nth: SCAN, ..whole }),
        }
        steps
    }

    /// Somebody who guesses codes: nothing else than 404 may come of it.
    async fn guess(&self, person: &mut Person<'_>, due: Instant) -> Step {
        let code = forged(&mut person.dice);
        let answer = self.door.scan(&code, &[("x-forwarded-for", &person.address.to_string())]).await;
        let end = match answer {
            Ok(Answer { status: 404, .. }) => End::Good,
            Ok(Answer { status: 503, .. }) => End::refused("guess 503"),
            Ok(answer) => End::wrong(format!("guess {}", answer.status)),
            Err(none) => End::wrong(none.text()),
        };
        Step { nth: GUESS, took: due.elapsed(), end }
    }

    /// Somebody who walks from car to car, and is to be turned away after a while: whatever is answered is right.
    async fn walk(&self, person: &mut Person<'_>, due: Instant) -> Step {
        // Beyond those of everybody else, so that no neighbour pays for it.
        let [_, b, c, d] = address(&mut person.dice, WALKERS).octets();
        let address = std::net::Ipv4Addr::new(172, 16 + b, c, d).to_string();
        let answer = self.door.scan(person.code, &[("x-forwarded-for", &address)]).await;
        let end = match answer {
            Ok(Answer { status: 200 | 403 | 429, .. }) => End::Good,
            Ok(Answer { status: 503, .. }) => End::refused("walk 503"),
            Ok(answer) => End::wrong(format!("walk {}", answer.status)),
            Err(none) => End::wrong(none.text()),
        };
        Step { nth: SCAN, took: due.elapsed(), end }
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, MALL, day};

    #[test]
    fn the_mall_closes_once_and_nothing_else_is_as_full() {
        assert!(DAY.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!((day(0.85) - 1.0).abs() < f64::EPSILON && (day(0.4) * MALL - 1.0).abs() < f64::EPSILON);
        let full = (0..1_000).filter(|at| day(f64::from(*at) / 1_000.0) > 0.5).count();
        assert_eq!(full, 100, "a tenth of the day");
        let (morning, noon, evening) = (day(0.2), day(0.4), day(0.6));
        assert!(morning > noon && evening > morning && day(0.05) < noon && day(0.99) < noon);
    }
}
