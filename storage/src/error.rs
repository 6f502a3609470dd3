//! What can go wrong with a store, by what its reader has to do.

use std::path::PathBuf;

use crate::keys::KeyError;

/// A storage failure. After open, any of these means: stop acknowledging, go not-ready, exit with 70.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Another process has the folder.
    #[error("the data folder {0} is in use by another process; stop it first, or choose another data_dir")]
    InUse(PathBuf),
    /// The folder cannot be made, read or written.
    #[error("the data folder {path}: {source}; {}", advice(source))]
    Folder {
        /// Which folder or file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A restore has begun in the folder and not come to its end.
    #[error("the data folder {0} holds a restore that did not come to its end; run `qnect restore` again")]
    HalfRestored(PathBuf),
    /// Keys are missing, damaged, or of another master.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The database refused or lost something.
    #[error("the database failed: {cause}; {advice}", cause = .0, advice = database_advice(.0))]
    Database(#[from] fjall::Error),
    /// A stored value cannot be read.
    #[error("a record of {keyspace} cannot be read ({what}); the folder is damaged or was written by a newer version")]
    Unreadable {
        /// In which keyspace.
        keyspace: &'static str,
        /// What was wrong, without its content.
        what: &'static str,
    },
    /// Bytes of the database are not what was written, or something of it is missing.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// What could be read a moment before could not be read again while the database was opened, which cuts a journal there.
    #[error(
        "{path} could be read a moment ago, and not beyond byte {at} while the database was opened: check the disk, then \
         start again; the journal is whole again, and nothing is lost"
    )]
    CutByOpening {
        /// The journal.
        path: PathBuf,
        /// Where it had been cut.
        at: u64,
    },
    /// The database is older than what was once safe in it.
    #[error(
        "the database ends at commit {found}, but commit {marked} was safe once: acknowledged records are missing; \
         do not serve from this folder, restore a backup or the whole folder"
    )]
    Lost {
        /// The last commit in the database.
        found: u64,
        /// The last commit that is known to have been safe.
        marked: u64,
    },
    /// A newer program wrote the folder.
    #[error(
        "the data folder has format {found}, and this program reads up to {known}; start the newer qnect that wrote it, \
         or restore a backup from before the upgrade into another folder"
    )]
    Newer {
        /// The folder's format.
        found: u32,
        /// The newest format that is known here.
        known: u32,
    },
    /// The key table is older than the database, or another's: keys of people are missing.
    #[error(
        "the key table is older than the database, or another's: it has {found} entries of epoch {epoch}, and the last \
         commit knew {expected} of epoch {expected_epoch}; put the keys.table back that belongs to this database"
    )]
    OldKeys {
        /// The epoch of the table that is there.
        epoch: u64,
        /// Its entries.
        found: u64,
        /// The epoch that the last commit knew.
        expected_epoch: u64,
        /// The entries that it knew.
        expected: u64,
    },
    /// The disk is nearly full, and this would fill it.
    #[error(
        "the disk of the data folder is nearly full; free some space, or lower storage.free_percent_min, and try again"
    )]
    NoSpace,
    /// The commit thread has stopped.
    #[error("the store has stopped after an earlier failure; restart the process")]
    Stopped,
}

/// What helps against what the operating system said.
fn advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "free some space, then start again",
        _ if error.raw_os_error() == Some(INPUT_OUTPUT_ERROR) => "check the disk, then start again",
        _ => "check that it exists and belongs to this user",
    }
}

/// A full or broken disk is no reason to put an older database in the place of a good one.
fn database_advice(error: &fjall::Error) -> &'static str {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(lsm_tree::Error::Io(error)) => match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "free some space, then start again",
            _ => "check the disk, then start again; restore a backup only if `qnect verify` finds damage",
        },
        _ => "restore a backup if a restart does not help",
    }
}

/// `EIO`: the disk could not do it.
const INPUT_OUTPUT_ERROR: i32 = 5;

impl StorageError {
    pub(crate) fn folder(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Folder { path: path.into(), source }
    }
}

/// Damage to a database: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}: {what}; {remedy}", at.map(|at| format!(" at byte {at}")).unwrap_or_default())]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// Where in it, if it is one place.
    pub at: Option<u64>,
    /// What is wrong, without anything of its content.
    pub what: String,
    /// What to do.
    pub remedy: Remedy,
}

impl Damage {
    /// The library that reads a database may panic over bytes that it did not write.
    pub(crate) fn told_by_panic(path: impl Into<PathBuf>) -> Self {
        Self::of(path, "the database library panics over it", Remedy::Restore)
    }

    pub(crate) fn of(path: impl Into<PathBuf>, what: impl Into<String>, remedy: Remedy) -> Self {
        Self { path: path.into(), at: None, what: what.into(), remedy }
    }

    pub(crate) fn at(path: impl Into<PathBuf>, at: usize, what: impl Into<String>, remedy: Remedy) -> Self {
        Self { at: Some(at as u64), ..Self::of(path, what, remedy) }
    }
}

/// What helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Acknowledged records may be gone.
    Restore,
    /// Nothing is gone that is known to have been acknowledged.
    Repair,
}

impl std::fmt::Display for Remedy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Restore => "do not serve from this folder: keep it aside, and restore a backup into an empty one",
            Self::Repair => "run `qnect repair --config FILE`, which keeps the original",
        })
    }
}
