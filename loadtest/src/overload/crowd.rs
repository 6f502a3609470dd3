//! Visitors: so many at once, or so many a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::draw::{self, Dice};
use crate::hot_tag::source;
use crate::open_loop;
use crate::overload::tally::{Tally, Visit};
use crate::stranger::Stranger;

/// Everybody who comes, in all phases.
#[derive(Clone, Debug)]
pub(super) struct Crowd(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    stranger: Stranger,
    codes: Vec<String>,
    /// In which the tags are visited, round and round, so that nobody is called twice within seconds.
    order: Vec<u32>,
    /// The number of the next visitor: nobody comes twice.
    next: AtomicU32,
    /// Calls that were bridged and masked.
    calls: AtomicU64,
    seed: u64,
}

impl Crowd {
    pub(super) fn new(stranger: Stranger, codes: Vec<String>, seed: u64) -> Crowd {
        let order = draw::order(u32::try_from(codes.len()).unwrap_or(u32::MAX), seed);
        Crowd(Arc::new(Shared { stranger, codes, order, next: AtomicU32::new(0), calls: AtomicU64::new(0), seed }))
    }

    /// How many calls were bridged and masked so far.
    pub(super) fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// A closed loop: so many `strangers` at once, the next one comes when one has left.
    pub(super) async fn stay(&self, strangers: u32, lasts: Duration) -> Tally {
        let (mut tally, end) = (Tally::new(lasts), Instant::now() + lasts);
        let mut loops = JoinSet::new();
        for _ in 0..strangers {
            let crowd = self.clone();
            loops.spawn(async move {
                let mut visits = Vec::new();
                while Instant::now() < end {
                    visits.push(crowd.clone().visit(Instant::now()).await);
                }
                visits
            });
        }
        while let Some(visits) = loops.join_next().await {
            visits.into_iter().flatten().for_each(|visit| tally.add(&visit, end));
        }
        tally
    }

    /// An open loop: visitors come at `rate` a second, independently of each other and of what becomes of them.
    pub(super) async fn come(&self, rate: f64, lasts: Duration) -> Tally {
        let (mut tally, end) = (Tally::new(lasts), Instant::now() + lasts);
        let arrivals = open_loop::arrivals(rate, Dice::new(!self.0.seed, rate.to_bits())).take_while(|at| *at < lasts);
        let skipped = open_loop::begin_at(
            open_loop::IN_FLIGHT_MAX,
            arrivals,
            |_, due| self.clone().visit(due),
            |visit| tally.add(&visit, end),
        )
        .await;
        tally.skip(skipped);
        tally
    }

    async fn visit(self, due: Instant) -> Visit {
        let Crowd(shared) = &self;
        let late = due.elapsed();
        let nth = shared.next.fetch_add(1, Ordering::Relaxed);
        let code = &shared.codes[shared.order[nth as usize % shared.order.len()] as usize];
        let address = source(&mut Dice::new(shared.seed, u64::from(nth))).to_string();
        let seen = shared.stranger.call(nth, code, &[("x-forwarded-for", &address)]).await;
        shared.calls.fetch_add(u64::from(seen.failure.is_none()), Ordering::Relaxed);
        Visit { late, seen, left: Instant::now() }
    }
}
