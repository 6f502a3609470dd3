//! The fear: a repair loses what was acknowledged, or the only copy of what it cut off.
#![allow(clippy::unwrap_used)] // in helpers, too

mod rot_common;
mod store_common;

use std::path::{Path, PathBuf};

use qnect_storage::{Damage, Remedy, Repair, StorageError, repair, verify};
use rot_common::{Folder, LATE_SESSIONS, Outcome};
use store_common::{NOW, marked, master, open, try_open};

fn journal(folder: &Path) -> PathBuf {
    folder.join("db/1.jnl")
}

/// Where the batches of a journal end: behind what fjall ends each with.
fn ends(journal: &[u8]) -> Vec<usize> {
    journal.windows(4).enumerate().filter(|(_, four)| four == b"FJL\x03").map(|(at, _)| at + 4).collect()
}

fn mark(folder: &Path, sequence: u64) {
    let bytes = u128::from(sequence) << 64 | u128::from(!sequence);
    std::fs::write(folder.join("high-water.mark"), bytes.to_be_bytes()).unwrap();
}

#[test]
fn a_whole_folder_is_left_as_it_is() {
    let base = Folder::new();
    assert_eq!(
        repair(base.folder.path(), NOW).unwrap(),
        Repair { commit: Some(marked(base.folder.path())), ..Repair::default() }
    );
    assert_eq!(base.expected.look(base.folder.path(), 0), Outcome::Correct(LATE_SESSIONS as usize));
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let base = Folder::new();
    let storage = open(base.folder.path());
    assert!(matches!(repair(base.folder.path(), NOW), Err(StorageError::InUse(_))));
    drop(storage);
}

#[test]
fn a_torn_tail_is_cut_off_once_and_kept() {
    let base = Folder::new();
    let (folder, path) = (base.folder.path(), journal(base.folder.path()));
    let whole = std::fs::read(&path).unwrap();
    // The end of the last batch has reached the disk, and its middle has not: fjall would never open it.
    let ends = ends(&whole);
    let last = ends[ends.len() - 2];
    let mut torn = whole.clone();
    torn[last + 100..last + 150].fill(0);
    std::fs::write(&path, &torn).unwrap();
    mark(folder, marked(folder) - 1);

    let repaired = repair(folder, NOW).unwrap();
    let cut = repaired.cut.unwrap();
    assert_eq!((cut.at, cut.bytes, cut.commits), (last as u64, (whole.len() - last) as u64, None));
    assert_eq!(std::fs::read(cut.kept.join("1.jnl")).unwrap(), torn);
    assert!(cut.kept.ends_with("db.before-repair-20251121T000000Z"), "{}", cut.kept.display());
    assert_eq!(std::fs::read(&path).unwrap(), whole[..last]);
    assert_eq!(repair(folder, NOW).unwrap().cut, None, "there is nothing left to do");
    assert!(verify(folder, &master()).unwrap().is_clean());
    assert!(matches!(base.expected.look(folder, LATE_SESSIONS as usize - 1), Outcome::Correct(_)));
}

#[test]
fn what_was_safe_is_not_cut_off_and_nothing_is_changed() {
    let base = Folder::new();
    let (folder, path) = (base.folder.path(), journal(base.folder.path()));
    let whole = std::fs::read(&path).unwrap();
    let ends = ends(&whole);
    // Ten commits from the end one is damaged; those behind it say that it was safe, whatever the mark says.
    let at = ends[ends.len() - 11] + 30;
    for (marked_commits, damage_to) in [(0, at..at + 1), (10, at..at + 1), (10, at..whole.len())] {
        let copy = base.copy();
        mark(copy.path(), marked(folder) - 10 + marked_commits);
        let mut damaged = whole.clone();
        damaged[damage_to.clone()].fill(0xff);
        std::fs::write(journal(copy.path()), &damaged).unwrap();
        match repair(copy.path(), NOW).unwrap_err() {
            StorageError::Damaged(Damage { what, remedy, at: Some(at), .. }) => {
                assert_eq!(remedy, Remedy::Restore);
                assert_eq!(at, ends[ends.len() - 11] as u64);
                assert!(what.contains("acknowledged commits would be lost"), "{what}");
            }
            other => panic!("{other}"),
        }
        assert_eq!(std::fs::read(journal(copy.path())).unwrap(), damaged);
        assert!(try_open(copy.path()).is_err());
    }
    assert_eq!(std::fs::read(&path).unwrap(), whole);
}

/// Commits that nobody waits for are synced together: a crash may leave the second and not the first.
#[test]
fn a_hole_before_commits_that_were_never_synced_is_the_operators_to_cut() {
    let base = Folder::new();
    let folder = base.folder.path();
    let last = marked(folder);
    let mut expected = base.expected.clone();
    let storage = open(folder);
    storage.faults().close_gate();
    expected.remember_late(&storage);
    store_common::until("the first waits", || storage.faults().holds_a_commit());
    storage.faults().open_gate();
    store_common::until("it is written", || storage.commit_queue_depth() == 0);
    expected.remember_late(&storage);
    store_common::until("the second is written", || storage.commit_queue_depth() == 0);
    drop(storage);
    let whole = std::fs::read(journal(folder)).unwrap();
    let content = whole.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    let ends = ends(&whole[..content]);
    let from = ends[ends.len() - 3];
    assert_eq!(ends[ends.len() - 1], content);
    let mut torn = whole[..content].to_vec();
    torn[from + 40] ^= 1;
    std::fs::write(journal(folder), &torn).unwrap();
    mark(folder, last);

    let refused = try_open(folder).unwrap_err().to_string();
    assert!(refused.contains("qnect repair"), "{refused}");
    let cut = repair(folder, NOW).unwrap().cut.unwrap();
    let (first_behind, last_behind) = cut.commits.unwrap();
    assert!(first_behind == last_behind && last_behind > last + 1, "{first_behind} to {last_behind}");
    assert!(matches!(expected.look(folder, LATE_SESSIONS as usize), Outcome::Correct(_)));
}

#[test]
fn left_overs_are_removed() {
    let base = Folder::new();
    let folder = base.folder.path();
    std::fs::create_dir_all(folder.join("db.verify-7/db")).unwrap();
    std::fs::write(folder.join("high-water.mark.new"), "half").unwrap();
    std::fs::write(folder.join("keys.table.0123456789abcdef.new"), "half").unwrap();
    std::fs::write(folder.join("notes.new"), "an operator's").unwrap();
    let removed = repair(folder, NOW).unwrap().removed;
    assert_eq!(removed.len(), 3, "{removed:?}");
    assert!(folder.join("notes.new").exists());
    assert_eq!(base.expected.look(folder, 0), Outcome::Correct(LATE_SESSIONS as usize));
}
