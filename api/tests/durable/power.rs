//! The power fails, on one folder, again and again: what was not synced is gone, or a part of it, and nothing that was
//! acknowledged is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::disk::{Disk, Failure, Faults};
use crate::folder::{Folder, files, owner, stderr, stdout};
use crate::ground::Ground;
use crate::random::{Random, amount, seed};
use crate::rewind::{Loss, Names, rewind};
use crate::server::Server;

/// Cycles over one folder.
const CYCLES: usize = 20;
const CYCLES_TORN: usize = 6;
/// Imports that are cut off, of so many owners; and of those that were printed, how many are looked up.
const IMPORTS: usize = 8;
const OWNERS: usize = 50;
const LOOKED_UP: usize = 3;
const LAST_CALLS: usize = 20;
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
        self.yard.work_until_killed(server, Duration::from_secs_f64(life / 1_000.0), false).await;
    }
}

#[tokio::test]
async fn what_was_not_synced_is_lost_and_nothing_else() {
    let cycles = amount("QNECT_CYCLES", CYCLES);
    let mut ground = Ground::new(seed(), cycles);
    for cycle in 0..cycles {
        let server = ground.start_slowly();
        ground.inspect(&server, &format!("cycle {cycle}")).await;
        ground.live(server).await;
        let names = [Names::WithFile, Names::ByFolder][ground.random.below(2)];
        ground.lose_power([Loss::All, Loss::Tail][cycle % 2], names);
    }
    let server = ground.start_slowly();
    ground.inspect(&server, "in the end").await;
    println!("counted: {cycles} cycles: {}; {:?}", ground.oracle(|oracle| oracle.tally.to_string()), ground.undone);
    assert!(4 * ground.undone.pieces >= cycles, "hardly anything was in danger: {:?}", ground.undone);
}

/// A disk may write the pieces of what was not synced in any order.
#[tokio::test]
async fn what_was_not_synced_is_torn_and_nothing_acknowledged_is_lost() {
    let cycles = amount("QNECT_CYCLES", CYCLES_TORN);
    let mut ground = Ground::new(seed(), cycles);
    let mut refused = 0;
    for cycle in 0..cycles {
        let server = ground.start_slowly();
        ground.inspect(&server, &format!("cycle {cycle}")).await;
        ground.live(server).await;
        let (log, whole) = (ground.disk.log(), contents(&ground.yard.folder.data()));
        ground.lose_power(Loss::Torn([512, 4_096][cycle % 2]), Names::WithFile);
        let Err((status, told)) = ground.try_start(&Faults::NONE).map(Server::kill) else { continue };
        refused += 1;
        println!("cycle {cycle}: refused: {told}");
        assert_eq!(status.code(), Some(70), "{told}");
        assert!(told.contains("repair"), "what to do: {told}");
        if ground.yard.folder.operate(&["repair"]).status.success() {
            continue;
        }
        whole.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).expect("what there was"));
        ground.lose_power_after(&log, Loss::Tail, Names::WithFile);
    }
    let server = ground.start_slowly();
    ground.inspect(&server, "in the end").await;
    println!("counted: {cycles} cycles, {refused} refused: {}", ground.oracle(|oracle| oracle.tally.to_string()));
}

/// The folder is new, and the power fails in the middle of its making, or later.
#[tokio::test]
async fn an_import_that_loses_power_is_begun_again_and_keeps_what_it_printed() {
    let mut disk = Disk::build();
    let (turns, owners) = (amount("QNECT_SITES", IMPORTS), amount("QNECT_OWNERS", OWNERS));
    let mut random = Random::of(seed(), 0);
    let folder = Folder::new();
    let root = folder.data().parent().expect("a folder around it").to_owned();
    let lines: String = (0..owners).map(|n| format!("{}\n", owner(&format!("+9198{n:08}")))).collect();
    std::fs::write(folder.path("many.ndjson"), lines).expect("a written file");
    let (mut calls, mut kept) = (0, 0);
    for turn in 0..=turns {
        // The first one tells how many calls there are; the last calls are those behind which something was printed.
        let from = match (turn, turn % 2) {
            (0, _) => 0,
            (_, 0) => 1 + random.below(calls),
            (_, _) => calls - random.below(LAST_CALLS.min(calls)),
        };
        disk.plan(&Faults { from: from as u64, how: Failure::Killed, ..Faults::NONE });
        let config = folder.text("qnect.toml");
        let mut import = folder.command(&["import", "--config", &config, &folder.text("many.ndjson")]);
        let output = import.envs(disk.environment(&root, true)).output().expect("the binary runs");
        let printed: Vec<String> = stdout(&output).lines().filter_map(code_of).collect();
        let happened = disk.happened();
        assert_eq!(output.status.success(), happened.failed == 0, "{}", stderr(&output));
        calls = calls.max(happened.seen as usize);
        let (loss, names) = ([Loss::All, Loss::Tail][turn / 2 % 2], [Names::ByFolder, Names::WithFile][turn / 4 % 2]);
        let undone = rewind(&disk.log(), &root, loss, names, &mut random);
        println!(
            "call {from} of {calls}: {}; {} printed; {loss:?}, {names:?}: {undone:?}",
            happened.what,
            printed.len()
        );

        let what = format!("killed before call {from}, {}; {loss:?}, {names:?}", happened.what);
        let again = folder.import_text(owner("+919700000001").to_string().as_bytes());
        assert!(again.status.success(), "{what}: {}", stderr(&again));
        for code in printed.iter().take(LOOKED_UP) {
            let found = folder.operate(&["tags", "show", code]);
            assert!(found.status.success(), "{what}: {}", stderr(&found));
        }
        kept += printed.len();
        std::fs::remove_dir_all(folder.data()).expect("a folder that can be removed");
    }
    println!(
        "counted: {turns} imports of {owners} owners that lost power, of {calls} calls each; {kept} owners printed"
    );
}

fn code_of(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(line["tag_code"].as_str()?.to_owned())
}

/// Without this, a call that goes past the library would make all the others say too much.
#[tokio::test]
async fn the_undo_log_knows_everything_that_a_server_does_to_its_folder() {
    let mut ground = Ground::new(seed(), 1);
    let data = ground.yard.folder.data();
    let before = contents(&data);
    let server = ground.start_slowly();
    ground.yard.work_until_killed(server, Duration::from_secs(2), false).await;
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
