//! SIGTERM while everybody works: the server ends in order and in time, and what it acknowledged until then is there.

use std::cell::Cell;
use std::time::Duration;

use crate::exchange::Door;
use crate::possible::Told;
use crate::random::{Random, amount, seed};
use crate::server::Server;
use crate::tally::Kind;
use crate::yard::{MEMTABLE_USUAL, Yard};

const CYCLES: usize = 20;
/// How long a server works until it is asked to end, in milliseconds.
const LIFE_MS: (f64, f64) = (20.0, 500.0);
/// What is promised for a drain.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Sessions of earlier cycles that are read back after each restart.
const SAMPLE: usize = 30;

#[tokio::test]
async fn a_drain_under_load_is_in_time_and_keeps_what_was_acknowledged() {
    let (seed, cycles) = (seed(), amount("QNECT_CYCLES", CYCLES));
    let mut random = Random::of(seed, u64::MAX);
    let mut yard = Yard::for_cycles(seed, cycles, MEMTABLE_USUAL);
    for cycle in 0..cycles {
        let mut server = Server::start(&yard.folder);
        yard.inspect(&server, &mut random, SAMPLE).await;
        let life = random.short_rather_than_long(LIFE_MS.0, LIFE_MS.1);
        let (door, stop) = (Door::at(server.address), Cell::new(false));
        let end = async {
            tokio::time::sleep(Duration::from_secs_f64(life / 1_000.0)).await;
            server.terminate();
            let status = server.ended(DRAIN_MAX).await;
            stop.set(true);
            status
        };
        let ((), status) = tokio::join!(yard.work(&door, &stop), end);
        assert_eq!(status.code(), Some(0), "QNECT_SEED={seed}, cycle {cycle}: {}", server.stderr());
        yard.oracle.borrow().assert_faultless(&format!("QNECT_SEED={seed}, cycle {cycle}"));
    }
    let server = Server::start(&yard.folder);
    yard.inspect(&server, &mut random, usize::MAX).await;
    yard.settle(&server).await;
    let oracle = yard.oracle.borrow();
    println!("counted: {cycles} drains: {}", oracle.tally);
    oracle.assert_faultless(&format!("QNECT_SEED={seed}, in the end"));
    let acknowledged = oracle.tally.of(Kind::Webhook, Told::Ok);
    assert!(acknowledged >= 10 * cycles as u64, "hardly any load: {}", oracle.tally);
}
