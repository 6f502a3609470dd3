//! What providers do when they are not sure that they were heard: signed events of calls that are on, again and again.

use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use clap::Args;
use hyper::Method as HttpMethod;
use qnect_simulator::{Faults, LostCallback, Method, NetworkConfig, sign_v3};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::door::{Answer, Door};
use crate::draw::Dice;
use crate::load::{self, Course, End, LoadOptions, People, Step, Usual, Visit};
use crate::stranger::Stranger;
use crate::usage::EngineOptions;

const USUAL: Usual =
    Usual { scenario: "webhook-storm", steps: &["webhook"], rate: 500, seconds: 30, zipf: 0.0, curve: Usual::EVEN };
/// Calls that are made at once before the storm.
const AT_ONCE: usize = 16;
const SIGNATURE: &str = "x-plivo-signature-v3";
const NONCE: &str = "x-plivo-signature-v3-nonce";

/// The options of `webhook-storm`.
#[derive(Debug, Args)]
pub(crate) struct StormOptions {
    #[command(flatten)]
    engine: EngineOptions,
    /// Calls that are on, at most 20000. There should be as many tags: an owner has one call at a time.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    calls: u32,
    #[command(flatten)]
    load: LoadOptions,
}

/// A run that can begin.
#[derive(Debug)]
pub(crate) struct Plan {
    course: Course,
    stranger: Stranger,
    people: People,
    provider: Provider,
    calls: u32,
}

/// Who signs and sends.
#[derive(Debug)]
struct Provider {
    door: Door,
    public_base_url: String,
    auth_token: String,
    /// What is told.
    events: Vec<LostCallback>,
    seed: u64,
}

impl StormOptions {
    /// Checks everything that can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(&self) -> Result<Plan, String> {
        let target = self.engine.tags.door.target()?;
        let config = self.engine.network_config(&target)?;
        let (public_base_url, auth_token) = (config.public_base_url.clone(), config.auth_token.clone());
        let faults = Faults { drop: 1.0, seed: self.load.seed, ..Faults::default() };
        let network = EngineOptions::network_with(NetworkConfig { time_scale: 0.0, faults, ..config })?;
        let door = Door::new(target);
        let (mut course, people) = self.load.crowd(&USUAL, &self.engine.tags)?;
        course.options.push(("calls", self.calls.to_string()));
        let provider = Provider {
            door: door.clone(),
            public_base_url: public_base_url.trim_end_matches('/').to_owned(),
            auth_token,
            events: Vec::new(),
            seed: self.load.seed,
        };
        Ok(Plan { course, stranger: Stranger::new(door, network), people, provider, calls: self.calls })
    }
}

/// Makes the calls, lets the storm come and prints what became of it.
pub(crate) async fn run(mut plan: Plan) -> ExitCode {
    let (events, first_failure) = plan.calls().await;
    if events.is_empty() {
        eprintln!("no call came to be, so there is nothing to tell: {}", first_failure.unwrap_or_default());
        return ExitCode::FAILURE;
    }
    eprintln!("{} calls, {} events to tell", plan.calls, events.len());
    if let Some(failure) = first_failure {
        eprintln!("not all of them came to be; the first that did not: {failure}");
    }
    plan.provider.events = events;
    load::Plan::new(plan.course, plan.provider).run().await
}

impl Plan {
    /// Everything that the engine was not told of the calls, and why the first one failed that did.
    async fn calls(&self) -> (Vec<LostCallback>, Option<String>) {
        let (places, mut calls) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
        for nth in 0..self.calls {
            // Tag after tag, so that owners are not engaged.
            let (code, address) = (self.people.nth_tag(nth).to_owned(), self.people.person(nth.into()).address);
            let (stranger, places) = (self.stranger.clone(), places.clone());
            calls.spawn(async move {
                let _place = places.acquire().await;
                (nth, stranger.call(nth, &code, &[("x-forwarded-for", &address.to_string())]).await)
            });
        }
        let mut seen = calls.join_all().await;
        // Whichever call was done first: the storm is the seed's.
        seen.sort_by_key(|(nth, _)| *nth);
        let failure = seen.iter().find_map(|(_, seen)| seen.failure.as_ref());
        let first_failure = failure.map(|failure| format!("{} {}", failure.cause.hint(), failure.note));
        (seen.into_iter().flat_map(|(_, seen)| seen.lost).collect(), first_failure)
    }
}

impl Visit for Provider {
    async fn visit(&self, nth: u64, due: Instant) -> Vec<Step> {
        let mut dice = Dice::new(self.seed, nth);
        let drawn = usize::try_from(dice.below(self.events.len() as u64)).unwrap_or(0);
        let end = match self.send(&self.events[drawn], &format!("{:020}", dice.next())).await {
            Ok(Answer { status: 200..=299, .. }) => End::Good,
            Ok(Answer { status: 503, .. }) => End::refused("503"),
            Ok(answer) => End::wrong(answer.status.to_string()),
            Err(none) => End::wrong(none.text()),
        };
        vec![Step::first(due, end)]
    }
}

impl Provider {
    async fn send(&self, event: &LostCallback, nonce: &str) -> Result<Answer, crate::door::NoAnswer> {
        let url = event.url.split('#').next().unwrap_or_default();
        let signature = sign_v3(event.method, url, &event.params, nonce, &self.auth_token);
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&event.params).finish();
        let path = url.strip_prefix(&self.public_base_url).unwrap_or(url);
        let fields = [
            ("accept", "*/*"),
            ("content-type", "application/x-www-form-urlencoded"),
            (SIGNATURE, signature.as_str()),
            (NONCE, nonce),
        ];
        match event.method {
            Method::Post => self.door.ask(HttpMethod::POST, path, Bytes::from(form), &fields).await,
            Method::Get => {
                let joint = if path.contains('?') { '&' } else { '?' };
                self.door.ask(HttpMethod::GET, &format!("{path}{joint}{form}"), Bytes::new(), &fields).await
            }
        }
    }
}
