//! Threads: one for the program itself, and one per worker, on which actors and connections live together.
//!
//! A worker is what actix calls an arbiter, but its local tasks are one task of its runtime, and not what the runtime blocks
//! on: that would be woken by a write to the kernel whenever a socket has something to say (tokio#7570). Nor is it a local
//! runtime, to which each message from another thread would be such a write: a set of tasks is woken once for all of them.

use std::future::Future;
use std::thread::JoinHandle;

use send_wrapper::SendWrapper;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

/// Jobs that may wait for a worker. Those who may wait for a tag to be revived are fewer.
const JOBS_MAX: usize = 16_384;

/// Nothing can be done without one.
const NO_RUNTIME: &str = "the operating system watches sockets for us";

type Job = Box<dyn FnOnce() + Send>;

/// What a worker is told.
enum Order {
    Do(Job),
    Stop,
}

/// The workers. Cheap to clone.
#[derive(Clone)]
pub struct Workers {
    orders: Vec<mpsc::Sender<Order>>,
    /// On so many of them, the last ones, nothing lives but tags; 0: on all of them tags and connections live together.
    tags_apart: usize,
}

/// A worker has ended, or too many jobs wait for it.
#[derive(Debug)]
pub(crate) struct NoWorker;

/// Runs a program: starts `workers` worker threads and drives the future that `program` makes on the calling thread.
/// Returns what the future returns, when all workers have ended and everything that lived on them is gone.
pub fn host<F: Future>(workers: usize, program: impl FnOnce(Workers) -> F) -> F::Output {
    let (orders, threads): (Vec<_>, Vec<_>) = (0..workers.max(1)).map(start).unzip();
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    let output = runtime.expect(NO_RUNTIME).block_on(async {
        let output = program(Workers { orders: orders.clone(), tags_apart: 0 }).await;
        for orders in orders {
            // A worker that panicked has ended already.
            let _ = orders.send(Order::Stop).await;
        }
        output
    });
    for thread in threads {
        let _ = thread.join();
    }
    output
}

/// Starts a worker.
fn start(number: usize) -> (mpsc::Sender<Order>, JoinHandle<()>) {
    let (orders, told) = mpsc::channel(JOBS_MAX);
    let worker = std::thread::Builder::new().name(format!("worker-{number}"));
    let thread = worker.spawn(move || work(told)).expect("the operating system gives a thread");
    (orders, thread)
}

fn work(told: mpsc::Receiver<Order>) {
    // The one task is a set of many, of which it polls some dozens at a time: sockets are looked at in between.
    let runtime = Builder::new_current_thread().enable_all().event_interval(1).build();
    runtime.expect(NO_RUNTIME).block_on(async {
        let (tasks, (end, ended)) = (LocalSet::new(), oneshot::channel());
        tasks.spawn_local(async {
            obey(told).await;
            // Who waits for it is below.
            let _ = end.send(());
        });
        let all = tokio::spawn(SendWrapper::new(tasks));
        let _ = ended.await;
        all.abort();
        let _ = all.await;
    });
}

/// Does jobs until it is told to stop.
async fn obey(mut told: mpsc::Receiver<Order>) {
    // Where actors live, many wait for commits.
    tokio::task::spawn_local(qnect_storage::tell_here());
    while let Some(Order::Do(job)) = told.recv().await {
        // In a task of its own: one that panics takes nobody along.
        tokio::task::spawn_local(async { job() });
    }
}

impl Workers {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.orders.len()
    }

    /// The same with `workers` of them for tags alone, if that leaves one for connections; 0: on each of them live both.
    pub fn with_tags_apart(mut self, workers: usize) -> Self {
        self.tags_apart = if workers < self.count() { workers } else { 0 };
        self
    }

    /// On how many of them, the first ones, connections live.
    pub fn with_connections(&self) -> usize {
        self.count() - self.tags_apart
    }

    /// The worker on which a tag lives.
    pub(crate) fn home(&self, hash: u64) -> usize {
        let homes = if self.tags_apart == 0 { 0..self.count() } else { self.with_connections()..self.count() };
        homes.start + (hash % homes.len() as u64) as usize
    }

    /// Runs the future that `make` makes, once on each worker; the number of the worker is handed in.
    pub fn on_each<F, Fut>(&self, make: F)
    where
        F: Fn(usize) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        for (worker, orders) in self.orders.iter().enumerate() {
            let make = make.clone();
            let job = move || {
                tokio::task::spawn_local(make(worker));
            };
            // A stopped worker means that the program is ending.
            let _ = orders.try_send(Order::Do(Box::new(job)));
        }
    }

    /// Does a job on the worker on which a tag lives.
    pub(crate) fn on_that_of(&self, hash: u64, job: impl FnOnce() + Send + 'static) -> Result<(), NoWorker> {
        self.orders[self.home(hash)].try_send(Order::Do(Box::new(job))).map_err(|_| NoWorker)
    }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn tags_have_workers_of_their_own_where_that_leaves_some_for_connections() {
        for (apart, connections, homes) in
            [(0, 3, [0, 1, 2, 0]), (1, 2, [2, 2, 2, 2]), (2, 1, [1, 2, 1, 2]), (3, 3, [0, 1, 2, 0])]
        {
            host(3, async |workers| {
                let workers = workers.with_tags_apart(apart);
                assert_eq!(workers.with_connections(), connections, "{apart}");
                assert_eq!([0, 1, 2, 3].map(|hash| workers.home(hash)), homes, "{apart}");
            });
        }
    }
}
