//! fjall's lock of a database, and what a making of it that was cut off leaves.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

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

/// Clears away an empty journal and an empty version of a database whose making was cut off: fjall would neither go on
/// with it nor begin anew.
pub(super) fn clear_unused(database: &Path) -> Result<(), StorageError> {
    let version = database.join("version");
    if std::fs::read(&version).is_ok_and(|content| !content.is_empty()) {
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
