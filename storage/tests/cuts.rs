//! The fear: the end of a file is missing, or is what stood there before, and nobody says so.
#![allow(clippy::unwrap_used)] // in helpers, too

mod rot_common;
mod store_common;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rot_common::{Dice, Folder, Kind, LATE_SESSIONS, Outcome, Tally, number_of, with_each};
use store_common::{NOW, marked};

/// Cuts of the files of a kind, at least, dealt out evenly. The long form says how many of each file (`QNECT_CUTS=65536`):
/// one at each byte of its last 64 KiB, or of all of it if it is shorter.
const CUTS: u64 = 40;
/// Cuts of a journal of which a part is marked as safe; in the long form one at each of its bytes.
const CRASHES: u64 = 40;
/// How much of the end of a file is cut off at most.
const TAIL_BYTES: u64 = 64 * 1024;
const SECTOR: usize = 4_096;

const ALL: usize = LATE_SESSIONS as usize;

/// Moves the mark of a closed folder, as if the engine had been killed before it moved it.
fn mark(folder: &Path, sequence: u64) {
    let bytes = u128::from(sequence) << 64 | u128::from(!sequence);
    std::fs::write(folder.join("high-water.mark"), bytes.to_be_bytes()).unwrap();
}

fn journal(folder: &Path) -> std::path::PathBuf {
    folder.join("db/1.jnl")
}

#[test]
fn a_cut_file_is_told_or_loses_nothing() {
    let base = Folder::new();
    let mut dice = Dice::new();
    let mut cuts = Vec::new();
    for kind in Kind::ALL {
        let files = base.files(kind);
        let of_each = number_of("QNECT_CUTS").unwrap_or(CUTS.div_ceil(files.len() as u64));
        for file in files {
            let bytes = std::fs::metadata(base.folder.path().join(&file)).unwrap().len();
            let tail = bytes.min(TAIL_BYTES);
            let places = dice.some_or_all_below(tail, of_each);
            cuts.extend(places.into_iter().map(|place| (kind, file.clone(), bytes - tail + place, bytes)));
        }
    }
    let tally = Mutex::new(Tally::default());
    with_each(&cuts, |(kind, file, keep, bytes)| {
        let copy = base.copy();
        let path = copy.path().join(file);
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(*keep).unwrap();
        let outcome = base.expected.look(copy.path(), ALL);
        tally.lock().unwrap().count(*kind, &format!("{} cut at {keep} of {bytes}", file.display()), &outcome);
    });
    tally.into_inner().unwrap().finish();
}

#[test]
fn what_a_crash_cuts_off_costs_nothing_that_was_marked() {
    let base = Folder::new();
    let mut dice = Dice::new();
    let last = marked(base.folder.path());
    let bytes = std::fs::metadata(journal(base.folder.path())).unwrap().len();
    let places = dice.some_or_all_below(bytes + 1, number_of("QNECT_CUTS").unwrap_or(CRASHES));
    let crashes: Vec<_> = places.into_iter().map(|keep| (keep, dice.below(ALL as u64 + 1))).collect();
    let (told, cut_off) = (AtomicU64::new(0), AtomicU64::new(0));
    with_each(&crashes, |&(keep, safe)| {
        let copy = base.copy();
        mark(copy.path(), last - ALL as u64 + safe);
        std::fs::OpenOptions::new().write(true).open(journal(copy.path())).unwrap().set_len(keep).unwrap();
        match base.expected.look(copy.path(), safe as usize) {
            Outcome::Correct(_) => cut_off.fetch_add(1, Ordering::Relaxed),
            Outcome::Loud(_) => told.fetch_add(1, Ordering::Relaxed),
            wrong => panic!("cut at {keep}, {safe} safe: {wrong:?}"),
        };
        // And again: what was cut off is gone, what was refused is refused.
        assert!(!matches!(base.expected.look(copy.path(), safe as usize), Outcome::Silent(_) | Outcome::Panicked));
    });
    let (told, cut_off) = (told.into_inner(), cut_off.into_inner());
    println!("counted: {} cut journals: {told} told, {cut_off} cut off", told + cut_off);
    assert!(told > 0 && cut_off > 0);
}

