//! A call to the disk fails: from then on nothing is acknowledged, readiness is red within a second, the process ends with 70
//! within five, and on a disk that works again everything that was acknowledged is there.

use std::cell::Cell;
use std::process::ExitStatus;
use std::time::{Duration, Instant, SystemTime};

use crate::disk::{Failure, Faults, Kinds};
use crate::exchange::{Door, Reply};
use crate::ground::{Ground, operations};
use crate::possible::Told;
use crate::random::{Random, amount, seed};
use crate::rewind::{Loss, Names};
use crate::server::Server;

/// The sites of one run: sampled from the first so many calls, or all of them (`QNECT_SITES`).
const SITES_SAMPLED: usize = 25;
const SITES: usize = 500;
/// Starts of one kind that fail.
const STARTS: usize = 8;
/// What an operator is told to do.
const REMEDIES: [&str; 4] = ["a restart", "start again", "check that", "restore"];
/// Lives that end with a failed sync, each followed by one that does not know of it.
const CYCLES: usize = 4;
/// Everything is read back after so many lives.
const INSPECT_EVERY: usize = 5;
/// Until when readiness is red after the first failure.
const RED_WITHIN: Duration = Duration::from_secs(1);
/// Until when the process is gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);
/// What a busy machine may add.
const BUSY: Duration = Duration::from_secs(2);
/// How long a test waits for a site to be reached.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

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
    let Some(mut ground) = Ground::new(seed(), SITES_SAMPLED) else { return };
    let sites = sites(&mut ground.random);
    for (turn, (kinds, from)) in sites.into_iter().enumerate() {
        let mut server = ground.start(&Faults::NONE);
        if turn % INSPECT_EVERY == 0 {
            ground.inspect(&server, &format!("before site {from}")).await;
        }
        let (how, lasting) = HOW[turn % HOW.len()];
        ground.disk.plan(&Faults { kinds, from, how, lasting, ..Faults::NONE });
        let end = until_gone(&mut ground, &mut server).await;
        let what = format!("site {from}, {how:?}: {}", ground.disk.happened().what);
        println!("{what}: {end:?}");
        assert_eq!(end.status.code(), Some(70), "{what}: {}", server.stderr());
        assert_eq!(end.acknowledged, 0, "{what}: acknowledged after it");
        assert!(end.ready_until < RED_WITHIN, "{what}: {end:?}");
        assert!(end.gone_after < GONE_WITHIN + BUSY, "{what}: {end:?}");
        ground.assert_faultless(&what);
        ground.lose_power(Loss::All, Names::WithFile);
    }
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "in the end").await;
    println!("{}", ground.oracle(|oracle| oracle.tally.to_string()));
}

/// The kernel takes what it could not write for written, and shows it to the next process: which must not build on it.
#[tokio::test]
async fn what_a_failed_sync_left_in_memory_is_not_taken_for_safe_after_a_restart() {
    let Some(mut ground) = Ground::new(seed(), CYCLES) else { return };
    // Of a slow disk commits are groups, which span more than the page that the next one begins in.
    let slow = Faults { sync: Duration::from_millis(20), ..Faults::NONE };
    for cycle in 0..CYCLES {
        let mut server = ground.start(&slow);
        ground.inspect(&server, &format!("cycle {cycle}")).await;
        let from = 5 + ground.random.below(20) as u64;
        ground.disk.plan(&Faults { kinds: Kinds::SYNC, from, ..slow });
        let end = until_gone(&mut ground, &mut server).await;
        assert_eq!(end.status.code(), Some(70), "{}", server.stderr());
        let first_life = ground.disk.log();
        // The machine goes on, and so does the disk.
        let server = ground.start(&Faults::NONE);
        ground.inspect(&server, &format!("cycle {cycle}, after the failure")).await;
        ground.yard.work_until_killed(server, Duration::from_millis(100)).await;
        let both = first_life.then(ground.disk.log());
        ground.lose_power_after(&both, Loss::All, Names::WithFile);
    }
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "in the end").await;
}

