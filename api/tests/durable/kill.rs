//! `kill -9` on one folder, again and again, at random moments: nothing that was acknowledged is lost or rolled back, and
//! nothing is there that nobody asked for.

use std::process::Stdio;
use std::time::Duration;

use crate::oracle::Seen;
use crate::possible::Told;
use crate::random::{Random, amount, seed};
use crate::server::Server;
use crate::tally::Kind;
use crate::yard::{MEMTABLE_SMALL, MEMTABLE_USUAL, Yard};

/// Cycles of each of the two tests.
const CYCLES: usize = 50;
/// Cycles after which the long form says how far it is.
const TOLD_EVERY: usize = 50;
/// How long a server lives once it is ready, in milliseconds: short lives are the common ones.
const LIFE_MS: (f64, f64) = (5.0, 2_000.0);
/// When a server is killed that is not ready yet, in milliseconds.
const START_MS_MAX: usize = 300;
/// Sessions of earlier cycles that are read back after each restart.
const SAMPLE: usize = 30;

#[tokio::test]
async fn nothing_acknowledged_is_lost() {
    kill_again_and_again(seed(), 1, MEMTABLE_USUAL).await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_in_the_middle_of_flushes_and_compactions() {
    kill_again_and_again(seed(), 2, MEMTABLE_SMALL).await;
}

async fn kill_again_and_again(seed: u64, folder: u64, memtable_kibibytes: u32) {
    let cycles = amount("QNECT_CYCLES", CYCLES);
    let mut random = Random::of(seed, folder);
    let mut yard = Yard::for_cycles(random.next(), cycles, memtable_kibibytes);
    for cycle in 0..cycles {
        if random.one_in(6) {
            killed_at_start(&yard, Duration::from_millis(random.below(START_MS_MAX) as u64)).await;
        }
        let mut server = Server::start(&yard.folder);
        // Some lives end before anybody has looked.
        if !random.one_in(6) {
            yard.inspect(&server, &mut random, SAMPLE).await;
        }
        if random.one_in(12) {
            server = restarted_twice(&yard, server).await;
        }
        let life = random.short_rather_than_long(LIFE_MS.0, LIFE_MS.1);
        yard.work_until_killed(server, Duration::from_secs_f64(life / 1_000.0), random.one_in(2)).await;
        yard.oracle.borrow().assert_faultless(&format!("QNECT_SEED={seed}, cycle {cycle}"));
        if (cycle + 1) % TOLD_EVERY == 0 {
            println!("{} cycles: {}", cycle + 1, yard.oracle.borrow().tally);
        }
    }
    let server = Server::start(&yard.folder);
    yard.inspect(&server, &mut random, usize::MAX).await;
    yard.settle(&server).await;
    restarted_twice(&yard, server).await;
    println!("counted: {cycles} cycles and the end: {}; given up: {}", yard.oracle.borrow().tally, yard.given_up());
    yard.oracle.borrow().assert_faultless(&format!("QNECT_SEED={seed}, in the end"));
    assert_meaning(&yard, cycles as u64);
}

/// A life that ends while the server still reads what the one before it left.
async fn killed_at_start(yard: &Yard, life: Duration) {
    let mut command = yard.folder.command(&["serve", "--config", &yard.folder.text("qnect.toml")]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary can be started");
    tokio::time::sleep(life).await;
    child.kill().expect("a running child");
    child.wait().expect("a killed child");
}

/// Two restarts without a write between them come to the same state, whatever the clock ended meanwhile.
async fn restarted_twice(yard: &Yard, server: Server) -> Server {
    server.kill();
    let server = Server::start(&yard.folder);
    let first = yard.everything(&server).await;
    server.kill();
    let server = Server::start(&yard.folder);
    let second = yard.everything(&server).await;
    let is_open = |seen: &Seen| matches!(seen, Seen::Standing { outcome: None, .. });
    for (id, seen) in &first {
        let again = &second[id];
        // Whether the clock was right to end it is for the books to say.
        assert!(again == seen || is_open(seen) && !is_open(again), "{seen:?} became {again:?} without a write");
    }
    assert_eq!(first.len(), second.len());
    server
}

/// A run in which nothing was in danger proves nothing.
fn assert_meaning(yard: &Yard, cycles: u64) {
    let oracle = yard.oracle.borrow();
    for (kind, least) in [(Kind::Open, 4), (Kind::Webhook, 10), (Kind::Edit, 2)] {
        let acknowledged = oracle.tally.of(kind, Told::Ok);
        assert!(acknowledged >= least * cycles, "only {acknowledged} of {kind:?}: {}", oracle.tally);
    }
    let unknown =
        oracle.tally.of(Kind::Open, Told::Indeterminate) + oracle.tally.of(Kind::Webhook, Told::Indeterminate);
    assert!(unknown >= cycles, "hardly a write was under way when the server was killed: {}", oracle.tally);
    assert!(oracle.tally.read_back >= 10 * cycles, "{}", oracle.tally);
    assert!((yard.given_up() as u64) < 1 + cycles / 10, "{} scripts came to no end", yard.given_up());
}
