//! What a server promised, and what it may therefore say after it came back. Pure bookkeeping: no socket, no clock.
//!
//! Each session is a key with one writer: it is opened under an idempotency key, then webhooks and a cancellation move it.
//! A write is noted before it is sent ([`Oracle::invoked`]) and again when its fate is known ([`Oracle::settled`]); only the
//! server is ever killed, so the notes survive. After a restart the state and the outcome of a session must be those after its
//! last acknowledged write, or after an unknown one that was sent later: less is lost or rolled back, more is a phantom.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use qnect_core::facts::Outcome;
use qnect_core::session::State;
use serde_json::Value;

use crate::possible::{Fault, Possible, Told};
use crate::tally::{Kind, Tally};
use crate::world::{Times, World, Write};

/// A tag recognises the repeated requests for all its sessions until it had so many: then it forgets those that ended.
pub(crate) const RECOGNISED_MAX: usize = 64;
/// Faults that are told in full.
const FAULTS_TOLD: usize = 20;

/// A session by its place in the books.
pub(crate) type Id = usize;

/// A document that the same webhook of the same leg must get again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Page {
    Dial,
    Whisper,
}

/// What `GET /sessions/{session}` said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Missing,
    Standing { state: String, outcome: Option<String> },
}

/// A write that was sent and whose fate is not known yet.
#[must_use]
pub(crate) struct Sent {
    id: Id,
    write: Write,
    before: Vec<World>,
}

struct Book {
    code: String,
    key: String,
    /// A request to open it may have been heard.
    maybe: bool,
    /// What the request was answered.
    opened: Option<Value>,
    worlds: Possible<World>,
    times: Times,
    pages: BTreeMap<Page, String>,
}

impl Book {
    fn pass_time(&mut self, now: Instant) {
        let times = self.times;
        self.worlds.may_become(|world| world.by_clock(&times, now));
    }
}

/// The books.
pub(crate) struct Oracle {
    session_life: Duration,
    books: Vec<Book>,
    by_name: HashMap<(String, String), Id>,
    asked_of: HashMap<String, usize>,
    touched: BTreeSet<Id>,
    faults: Vec<String>,
    /// What was asked so far.
    pub(crate) tally: Tally,
}

