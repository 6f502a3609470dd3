//! Threads: one for the program itself, and one per worker, on which actors and connections live together.

use std::future::Future;

use actix::{Arbiter, ArbiterHandle, System};

/// The workers. Cheap to clone.
#[derive(Clone)]
pub struct Workers {
    handles: Vec<ArbiterHandle>,
}

/// Runs a program: starts `workers` worker threads and drives the future that `program` makes on the calling thread.
/// Returns what the future returns, when all workers have ended and everything that lived on them is gone.
pub fn host<F: Future>(workers: usize, program: impl FnOnce(Workers) -> F) -> F::Output {
    System::new().block_on(async {
        let arbiters: Vec<Arbiter> = (0..workers.max(1)).map(|_| Arbiter::new()).collect();
        for arbiter in &arbiters {
            // Where actors live, many wait for commits. A new worker takes it.
            let _ = arbiter.spawn(qnect_storage::tell_here());
        }
        let output = program(Workers { handles: arbiters.iter().map(Arbiter::handle).collect() }).await;
        for arbiter in &arbiters {
            arbiter.stop();
        }
        for arbiter in arbiters {
            // A worker that panicked has ended, too.
            let _ = arbiter.join();
        }
        output
    })
}

impl Workers {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.handles.len()
    }

    /// Runs the future that `make` makes, once on each worker; the number of the worker is handed in.
    pub fn on_each<F, Fut>(&self, make: F)
    where
        F: Fn(usize) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        for (worker, handle) in self.handles.iter().enumerate() {
            let make = make.clone();
            // A stopped worker means that the program is ending.
            let _ = handle.spawn_fn(move || {
                actix::spawn(make(worker));
            });
        }
    }

    /// The worker on which a tag lives.
    pub(crate) fn of(&self, hash: u64) -> &ArbiterHandle {
        &self.handles[(hash % self.handles.len() as u64) as usize]
    }
}