/// A start, on a folder that is there, whose nth call to the disk fails.
#[tokio::test]
async fn a_start_that_fails_says_what_to_do_and_the_next_one_succeeds() {
    let Some(mut ground) = Ground::new(seed(), 1) else { return };
    let server = ground.start(&Faults::NONE);
    ground.yard.work_until_killed(server, Duration::from_millis(200)).await;
    for kinds in [Kinds::CHANGES, Kinds::READ, Kinds::SYNC.and(Kinds::WRITE).and(Kinds::LENGTH)] {
        let server = ground.start(&Faults { kinds, ..Faults::NONE });
        let calls = ground.disk.happened().seen as usize;
        server.kill();
        let count = amount("QNECT_SITES", STARTS);
        for turn in 0..count.min(calls) {
            let from = if count < calls { 1 + ground.random.below(calls) } else { 1 + turn } as u64;
            let (how, lasting) = HOW[turn % HOW.len()];
            let begun = ground.try_start(&Faults { kinds, from, how, lasting, ..Faults::NONE });
            let what = format!("call {from} of {calls}, {how:?}: {}", ground.disk.happened().what);
            match begun {
                // The call comes later now, or never.
                Ok(server) => server.kill(),
                Err((status, told)) => {
                    assert_ne!(ground.disk.happened().failed, 0, "{what}: {told}");
                    assert_eq!(status.code(), Some(70), "{what}: {told}");
                    assert!(REMEDIES.iter().any(|remedy| told.contains(remedy)), "{what}: {told}");
                }
            }
            ground.lose_power(Loss::All, Names::WithFile);
        }
    }
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "in the end").await;
}

/// How a server ended after its disk failed.
#[derive(Debug)]
struct End {
    status: ExitStatus,
    /// Requests that were sent after the failure and acknowledged.
    acknowledged: usize,
    /// How long after the failure it still said that it was ready.
    ready_until: Duration,
    gone_after: Duration,
}

/// Everybody works until the disk fails and the process is gone.
async fn until_gone(ground: &mut Ground, server: &mut Server) -> End {
    let (door, ops, stop) = (Door::at(server.address), operations(server), Cell::new(false));
    let Ground { yard, disk, spare, .. } = ground;
    let (ready_until, acknowledged) = (Cell::new(Duration::ZERO), Cell::new(0));
    let failed = Cell::new(None);
    let since = |failed: SystemTime| failed.elapsed().unwrap_or_default();
    let end = async {
        let started = Instant::now();
        while disk.happened().first_failed.is_none() {
            assert!(started.elapsed() < PATIENCE, "the site is not reached: {:?}", disk.happened());
            tokio::time::sleep(LOOK_EVERY).await;
        }
        failed.set(disk.happened().first_failed);
        let status = server.ended(PATIENCE).await;
        stop.set(true);
        status
    };
    let ask = async {
        for n in 0.. {
            match (stop.get(), failed.get()) {
                (true, _) => return,
                (false, None) => tokio::time::sleep(LOOK_EVERY).await,
                (false, Some(_)) => {
                    let reply = door.open(spare, &format!("late-{n}")).await;
                    acknowledged.set(acknowledged.get() + usize::from(reply.told(201) == Told::Ok));
                }
            }
        }
    };
    let look = async {
        while !stop.get() {
            let asked = SystemTime::now();
            let ready = matches!(ops.get("/readyz").await, Reply::Answered(answer) if answer.status == 200);
            if let (true, Some(failed)) = (ready, failed.get()) {
                // As it was when it was asked.
                ready_until.set(asked.duration_since(failed).unwrap_or_default().max(ready_until.get()));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let ((), status, (), ()) = tokio::join!(yard.work(&door, &stop), end, ask, look);
    let gone_after = since(failed.get().expect("it failed"));
    End { status, acknowledged: acknowledged.get(), ready_until: ready_until.get(), gone_after }
}
