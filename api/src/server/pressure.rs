//! Overload: in which order a worker begins what it is asked for, and whom it turns away for want of time.
//!
//! A worker begins few requests in each round that it makes over its connections; what is left waits for a later one. So it
//! has read by the next round who else came, and can choose: webhooks first, because calls are on, then new sessions, then
//! looks at pages. What was begun is thus finished before more is let in. Of pages and of sessions few wait for long; whoever
//! comes beyond them hears so at once, because a queue of people who give up is worth nothing. Webhooks wait as long as it
//! takes.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use axum::response::Response;
use metrics::{Counter, Histogram};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::kept::{self, Said};
use crate::negotiate::Reader;
use crate::observe::Route;
use crate::problem::Problem;

/// Looks at pages that are begun in one round, of those who waited at most. A round is as long as what is begun takes, and in the
/// next one those hear who are turned away.
const ROUND: usize = 8;
/// A session or a webhook takes as long as so many looks.
const LOOKS: usize = 2;
/// So long after a round began others may still begin at once if nobody waits: to wait costs more than to begin, and a worker
/// that has time does not make people wait.
const ROUND_TIME: Duration = Duration::from_micros(500);
/// So many pages, and so many sessions, wait however late the first of them is: at four fifths of what half a core can do,
/// so many hardly ever come together.
const WAITING: usize = 32;
/// More than [`WAITING`] wait while the first of them has not waited so long: a burst passes.
const LATE: Duration = Duration::from_millis(50);
/// No page and no session waits longer for its turn, whatever goes before it.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Where those wait who are never turned away, and those who look at pages.
const CALLS: usize = 0;
const PAGES: usize = 2;

/// The pressure on one worker.
pub(super) struct Pressure {
    /// What began in this round, in looks, and when the first of it did.
    begun_here: Cell<usize>,
    since: Cell<Instant>,
    /// Those who wait: webhooks and the rest, sessions, pages. As many as there are connections with a request in hand; who
    /// has left is found in turn.
    waiting: RefCell<[VecDeque<Waiting>; 3]>,
    /// Told when a round is no longer empty.
    begun: Notify,
    late: Histogram,
    turned_away: Counter,
}

/// A request that has not begun.
struct Waiting {
    since: Instant,
    /// Dropped: it is turned away.
    turn: oneshot::Sender<()>,
}

impl Pressure {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            begun_here: Cell::new(0),
            since: Cell::new(Instant::now()),
            waiting: RefCell::default(),
            begun: Notify::new(),
            late: metrics::histogram!("qnect_worker_late_seconds"),
            turned_away: metrics::counter!("qnect_http_requests_shed_total"),
        })
    }

    /// Makes rounds for as long as the worker lives.
    pub(super) async fn rounds(self: Rc<Self>) {
        loop {
            self.begun.notified().await;
            loop {
                // The worker does what is ready, and looks at its connections.
                tokio::task::yield_now().await;
                if self.round() {
                    break;
                }
            }
        }
    }

    /// Whether the turn of a request has come that came `now`. Not: it is turned away.
    pub(super) async fn turn(&self, route: Route, now: Instant) -> bool {
        let lane = lane(route);
        if self.has_room(now) {
            self.begin(lane, now);
            return true;
        }
        let has_turn = match self.wait(lane, now) {
            None => false,
            Some(turn) => {
                let has_turn = turn.await.is_ok();
                self.late.record(now.elapsed().as_secs_f64());
                has_turn
            }
        };
        if !has_turn {
            self.turned_away.increment(1);
        }
        has_turn
    }

    /// Those who waited were asked before, when the round began.
    fn has_room(&self, now: Instant) -> bool {
        self.begun_here.get() < ROUND
            || now.duration_since(self.since.get()) < ROUND_TIME && self.waiting.borrow().iter().all(VecDeque::is_empty)
    }

    fn begin(&self, lane: usize, now: Instant) {
        if self.begun_here.replace(self.begun_here.get() + looks(lane)) == 0 {
            self.since.set(now);
            self.begun.notify_one();
        }
    }

    /// None: too many wait already.
    fn wait(&self, lane: usize, now: Instant) -> Option<oneshot::Receiver<()>> {
        let waiting = &mut self.waiting.borrow_mut()[lane];
        if lane != CALLS && waiting.len() >= WAITING && has_waited(waiting, LATE) {
            return None;
        }
        let (turn, mine) = oneshot::channel();
        waiting.push_back(Waiting { since: now, turn });
        Some(mine)
    }

    /// Begins a round with those who wait. True: nobody did, and nobody has begun since the last one.
    fn round(&self) -> bool {
        let (is_idle, now) = (self.begun_here.replace(0) == 0, Instant::now());
        let mut waiting = self.waiting.borrow_mut();
        for (lane, waiting) in waiting.iter_mut().enumerate() {
            while self.begun_here.get() < ROUND
                && let Some(next) = waiting.pop_front()
            {
                // Who has left takes nobody's turn.
                if next.turn.send(()).is_ok() {
                    self.begin(lane, now);
                }
            }
            while lane != CALLS && has_waited(waiting, WAIT_MAX) {
                waiting.pop_front();
            }
        }
        is_idle && self.begun_here.get() == 0
    }
}

/// Whether the first of them has waited so long.
fn has_waited(waiting: &VecDeque<Waiting>, time: Duration) -> bool {
    waiting.front().is_some_and(|first| first.since.elapsed() >= time)
}

/// Where who asks for this waits.
fn lane(route: Route) -> usize {
    match route {
        Route::Session | Route::Webhook | Route::Other => CALLS,
        Route::Sessions => 1,
        Route::Tag => PAGES,
    }
}

