//! Memtables are flushed and tables compacted while clients work, and in the middle of that the disk fails or the power does.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::disk::{Failure, Faults, Kinds, Stage};
use crate::ending::{Failing, until_gone};
use crate::exchange::Door;
use crate::ground::Ground;
use crate::random::{Random, amount, seed};
use crate::rewind::{Loss, Names};

/// Calls that fail, each in a life of its own (`QNECT_SITES`).
const SITES: usize = 12;
/// Lives that end with the power (`QNECT_CYCLES`).
const CYCLES: usize = 12;
/// Fewer turns might miss the tables.
const TURNS_MIN: usize = 6;
/// A flush makes about so many calls, and a compaction not many more: the last of them belong to the second one of a life.
const CALLS: usize = 24;
/// Everything is read back after so many lives, and in the end.
const INSPECT_EVERY: usize = 3;
/// How long a test waits for a call.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a thread takes to learn that its call failed, when the machine has no time for it.
const LATE: Duration = Duration::from_millis(300);
/// Removals that fail at most.
const REMOVALS: u64 = 8;

/// But for removals, which fjall may pass over: the next start removes what is left.
const KINDS: Kinds = Kinds::CHANGES.without(Kinds::UNLINK);
/// Both, in turn.
const STAGES: [(Stage, &str); 2] = [(Stage::Flush, " in a flush "), (Stage::Compaction, " in a compaction ")];
/// The ways in which a call fails, in turn.
const HOW: [(Failure, bool); 3] = [(Failure::Broken, false), (Failure::Full, true), (Failure::HalfThenFull, false)];

/// How often which call of which stage was the one.
#[derive(Debug, Default)]
struct Reached(BTreeMap<String, usize>);

impl Reached {
    /// Takes a note of a call, which must be one of this stage.
    fn note(&mut self, what: &str, stage: &str) {
        let (call, path) = what.split_once(' ').expect("a call and its path");
        let (path, _) = path.split_once(stage).unwrap_or_else(|| panic!("a call{stage}: {what}"));
        let file = path.rsplit_once("/keyspaces/").and_then(|(_, below)| below.split_once('/')).map(|(_, file)| file);
        let kind = match file.unwrap_or("its folder") {
            name if name.starts_with(".tmp") => "new current",
            // Tables and versions have numbers.
            name => name.trim_end_matches(|end: char| end.is_ascii_digit()),
        };
        *self.0.entry(format!("{call} {kind}{}", stage.trim_end())).or_default() += 1;
    }

    /// A run that reached no table proves nothing.
    fn assert_meaning(&self) {
        for (_, stage) in STAGES {
            let is_meant = |call: &String| call.contains("tables/") && call.ends_with(stage.trim_end());
            assert!(self.0.keys().any(is_meant), "no call for a table{stage}: {self:?}");
        }
    }
}

/// Which call it is in this turn, so that all turns together are spread over all calls, of both stages.
fn call_of(turn: usize, turns: usize, random: &mut Random) -> u64 {
    let of_stage = turns.div_ceil(STAGES.len());
    (1 + (turn / STAGES.len() * CALLS + random.below(CALLS)) / of_stage) as u64
}

#[tokio::test]
async fn a_flush_or_a_compaction_that_fails_ends_everything() {
    let sites = amount("QNECT_SITES", SITES).max(TURNS_MIN);
    let mut ground = Ground::flushing(seed(), sites);
    let (mut reached, mut unaware) = (Reached::default(), 0);
    for turn in 0..sites {
        let mut server = ground.start(&Faults::NONE);
        if turn % INSPECT_EVERY == 0 {
            ground.inspect(&server, &format!("before site {turn}")).await;
        }
        let ((stage, name), (how, lasting)) = (STAGES[turn % STAGES.len()], HOW[turn % HOW.len()]);
        let from = call_of(turn, sites, &mut ground.random);
        ground.disk.plan(&Faults { kinds: KINDS, stage, from, how, lasting, ..Faults::NONE });
        let when = format!("call {from}, {stage:?}, {how:?}");
        unaware += until_gone(&mut ground, &mut server, Failing::Beside, &when).await;
        reached.note(&ground.disk.happened().what, name);
        ground.lose_power(Loss::All, Names::WithFile);
    }
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "in the end").await;
    let told = ground.oracle(|oracle| oracle.tally.to_string());
    println!("counted: {sites} sites: {told}; {unaware} acknowledged before a failure was known; {reached:?}");
    reached.assert_meaning();
}

