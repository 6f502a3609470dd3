//! How those who wait learn that their commit is safe.
//!
//! Waking a task on another thread takes a system call, and the thread that wakes may lose its core to the one that it
//! woke; a group has hundreds of tasks that wait. So each worker has a teller: it gets all promises of its worker that a
//! group keeps in one message, and wakes its neighbours, which is a push to a queue that no other thread knows. It wakes few
//! at a time: whoever came meanwhile has a turn between them, and need not wait for hundreds to be answered.

use std::cell::RefCell;

use tokio::sync::{mpsc, oneshot};

/// Groups that a teller has not told yet, at most. One that is further behind is passed by.
const GROUPS_MAX: usize = 64;

/// Tasks that are woken before all others that are ready have their turns. `ops/overload --seed 2`: with 4, and as few webhooks
/// begun in one round, 99 of 100 of those who are turned away hear it within 21 to 27 ms in each rush; with all tasks of a group
/// at once, and 8 webhooks, within 45 to 56 ms. As many calls are made either way. For each group more that waits to be told,
/// as many more.
const AT_ONCE: usize = 4;

/// The promises of one worker in one group.
type Handful = Vec<oneshot::Sender<()>>;

thread_local! {
    static HERE: RefCell<Option<mpsc::Sender<Handful>>> = const { RefCell::new(None) };
}

/// Tells the tasks of this thread which of their promises are kept. To be spawned once on each thread on which many tasks
/// wait for commits; it never ends. Without it every promise is kept as well, at the price of a system call each.
pub async fn tell_here() {
    let (handing, mut handed) = mpsc::channel::<Handful>(GROUPS_MAX);
    HERE.set(Some(handing));
    while let Some(mut kept) = handed.recv().await {
        loop {
            // One that falls behind hurries: what waits here is as late as it is long.
            let at_once = AT_ONCE * (1 + handed.len());
            if kept.len() <= at_once {
                break;
            }
            keep(kept.drain(..at_once));
            tokio::task::yield_now().await;
        }
        keep(kept);
    }
}

/// A promise that is to be kept, and who tells.
pub(crate) struct Pledge {
    kept: oneshot::Sender<()>,
    teller: Option<mpsc::Sender<Handful>>,
}

impl Pledge {
    /// To be told on this thread.
    pub(crate) fn here(kept: oneshot::Sender<()>) -> Self {
        Self { kept, teller: HERE.with_borrow(Clone::clone) }
    }
}

/// Keeps all of a group's promises.
pub(crate) fn keep_all(pledges: impl Iterator<Item = Pledge>) {
    let mut handfuls: Vec<(mpsc::Sender<Handful>, Handful)> = Vec::new();
    for Pledge { kept, teller } in pledges {
        let Some(teller) = teller else {
            keep([kept]);
            continue;
        };
        match handfuls.iter_mut().find(|(other, _)| other.same_channel(&teller)) {
            Some((_, handful)) => handful.push(kept),
            None => handfuls.push((teller, vec![kept])),
        }
    }
    for (teller, handful) in handfuls {
        // A teller that is behind, or whose worker has ended, does not hold up those who wait elsewhere by now.
        teller.try_send(handful).unwrap_or_else(|unsent| keep(unsent.into_inner()));
    }
}

/// Whoever waited may have left: then nobody is told.
fn keep(kept: impl IntoIterator<Item = oneshot::Sender<()>>) {
    for kept in kept {
        let _ = kept.send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thread with a teller, or one whose teller is gone.
    fn on_a_worker<T: Send>(teller_lives: bool, work: impl AsyncFnOnce() -> T + Send) -> T {
        let run = move || {
            let tasks = tokio::task::LocalSet::new();
            let teller = tasks.spawn_local(tell_here());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(tasks.run_until(async {
                tokio::task::yield_now().await;
                if !teller_lives {
                    teller.abort();
                    tokio::task::yield_now().await;
                }
                work().await
            }))
        };
        std::thread::scope(|scope| scope.spawn(run).join().unwrap())
    }

    #[test]
    fn every_promise_is_kept_wherever_it_was_made() {
        for teller_lives in [true, false] {
            let told = on_a_worker(teller_lives, async || {
                let (pledges, promises): (Vec<_>, Vec<_>) = (0..100).map(|_| oneshot::channel()).unzip();
                let elsewhere = oneshot::channel();
                let mut pledges: Vec<_> = pledges.into_iter().map(Pledge::here).collect();
                assert!(pledges.iter().all(|pledge| pledge.teller.is_some()));
                std::thread::scope(|scope| {
                    scope.spawn(|| pledges.push(Pledge::here(elsewhere.0)));
                });
                std::thread::spawn(move || keep_all(pledges.into_iter()));
                let mut told = 0;
                for promise in promises.into_iter().chain([elsewhere.1]) {
                    told += usize::from(promise.await.is_ok());
                }
                told
            });
            assert_eq!(told, 101, "with a teller that lives: {teller_lives}");
        }
    }

    #[test]
    fn others_have_turns_while_many_are_told() {
        const MANY: usize = 25 * AT_ONCE;
        let most_between_two_turns = on_a_worker(true, async || {
            let (pledges, mut promises): (Vec<_>, Vec<_>) = (0..MANY).map(|_| oneshot::channel()).unzip();
            keep_all(pledges.into_iter().map(Pledge::here));
            let mut most = 0;
            while !promises.is_empty() {
                tokio::task::yield_now().await;
                let waiting = promises.len();
                promises.retain_mut(|promise| promise.try_recv().is_err());
                most = most.max(waiting - promises.len());
            }
            most
        });
        assert!((1..=2 * AT_ONCE).contains(&most_between_two_turns), "{most_between_two_turns}");
    }

    #[test]
    fn a_teller_that_is_behind_hurries() {
        const GROUPS: usize = 10;
        const MANY: usize = 4 * AT_ONCE;
        let turns = on_a_worker(true, async || {
            let mut promises = Vec::new();
            for _ in 0..GROUPS {
                let (pledges, of_group): (Vec<_>, Vec<_>) = (0..MANY).map(|_| oneshot::channel()).unzip();
                keep_all(pledges.into_iter().map(Pledge::here));
                promises.extend(of_group);
            }
            let mut turns = 0;
            while !promises.is_empty() {
                tokio::task::yield_now().await;
                turns += 1;
                promises.retain_mut(|promise| promise.try_recv().is_err());
            }
            turns
        });
        assert!(turns < GROUPS * MANY / AT_ONCE / 2, "{turns} turns");
    }

    #[test]
    fn a_teller_that_is_far_behind_is_passed_by() {
        let passed_by = on_a_worker(true, async || {
            // Nothing here waits, so the teller does not run.
            let promised = |_| {
                let (kept, mut promise) = oneshot::channel();
                keep_all(std::iter::once(Pledge::here(kept)));
                promise.try_recv().is_ok()
            };
            (0..GROUPS_MAX + 5).map(promised).filter(|told| *told).count()
        });
        assert_eq!(passed_by, 5);
    }
}
