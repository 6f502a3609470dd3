//! One tag that everybody asks for: the video of one car. What it costs those who stand at other cars.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use hyper::Method;
use serde_json::json;

use crate::door::{Answer, Door};
use crate::draw::Dice;
use crate::middle::middle;
use crate::open_loop::{self, Load, Measured};
use crate::usage::TagOptions;

/// Addresses that requests come from.
const SOURCES: u64 = 100_000;
/// Each so many of the hot tag's requests asks for a session instead of the page.
const SESSION_EVERY: u64 = 10;
/// What is played before anything is measured.
const WARM_UP: Duration = Duration::from_secs(3);
const SESSION_BODY: &[u8] = br#"{"reason":"blocking","language":"en"}"#;

/// The options of `hot-tag`.
#[derive(Debug, Args)]
pub(crate) struct HotTagOptions {
    #[command(flatten)]
    tags: TagOptions,
    /// Requests a second to the hot tag, the first of the codes: 50 times the 600 a minute that an address may make.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    hot_rate: u32,
    /// Requests a second to all others together.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Seconds of each run.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Pairs of runs, one with the hot tag and one without, each first in turn.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
    /// The median of the pairs may be so many times the p99 without the hot tag.
    #[arg(long, value_name = "TIMES", default_value_t = 2.0)]
    ratio_at_most: f64,
    /// Which tags and addresses.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// A run that can begin.
#[derive(Debug)]
pub(crate) struct Plan {
    crowd: Arc<Crowd>,
    steady: Load,
    hot: Load,
    pairs: u32,
    ratio_at_most: f64,
    json: bool,
}

/// Everybody who asks.
#[derive(Debug)]
struct Crowd {
    door: Door,
    hot: String,
    others: Vec<String>,
    seed: u64,
}

impl HotTagOptions {
    /// Checks everything that can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(&self) -> Result<Plan, String> {
        let mut others = self.tags.codes()?;
        if others.len() < 2 {
            return Err("one tag is hot, and at least one more is needed".to_owned());
        }
        let hot = others.swap_remove(0);
        let crowd = Crowd { door: Door::new(self.tags.door.target()?), hot, others, seed: self.seed };
        let lasts = Duration::from_secs(u64::from(self.seconds));
        Ok(Plan {
            crowd: Arc::new(crowd),
            steady: Load { rate: self.rate, lasts },
            hot: Load { rate: self.hot_rate, lasts },
            pairs: self.pairs,
            ratio_at_most: self.ratio_at_most,
            json: self.json,
        })
    }
}

/// Plays all pairs and prints what they cost.
pub(crate) async fn run(plan: Plan) -> ExitCode {
    plan.steady(Load { lasts: WARM_UP, ..plan.steady }).await;
    let (mut pairs, mut wrong, mut skipped) = (Vec::new(), 0, 0);
    for nth in 0..plan.pairs {
        // Each goes first in turn, so that a drift of the machine favours neither.
        let (alone, beside) = if nth % 2 == 0 {
            let alone = plan.steady(plan.steady).await;
            (alone, plan.beside_the_hot_one().await)
        } else {
            let beside = plan.beside_the_hot_one().await;
            (plan.steady(plan.steady).await, beside)
        };
        let (others, hot) = beside;
        wrong += alone.wrong + others.wrong;
        skipped += alone.skipped + others.skipped + hot.skipped;
        let ratio = others.p99() as f64 / alone.p99().max(1) as f64;
        eprintln!(
            "pair {}: p99 {} us alone, {} us beside the hot tag, {ratio:.2} times",
            nth + 1,
            alone.p99(),
            others.p99()
        );
        pairs.push((alone.p99(), others.p99(), ratio));
    }
    let median = middle(pairs.iter().map(|(.., ratio)| *ratio), f64::total_cmp).unwrap_or(f64::MAX);
    let good = median <= plan.ratio_at_most && wrong == 0 && skipped == 0;
    if plan.json {
        println!(
            "{}",
            json!({"scenario": "hot-tag", "rate": plan.steady.rate, "hot_rate": plan.hot.rate, "p99_us": pairs,
                "ratio_median": median, "others_wrong": wrong, "skipped": skipped, "good": good})
        );
    } else {
        println!("the others' p99 beside the hot tag: {median:.2} times that without it (median of {})", plan.pairs);
        println!(
            "the others' answers that were no page to go on from: {wrong}; requests that were not sent: {skipped}"
        );
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Plan {
    /// The others, by themselves.
    async fn steady(&self, load: Load) -> Measured {
        open_loop::play(load, |nth| self.crowd.clone().asks_for_another(nth)).await
    }

    /// The others, and then the hot tag.
    async fn beside_the_hot_one(&self) -> (Measured, Measured) {
        let hot = open_loop::play(self.hot, |nth| self.crowd.clone().asks_for_the_hot_one(nth));
        tokio::join!(self.steady(self.steady), hot)
    }
}

impl Crowd {
    async fn asks_for_another(self: Arc<Self>, nth: u64) -> bool {
        let mut dice = Dice::new(self.seed, nth);
        let code = &self.others[usize::try_from(dice.below(self.others.len() as u64)).unwrap_or(0)];
        let answer = self.ask(Method::GET, &format!("/q/{code}"), Bytes::new(), &mut dice).await;
        answer.is_some_and(|answer| answer.status == 200)
    }

    /// Any answer is right: most are refusals, as they should be.
    async fn asks_for_the_hot_one(self: Arc<Self>, nth: u64) -> bool {
        let mut dice = Dice::new(!self.seed, nth);
        let path = format!("/q/{}", self.hot);
        let answer = match nth % SESSION_EVERY {
            0 => {
                let body = Bytes::from_static(SESSION_BODY);
                self.ask(Method::POST, &format!("{path}/sessions"), body, &mut dice).await
            }
            _ => self.ask(Method::GET, &path, Bytes::new(), &mut dice).await,
        };
        answer.is_some()
    }

    async fn ask(&self, method: Method, path: &str, body: Bytes, dice: &mut Dice) -> Option<Answer> {
        let address = source(dice).to_string();
        self.door.ask(method, path, body, &[("x-forwarded-for", &address)]).await.ok()
    }
}

/// One of so many addresses.
pub(crate) fn source(dice: &mut Dice) -> Ipv4Addr {
    crate::load::address(dice, SOURCES)
}
