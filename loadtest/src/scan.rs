//! People who look at a tag and go on: `GET /q/{code}`.

use clap::{Args, ValueEnum};
use tokio::time::Instant;

use crate::door::{Answer, Door, NoAnswer};
use crate::load::{End, LoadOptions, People, Plan, Step, Usual, Visit};
use crate::stranger;
use crate::usage::TagOptions;

const USUAL: Usual =
    Usual { scenario: "scan", steps: &["scan"], rate: 1_000, seconds: 30, zipf: 0.0, curve: Usual::EVEN };

/// The options of `scan`.
#[derive(Debug, Args)]
pub(crate) struct ScanOptions {
    #[command(flatten)]
    tags: TagOptions,
    /// What visitors ask for. Of a page only the status is looked at: it is 200 where JSON says `limited` or `refused`.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    #[command(flatten)]
    load: LoadOptions,
}

/// What a browser shows, or what a program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Html,
}

/// Everybody who comes.
#[derive(Debug)]
pub(crate) struct Crowd {
    door: Door,
    people: People,
    format: Format,
}

impl ScanOptions {
    /// Checks everything that can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(&self) -> Result<Plan<Crowd>, String> {
        let door = Door::new(self.tags.door.target()?);
        let (mut course, people) = self.load.crowd(&USUAL, &self.tags)?;
        let format = if self.format == Format::Json { "JSON" } else { "HTML" };
        course.options.push(("format", format.to_owned()));
        Ok(Plan::new(course, Crowd { door, people, format: self.format }))
    }
}

impl Visit for Crowd {
    async fn visit(&self, nth: u64, due: Instant) -> Vec<Step> {
        let person = self.people.person(nth);
        let address = person.address.to_string();
        let accept = match self.format {
            Format::Json => "application/json",
            Format::Html => "text/html",
        };
        let answer = self.door.scan(person.code, &[("accept", accept), ("x-forwarded-for", &address)]).await;
        let end = match self.format {
            Format::Json => stranger::scanned(answer.as_ref()),
            Format::Html => shown(answer),
        };
        vec![Step::first(due, end)]
    }
}

/// How the request for a page ended.
pub(crate) fn shown(answer: Result<Answer, NoAnswer>) -> End {
    match answer {
        Ok(Answer { status: 200, .. }) => End::Good,
        Ok(Answer { status: status @ (403 | 429 | 503), .. }) => End::refused(status.to_string()),
        Ok(answer) => End::wrong(answer.status.to_string()),
        Err(none) => End::wrong(none.text()),
    }
}
