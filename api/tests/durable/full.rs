//! No space is left on the disk: nothing is acknowledged any more, the process ends, and once there is space everything that
//! was acknowledged is there.

use std::time::Duration;

use crate::disk::Faults;
use crate::driver::{open, take};
use crate::ending::{Failing, until_gone};
use crate::exchange::{Door, Reply};
use crate::ground::Ground;
use crate::possible::Told;
use crate::random::{amount, seed};
use crate::script::Step;

/// How often the disk becomes full.
const CYCLES: usize = 4;
/// Bytes that are left at most.
const SPACE_MAX: usize = 100_000;

/// Bytes that are free on a disk that is all but full: less than a hundredth of any, and not none.
const HARDLY_ANY: u64 = 1024 * 1024;
/// How long a test waits for the engine to look at its disk.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_disk_that_becomes_full_ends_the_process_and_loses_nothing() {
    let cycles = amount("QNECT_CYCLES", CYCLES);
    let mut ground = Ground::new(seed(), cycles);
    for cycle in 0..cycles {
        let mut server = ground.start(&Faults::NONE);
        ground.inspect(&server, &format!("cycle {cycle}")).await;
        let space = Some(ground.random.below(SPACE_MAX) as u64);
        ground.disk.plan(&Faults { space, ..Faults::NONE });
        until_gone(&mut ground, &mut server, Failing::Commit, &format!("cycle {cycle}, {space:?} bytes left")).await;

        // Still full: it says so, and spoils nothing.
        let (status, told) = match ground.try_start(&Faults { space: Some(0), ..Faults::NONE }) {
            Err(refused) => refused,
            Ok(mut server) => {
                until_gone(&mut ground, &mut server, Failing::Commit, &format!("cycle {cycle}, started without space"))
                    .await;
                continue;
            }
        };
        assert_eq!(status.code(), Some(70), "cycle {cycle}: {told}");
        assert!(told.to_lowercase().contains("no space left"), "cycle {cycle}: {told}");
    }
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "in the end").await;
    println!("counted: {cycles} full disks: {}", ground.oracle(|oracle| oracle.tally.to_string()));
}

#[tokio::test]
async fn a_disk_that_is_all_but_full_takes_no_new_sessions_and_calls_go_on() {
    let mut ground = Ground::new(seed(), 1);
    let server = ground.start(&Faults::NONE);
    let door = Door::at(server.address);
    let (id, told) = open(&ground.yard.codes[0], "before", &door, &ground.yard.oracle).await;
    assert_eq!(told, Some(Told::Ok));

    ground.disk.plan(&Faults { free: Some(HARDLY_ANY), ..Faults::NONE });
    let refused = until_answered(&door, &ground.spare, 503).await;
    assert!(refused.parse::<u64>().is_ok_and(|seconds| seconds > 0), "how long to wait: {refused:?}");
    let scan = door.get(&format!("/q/{}", ground.spare)).await;
    assert!(matches!(&scan, Reply::Answered(answer) if answer.status == 200), "{scan:?}");
    for step in [Step::Arrive, Step::Key, Step::Whisper] {
        assert_eq!(take(id, step, &door, &ground.yard.oracle).await, Some(Told::Ok), "{step:?}");
    }

    ground.disk.plan(&Faults::NONE);
    until_answered(&door, &ground.spare, 201).await;
    ground.assert_faultless("in the end");
}

/// Asks for sessions until the answer has this status; its `Retry-After`.
async fn until_answered(door: &Door, code: &str, status: u16) -> String {
    let answered = async {
        for n in 0.. {
            match door.open(code, &format!("{status}-{n}")).await {
                Reply::Answered(answer) if answer.status == status => return answer.header("retry-after").to_owned(),
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
        unreachable!("numbers have no end")
    };
    tokio::time::timeout(PATIENCE, answered).await.expect("another answer")
}