impl Oracle {
    /// Empty books of a server whose sessions wait so long for their call.
    pub(crate) fn new(session_life: Duration) -> Self {
        Self {
            session_life,
            books: Vec::new(),
            by_name: HashMap::new(),
            asked_of: HashMap::new(),
            touched: BTreeSet::new(),
            faults: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// The request named `key` to open a session of the tag `code` is about to be sent, perhaps once more.
    pub(crate) fn opening(&mut self, code: &str, key: &str, now: Instant) -> Id {
        let name = (code.to_owned(), key.to_owned());
        let id = *self.by_name.entry(name).or_insert(self.books.len());
        if id == self.books.len() {
            *self.asked_of.entry(code.to_owned()).or_default() += 1;
            self.books.push(Book {
                code: code.to_owned(),
                key: key.to_owned(),
                maybe: false,
                opened: None,
                worlds: Possible::only(World::OPENED),
                times: Times { expires: Some(now + self.session_life), ..Times::default() },
                pages: BTreeMap::new(),
            });
        }
        if self.books[id].opened.is_none() {
            self.touched.insert(id);
        }
        id
    }

    /// What became of the request; with the answer when it was acknowledged.
    pub(crate) fn opened(&mut self, id: Id, told: Told, answer: Option<Value>) {
        self.tally.count(Kind::Open, told);
        let book = &mut self.books[id];
        book.maybe |= told == Told::Indeterminate;
        let Some(answer) = answer.filter(|_| told == Told::Ok) else { return };
        match &book.opened {
            None => book.opened = Some(answer),
            Some(opened) if *opened == answer => {}
            Some(opened) => {
                let text = format!("a repeated request got {} instead of {}", shown(&answer), shown(opened));
                self.accuse(id, Fault::Lost, &text);
            }
        }
    }

    /// A write to a session is about to be sent.
    pub(crate) fn invoked(&mut self, id: Id, write: Write, now: Instant) -> Sent {
        self.touched.insert(id);
        let book = &mut self.books[id];
        book.pass_time(now);
        book.times.note(write, now);
        Sent { id, write, before: book.worlds.invoked(|world| world.after(write)) }
    }

    /// What became of it.
    pub(crate) fn settled(&mut self, sent: Sent, told: Told, now: Instant) {
        let Sent { id, write, before } = sent;
        let book = &mut self.books[id];
        book.pass_time(now);
        book.worlds.settled(told, before, |world| world.after(write));
    }

    /// A webhook of a leg got a document, which must be the one that it got before.
    pub(crate) fn page(&mut self, id: Id, page: Page, body: &str) {
        let before = self.books[id].pages.entry(page).or_insert_with(|| body.to_owned());
        if before != body {
            let text = format!("{page:?}: the same webhook got another document");
            self.accuse(id, Fault::RolledBack, &text);
        }
    }

    /// A running server said how a session stands.
    pub(crate) fn glimpsed(&mut self, id: Id, seen: &Seen, now: Instant) {
        self.look(id, seen, now, |worlds, is_seen| worlds.glimpsed(is_seen));
    }

    /// A server that came back, and was not told anything yet, said how a session stands. It stands so from now on, because
    /// what it said can only come from the disk.
    pub(crate) fn recovered(&mut self, id: Id, seen: &Seen, now: Instant) {
        self.tally.read_back += 1;
        self.look(id, seen, now, |worlds, is_seen| worlds.recovered(is_seen));
    }

    fn look(
        &mut self,
        id: Id,
        seen: &Seen,
        now: Instant,
        look: impl Fn(&mut Possible<World>, &dyn Fn(&World) -> bool) -> Result<(), Fault>,
    ) {
        let book = &mut self.books[id];
        book.pass_time(now);
        let found = match seen {
            Seen::Missing => Err(Fault::Lost),
            Seen::Standing { state, outcome } => look(&mut book.worlds, &|world| {
                world.state().id() == state && world.outcome().map(Outcome::id) == outcome.as_deref()
            }),
        };
        if let Err(fault) = found {
            let text = format!("stands as {seen:?}, and may only be one of {:?}", book.worlds.may_be());
            self.accuse(id, fault, &text);
        }
    }

    /// How many sessions a server may count as open.
    pub(crate) fn open_sessions(&mut self, now: Instant) -> RangeInclusive<u64> {
        let (mut least, mut most) = (0, 0);
        for book in self.books.iter_mut().filter(|book| book.maybe || book.opened.is_some()) {
            book.pass_time(now);
            let is_open = |world: &World| world.state() != State::Ended;
            least += u64::from(book.opened.is_some() && book.worlds.surely(is_open));
            most += u64::from(!book.worlds.surely(|world| !is_open(world)));
        }
        least..=most
    }

    /// All sessions that were acknowledged.
    pub(crate) fn acknowledged(&self) -> Vec<Id> {
        (0..self.books.len()).filter(|id| self.books[*id].opened.is_some()).collect()
    }

    /// Sessions of which anything was asked since this was last called, also those whose opening nobody knows of.
    pub(crate) fn touched(&mut self) -> Vec<Id> {
        std::mem::take(&mut self.touched).into_iter().collect()
    }

    /// Whether the request for this session may be repeated, and must be recognised if it was answered.
    pub(crate) fn is_recognised(&self, id: Id) -> bool {
        let book = &self.books[id];
        let heard = book.maybe || book.opened.is_some();
        heard && self.asked_of.get(&book.code).is_some_and(|asked| *asked <= RECOGNISED_MAX)
    }

    /// Whether a call of this session is surely on.
    pub(crate) fn is_in_call(&mut self, id: Id, now: Instant) -> bool {
        let book = &mut self.books[id];
        book.pass_time(now);
        book.worlds.surely(World::is_in_call)
    }

    /// Whether this session has surely ended, or will within seconds.
    pub(crate) fn is_over(&self, id: Id) -> bool {
        self.books[id].opened.is_some() && self.books[id].worlds.surely(World::is_over)
    }

    /// What was answered to the request that opened a session.
    pub(crate) fn answer(&self, id: Id) -> Option<&Value> {
        self.books[id].opened.as_ref()
    }

    /// The code of a session's tag.
    pub(crate) fn code(&self, id: Id) -> &str {
        &self.books[id].code
    }

    /// The idempotency key of the request that opens a session.
    pub(crate) fn key(&self, id: Id) -> &str {
        &self.books[id].key
    }

    /// Something else is wrong.
    pub(crate) fn blame(&mut self, text: String) {
        self.faults.push(text);
    }

    fn accuse(&mut self, id: Id, fault: Fault, text: &str) {
        let book = &self.books[id];
        let session = book.opened.as_ref().map_or("a session without an answer", |opened| shown(opened));
        self.faults.push(format!("{fault:?}: {session} of tag {}: {text}", book.code));
    }

    /// What went wrong so far.
    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Fails the test when anything went wrong.
    pub(crate) fn assert_faultless(&self, when: &str) {
        let told: Vec<&String> = self.faults.iter().take(FAULTS_TOLD).collect();
        assert!(self.faults.is_empty(), "{when}: {} faults: {told:#?}\n{}", self.faults.len(), self.tally);
    }
}

fn shown(opened: &Value) -> &str {
    opened["session"].as_str().unwrap_or("something without a session")
}
