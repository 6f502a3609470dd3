//! Codes that nobody printed, by the million: each must end at the door.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Args;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;

use crate::day::forged;
use crate::door::Door;
use crate::draw::Dice;
use crate::hot_tag::source;
use crate::load::values;
use crate::memory::{grown_percent, resident_kib};
use crate::target::Target;
use crate::usage::DoorOptions;

/// The counter that must stand still.
const STORE_READS: &str = "qnect_store_reads_total";
/// Requests before the first look, so that connections are there, and buffers as large as this load makes them: a tenth,
/// and at most so many.
const WARM_UP_MAX: u64 = 1_000_000;
/// How often one connection may break before the run is given up.
const RECONNECTS_MAX: u32 = 100;
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// The options of `forged`.
#[derive(Debug, Args)]
pub(crate) struct ForgedOptions {
    #[command(flatten)]
    door: DoorOptions,
    /// The operations listener, whose /metrics are read before and after.
    #[arg(long, value_name = "URL")]
    ops: String,
    /// The engine's process on this machine, whose resident memory is read before and after. Without it memory is not judged.
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// How many codes.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    requests: u64,
    /// Connections at once, at most 1024.
    #[arg(long, value_name = "M", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    connections: u16,
    /// Percent by which resident memory may differ.
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    memory_within: f64,
    /// Which codes and addresses.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// A run that can begin.
#[derive(Debug)]
pub(crate) struct Plan {
    target: Target,
    operations: Door,
    pid: Option<u32>,
    requests: u64,
    connections: u16,
    memory_within: f64,
    seed: u64,
    json: bool,
}

/// What all connections share.
struct Queue {
    authority: String,
    seed: u64,
    next: AtomicU64,
    end: u64,
    not_found: AtomicU64,
    /// Answers but 404, and requests without one.
    wrong: AtomicU64,
}

/// What is looked at before and after.
#[derive(Clone, Copy, Debug)]
struct Look {
    store_reads: f64,
    resident_kib: Option<u64>,
}

impl ForgedOptions {
    /// Checks everything that can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(&self) -> Result<Plan, String> {
        Ok(Plan {
            target: self.door.target()?,
            operations: Door::new(self.door.own(&self.ops)?),
            pid: self.pid,
            requests: self.requests,
            connections: self.connections,
            memory_within: self.memory_within,
            seed: self.seed,
            json: self.json,
        })
    }
}

