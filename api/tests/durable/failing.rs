//! A call to the disk fails: from then on nothing is acknowledged, readiness is red within a second, the process ends with 70
//! within five, and on a disk that works again everything that was acknowledged is there.

use std::cell::Cell;
use std::process::ExitStatus;
use std::time::{Duration, Instant, SystemTime};

use crate::disk::{Failure, Faults};
use crate::exchange::{Door, Reply};
use crate::ground::{Ground, operations};
use crate::possible::Told;
use crate::random::{Random, seed};
use crate::rewind::{Loss, Names};
use crate::server::Server;

/// The sites of one run: sampled from the first so many calls, or all of them (`QNECT_SITES`).
const SITES_SAMPLED: usize = 25;
const SITES: usize = 500;
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

/// The calls that fail, each in a life of its own.
fn sites(random: &mut Random) -> Vec<u64> {
    match std::env::var("QNECT_SITES") {
        Ok(text) => (1..=text.parse().expect("QNECT_SITES is a whole number")).collect(),
        Err(_) => (0..SITES_SAMPLED).map(|_| 1 + random.below(SITES) as u64).collect(),
    }
}

#[tokio::test]
async fn after_the_first_failure_nothing_is_acknowledged_and_the_process_ends() {
    let Some(mut ground) = Ground::new(seed(), SITES_SAMPLED) else { return };
    let sites = sites(&mut ground.random);
    for (turn, from) in sites.into_iter().enumerate() {
        let mut server = ground.start(&Faults::NONE);
        ground.inspect(&server, &format!("before site {from}")).await;
        let (how, lasting) = HOW[turn % HOW.len()];
        ground.disk.plan(&Faults { from, how, lasting, ..Faults::NONE });
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
    println!("{}", ground.oracle(|oracle| oracle.summary()));
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
