//! The books themselves are tested: what is planted must be found, and what may be must not be blamed.

use std::time::{Duration, Instant};

use qnect_core::leg::{LegEnd, LegEvent};
use serde_json::json;

use crate::oracle::{Id, Oracle, Page, Seen};
use crate::possible::Told;
use crate::world::Write;

const SESSION_LIFE: Duration = Duration::from_mins(10);
const ANSWERED: Write = Write::Leg(LegEvent::OwnerAnswered);
const ACCEPTED: Write = Write::Leg(LegEvent::OwnerAccepted);
const OVER: Write = Write::Leg(LegEvent::DialEnded(LegEnd::Completed));

/// Books, one session in them, and a clock that only moves when told.
struct Books {
    oracle: Oracle,
    id: Id,
    now: Instant,
}

impl Books {
    fn with(writes: &[(Write, Told)]) -> Self {
        let (mut oracle, now) = (Oracle::new(SESSION_LIFE), Instant::now());
        let id = oracle.opening("TAG", "key", now);
        oracle.opened(id, Told::Ok, Some(json!({"session": "S"})));
        let mut books = Self { oracle, id, now };
        books.write(writes);
        books
    }

    fn write(&mut self, writes: &[(Write, Told)]) {
        for (write, told) in writes {
            let sent = self.oracle.invoked(self.id, *write, self.now);
            self.oracle.settled(sent, *told, self.now);
        }
    }

    /// What is blamed when a restart shows this; the first word of it.
    fn recovered(&mut self, state: &str, outcome: Option<&str>) -> String {
        let seen = Seen::Standing { state: state.to_owned(), outcome: outcome.map(str::to_owned) };
        self.oracle.recovered(self.id, &seen, self.now);
        let faults = self.oracle.faults().first().cloned().unwrap_or_default();
        faults.split(':').next().unwrap_or_default().to_owned()
    }
}

#[test]
fn a_planted_loss_is_found() {
    let mut books = Books::with(&[]);
    books.oracle.recovered(books.id, &Seen::Missing, books.now);
    assert!(books.oracle.faults()[0].starts_with("Lost"), "{:?}", books.oracle.faults());

    let mut books = Books::with(&[]);
    books.oracle.opened(books.id, Told::Ok, Some(json!({"session": "another"})));
    assert!(books.oracle.faults()[0].starts_with("Lost"), "a repeated request: {:?}", books.oracle.faults());
}

#[test]
fn a_planted_rollback_is_found() {
    let dialed = (Write::Dial, Told::Ok);
    for (writes, state, outcome) in [
        (&[dialed][..], "waiting", None),
        (&[dialed, (ANSWERED, Told::Ok), (ACCEPTED, Told::Ok)], "ringing", None),
        (&[dialed, (ANSWERED, Told::Ok), (ACCEPTED, Told::Indeterminate), (OVER, Told::Ok)], "dialing", None),
        (&[(Write::Cancel, Told::Ok)], "waiting", None),
        (&[dialed, (ACCEPTED, Told::Ok), (OVER, Told::Ok)], "dialing", None),
    ] {
        assert_eq!(Books::with(writes).recovered(state, outcome), "RolledBack", "{writes:?}");
    }
    let mut books = Books::with(&[dialed]);
    books.oracle.page(books.id, Page::Dial, "<Dial/>");
    books.oracle.page(books.id, Page::Dial, "<Speak/>");
    assert!(books.oracle.faults()[0].starts_with("RolledBack"), "{:?}", books.oracle.faults());
}

#[test]
fn a_planted_phantom_is_found() {
    let dialed = (Write::Dial, Told::Ok);
    for (writes, state, outcome) in [
        (&[][..], "dialing", None),
        (&[dialed], "connected", None),
        (&[dialed, (ACCEPTED, Told::Failed)], "ended", Some("completed")),
        (&[dialed, (OVER, Told::Ok)], "ended", Some("no_answer")),
        (&[], "ended", Some("cancelled")),
        (&[], "ended", Some("expired")),
    ] {
        assert_eq!(Books::with(writes).recovered(state, outcome), "Phantom", "{writes:?}");
    }
    let mut books = Books::with(&[(Write::Cancel, Told::Ok)]);
    assert_eq!(books.oracle.open_sessions(books.now), 0..=0, "one that is counted is one that nobody was promised");
}

#[test]
fn what_nobody_knows_may_be_so_or_so_until_it_was_seen() {
    for (shown, never_again) in [("dialing", "connected"), ("connected", "dialing")] {
        let mut books = Books::with(&[(Write::Dial, Told::Ok), (ACCEPTED, Told::Indeterminate)]);
        assert_eq!(books.recovered(shown, None), "", "{shown}");
        assert_ne!(books.recovered(never_again, None), "", "{shown} stays");
    }
    let mut books = Books::with(&[]);
    let unknown = books.oracle.opening("TAG", "another key", books.now);
    books.oracle.opened(unknown, Told::Indeterminate, None);
    assert_eq!(books.oracle.open_sessions(books.now), 1..=2);
}

/// A late event counts or does not, by when the outcome was published; both are right, anything else is not.
#[test]
fn the_clock_may_end_what_it_may_end_and_nothing_else() {
    let mut books = Books::with(&[(Write::Dial, Told::Ok), (OVER, Told::Ok)]);
    books.now += Duration::from_secs(6);
    books.write(&[(ACCEPTED, Told::Ok)]);
    for outcome in ["no_answer", "completed"] {
        let seen = Seen::Standing { state: "ended".to_owned(), outcome: Some(outcome.to_owned()) };
        books.oracle.glimpsed(books.id, &seen, books.now);
        assert!(books.oracle.faults().is_empty(), "{outcome}: {:?}", books.oracle.faults());
    }
    assert_eq!(books.recovered("ended", Some("no_answer")), "", "published before the key was told of");
    assert_ne!(books.recovered("ended", Some("completed")), "", "and what is published stands");

    let mut waiting = Books::with(&[]);
    waiting.now += SESSION_LIFE;
    assert_eq!(waiting.recovered("ended", Some("expired")), "");
}
