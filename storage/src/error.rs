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
    #[error("the data folder {path}: {source}; check that it exists and belongs to this user")]
    Folder {
        /// Which folder or file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Keys are missing, damaged, or of another master.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The database refused or lost something.
    #[error("the database failed: {0}; restore a backup if a restart does not help")]
    Database(#[from] fjall::Error),
    /// A stored value cannot be read.
    #[error("a record of {keyspace} cannot be read ({what}); the folder is damaged or was written by a newer version")]
    Unreadable {
        /// In which keyspace.
        keyspace: &'static str,
        /// What was wrong, without its content.
        what: &'static str,
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
    /// The commit thread has stopped.
    #[error("the store has stopped after an earlier failure; restart the process")]
    Stopped,
}

impl StorageError {
    pub(crate) fn folder(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Folder { path: path.into(), source }
    }
}
