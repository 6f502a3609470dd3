//! Strangers, owners and a provider at work: many clients at once, each with tags of its own, until the server is gone.
//!
//! What was not answered is sent again, after a restart too, as providers and browsers do.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::client::Answer;
use crate::exchange::{Door, Reply};
use crate::oracle::{Id, Oracle, Page, RECOGNISED_MAX};
use crate::possible::Told;
use crate::random::Random;
use crate::script::{Call, SCRIPTS, Step};
use crate::tally::Kind;

/// Tags that a client is busy with at once.
const TAGS_AT_ONCE: usize = 4;
/// How often a step is sent that gets no useful answer, before the script is given up.
const TRIES_MAX: u32 = 8;
/// How long a client leaves a server alone that says that it cannot.
const PAUSE: Duration = Duration::from_millis(20);

/// A client, which goes through one script at a time for each tag that it is busy with.
pub(crate) struct Client {
    name: usize,
    random: Random,
    busy: Vec<Tag>,
    fresh: Vec<String>,
    sessions: usize,
    given_up: usize,
}

struct Tag {
    code: String,
    sessions: usize,
    script: Option<Script>,
}

struct Script {
    key: String,
    id: Option<Id>,
    steps: &'static [Step],
    at: usize,
    tries: u32,
}

/// The fate of a step; `None` when nobody listens any more.
type Came = Option<Told>;

impl Client {
    /// So many clients, who share the tags out among themselves.
    pub(crate) fn crew(count: usize, seed: u64, codes: &[String]) -> Vec<Self> {
        let client = |name: usize| {
            let mut fresh: Vec<String> = codes.iter().skip(name).step_by(count).cloned().collect();
            let busy = fresh.drain(..TAGS_AT_ONCE.min(fresh.len())).map(Tag::new).collect();
            Self { name, random: Random::of(seed, 1 + name as u64), busy, fresh, sessions: 0, given_up: 0 }
        };
        (0..count).map(client).collect()
    }

    /// Scripts that were given up: each leaves an owner's line engaged for a while, so there may be hardly any.
    pub(crate) fn given_up(&self) -> usize {
        self.given_up
    }

    async fn work(&mut self, door: &Door, oracle: &RefCell<Oracle>, stop: &Cell<bool>) {
        while !stop.get() {
            let at = self.random.below(self.busy.len());
            let Tag { code, script, .. } = &mut self.busy[at];
            let Some(script) = script else {
                self.begin(at);
                continue;
            };
            match script.step(code, door, oracle).await {
                None => return,
                Some(Told::Ok) => {
                    // What was told is sometimes told again.
                    let again = self.random.one_in(8);
                    script.at += usize::from(!again);
                    script.tries = 0;
                }
                Some(Told::Failed | Told::Indeterminate) => {
                    script.tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
            }
            let is_hopeless = script.tries > TRIES_MAX;
            if is_hopeless || script.at == script.steps.len() {
                self.given_up += usize::from(is_hopeless);
                self.busy[at].script = None;
            }
        }
    }

    fn begin(&mut self, at: usize) {
        let tag = &mut self.busy[at];
        if tag.sessions == RECOGNISED_MAX
            && let Some(code) = self.fresh.pop()
        {
            *tag = Tag::new(code);
        }
        tag.sessions += 1;
        self.sessions += 1;
        let steps = SCRIPTS[self.random.below(SCRIPTS.len())];
        tag.script = Some(Script { key: format!("{}-{}", self.name, self.sessions), id: None, steps, at: 0, tries: 0 });
    }
}

impl Tag {
    fn new(code: String) -> Self {
        Self { code, sessions: 0, script: None }
    }
}

impl Script {
    async fn step(&mut self, code: &str, door: &Door, oracle: &RefCell<Oracle>) -> Came {
        match (self.steps[self.at], self.id) {
            (Step::Open, _) | (_, None) => {
                let (id, came) = open(code, &self.key, door, oracle).await;
                self.id = Some(id);
                came
            }
            (step, Some(id)) => take(id, step, door, oracle).await,
        }
    }
}

/// Has all clients work until `stop` is set or nobody listens any more.
pub(crate) async fn drive(crew: &mut [Client], door: &Door, oracle: &RefCell<Oracle>, stop: &Cell<bool>) {
    join_all(crew.iter_mut().map(|client| client.work(door, oracle, stop))).await;
}

/// Asks for a session, for the first time or again.
pub(crate) async fn open(code: &str, key: &str, door: &Door, oracle: &RefCell<Oracle>) -> (Id, Came) {
    let id = oracle.borrow_mut().opening(code, key, Instant::now());
    let reply = door.open(code, key).await;
    let told = reply.told(201);
    let mut oracle = oracle.borrow_mut();
    oracle.opened(id, told, reply.answer().filter(|_| told == Told::Ok).map(Answer::json));
    (id, came(&reply, told, Step::Open, &mut oracle))
}

/// Takes one step of a session that was opened.
pub(crate) async fn take(id: Id, step: Step, door: &Door, oracle: &RefCell<Oracle>) -> Came {
    let opened = oracle.borrow().answer(id).cloned().expect("a session that was opened");
    let text = |field: &str| opened[field].as_str().expect("a text");
    let call = Call { id, session: text("session"), access_code: text("access_code") };
    if step == Step::Look {
        return match door.look(call.session).await {
            Ok(seen) => {
                oracle.borrow_mut().glimpsed(id, &seen, Instant::now());
                Some(Told::Ok)
            }
            Err(reply) => came(&reply, reply.told(200), step, &mut oracle.borrow_mut()),
        };
    }
    let sent = step.write().map(|write| oracle.borrow_mut().invoked(id, write, Instant::now()));
    let reply = match call.webhook(step) {
        Some(webhook) => door.tell(&webhook).await,
        None => door.cancel(call.session).await,
    };
    let mut oracle = oracle.borrow_mut();
    let mut told = reply.told(200);
    let mut written = told;
    if let (Told::Ok, Some(answer)) = (told, reply.answer()) {
        match step {
            Step::Key if answer.body.contains("<Dial") => oracle.page(id, Page::Dial, &answer.body),
            // "Please try again": the dial is withheld, and its record may be on its way to disk still.
            Step::Key => (told, written) = (Told::Indeterminate, Told::Indeterminate),
            Step::Whisper => {
                oracle.page(id, Page::Whisper, &answer.body);
                // That somebody answered is recorded, and nobody waits for the record.
                written = Told::Indeterminate;
            }
            _ => {}
        }
    }
    if let Some(sent) = sent {
        oracle.settled(sent, written, Instant::now());
    }
    oracle.tally.count(if step == Step::Cancel { Kind::Cancel } else { Kind::Webhook }, told);
    came(&reply, told, step, &mut oracle)
}

/// Nobody is limited here, and nothing is forged: whoever is refused, is refused wrongly.
fn came(reply: &Reply, told: Told, step: Step, oracle: &mut Oracle) -> Came {
    match reply {
        Reply::Unsent => return None,
        Reply::Answered(answer) if told == Told::Failed => oracle.blame(format!("{step:?} was refused: {answer:?}")),
        Reply::Answered(_) | Reply::Lost => {}
    }
    Some(told)
}
