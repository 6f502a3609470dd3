//! The end of a server whose disk fails: nothing is acknowledged from then on, readiness is red within a second, and the process
//! is gone within five.

use std::cell::Cell;
use std::process::ExitStatus;
use std::time::{Duration, Instant, SystemTime};

use crate::driver::open;
use crate::exchange::{Door, Reply};
use crate::ground::{Ground, operations};
use crate::possible::Told;
use crate::server::Server;

/// Until when readiness is red after the first failure.
const RED_WITHIN: Duration = Duration::from_secs(1);
/// Until when the process is gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);
/// How long a test waits for the disk to fail.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Who fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failing {
    /// A call that somebody waits for: nothing is acknowledged from then on.
    Commit,
    /// A flush or a compaction beside the commits, which need nothing of it: a busy machine may take some milliseconds from the
    /// call that failed to the thread that learns of it. Nothing is acknowledged from the moment that readiness is red; what was
    /// before is in the books as acknowledged, and must be on the disk when the power is back.
    Beside,
}

/// How a server ended after its disk failed.
#[derive(Debug)]
struct End {
    status: ExitStatus,
    /// Requests that were acknowledged, and sent when nothing might be any more.
    acknowledged: usize,
    /// Requests that were acknowledged, and sent after the failing call, but before that.
    unaware: usize,
    /// How long after the failure it still said that it was ready.
    ready_until: Duration,
    gone_after: Duration,
}

/// Everybody works until the disk fails and the process is gone, which must be as it should. Returns how many were acknowledged
/// after a failing call of which the engine did not know yet.
pub(crate) async fn until_gone(ground: &mut Ground, server: &mut Server, failing: Failing, when: &str) -> usize {
    let end = work_until_gone(ground, server, failing).await;
    let what = format!("{when}: {}", ground.disk.happened().what);
    println!("{what}: {end:?}");
    assert_eq!(end.status.code(), Some(70), "{what}: {}", server.stderr());
    assert_eq!(end.acknowledged, 0, "{what}: acknowledged after it");
    assert!(end.ready_until < RED_WITHIN, "{what}: {end:?}");
    assert!(end.gone_after < GONE_WITHIN, "{what}: {end:?}");
    ground.assert_faultless(&what);
    end.unaware
}

async fn work_until_gone(ground: &mut Ground, server: &mut Server, failing: Failing) -> End {
    let (door, ops, stop) = (Door::at(server.address), operations(server), Cell::new(false));
    let (late, life) = ground.late();
    let Ground { yard, disk, .. } = ground;
    // None of these may be acknowledged, and one may be on the disk all the same: a flush fails beside the commits.
    let oracle = yard.oracle.clone();
    let (ready_until, acknowledged, unaware) = (Cell::new(Duration::ZERO), Cell::new(0), Cell::new(0));
    let (failed, is_red) = (Cell::new(None), Cell::new(false));
    let end = async {
        let started = Instant::now();
        while disk.happened().first_failed.is_none() {
            assert!(started.elapsed() < PATIENCE, "the disk does not fail: {:?}", disk.happened());
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
                    let counts = failing == Failing::Commit || is_red.get();
                    let (_, came) = open(&late, &format!("late-{life}-{n}"), &door, &oracle).await;
                    let Some(told) = came else { return };
                    let those = if counts { &acknowledged } else { &unaware };
                    those.set(those.get() + usize::from(told == Told::Ok));
                }
            }
        }
    };
    let look = async {
        while !stop.get() {
            // As it was when it was asked.
            let since = failed.get().and_then(|failed: SystemTime| failed.elapsed().ok());
            let ready = matches!(ops.get("/readyz").await, Reply::Answered(answer) if answer.status == 200);
            match since {
                Some(since) if ready => ready_until.set(since),
                Some(_) => is_red.set(true),
                None => {}
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let ((), status, (), ()) = tokio::join!(yard.work(&door, &stop), end, ask, look);
    let gone_after = failed.get().and_then(|failed| failed.elapsed().ok()).expect("it failed before it ended");
    End { status, acknowledged: acknowledged.get(), unaware: unaware.get(), ready_until: ready_until.get(), gone_after }
}
