//! The high-water mark: the last commit that is known to be safe, in a file beside the database.
//!
//! fjall drops everything behind a damaged byte of its journal without a word (fjall#311), so a database that opens is
//! not yet a whole one. A mark above the recovered sequence turns that into a loud refusal to serve.
//!
//! The file holds 16 bytes: the sequence (big-endian) and its bitwise complement, as a check.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::watch;

use crate::error::StorageError;
use crate::failure::Failure;
use crate::watchdog::Progress;

/// How often the high-water mark is written.
const MARK_EVERY: Duration = Duration::from_secs(1);

/// The mark of one data folder.
pub(crate) struct HighWaterMark {
    path: PathBuf,
}

impl HighWaterMark {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The marked sequence; 0 where there is no mark yet.
    pub(crate) fn read(&self) -> Result<u64, StorageError> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            Err(e) => return Err(StorageError::folder(&self.path, e)),
        };
        let unreadable = StorageError::Unreadable { keyspace: "high-water.mark", what: "its check is wrong" };
        let whole: [u8; 16] = bytes
            .try_into()
            .map_err(|_| StorageError::Unreadable { keyspace: "high-water.mark", what: "it is not 16 bytes long" })?;
        let value = u128::from_be_bytes(whole);
        let (sequence, complement) = ((value >> 64) as u64, value as u64);
        if sequence == !complement { Ok(sequence) } else { Err(unreadable) }
    }

    /// Moves the mark; a crash leaves the old or the new one.
    pub(crate) fn write(&self, sequence: u64) -> Result<(), StorageError> {
        self.replace(sequence).map_err(|e| StorageError::folder(&self.path, e))
    }

    fn replace(&self, sequence: u64) -> std::io::Result<()> {
        let fresh = self.path.with_extension("mark.new");
        let value = u128::from(sequence) << 64 | u128::from(!sequence);
        let mut file = File::create(&fresh)?;
        file.write_all(&value.to_be_bytes())?;
        file.sync_data()?;
        std::fs::rename(&fresh, &self.path)?;
        File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }
}

/// Everything that the mark thread owns. It writes the mark off the commit path: a slow disk under the mark delays no
/// answer.
pub(crate) struct MarkKeeper {
    pub(crate) mark: HighWaterMark,
    /// The sequence that the file holds.
    pub(crate) marked: u64,
    /// The last commit that is safe.
    pub(crate) safe: watch::Receiver<u64>,
    pub(crate) failure: Failure,
    pub(crate) progress: Arc<Progress>,
}

impl MarkKeeper {
    /// Writes the mark once a second while `safe` moves on from what is marked, and a last time when `stop` is closed.
    pub(crate) fn run(mut self, stop: &Receiver<()>) {
        loop {
            let last_round = !matches!(stop.recv_timeout(MARK_EVERY), Err(RecvTimeoutError::Timeout));
            let sequence = *self.safe.borrow();
            if sequence > self.marked {
                self.progress.begin();
                if let Err(error) = self.mark.write(sequence) {
                    self.failure.tell(&error);
                    return;
                }
                self.progress.end();
                self.marked = sequence;
            }
            if last_round {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_damage_is_loud() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("high-water.mark");
        let mark = HighWaterMark::at(path.clone());
        assert_eq!(mark.read().unwrap(), 0);
        mark.write(77).unwrap();
        assert_eq!(mark.read().unwrap(), 77);
        for at in 0..16 {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            assert!(mark.read().is_err(), "byte {at}");
            mark.write(77).unwrap();
        }
    }

    #[test]
    fn commits_before_the_first_look_are_marked_too() {
        let folder = tempfile::tempdir().unwrap();
        let mark = || HighWaterMark::at(folder.path().join("high-water.mark"));
        // The commit thread has been fast: all its commits are safe before the mark thread runs.
        let (safe, is_safe) = watch::channel(7);
        let (failure, failed) = Failure::new();
        let (stop, stopped) = std::sync::mpsc::channel();
        drop((safe, stop));
        let progress = Arc::new(Progress::new("the mark thread"));
        MarkKeeper { mark: mark(), marked: 3, safe: is_safe, failure, progress }.run(&stopped);
        assert_eq!(mark().read().unwrap(), 7);
        assert!(!*failed.borrow());
    }
}
