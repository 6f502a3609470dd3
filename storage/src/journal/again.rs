//! Writing once more what may not be on the disk although it can be read.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Writes bytes that stand at `at` in a journal over themselves, and syncs them.
///
/// A sync may have failed before this start. The kernel then shows the bytes from its memory, calls them written, and says
/// yes to the next sync; a loss of power takes them later, from under all commits that were synced behind them. Written
/// once more, they are on the disk when this sync says so.
pub(super) fn write_again(journal: &Path, at: usize, bytes: &[u8]) -> std::io::Result<()> {
    let journal = OpenOptions::new().write(true).open(journal)?;
    journal.write_all_at(bytes, at as u64)?;
    journal.sync_data()
}
