//! The power fails, on one folder, again and again: what was not synced is gone, or a part of it, and nothing that was
//! acknowledged is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::disk::Faults;
use crate::folder::files;
use crate::ground::Ground;
use crate::random::{amount, seed};
use crate::rewind::{Loss, Names};
use crate::server::Server;

/// Cycles over one folder.
const CYCLES: usize = 20;
/// How long a server lives once it is ready, in milliseconds.
const LIFE_MS: (f64, f64) = (20.0, 800.0);
/// How long a sync takes at most, in milliseconds: so that the power often fails in the middle of one.
const SYNC_MS_MAX: usize = 10;

impl Ground {
    fn start_slowly(&mut self) -> Server {
        let sync = Duration::from_millis(self.random.below(SYNC_MS_MAX + 1) as u64);
        self.start(&Faults { sync, ..Faults::NONE })
    }

    /// Everybody works until the server is killed with the power.
    async fn live(&mut self, server: Server) {
        let life = self.random.short_rather_than_long(LIFE_MS.0, LIFE_MS.1);
        self.yard.work_until_killed(server, Duration::from_secs_f64(life / 1_000.0)).await;
    }
}

#[tokio::test]
async fn what_was_not_synced_is_lost_and_nothing_else() {
    let cycles = amount("QNECT_CYCLES", CYCLES);
    let Some(mut ground) = Ground::new(seed(), cycles) else { return };
    for cycle in 0..cycles {
        let server = ground.start_slowly();
        ground.inspect(&server, &format!("cycle {cycle}")).await;
        ground.live(server).await;
        let names = [Names::WithFile, Names::ByFolder][ground.random.below(2)];
        ground.lose_power([Loss::All, Loss::Tail][cycle % 2], names);
    }
    let server = ground.start_slowly();
    ground.inspect(&server, "in the end").await;
    println!("{cycles} cycles: {}; {:?}", ground.oracle(|oracle| oracle.tally.to_string()), ground.undone);
    assert!(4 * ground.undone.pieces >= cycles, "hardly anything was in danger: {:?}", ground.undone);
}

/// Without this, a call that goes past the library would make all the others say too much.
#[tokio::test]
async fn the_undo_log_knows_everything_that_a_server_does_to_its_folder() {
    let Some(mut ground) = Ground::new(seed(), 1) else { return };
    let data = ground.yard.folder.data();
    let before = contents(&data);
    let server = ground.start_slowly();
    ground.yard.work_until_killed(server, Duration::from_secs(2)).await;
    assert!(contents(&data) != before, "a server writes");
    ground.lose_power(Loss::SyncedToo, Names::WithFile);
    let after = contents(&data);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let differ: Vec<_> = before.iter().filter(|(path, bytes)| after[*path] != **bytes).map(|(path, _)| path).collect();
    assert_eq!(differ, Vec::<&PathBuf>::new());
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder).into_iter().collect()
}
