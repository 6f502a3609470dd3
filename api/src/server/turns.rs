//! Turns at the costly step of a handshake, and who gets the next one.
//!
//! A crowd of hellos costs its senders nothing and a worker a signature each, so that there may be more of them than it
//! has time for. So the next turn goes to the source of which the fewest wait; of several to whoever came first, but for those
//! who have waited for long already: they are last, the newest first, because in a crowd that does not end nobody would be
//! served in time otherwise.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use qnect_core::scan::AddressKey;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Hellos that wait at one worker. Of more, the oldest of the source with the most gives way.
const WAITING_MAX: usize = 1_024;
/// Who has waited so long is late, and goes behind all who are not. A person notices no less.
const PATIENCE: Duration = Duration::from_millis(100);

/// The turns of one worker.
#[derive(Default)]
pub(super) struct Turns {
    is_taken: Cell<bool>,
    queue: RefCell<Queue>,
}

/// A worker's turn, until this is dropped.
pub(super) struct Turn(Rc<Turns>);

#[derive(Default)]
struct Queue {
    /// Those of each source, the newest last; no list is empty.
    by_source: HashMap<AddressKey, VecDeque<Waiting>>,
    waiting: usize,
    came: u64,
}

/// Which of two from sources of which as many wait goes before the other.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    InTime(u64),
    Late(Reverse<u64>),
}

/// Whose connection is ended while it waits is gone, and still stands in the queue.
struct Waiting {
    came: u64,
    since: Instant,
    told: oneshot::Sender<Turn>,
}

impl Turns {
    /// The next turn of `source`. An error for who gave way to others.
    pub(super) async fn next(self: &Rc<Self>, source: AddressKey) -> io::Result<Turn> {
        if !self.is_taken.replace(true) {
            return Ok(Turn(self.clone()));
        }
        let turn = self.queue.borrow_mut().join(source);
        turn.await.map_err(|_| io::ErrorKind::ConnectionAborted.into())
    }
}

impl Queue {
    fn join(&mut self, source: AddressKey) -> oneshot::Receiver<Turn> {
        if self.waiting >= WAITING_MAX {
            self.forget_the_gone();
        }
        if self.waiting >= WAITING_MAX {
            self.give_way();
        }
        let (told, turn) = oneshot::channel();
        self.came += 1;
        self.waiting += 1;
        let one = Waiting { came: self.came, since: Instant::now(), told };
        self.by_source.entry(source).or_default().push_back(one);
        turn
    }

    fn forget_the_gone(&mut self) {
        self.by_source.retain(|_, waiting| {
            waiting.retain(|one| !one.told.is_closed());
            !waiting.is_empty()
        });
        self.waiting = self.by_source.values().map(VecDeque::len).sum();
    }

    fn give_way(&mut self) {
        let longest = self.by_source.values_mut().max_by_key(|waiting| waiting.len());
        // A source without anyone waiting is in no list.
        let Some(waiting) = longest else { return };
        waiting.pop_front();
        self.waiting -= 1;
        metrics::counter!("qnect_connections_gave_way_total").increment(1);
    }

    fn leave(&mut self) -> Option<oneshot::Sender<Turn>> {
        let mut next = self.pop()?;
        if next.is_closed() {
            self.forget_the_gone();
            next = self.pop()?;
        }
        Some(next)
    }

    fn pop(&mut self) -> Option<oneshot::Sender<Turn>> {
        let now = Instant::now();
        let order = |waiting: &VecDeque<Waiting>| Some(waiting.get(next_of(waiting, now))?.order(now));
        let source = *self.by_source.iter().min_by_key(|(_, waiting)| (waiting.len(), order(waiting)))?.0;
        let waiting = self.by_source.get_mut(&source)?;
        let next = waiting.remove(next_of(waiting, now))?;
        if waiting.is_empty() {
            self.by_source.remove(&source);
        }
        self.waiting -= 1;
        Some(next.told)
    }
}

/// Who of a source is next: the first who is not late, else the last.
fn next_of(waiting: &VecDeque<Waiting>, now: Instant) -> usize {
    let late = waiting.partition_point(|one| one.is_late(now));
    late.min(waiting.len().saturating_sub(1))
}

impl Waiting {
    fn is_late(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= PATIENCE
    }

