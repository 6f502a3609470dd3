//! What can go wrong with keys, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// An error of the master key, of a seal or of the key table.
///
/// No text here holds a key, a plaintext or an id of a person. Every variant asks for a different action.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no file at the path of the master key.
    #[error(
        "{path}: no master key here: run `qnect keys init --key-file {path}`, or bring the file back from your copy"
    )]
    MasterMissing {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// Somebody other than the file's owner may read or write the master key.
    #[error("{path}: the master key is open to others (mode {mode:04o}): run `chmod 600 {path}`")]
    MasterExposed {
        /// The master key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not a master key file of a known version.
    #[error(
        "{path}: not a master key file: it must hold one line, `qnect-master-key-1` and 64 lower-case hex digits; \
         bring it back from your copy"
    )]
    MasterMalformed {
        /// The file that was read.
        path: PathBuf,
    },
    /// A new file was asked for where one exists already.
    #[error("{path}: exists already and is never overwritten, it may hold the only copy of a key: choose another path")]
    AlreadyExists {
        /// The existing file.
        path: PathBuf,
    },
    /// There is no key table at its path.
    #[error("{path}: no key table here: give the right path, or restore the key table from its own backup")]
    TableMissing {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// Another process, or another `KeyTable` of this one, holds the key table.
    #[error("{path}: the key table is in use: stop the other process first")]
    InUse {
        /// The key table.
        path: PathBuf,
    },
    /// The header of the key table does not open with this master key.
    #[error(
        "{path}: the key table does not open with this master key: give the master key file that it was made with; \
         if it is the right one, the header is damaged: restore the key table from its own backup"
    )]
    WrongMaster {
        /// The key table.
        path: PathBuf,
    },
    /// The key table says a format version that this program does not know.
    #[error(
        "{path}: format version {version} of the key table is unknown: install a newer qnect, \
         or restore the key table from its own backup"
    )]
    UnknownVersion {
        /// The key table.
        path: PathBuf,
        /// The version that it says.
        version: u8,
    },
    /// The key table holds an authentic entry of a kind that this program does not know.
    #[error("{path}: entry kind {kind} of the key table is unknown: install a newer qnect")]
    UnknownKind {
        /// The key table.
        path: PathBuf,
        /// The kind of the entry.
        kind: u64,
    },
    /// Bytes of the key table that were once acknowledged are not what was written.
    #[error("{path}: damaged at byte {offset}: keep this file aside and restore the key table from its own backup")]
    Damaged {
        /// The key table.
        path: PathBuf,
        /// Where the damaged block begins.
        offset: u64,
    },
    /// An earlier write or fsync of this key table failed; it takes no more keys.
    #[error("{path}: an earlier write failed, so no more keys are taken: check the disk, then restart")]
    Poisoned {
        /// The key table.
        path: PathBuf,
    },
    /// The operating system refused something.
    #[error("{path}: cannot {doing} ({cause}): check the path and the disk, then start again")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was attempted, as a verb: `read`, `write`, `fsync`.
        doing: &'static str,
        /// The operating system's answer.
        cause: io::Error,
    },
    /// The operating system has no random bytes.
    #[error("no random bytes from the operating system ({cause}): check its random source, then start again")]
    Random {
        /// The operating system's answer.
        cause: getrandom::Error,
    },
    /// A value is longer than the cipher can seal (256 GiB).
    #[error("field {field} of {keyspace} is too long to seal: store less in it")]
    TooLong {
        /// The keyspace of the place.
        keyspace: &'static str,
        /// The field number of the place.
        field: u16,
    },
    /// A sealed value does not open at this place with this key: it is damaged, or it belongs elsewhere.
    #[error("field {field} of {keyspace} does not open: it is damaged or belongs elsewhere; run verify")]
    DoesNotOpen {
        /// The keyspace of the place.
        keyspace: &'static str,
        /// The field number of the place.
        field: u16,
    },
}

impl KeyError {
    /// For `map_err`: the operating system refused to do `doing` at `path`.
    pub(super) fn io(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Io { path: path.to_owned(), doing, cause }
    }
}
