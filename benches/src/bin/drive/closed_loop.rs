//! So many loops at once, each of which asks again when it has its answer; what they saw becomes one line of JSON.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use qnect_benches::Failure;

use crate::client::Answer;

/// What one loop saw, or all of them.
#[derive(Default)]
pub(crate) struct Tally {
    micros: Vec<u32>,
    bytes: u64,
    errors: u64,
    first_error: Option<String>,
    /// Whole calls.
    pub(crate) calls: u64,
}

/// What all loops saw together, and how long they took.
pub(crate) struct Run {
    pub(crate) tally: Tally,
    elapsed: Duration,
}

impl Tally {
    /// An answer that was as it should be.
    pub(crate) fn good(&mut self, asked: Instant, answer: Answer<'_>) {
        self.micros.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
        self.bytes += answer.bytes as u64;
    }

    /// An answer that was not, or none.
    pub(crate) fn bad(&mut self, error: impl Display) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| error.to_string());
    }

    fn add(&mut self, other: Self) {
        self.micros.extend(other.micros);
        self.bytes += other.bytes;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
        self.calls += other.calls;
    }
}

/// Runs the loop `each` for each connection, on as many threads as there are cores. What ends a loop early is an error
/// of it.
pub(crate) fn run(
    connections: usize,
    each: impl AsyncFn(usize, &mut Tally) -> Result<(), Failure> + Sync,
) -> Result<Run, Failure> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(connections.max(1));
    let one = async |connection| {
        let mut tally = Tally::default();
        if let Err(failure) = each(connection, &mut tally).await {
            tally.bad(failure);
        }
        tally
    };
    let (one, began) = (&one, Instant::now());
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let on_thread = |thread| {
            scope.spawn(move || -> Result<Vec<Tally>, Failure> {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                Ok(runtime.block_on(join_all((thread..connections).step_by(threads).map(one))))
            })
        };
        let threads: Vec<_> = (0..threads).map(on_thread).collect();
        let joined = threads.into_iter().map(|thread| thread.join().map_err(|_| "a loop panicked")?);
        Ok::<_, Failure>(joined.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    })?;
    let elapsed = began.elapsed();
    let mut tally = Tally::default();
    tallies.into_iter().for_each(|one| tally.add(one));
    Ok(Run { tally, elapsed })
}

impl Run {
    /// Prints what was seen. An error if nothing was.
    pub(crate) fn tell(self) -> Result<(), Failure> {
        let Tally { mut micros, bytes, errors, first_error, calls } = self.tally;
        if let Some(error) = first_error {
            eprintln!("the first of {errors} errors: {error}");
        }
        if micros.is_empty() {
            return Err("not one good answer".into());
        }
        micros.sort_unstable();
        let at = |percent: usize| micros[(micros.len() - 1) * percent / 100];
        let (requests, seconds) = (micros.len(), self.elapsed.as_secs_f64());
        println!(
            "{{\"requests\":{requests},\"per_second\":{:.0},\"p50_us\":{},\"p99_us\":{},\"bytes_each\":{:.3},\
             \"errors\":{errors},\"seconds\":{seconds:.3},\"calls\":{calls}}}",
            requests as f64 / seconds,
            at(50),
            at(99),
            bytes as f64 / requests as f64,
        );
        Ok(())
    }
}