    fn order(&self, now: Instant) -> Order {
        if self.is_late(now) { Order::Late(Reverse(self.came)) } else { Order::InTime(self.came) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = self.0.queue.borrow_mut().leave();
        match next {
            None => self.0.is_taken.set(false),
            // One that is not taken goes on to the next.
            Some(told) => drop(told.send(Turn(self.0.clone()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use futures_util::FutureExt;
    use futures_util::future::LocalBoxFuture;
    use tokio::time::advance;

    use super::*;

    type Waits = LocalBoxFuture<'static, io::Result<Turn>>;

    fn source(last: u8) -> AddressKey {
        AddressKey::of(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)))
    }

    /// One that has asked and waits.
    fn waits(turns: &Rc<Turns>, from: u8) -> Waits {
        let turns = turns.clone();
        let mut waits = async move { turns.next(source(from)).await }.boxed_local();
        assert!((&mut waits).now_or_never().is_none(), "the turn is taken");
        waits
    }

    /// Ends turn after turn. Returns in which order those who wait had theirs.
    fn order(first: Turn, mut waiting: Vec<(&'static str, Waits)>) -> Vec<&'static str> {
        let (mut turn, mut order) = (Some(first), Vec::new());
        while turn.take().is_some() {
            for (name, waits) in &mut waiting {
                if !order.contains(name)
                    && let Some(next) = waits.now_or_never()
                {
                    assert!(turn.is_none(), "one at a time");
                    order.push(name);
                    turn = next.ok();
                }
            }
        }
        order
    }

    fn first(turns: &Rc<Turns>) -> Turn {
        turns.next(source(0)).now_or_never().expect("nobody waits").expect("a turn")
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_of_one_source_waits_for_those_of_others() {
        for (waited, expected) in [
            (PATIENCE / 2, ["alone", "alone too", "crowd 1", "crowd 2", "crowd 3"]),
            (PATIENCE, ["alone too", "alone", "crowd 3", "crowd 2", "crowd 1"]),
        ] {
            let turns = Rc::<Turns>::default();
            let turn = first(&turns);
            let waiting = vec![
                ("alone", waits(&turns, 1)),
                ("crowd 1", waits(&turns, 2)),
                ("crowd 2", waits(&turns, 2)),
                ("crowd 3", waits(&turns, 2)),
                ("alone too", waits(&turns, 3)),
            ];
            advance(waited).await;
            assert_eq!(order(turn, waiting), expected, "after {waited:?}");
            assert!(turns.next(source(1)).now_or_never().is_some(), "the last turn is over");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_late_goes_behind_and_changes_nothing_for_the_others() {
        let turns = Rc::<Turns>::default();
        let turn = first(&turns);
        let mut waiting =
            vec![("late", waits(&turns, 1)), ("later", waits(&turns, 2)), ("crowd, late", waits(&turns, 3))];
        advance(PATIENCE).await;
        waiting.extend([("crowd", waits(&turns, 3)), ("second", waits(&turns, 4)), ("third", waits(&turns, 5))]);
        // Of the crowd is one left when its other one has had a turn, who then is late like the two.
        assert_eq!(order(turn, waiting), ["second", "third", "later", "late", "crowd", "crowd, late"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_gone_is_passed_over() {
        let turns = Rc::<Turns>::default();
        let turn = first(&turns);
        let waiting = vec![("stays", waits(&turns, 1))];
        drop([waits(&turns, 2), waits(&turns, 3)]);
        let mut told = waits(&turns, 4);
        advance(PATIENCE).await;
        drop(turn);
        assert!(turns.is_taken.get(), "the turn is on its way");
        drop((&mut told).now_or_never().expect("the newest").expect("a turn"));
        let [(_, mut stays)] = <[_; 1]>::try_from(waiting).ok().expect("one");
        let turn = (&mut stays).now_or_never().expect("the other").expect("a turn");
        // Told, and gone before having heard of it.
        let unheard = waits(&turns, 5);
        drop(turn);
        drop(unheard);
        assert!(!turns.is_taken.get());
    }

    #[test]
    fn more_than_may_wait_give_way_to_who_comes() {
        let turns = Rc::<Turns>::default();
        let turn = first(&turns);
        let mut honest = waits(&turns, 1);
        let mut crowd: Vec<Waits> = (1..WAITING_MAX).map(|_| waits(&turns, 2)).collect();
        let newcomer = waits(&turns, 3);
        assert!((&mut crowd[0]).now_or_never().is_some_and(|turn| turn.is_err()), "the oldest of the crowd");
        assert!((&mut crowd[1]).now_or_never().is_none());
        assert!((&mut honest).now_or_never().is_none());
        // Those who are gone make room first.
        drop(newcomer);
        drop(waits(&turns, 4));
        assert!((&mut crowd[1]).now_or_never().is_none());
        assert_eq!(turns.queue.borrow().waiting, WAITING_MAX);
        drop(turn);
        assert!((&mut honest).now_or_never().is_some_and(|turn| turn.is_ok()));
    }
}