/// A commit needs nothing of a flush or of a compaction: whoever is acknowledged while a thread beside the commits has failed, and
/// does not get to say so, has what was promised.
#[tokio::test]
async fn what_is_acknowledged_before_a_failure_beside_the_commits_is_known_is_on_the_disk() {
    let mut ground = Ground::flushing(seed(), TURNS_MIN);
    let mut unaware = 0;
    for turn in 0..TURNS_MIN {
        let mut server = ground.start(&Faults::NONE);
        ground.inspect(&server, &format!("before turn {turn}")).await;
        let ((stage, _), (how, lasting)) = (STAGES[turn % STAGES.len()], HOW[turn % HOW.len()]);
        let from = call_of(turn, TURNS_MIN, &mut ground.random);
        ground.disk.plan(&Faults { kinds: KINDS, stage, from, how, lasting, late: LATE, ..Faults::NONE });
        unaware +=
            until_gone(&mut ground, &mut server, Failing::Beside, &format!("call {from}, {stage:?}, {how:?}")).await;
        ground.lose_power(Loss::All, Names::WithFile);
    }
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "in the end").await;
    println!("counted: {unaware} acknowledged before a failure was known");
    assert!(unaware > 0, "nobody was acknowledged meanwhile");
}

#[tokio::test]
async fn power_that_fails_in_a_flush_or_a_compaction_takes_nothing_acknowledged() {
    let cycles = amount("QNECT_CYCLES", CYCLES).max(TURNS_MIN);
    let mut ground = Ground::flushing(seed(), cycles);
    let mut reached = Reached::default();
    for cycle in 0..cycles {
        let mut server = ground.start(&Faults::NONE);
        ground.inspect(&server, &format!("cycle {cycle}")).await;
        let (stage, name) = STAGES[cycle % STAGES.len()];
        let from = call_of(cycle, cycles, &mut ground.random);
        ground.disk.plan(&Faults { stage, from, how: Failure::Killed, ..Faults::NONE });
        let (door, stop) = (Door::at(server.address), Cell::new(false));
        let end = async {
            server.ended(PATIENCE).await;
            stop.set(true);
        };
        tokio::join!(ground.yard.work(&door, &stop), end);
        reached.note(&ground.disk.happened().what, name);
        let names = [Names::WithFile, Names::ByFolder][ground.random.below(2)];
        ground.lose_power([Loss::All, Loss::Tail][cycle / 2 % 2], names);
    }
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "in the end").await;
    let told = ground.oracle(|oracle| oracle.tally.to_string());
    println!("counted: {cycles} cycles: {told}; {:?}; {reached:?}", ground.undone);
    reached.assert_meaning();
}

/// fjall passes over it after a flush, and fails after a compaction.
#[tokio::test]
async fn a_file_that_cannot_be_removed_is_left_over_or_ends_everything_and_costs_nothing() {
    let mut ground = Ground::flushing(seed(), 1);
    let mut server = ground.start(&Faults::NONE);
    ground.disk.plan(&Faults { kinds: Kinds::UNLINK, from: 1, lasting: true, ..Faults::NONE });
    let (door, stop) = (Door::at(server.address), Cell::new(false));
    let Ground { yard, disk, .. } = &mut ground;
    let end = async {
        let started = Instant::now();
        let ended = loop {
            assert!(started.elapsed() < PATIENCE, "hardly a file is removed: {:?}", disk.happened());
            let ended = tokio::time::timeout(LOOK_EVERY, server.ended(PATIENCE)).await.ok();
            if ended.is_some() || disk.happened().failed >= REMOVALS {
                break ended;
            }
        };
        stop.set(true);
        ended
    };
    let ((), ended) = tokio::join!(yard.work(&door, &stop), end);
    let happened = disk.happened();
    assert!(happened.failed > 0 && ended.is_none_or(|status| status.code() == Some(70)), "{ended:?}, {happened:?}");
    println!("counted: {} removals failed, the first of them {}; ended: {ended:?}", happened.failed, happened.what);
    drop(server);
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "after the next start").await;
}