#[test]
fn a_tail_of_zeros_garbage_or_old_content_is_told_or_loses_nothing() {
    let base = Folder::new();
    let mut dice = Dice::new();
    let last = marked(base.folder.path());
    let whole = std::fs::read(journal(base.folder.path())).unwrap();
    let overwrite = |what: &str, fill: &mut dyn FnMut(&mut [u8], &[u8])| {
        for sectors in 1..=3 {
            for is_marked in [true, false] {
                let copy = base.copy();
                let mut bytes = whole.clone();
                let from = (bytes.len() - sectors * SECTOR) / SECTOR * SECTOR;
                let (before, tail) = bytes.split_at_mut(from);
                fill(&mut tail[..SECTOR], before);
                std::fs::write(journal(copy.path()), &bytes).unwrap();
                let safe = if is_marked { ALL } else { 0 };
                mark(copy.path(), last - (ALL - safe) as u64);
                let outcome = base.expected.look(copy.path(), safe);
                println!("{what} {sectors} sectors from the end, marked {is_marked}: {outcome:?}");
                assert!(!matches!(outcome, Outcome::Silent(_) | Outcome::Panicked), "{what}: {outcome:?}");
                assert!(!is_marked || matches!(outcome, Outcome::Loud(_)), "{what}: {outcome:?}");
            }
        }
    };
    overwrite("zeros", &mut |tail, _| tail.fill(0));
    overwrite("garbage", &mut |tail, _| tail.iter_mut().for_each(|byte| *byte = dice.below(256) as u8));
    overwrite("old content", &mut |tail, before| tail.copy_from_slice(&before[before.len() - SECTOR..]));
}

#[test]
fn an_older_copy_of_a_part_is_told() {
    let base = Folder::new();
    let older = base.copy();
    let mut newer = base.expected.clone();
    let storage = store_common::open(base.folder.path());
    newer.add_late(&storage, 5);
    drop(storage);
    for (number, part) in ["db", "db/1.jnl"].into_iter().enumerate() {
        let copy = base.copy();
        let (from, to) = (older.path().join(part), copy.path().join(part));
        if from.is_dir() {
            std::fs::remove_dir_all(&to).unwrap();
            store_common::copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).unwrap();
        }
        let outcome = newer.look(copy.path(), ALL + 5);
        assert!(matches!(outcome, Outcome::Loud(_)), "{number} {part}: {outcome:?}");
    }
}

/// The key table lags behind the database, or the other way round.
#[test]
fn a_key_table_and_a_database_of_different_times_are_told_or_lose_nothing() {
    let base = Folder::new();
    let older = base.copy();
    let storage = store_common::open(base.folder.path());
    storage.register(&[store_common::owner(900)], NOW).unwrap();
    drop(storage);
    // An older key table would make everyone who came later look erased.
    let copy = base.copy();
    std::fs::copy(older.path().join("keys.table"), copy.path().join("keys.table")).unwrap();
    let outcome = base.expected.look(copy.path(), ALL);
    assert!(matches!(outcome, Outcome::Loud(_)), "{outcome:?}");
    // A newer key table has all the keys that an older database needs; the mark tells that it is older.
    let copy = base.copy();
    std::fs::remove_dir_all(copy.path().join("db")).unwrap();
    store_common::copy(&older.path().join("db"), &copy.path().join("db"));
    let outcome = base.expected.look(copy.path(), ALL);
    assert!(matches!(outcome, Outcome::Loud(_)), "{outcome:?}");
}

/// A keyspace's folder that was put back from an older copy fits to itself, and fjall takes it.
#[test]
fn an_older_copy_of_one_keyspace_is_told() {
    let base = Folder::new();
    let older = base.copy();
    let storage = store_common::open(base.folder.path());
    let mut newer = base.expected.clone();
    newer.add_late(&storage, 3);
    storage.register(&[store_common::owner(901)], NOW).unwrap();
    drop(storage);
    rot_common::flush(base.folder.path());
    std::fs::write(base.folder.path().join("db/2.jnl"), []).unwrap();
    std::fs::remove_file(journal(base.folder.path())).unwrap();
    assert_eq!(newer.look(base.copy().path(), ALL + 3), Outcome::Correct(ALL + 3));
    for keyspace in 1..=8 {
        for is_missing in [false, true] {
            let copy = base.copy();
            let part = format!("db/keyspaces/{keyspace}");
            std::fs::remove_dir_all(copy.path().join(&part)).unwrap();
            if !is_missing {
                store_common::copy(&older.path().join(&part), &copy.path().join(&part));
            }
            let outcome = newer.look(copy.path(), ALL + 3);
            // A keyspace in which nothing was written since is no older.
            let list = |folder: &std::path::Path| std::fs::read(folder.join(&part).join("current")).unwrap();
            let is_the_same = !is_missing && list(older.path()) == list(base.folder.path());
            match outcome {
                Outcome::Correct(_) if is_the_same => {}
                Outcome::Loud(_) if !is_the_same => {}
                other => panic!("keyspace {keyspace}, missing {is_missing}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_missing_file_is_told() {
    let base = Folder::new();
    let all = Kind::ALL.into_iter().flat_map(|kind| base.files(kind));
    for file in all.filter(|file| !file.ends_with("high-water.mark")) {
        let copy = base.copy();
        std::fs::remove_file(copy.path().join(&file)).unwrap();
        let outcome = base.expected.look(copy.path(), ALL);
        assert!(matches!(outcome, Outcome::Loud(_)), "{}: {outcome:?}", file.display());
    }
}
