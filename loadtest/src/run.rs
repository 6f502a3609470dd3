//! A closed loop: so many strangers at once, each begins its next call when the last one is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::draw;
use crate::report::Tally;
use crate::stranger::Seen;
use crate::usage::Plan;

/// How often the run says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// What the strangers share.
struct Queue {
    plan: Plan,
    order: Vec<u32>,
    next: AtomicU32,
}

/// Makes every call of the plan.
pub(crate) async fn closed_loop(plan: Plan) -> Tally {
    let (calls, concurrency) = (plan.calls, usize::from(plan.concurrency));
    let order = draw::order(u32::try_from(plan.codes.len()).unwrap_or(u32::MAX), plan.seed);
    let queue = Arc::new(Queue { plan, order, next: AtomicU32::new(0) });
    let (seen, mut heard) = mpsc::channel(concurrency);
    for _ in 0..concurrency {
        tokio::spawn(one_after_the_other(queue.clone(), seen.clone()));
    }
    drop(seen); // so that the channel ends with the last stranger

    let (mut tally, began) = (Tally::default(), Instant::now());
    let mut progress = tokio::time::interval_at(tokio::time::Instant::now() + PROGRESS_EVERY, PROGRESS_EVERY);
    progress.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            call = heard.recv() => match call {
                Some(call) => tally.add(&call),
                None => return tally,
            },
            _ = progress.tick() => eprintln!("{}", tally.progress(calls, began.elapsed())),
        }
    }
}

/// A stranger who panics makes no further calls; those are then missing from the tally, and the run has failed.
async fn one_after_the_other(queue: Arc<Queue>, seen: mpsc::Sender<Seen>) {
    loop {
        let index = queue.next.fetch_add(1, Ordering::Relaxed);
        if index >= queue.plan.calls {
            return;
        }
        let call = queue.plan.stranger.call(index, queue.code(index), &[]).await;
        if seen.send(call).await.is_err() {
            return;
        }
    }
}

impl Queue {
    fn code(&self, index: u32) -> &str {
        let drawn = self.order[index as usize % self.order.len()];
        &self.plan.codes[drawn as usize]
    }
}
