//! The fear: the end of a file is missing, or is what stood there before, and nobody says so.
#![allow(clippy::unwrap_used)] // in helpers, too

mod rot_common;
mod store_common;

use std::path::Path;

use rot_common::{Dice, Folder, Kind, LATE_SESSIONS, Outcome, Tally, number_of};
use store_common::{NOW, marked};

/// Cuts, dealt out over the kinds of files; in the long form (`QNECT_CUTS=65536`), every byte of the last 64 KiB of a
/// journal, and as many of the others.
const CUTS: u64 = 200;
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
    let mut tally = Tally::default();
    let cuts = number_of("QNECT_CUTS").unwrap_or(CUTS / Kind::ALL.len() as u64);
    for kind in Kind::ALL {
        for number in 0..cuts {
            let copy = base.copy();
            let file = dice.pick(&base.files(kind)).clone();
            let path = copy.path().join(&file);
            let bytes = std::fs::metadata(&path).unwrap().len();
            let tail = bytes.min(TAIL_BYTES);
            let is_long = cuts >= tail && kind == Kind::Journal;
            let cut = if is_long { number % tail } else { dice.below(tail) };
            let keep = bytes - tail + cut;
            std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(keep).unwrap();
            let outcome = base.expected.look(copy.path(), ALL);
            tally.count(kind, &format!("{} cut at {keep} of {bytes}", file.display()), &outcome);
        }
    }
    tally.finish();
}

#[test]
fn what_a_crash_cuts_off_costs_nothing_that_was_marked() {
    let base = Folder::new();
    let mut dice = Dice::new();
    let last = marked(base.folder.path());
    let bytes = std::fs::metadata(journal(base.folder.path())).unwrap().len();
    let (mut told, mut cut_off) = (0, 0);
    for _ in 0..number_of("QNECT_CUTS").unwrap_or(40) {
        let copy = base.copy();
        let safe = dice.below(ALL as u64 + 1);
        mark(copy.path(), last - ALL as u64 + safe);
        let keep = dice.below(bytes + 1);
        std::fs::OpenOptions::new().write(true).open(journal(copy.path())).unwrap().set_len(keep).unwrap();
        match base.expected.look(copy.path(), safe as usize) {
            Outcome::Correct(_) => cut_off += 1,
            Outcome::Loud(_) => told += 1,
            wrong => panic!("cut at {keep}, {safe} safe: {wrong:?}"),
        }
        // And again: what was cut off is gone, what was refused is refused.
        assert!(!matches!(base.expected.look(copy.path(), safe as usize), Outcome::Silent(_) | Outcome::Panicked));
    }
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
