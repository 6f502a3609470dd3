//! No space is left on the disk: nothing is acknowledged any more, the process ends, and once there is space everything that
//! was acknowledged is there.

use crate::disk::Faults;
use crate::ending::until_gone;
use crate::ground::Ground;
use crate::random::{amount, seed};

/// How often the disk becomes full.
const CYCLES: usize = 6;
/// Bytes that are left at most.
const SPACE_MAX: usize = 100_000;

#[tokio::test]
async fn a_disk_that_becomes_full_ends_the_process_and_loses_nothing() {
    let cycles = amount("QNECT_CYCLES", CYCLES);
    let Some(mut ground) = Ground::new(seed(), cycles) else { return };
    for cycle in 0..cycles {
        let mut server = ground.start(&Faults::NONE);
        ground.inspect(&server, &format!("cycle {cycle}")).await;
        let space = Some(ground.random.below(SPACE_MAX) as u64);
        ground.disk.plan(&Faults { space, ..Faults::NONE });
        until_gone(&mut ground, &mut server, &format!("cycle {cycle}, {space:?} bytes left")).await;

        // Still full: it says so, and spoils nothing.
        let (status, told) = match ground.try_start(&Faults { space: Some(0), ..Faults::NONE }) {
            Err(refused) => refused,
            Ok(mut server) => {
                until_gone(&mut ground, &mut server, &format!("cycle {cycle}, started without space")).await;
                continue;
            }
        };
        assert_eq!(status.code(), Some(70), "cycle {cycle}: {told}");
        assert!(told.to_lowercase().contains("no space left"), "cycle {cycle}: {told}");
    }
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "in the end").await;
    println!("{}", ground.oracle(|oracle| oracle.summary()));
}
