//! A call to the disk fails: from then on nothing is acknowledged, readiness is red within a second, the process ends with 70
//! within five, and on a disk that works again everything that was acknowledged is there.

use std::time::Duration;

use crate::disk::{Failure, Faults, Kinds};
use crate::ending::{Failing, until_gone};
use crate::ground::Ground;
use crate::random::{Random, amount, seed};
use crate::rewind::{Loss, Names};

/// The sites of one run: sampled from the first so many calls, or all of them (`QNECT_SITES`).
const SITES_SAMPLED: usize = 25;
const SITES: usize = 500;
/// Starts of one kind that fail.
const STARTS: usize = 8;
/// Calls that are interrupted, at a start and then while it serves.
const INTERRUPTED: u64 = 6;
/// What an operator is told to do.
const REMEDIES: [&str; 5] = ["a restart", "start again", "check that", "restore", "set server.control_socket"];
/// Lives that end with a failed sync, each followed by one that does not know of it.
const CYCLES: usize = 3;
/// Everything is read back after so many lives.
const INSPECT_EVERY: usize = 5;

/// The ways in which a call fails, in turn.
const HOW: [(Failure, bool); 5] = [
    (Failure::Broken, false),
    (Failure::Full, true),
    (Failure::HalfThenFull, false),
    (Failure::Broken, true),
    (Failure::Full, false),
];

/// The calls that fail, each in a life of its own. Late ones are rare in a sample: it takes a while until they come.
fn sites(random: &mut Random) -> Vec<(Kinds, u64)> {
    if let Ok(text) = std::env::var("QNECT_SITES") {
        let last: u64 = text.parse().expect("QNECT_SITES is a whole number");
        return (1..=last).map(|from| (Kinds::CHANGES, from)).collect();
    }
    let sampled = (0..SITES_SAMPLED).map(|turn| match turn % 3 {
        // Commits are many, all else is rare.
        0 => (Kinds::CHANGES.without(Kinds::WRITE.and(Kinds::SYNC)), 1 + random.below(3) as u64),
        _ => (Kinds::CHANGES, random.short_rather_than_long(1.0, SITES as f64) as u64),
    });
    sampled.collect()
}

#[tokio::test]
async fn after_the_first_failure_nothing_is_acknowledged_and_the_process_ends() {
    let mut ground = Ground::new(seed(), SITES_SAMPLED);
    let sites = sites(&mut ground.random);
    let count = sites.len();
    for (turn, (kinds, from)) in sites.into_iter().enumerate() {
        let mut server = ground.start(&Faults::NONE);
        if turn % INSPECT_EVERY == 0 {
            ground.inspect(&server, &format!("before site {from}")).await;
        }
        let (how, lasting) = HOW[turn % HOW.len()];
        ground.disk.plan(&Faults { kinds, from, how, lasting, ..Faults::NONE });
        until_gone(&mut ground, &mut server, Failing::Commit, &format!("site {from}, {how:?}")).await;
        ground.lose_power(Loss::All, Names::WithFile);
    }
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "in the end").await;
    println!("counted: {count} sites: {}", ground.oracle(|oracle| oracle.tally.to_string()));
}

#[tokio::test]
async fn an_interrupted_call_means_nothing() {
    let mut ground = Ground::new(seed(), 1);
    let kinds = Kinds::WRITE.and(Kinds::SYNC).and(Kinds::LENGTH).and(Kinds::READ);
    for from in 1..=INTERRUPTED {
        let interrupted = Faults { kinds, from, how: Failure::Interrupted, ..Faults::NONE };
        let server = ground.start(&interrupted);
        assert_eq!(ground.disk.happened().failed, 1, "while it starts");
        ground.inspect(&server, &format!("started with an interrupted call {from}")).await;
        ground.disk.plan(&interrupted);
        ground.yard.work_until_killed(server, Duration::from_millis(200), false).await;
        assert_eq!(ground.disk.happened().failed, 1, "while it serves");
    }
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "in the end").await;
    println!("counted: {INTERRUPTED} interrupted starts, as many interrupted lives");
}

/// The kernel takes what it could not write for written, and shows it to the next process: which must not build on it.
#[tokio::test]
async fn what_a_failed_sync_left_in_memory_is_not_taken_for_safe_after_a_restart() {
    let mut ground = Ground::new(seed(), CYCLES);
    // Of a slow disk commits are groups, which span more than the page that the next one begins in.
    let slow = Faults { sync: Duration::from_millis(20), ..Faults::NONE };
    for cycle in 0..CYCLES {
        let mut server = ground.start(&slow);
        ground.inspect(&server, &format!("cycle {cycle}")).await;
        let from = 5 + ground.random.below(20) as u64;
        ground.disk.plan(&Faults { kinds: Kinds::SYNC, from, ..slow });
        until_gone(&mut ground, &mut server, Failing::Commit, &format!("cycle {cycle}")).await;
        let first_life = ground.disk.log();
        // The machine goes on, and so does the disk.
        let server = ground.start(&Faults::NONE);
        ground.inspect(&server, &format!("cycle {cycle}, after the failure")).await;
        ground.yard.work_until_killed(server, Duration::from_millis(100), false).await;
        let both = first_life.then(ground.disk.log());
        ground.lose_power_after(&both, Loss::All, Names::WithFile);
    }
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "in the end").await;
    println!("counted: {CYCLES} failed syncs: {}", ground.oracle(|oracle| oracle.tally.to_string()));
}

/// A start, on a folder that is there, whose nth call to the disk fails.
#[tokio::test]
async fn a_start_that_fails_says_what_to_do_and_the_next_one_succeeds() {
    let mut ground = Ground::new(seed(), 1);
    let server = ground.start(&Faults::NONE);
    ground.yard.work_until_killed(server, Duration::from_millis(200), false).await;
    let (mut begun, mut refused) = (0, 0);
    for kinds in [Kinds::CHANGES, Kinds::READ, Kinds::SYNC.and(Kinds::WRITE).and(Kinds::LENGTH)] {
        let server = ground.start(&Faults { kinds, ..Faults::NONE });
        let calls = ground.disk.happened().seen as usize;
        server.kill();
        let count = amount("QNECT_SITES", STARTS);
        for turn in 0..count.min(calls) {
            let from = if count < calls { 1 + ground.random.below(calls) } else { 1 + turn } as u64;
            let (how, lasting) = HOW[turn % HOW.len()];
            let start = ground.try_start(&Faults { kinds, from, how, lasting, ..Faults::NONE });
            let what = format!("call {from} of {calls}, {how:?}: {}", ground.disk.happened().what);
            begun += 1;
            match start {
                // The call comes later now, or never.
                Ok(server) => server.kill(),
                Err((status, told)) => {
                    refused += 1;
                    assert_ne!(ground.disk.happened().failed, 0, "{what}: {told}");
                    // The control socket is no part of the store: the contract says 1 of it.
                    let code = if told.contains("the control socket") { 1 } else { 70 };
                    assert_eq!(status.code(), Some(code), "{what}: {told}");
                    assert!(REMEDIES.iter().any(|remedy| told.contains(remedy)), "{what}: {told}");
                }
            }
            ground.lose_power(Loss::All, Names::WithFile);
        }
    }
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "in the end").await;
    println!("counted: {begun} starts on a disk that fails, {refused} refused");
}
