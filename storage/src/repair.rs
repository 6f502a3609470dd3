//! Repairing a folder that a start refuses, where nothing that was acknowledged is lost by it.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp as Instant;
use qnect_core::time::Timestamp;

use crate::error::StorageError;
use crate::journal::{End, Tail, list};
use crate::mark::HighWaterMark;
use crate::verify::{Lock, Preflight, SHADOWS, copy_journal};

/// What tools that were killed leave in a data folder: how their names begin, and how they end.
const LEFT_OVERS: [(&str, &str); 3] = [(SHADOWS, ""), ("high-water.mark", ".new"), ("keys.table.", ".new")];

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repair {
    /// What was cut off; `None`: the journals end as they should.
    pub cut: Option<Cut>,
    /// Left-overs of tools that were killed: they are removed.
    pub removed: Vec<PathBuf>,
    /// The last commit in the journals, if any is in them.
    pub commit: Option<u64>,
}

/// What a repair cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// From which journal.
    pub journal: PathBuf,
    /// Behind which byte.
    pub at: u64,
    /// How many bytes.
    pub bytes: u64,
    /// The first and the last whole commit in them, none of which is known to have been acknowledged.
    pub commits: Option<(u64, u64)>,
    /// Where the journals are as they were before.
    pub kept: PathBuf,
}

/// Cuts off what stands behind the last good commit, once copies of all journals are on stable storage in a folder beside
/// the database that is named by `now`, and removes what tools that were killed left behind. Done again, it does nothing.
/// Blocks.
///
/// # Errors
/// [`StorageError::InUse`]; [`StorageError::Damaged`] and [`StorageError::Lost`] where commits would be lost that were safe
/// once, or the damage is none that a cut mends: nothing is changed then; [`StorageError::Folder`].
pub fn repair(folder: &Path, now: Timestamp) -> Result<Repair, StorageError> {
    let database = folder.join("db");
    let _lock = Lock::take(&database)?;
    let marked = HighWaterMark::at(folder.join("high-water.mark")).read()?;
    let preflight = Preflight::of_locked(&database, marked)?;
    preflight.prove()?;
    let (safe, last) = preflight.safe_and_last();
    let (tail, commits) = match preflight.end() {
        End::Clean => (None, None),
        End::Torn(tail) => (Some(tail), None),
        End::Hole { tail, behind } => (Some(tail), Some(*behind)),
    };
    // A hole in front of commits that may go is the one thing that a start refuses and a repair does not.
    if commits.is_none() || last.is_none_or(|last| last < safe) {
        preflight.judge()?;
    }
    let cut = tail.map(|tail| cut(tail, commits, &database, now)).transpose()?;
    let removed = remove_left_overs(folder).map_err(|e| StorageError::folder(folder, e))?;
    Ok(Repair { cut, removed, commit: last })
}

fn cut(tail: &Tail, commits: Option<(u64, u64)>, database: &Path, now: Timestamp) -> Result<Cut, StorageError> {
    let kept = database.with_file_name(format!("db.before-repair-{}", utc(now)));
    keep(database, &kept)?;
    tail.cut().map_err(|e| StorageError::folder(&tail.path, e))?;
    Ok(Cut { journal: tail.path.clone(), at: tail.good_bytes, bytes: tail.more_bytes, commits, kept })
}

/// Copies all journals.
fn keep(database: &Path, kept: &Path) -> Result<(), StorageError> {
    let failed = |e| StorageError::folder(kept, e);
    DirBuilder::new().mode(0o700).create(kept).map_err(failed)?;
    for journal in list(database)? {
        let copy = kept.join(journal.file_name().unwrap_or_default());
        copy_journal(&journal, &copy).and_then(|()| File::open(&copy)?.sync_all()).map_err(failed)?;
    }
    let beside = kept.parent().unwrap_or(Path::new("."));
    File::open(kept).and_then(|folder| folder.sync_all()).map_err(failed)?;
    File::open(beside).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn remove_left_overs(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !LEFT_OVERS.iter().any(|(begins, ends)| name.starts_with(begins) && name.ends_with(ends)) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
        removed.push(entry.path());
    }
    removed.sort();
    Ok(removed)
}

/// `20261122T062500Z`
fn utc(now: Timestamp) -> String {
    let at = i64::try_from(now.as_millis()).ok().and_then(|ms| Instant::from_millisecond(ms).ok());
    at.unwrap_or(Instant::MAX).strftime("%Y%m%dT%H%M%SZ").to_string()
}
