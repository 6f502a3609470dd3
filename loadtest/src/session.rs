//! People who ask for a number and then find that they need not call: `POST /q/{code}/sessions`, and the way out.

use bytes::Bytes;
use clap::Args;
use hyper::Method;
use tokio::time::Instant;

use crate::door::{Answer, Door};
use crate::load::{End, LoadOptions, People, Plan, Step, Usual, Visit};
use crate::stranger;
use crate::usage::TagOptions;

const USUAL: Usual =
    Usual { scenario: "session", steps: &["session", "cancel"], rate: 200, seconds: 30, zipf: 0.0, curve: Usual::EVEN };

/// The options of `session`.
#[derive(Debug, Args)]
pub(crate) struct SessionOptions {
    #[command(flatten)]
    tags: TagOptions,
    #[command(flatten)]
    load: LoadOptions,
}

/// Everybody who comes.
#[derive(Debug)]
pub(crate) struct Crowd {
    door: Door,
    people: People,
}

impl SessionOptions {
    /// Checks everything that can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(&self) -> Result<Plan<Crowd>, String> {
        let door = Door::new(self.tags.door.target()?);
        let (course, people) = self.load.crowd(&USUAL, &self.tags)?;
        Ok(Plan::new(course, Crowd { door, people }))
    }
}

impl Visit for Crowd {
    async fn visit(&self, nth: u64, due: Instant) -> Vec<Step> {
        let person = self.people.person(nth);
        let address = person.address.to_string();
        let fields = [("x-forwarded-for", address.as_str())];
        let answer = self.door.open_session(person.code, &fields).await;
        let opened = stranger::session(answer.as_ref());
        let mut steps = vec![Step::first(due, opened.as_ref().map_or_else(End::of, |_| End::Good))];
        if let Ok(opened) = opened {
            steps.push(cancel(&self.door, &opened.session, 1, &fields).await);
        }
        steps
    }
}

/// Gives a session back, as step number `nth` of a visit.
pub(crate) async fn cancel(door: &Door, session: &str, nth: usize, fields: &[(&str, &str)]) -> Step {
    let asked = Instant::now();
    let answer = door.ask(Method::POST, &format!("/sessions/{session}/cancel"), Bytes::new(), fields).await;
    let end = match answer {
        Ok(Answer { status: 200, .. }) => End::Good,
        Ok(answer) if answer.status == 503 => End::refused("cancel 503"),
        Ok(answer) => End::wrong(format!("cancel {}", answer.status)),
        Err(none) => End::wrong(format!("cancel: {}", none.text())),
    };
    Step { nth, took: asked.elapsed(), end }
}
