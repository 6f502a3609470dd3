//! What can go wrong with backups, by what its reader has to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::StorageError;
use crate::keys::KeyError;

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Another one is under way.
    #[error("a backup of this store is being made already; wait for its end")]
    Busy,
    /// The store was closed, or nobody takes the backup any more.
    #[error("the backup was broken off because the store was closed; make it again")]
    BrokenOff,
    /// The store failed before: what it holds now is nothing to keep.
    #[error(
        "the store has failed, so no backup is made of it; restart it, and run `qnect verify` if that does not help"
    )]
    Failed,
    /// A keyspace cannot be read as a whole.
    #[error(
        "{keyspace} cannot be backed up: {cause}; no backup was made; run `qnect verify`, and restore the last good backup \
         if the folder is damaged"
    )]
    Source {
        /// Which keyspace.
        keyspace: &'static str,
        /// What was wrong.
        cause: StorageError,
    },
    /// Keys cannot be read or made.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The data folder, or the database that is made in it.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The operating system refused something.
    #[error("{path}: cannot {doing} ({cause}); check the path and the disk, then try again")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was attempted, as a verb.
        doing: &'static str,
        /// The operating system's answer.
        cause: io::Error,
    },
    /// The file is something else.
    #[error("{path}: no backup of qnect's database; name a file that `qnect backup` has written")]
    NotABackup {
        /// The file.
        path: PathBuf,
    },
    /// The file says a format version that this program does not know.
    #[error(
        "{path}: format version {found} of the backup is unknown, this qnect reads version {known}; install a newer qnect"
    )]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// The version that it says.
        found: u8,
        /// The version that is read.
        known: u8,
    },
    /// The first chunk does not open.
    #[error(
        "{path}: the backup does not open with this master key; set storage.key_file to the key that it was made with; \
         if it is the right one, the file is damaged: take another backup"
    )]
    WrongMaster {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what was written.
    #[error("{path}: damaged at byte {offset} ({what}); take another copy of it, or another backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged chunk begins.
        offset: u64,
        /// What was wrong.
        what: &'static str,
    },
    /// Something stands where a backup is to be restored.
    #[error(
        "{folder}: not empty ({found} stands there), and nothing is ever restored over it; name an empty folder as \
         storage.data_dir, or one that holds only keys.table"
    )]
    NotEmpty {
        /// The data folder.
        folder: PathBuf,
        /// What stands there.
        found: String,
    },
    /// Another restore has the folder.
    #[error("{folder}: another restore is under way in it; wait for its end")]
    Restoring {
        /// The data folder.
        folder: PathBuf,
    },
    /// No key table was given, and none stands in the folder.
    #[error(
        "{folder}: without its key table nothing of a backup can be read; add `--keys FILE` with the last file that \
         `qnect keys backup` has written, or copy keys.table there"
    )]
    KeysMissing {
        /// The data folder.
        folder: PathBuf,
    },
    /// A key table was given, and another stands in the folder.
    #[error(
        "{path}: stands there already and is another than the one given; leave out --keys to use it, or move it away"
    )]
    KeysThere {
        /// The key table in the folder.
        path: PathBuf,
    },
    /// The key table lacks keys of the backup.
    #[error(
        "the key table is older than the backup (epoch {epoch} with {entries} keys, the backup needs epoch {needs_epoch} with \
         {needs_entries}), so people's records could not be read; take a later key table"
    )]
    KeysOlder {
        /// Its epoch.
        epoch: u64,
        /// Its entries.
        entries: u64,
        /// The epoch of the backup's.
        needs_epoch: u64,
        /// The entries of the backup's.
        needs_entries: u64,
    },
    /// The key table was made for another database.
    #[error("the key table belongs to another database; take the key table of the one that was backed up")]
    KeysOfAnother,
    /// What was restored is not what was backed up.
    #[error(
        "what was written to {folder} does not read back as it was ({what}), so it is not put into its place; check the \
         disk, and restore into another folder"
    )]
    Differs {
        /// Where it was built.
        folder: PathBuf,
        /// What differs.
        what: &'static str,
    },
}

impl BackupError {
    /// For `map_err`: the operating system refused to do `doing` at `path`.
    pub(super) fn io(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Io { path: path.to_owned(), doing, cause }
    }
}