/// How many looks what waits there takes.
fn looks(lane: usize) -> usize {
    if lane == PAGES { 1 } else { LOOKS }
}

/// What is said to those who are turned away, whose links lead to `origin`.
pub(super) fn apology(reader: Reader, origin: &str) -> Response {
    kept::answer(Said::Overloaded, reader, origin, [], |[]| Problem::Overloaded.respond(reader, origin, None))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;
    use futures_util::future::{join_all, poll_immediate};

    use super::*;

    /// So many requests more than one round takes ask for their turn; which of them have it after each of the rounds.
    async fn begun(pressure: &Pressure, routes: &[Route], rounds: usize) -> Vec<Vec<Route>> {
        fill(pressure).await;
        let mut asking: Vec<_> =
            routes.iter().map(|route| (*route, Box::pin(pressure.turn(*route, Instant::now())))).collect();
        for (_, turn) in &mut asking {
            assert!(turn.now_or_never().is_none(), "the round is full");
        }
        let mut seen = Vec::new();
        for _ in 0..rounds {
            pressure.round();
            let mut now = Vec::new();
            asking.retain_mut(|(route, turn)| match turn.now_or_never() {
                Some(has_turn) => {
                    assert!(has_turn);
                    now.push(*route);
                    false
                }
                None => true,
            });
            seen.push(now);
        }
        seen
    }

    async fn fill(pressure: &Pressure) {
        for _ in 0..ROUND {
            assert_eq!(poll_immediate(pressure.turn(Route::Tag, Instant::now())).await, Some(true), "there is room");
        }
        tokio::time::advance(ROUND_TIME).await;
    }

    #[tokio::test(start_paused = true)]
    async fn calls_go_before_sessions_and_sessions_before_pages() {
        let pressure = Pressure::new();
        let mut asked = Vec::new();
        for route in [Route::Tag, Route::Sessions, Route::Webhook] {
            asked.extend(vec![route; ROUND / looks(lane(route))]);
        }
        let expected =
            [Route::Webhook, Route::Sessions, Route::Tag].map(|route| vec![route; ROUND / looks(lane(route))]);
        assert_eq!(begun(&pressure, &asked, 3).await, expected);
        assert!(!pressure.round(), "the last one was full");
        assert!(pressure.round(), "and now nobody is left");
    }

    /// What so many of them hear at once: to wait, or that they are turned away.
    fn ask(pressure: &Pressure, route: Route, many: usize) -> Vec<Option<oneshot::Receiver<()>>> {
        (0..many).map(|_| pressure.wait(lane(route), Instant::now())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_waits_and_who_comes_when_it_does_not_pass_is_turned_away_at_once() {
        for route in [Route::Tag, Route::Sessions] {
            let pressure = Pressure::new();
            fill(&pressure).await;
            let burst = ask(&pressure, route, 20 * WAITING);
            assert!(burst.iter().all(Option::is_some));
            tokio::time::advance(LATE - Duration::from_millis(1)).await;
            assert!(pressure.wait(lane(route), Instant::now()).is_some(), "it may pass");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert_eq!(poll_immediate(pressure.turn(route, Instant::now())).await, Some(false));
            assert!(pressure.wait(CALLS, Instant::now()).is_some(), "calls wait always");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_wait_however_long_and_the_next_one_when_one_begins() {
        let pressure = Pressure::new();
        fill(&pressure).await;
        let few = ask(&pressure, Route::Tag, WAITING - 1);
        tokio::time::advance(2 * LATE).await;
        let more = ask(&pressure, Route::Tag, 2);
        assert_eq!(more.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
        let session = pressure.wait(lane(Route::Sessions), Instant::now());
        assert!(session.is_some(), "sessions wait elsewhere");
        pressure.round();
        // One of the round's turns was the session's.
        let next = ask(&pressure, Route::Tag, ROUND);
        assert_eq!(next.iter().flatten().count(), ROUND - LOOKS);
        drop((few, more, session));
    }

    #[tokio::test(start_paused = true)]
    async fn only_calls_wait_as_long_as_it_takes() {
        let pressure = Pressure::new();
        let mut waiting = [Route::Tag, Route::Sessions, Route::Webhook].map(|route| ask(&pressure, route, 2 * ROUND));
        tokio::time::advance(WAIT_MAX).await;
        // All turns are the webhooks'.
        pressure.round();
        let ended = |one: &mut Option<oneshot::Receiver<()>>| one.as_mut().map(oneshot::Receiver::try_recv);
        let last = waiting.each_mut().map(|of_route| of_route.last_mut().and_then(ended));
        let [closed, waits] = [oneshot::error::TryRecvError::Closed, oneshot::error::TryRecvError::Empty];
        assert_eq!(last, [closed.clone(), closed, waits].map(|told| Some(Err(told))));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_left_takes_nobodys_turn() {
        let pressure = Pressure::new();
        fill(&pressure).await;
        drop(ask(&pressure, Route::Tag, WAITING));
        let last = pressure.turn(Route::Tag, Instant::now());
        let mut last = pin!(last);
        assert!(last.as_mut().now_or_never().is_none(), "the round is full");
        pressure.round();
        assert_eq!(last.now_or_never(), Some(true));
        assert_eq!(pressure.begun_here.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_worker_makes_no_rounds_and_a_busy_one_does() {
        let pressure = Pressure::new();
        let mut rounds = pin!(pressure.clone().rounds());
        assert!(rounds.as_mut().now_or_never().is_none());
        let all = join_all((0..3 * WAITING).map(|_| pressure.turn(Route::Tag, Instant::now())));
        tokio::select! {
            biased;
            begun = all => assert!(begun.into_iter().all(|begun| begun)),
            () = rounds => {}
        }
    }
}
