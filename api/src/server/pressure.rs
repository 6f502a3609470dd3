//! Overload: how late a worker is, and what it turns away for that.
//!
//! A worker that has more to do than it can gets later and later, for everyone. So it notes how long what is ready waits for
//! it, and turns away what is least missed, until that is short again: looks at pages first, then new sessions; webhooks
//! never, because calls are on. A share is turned away and not all, so that what it has time for is done.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use metrics::{Counter, Histogram};
use qnect_core::language::Language;

use crate::negotiate::{Form, Reader};
use crate::observe::Route;
use crate::problem::Problem;

/// How often a worker looks whether it is late.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// What is ready may wait so long for its worker.
const LATE_MAX: Duration = Duration::from_millis(15);
/// Requests between two looks that make a crowd. A worker that is late with fewer of them waits for a processor that others
/// use, and turning people away would not give it one.
const CROWD: u32 = 256;
/// Steps of hundred in which looks at pages, and then new sessions, are turned away.
const FULL: u32 = 100;
/// Below so many steps nobody is: everything is late once in a while.
const UNNOTICED: u32 = 30;
/// Steps up for each [`LATE_MAX`] that a worker is late, and how many of these count at once.
const UP: u32 = 10;
const UP_TIMES_MAX: u32 = 4;
/// Steps down when it is not.
const DOWN: u32 = 2;

/// The pressure on one worker.
pub(super) struct Pressure {
    /// 0 to 2 x [`FULL`] above [`UNNOTICED`].
    steps: Cell<u32>,
    /// Since the last look.
    requests: Cell<u32>,
    /// Hundredths of the next one to be turned away.
    owed: Cell<u32>,
    late: Histogram,
    turned_away: Counter,
}

impl Pressure {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            steps: Cell::default(),
            requests: Cell::default(),
            owed: Cell::default(),
            late: metrics::histogram!("qnect_worker_late_seconds"),
            turned_away: metrics::counter!("qnect_http_requests_shed_total"),
        })
    }

    /// Looks whether the current worker is late, for as long as the worker lives.
    pub(super) async fn watch(self: Rc<Self>) {
        loop {
            let asked = Instant::now();
            tokio::time::sleep(LOOK_EVERY).await;
            let late = asked.elapsed().saturating_sub(LOOK_EVERY);
            self.late.record(late.as_secs_f64());
            self.note(late, self.requests.take());
        }
    }

    fn note(&self, late: Duration, requests: u32) {
        let late = if requests < CROWD { Duration::ZERO } else { late };
        let times = (late.as_micros() / LATE_MAX.as_micros()).min(u128::from(UP_TIMES_MAX)) as u32;
        let steps = self.steps.get();
        self.steps.set(match times {
            0 => steps.saturating_sub(DOWN),
            _ => (steps + times * UP).min(UNNOTICED + 2 * FULL),
        });
    }

    /// Whether this request is one of the share that is turned away.
    pub(super) fn sheds(&self, route: Route) -> bool {
        self.requests.set(self.requests.get().saturating_add(1));
        let steps = self.steps.get().saturating_sub(UNNOTICED);
        let share = match route {
            Route::Tag => steps.min(FULL),
            Route::Sessions => steps.saturating_sub(FULL),
            Route::Session | Route::Webhook | Route::Other => 0,
        };
        if share == 0 {
            return false;
        }
        let owed = self.owed.get() + share;
        self.owed.set(owed % FULL);
        let is_shed = owed >= FULL;
        if is_shed {
            self.turned_away.increment(1);
        }
        is_shed
    }
}

/// What is said to those who are turned away, made beforehand: there is no time for it later.
pub struct Apologies([(Reader, HeaderMap, Bytes); 4]);

