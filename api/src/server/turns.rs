//! Turns at the costly step of a handshake, and who gets the next one.
//!
//! A crowd of hellos costs its senders nothing and a worker a signature each, so that there may be more of them than it
//! has time for. Whoever has waited longest would then be the rule by which nobody is served in time; so the next turn goes
//! to the source of which the fewest wait, and of several to whoever came last.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;

use qnect_core::scan::AddressKey;
use tokio::sync::oneshot;

/// Hellos that wait at one worker. Of more, the oldest of the source with the most gives way.
const WAITING_MAX: usize = 1_024;

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
    /// Those of each source, the newest last.
    by_source: HashMap<AddressKey, Vec<Waiting>>,
    waiting: usize,
    came: u64,
}

/// Whoever hangs up while waiting is closed, and still stands in the queue.
struct Waiting {
    came: u64,
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
        self.by_source.entry(source).or_default().push(Waiting { came: self.came, told });
        turn
    }

    fn forget_the_gone(&mut self) {
        self.by_source.retain(|_, waiting| {
            waiting.retain(|one| !one.told.is_closed());
            !waiting.is_empty()
        });
        self.waiting = self.by_source.values().map(Vec::len).sum();
    }

    fn give_way(&mut self) {
        let longest = self.by_source.values_mut().max_by_key(|waiting| waiting.len());
        // A source without anyone waiting is in no list.
        let Some(waiting) = longest else { return };
        waiting.remove(0);
        self.waiting -= 1;
        metrics::counter!("qnect_connections_gave_way_total").increment(1);
    }

    fn leave(&mut self) -> Option<oneshot::Sender<Turn>> {
        loop {
            let newest = |waiting: &Vec<Waiting>| Reverse(waiting.last().map(|one| one.came));
            let next = self.by_source.iter().min_by_key(|(_, waiting)| (waiting.len(), newest(waiting)));
            let source = *next?.0;
            let waiting = self.by_source.get_mut(&source)?;
            let newest = waiting.pop();
            if waiting.is_empty() {
                self.by_source.remove(&source);
            }
            let Some(newest) = newest else { continue };
            self.waiting -= 1;
            if !newest.told.is_closed() {
                return Some(newest.told);
            }
        }
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

    #[test]
    fn a_crowd_of_one_source_waits_for_those_of_others() {
        let turns = Rc::<Turns>::default();
        let turn = first(&turns);
        let waiting = vec![
            ("alone", waits(&turns, 1)),
            ("crowd 1", waits(&turns, 2)),
            ("crowd 2", waits(&turns, 2)),
            ("crowd 3", waits(&turns, 2)),
            ("alone too", waits(&turns, 3)),
        ];
        assert_eq!(order(turn, waiting), ["alone too", "alone", "crowd 3", "crowd 2", "crowd 1"]);
        assert!(turns.next(source(1)).now_or_never().is_some(), "the last turn is over");
    }

    #[test]
    fn who_is_gone_is_passed_over() {
        let turns = Rc::<Turns>::default();
        let turn = first(&turns);
        let waiting = vec![("stays", waits(&turns, 1))];
        drop([waits(&turns, 2), waits(&turns, 3)]);
        let mut told = waits(&turns, 4);
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