/// Sends all codes and prints what they left behind.
pub(crate) async fn run(plan: Plan) -> ExitCode {
    let warm_up = (plan.requests / 10).min(WARM_UP_MAX);
    plan.send(0, warm_up).await;
    let (before, began) = (plan.look().await, Instant::now());
    let (not_found, wrong) = plan.send(warm_up, plan.requests).await;
    let (elapsed, after) = (began.elapsed(), plan.look().await);
    let (before, after) = match (before, after) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(problem), _) | (_, Err(problem)) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let reads = after.store_reads - before.store_reads;
    let grown = before.resident_kib.zip(after.resident_kib).map(|(before, after)| grown_percent(before, after));
    let within = grown.is_none_or(|grown| grown.abs() <= plan.memory_within);
    let good = wrong == 0 && not_found == plan.requests && reads == 0.0 && within;
    let rate = not_found as f64 / elapsed.as_secs_f64().max(1e-9);
    if plan.json {
        println!(
            "{}",
            json!({"scenario": "forged", "requests": plan.requests, "not_found": not_found, "wrong": wrong,
                "store_reads": reads, "resident_kib_before": before.resident_kib, "resident_kib_after": after.resident_kib,
                "resident_grown_percent": grown, "per_second": rate, "good": good})
        );
    } else {
        println!(
            "codes      {not_found} of {} answered with 404, {wrong} otherwise, {rate:.0} a second",
            plan.requests
        );
        println!("store      {reads} reads");
        match (before.resident_kib.zip(after.resident_kib), grown) {
            (Some((before, after)), Some(grown)) => {
                println!("memory     {before} KiB before, {after} KiB after: {grown:+.2} %");
            }
            _ => println!("memory     not looked at; say --pid"),
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Plan {
    /// Sends so many codes of the seed; returns how many were answered with 404, and how many were not.
    async fn send(&self, skipped: u64, requests: u64) -> (u64, u64) {
        let queue = Arc::new(Queue {
            authority: self.target.base().trim_start_matches("http://").to_owned(),
            seed: self.seed,
            next: AtomicU64::new(skipped),
            end: skipped + requests,
            not_found: AtomicU64::new(0),
            wrong: AtomicU64::new(0),
        });
        let mut connections = tokio::task::JoinSet::new();
        for _ in 0..self.connections {
            connections.spawn(queue.clone().send_one_after_the_other());
        }
        let mut progress = tokio::time::interval(PROGRESS_EVERY);
        loop {
            tokio::select! {
                ended = connections.join_next() => if ended.is_none() { break },
                _ = progress.tick() => eprintln!("{} of {requests} codes", queue.not_found.load(Ordering::Relaxed)),
            }
        }
        (queue.not_found.load(Ordering::Relaxed), queue.wrong.load(Ordering::Relaxed))
    }

    async fn look(&self) -> Result<Look, String> {
        let answer = self.operations.ask(hyper::Method::GET, "/metrics", Bytes::new(), &[]).await;
        let answer = answer.map_err(|none| format!("/metrics of the operations listener: {}", none.text()))?;
        let text = String::from_utf8_lossy(&answer.body);
        let store_reads = sum_of(&text, STORE_READS);
        let resident_kib = self.pid.map(resident_kib).transpose()?;
        Ok(Look { store_reads, resident_kib })
    }
}

impl Queue {
    async fn send_one_after_the_other(self: Arc<Self>) {
        let (mut connection, mut reconnects) = (None, 0);
        loop {
            let nth = self.next.fetch_add(1, Ordering::Relaxed);
            if nth >= self.end || reconnects > RECONNECTS_MAX {
                return;
            }
            match self.ask(&mut connection, nth).await {
                Some(404) => self.not_found.fetch_add(1, Ordering::Relaxed),
                answered => {
                    if answered.is_none() {
                        (connection, reconnects) = (None, reconnects + 1);
                    }
                    self.wrong.fetch_add(1, Ordering::Relaxed)
                }
            };
        }
    }

    /// The status of one answer, over the connection that there is or a new one.
    async fn ask(&self, connection: &mut Option<SendRequest<Empty<Bytes>>>, nth: u64) -> Option<u16> {
        let sender = match connection {
            Some(sender) => sender,
            None => connection.insert(self.connect().await?),
        };
        sender.ready().await.ok()?;
        let mut dice = Dice::new(self.seed, nth);
        let request = Request::get(format!("/q/{}", forged(&mut dice)))
            .header(header::HOST, &self.authority)
            .header(header::ACCEPT, "application/json")
            .header("x-forwarded-for", source(&mut dice).to_string())
            .body(Empty::new())
            .ok()?;
        let answer = sender.send_request(request).await.ok()?;
        let status = answer.status().as_u16();
        answer.into_body().collect().await.ok()?;
        Some(status)
    }

    async fn connect(&self) -> Option<SendRequest<Empty<Bytes>>> {
        let stream = TcpStream::connect(&self.authority).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        // It ends with the sender; how is seen there.
        tokio::spawn(async move { drop(connection.await) });
        Some(sender)
    }
}

/// The sum of a metric over all its labels; 0 if it is not there, as before its first event.
fn sum_of(metrics: &str, name: &str) -> f64 {
    values(metrics, name).map(|(_, value)| value).sum()
}

#[cfg(test)]
mod tests {
    use super::sum_of;

    #[test]
    fn a_metric_is_summed_over_its_labels() {
        let text = "# HELP a_total x\na_total 3\nb_total{kind=\"x\"} 1\nb_total{kind=\"y\"} 2.5\nb_total_more 9\n";
        assert_eq!([sum_of(text, "a_total"), sum_of(text, "b_total"), sum_of(text, "c_total")], [3.0, 3.5, 0.0]);
    }
}
