//! fjall's lock of a database, and what a making of it that was cut off leaves.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use super::preflight::{VERSION, VERSION_CONTENT};
use crate::error::StorageError;

const LOCK: &str = "lock";
/// A process that ends lets go of its lock a moment later: so often it is tried, so far apart.
const TRIES: usize = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// Held, no engine has the database; `None` where there is no database to have.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "it is closed when the lock is dropped")] Option<File>);

impl Lock {
    /// # Errors
    /// [`StorageError::InUse`], [`StorageError::Folder`].
    pub(crate) fn take(database: &Path) -> Result<Self, StorageError> {
        let path = database.join(LOCK);
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self(None)),
            Err(e) => return Err(StorageError::folder(path, e)),
        };
        for last_try in (0..TRIES).rev() {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(e)) => return Err(StorageError::folder(path, e)),
                Err(TryLockError::WouldBlock) if last_try == 0 => return Err(StorageError::InUse(database.to_owned())),
                Err(TryLockError::WouldBlock) => std::thread::park_timeout(BETWEEN_TRIES),
            }
        }
        Ok(Self(Some(file)))
    }
}

/// Clears away an empty journal and an unfinished version of a database whose making was cut off: fjall would neither go on
/// with it nor begin anew.
pub(super) fn clear_unused(database: &Path) -> Result<(), StorageError> {
    let version = database.join(VERSION);
    if std::fs::read(&version).is_ok_and(|content| !is_unfinished(&content)) {
        return Ok(());
    }
    for path in [version, database.join("0.jnl")] {
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(StorageError::folder(path, e)),
        }
    }
    Ok(())
}

/// Whether this is the start of a version, be it that some of its bytes did not reach the disk.
fn is_unfinished(content: &[u8]) -> bool {
    let begins = content.iter().zip(VERSION_CONTENT).all(|(byte, wanted)| byte == wanted || *byte == 0);
    begins && content != VERSION_CONTENT && content.len() <= VERSION_CONTENT.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_making_that_was_cut_off_is_cleared_away() {
        for (content, cleared) in [
            (&b""[..], true),
            (b"FJL", true),
            (b"FJL\0", true),
            (b"\0\0\0\0", true),
            (b"FJL\x03", false),
            (b"FJL\x02", false),
            (b"FJL\x03\0", false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let journal = folder.path().join("0.jnl");
            std::fs::write(folder.path().join(VERSION), content).unwrap();
            std::fs::write(&journal, b"").unwrap();
            clear_unused(folder.path()).unwrap();
            assert_eq!(!journal.exists(), cleared, "{content:?}");
        }
    }
}