impl Apologies {
    /// Makes them; links in pages lead to `origin`.
    pub async fn new(origin: &str) -> Self {
        let [english, hindi] = Language::ALL;
        let readers = [(Form::Html, english), (Form::Html, hindi), (Form::Json, english), (Form::Json, hindi)];
        let mut made = readers.map(|(form, language)| (Reader { form, language }, HeaderMap::new(), Bytes::new()));
        for (reader, headers, bytes) in &mut made {
            let (parts, body) = Problem::Overloaded.respond(*reader, origin, None).into_parts();
            *headers = parts.headers;
            // It was in memory: nothing can fail.
            *bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        }
        Self(made)
    }

    /// That for this reader.
    pub(super) fn to(&self, reader: Reader) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        if let Some((_, headers, bytes)) = self.0.iter().find(|(made_for, ..)| *made_for == reader) {
            *response.headers_mut() = headers.clone();
            *response.body_mut() = Body::from(bytes.clone());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: Duration = Duration::from_millis(16);
    const IN_TIME: Duration = Duration::from_millis(14);

    /// Of hundred requests, so many are turned away.
    fn shed(pressure: &Pressure, route: Route) -> usize {
        (0..100).filter(|_| pressure.sheds(route)).count()
    }

    #[test]
    fn being_late_once_turns_nobody_away() {
        let pressure = Pressure::new();
        for late in [LATE, LATE, LATE] {
            pressure.note(late, CROWD);
            assert_eq!(shed(&pressure, Route::Tag), 0);
        }
        pressure.note(LATE, CROWD);
        assert_eq!(shed(&pressure, Route::Tag), 10);
        (0..5).for_each(|_| pressure.note(IN_TIME, CROWD));
        assert_eq!(shed(&pressure, Route::Tag), 0);
    }

    #[test]
    fn a_worker_that_is_late_without_a_crowd_turns_nobody_away() {
        let pressure = Pressure::new();
        (0..100).for_each(|_| pressure.note(Duration::from_secs(1), CROWD - 1));
        assert_eq!(shed(&pressure, Route::Tag), 0);
    }

    #[test]
    fn pages_go_before_sessions_and_webhooks_never() {
        let pressure = Pressure::new();
        let mut seen = Vec::new();
        for _ in 0..30 {
            pressure.note(LATE, CROWD);
            let shed = [Route::Tag, Route::Sessions].map(|route| shed(&pressure, route));
            assert!(shed[1] == 0 || shed[0] == 100, "a session is turned away while a page is shown");
            seen.push(shed);
            for route in [Route::Session, Route::Webhook, Route::Other] {
                assert_eq!((0..100).filter(|_| pressure.sheds(route)).count(), 0);
            }
        }
        assert_eq!(seen.last(), Some(&[100, 100]));
        (0..115).for_each(|_| pressure.note(IN_TIME, CROWD));
        assert_eq!([Route::Tag, Route::Sessions].map(|route| shed(&pressure, route)), [0, 0]);
    }

    #[test]
    fn the_later_the_sooner() {
        let pressure = Pressure::new();
        pressure.note(Duration::from_secs(1), CROWD);
        assert_eq!(shed(&pressure, Route::Tag), 10, "and no hiccup turns everybody away");
        pressure.note(Duration::from_secs(1), CROWD);
        assert_eq!(shed(&pressure, Route::Tag), 50);
    }

    #[tokio::test]
    async fn an_apology_is_what_the_door_would_say() {
        let apologies = Apologies::new("https://qnect.example").await;
        for reader in apologies.0.iter().map(|(reader, ..)| *reader) {
            let (said, would_say) =
                (apologies.to(reader), Problem::Overloaded.respond(reader, "https://qnect.example", None));
            assert_eq!(said.status(), would_say.status());
            assert_eq!(said.headers(), would_say.headers());
            assert!(said.headers().contains_key(http::header::RETRY_AFTER));
            let [said, would_say] = [said, would_say].map(|r| axum::body::to_bytes(r.into_body(), usize::MAX));
            assert_eq!(said.await.unwrap(), would_say.await.unwrap());
        }
    }
}
