//! The journal files of a database, in their order.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

use crate::error::{Damage, Remedy, StorageError};

/// Bytes of content that a journal has at most. fjall begins a new one at 64 MB, at the next flush of a memtable.
const CONTENT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// A journal file, read whole.
#[derive(Debug)]
pub(crate) struct JournalFile {
    pub(crate) path: PathBuf,
    /// Kept open: its length can be asked when its name is gone.
    file: File,
    /// Its content up to the last byte that was ever written: fjall makes room for 64 MiB in advance, which is zeros.
    pub(crate) content: Vec<u8>,
    /// Bytes of it that are whole batches; known after a survey.
    pub(crate) good_bytes: usize,
}

impl JournalFile {
    /// Where it ends by now, if that is before the end of its whole batches.
    pub(super) fn cut_at(&self) -> std::io::Result<Option<u64>> {
        let file_bytes = self.file.metadata()?.len();
        Ok((file_bytes < self.good_bytes as u64).then_some(file_bytes))
    }

    /// Writes its whole batches where they stood, unless they stand there.
    pub(super) fn put_back(&self) -> std::io::Result<()> {
        let journal = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&self.path)?;
        if journal.metadata()?.len() < self.good_bytes as u64 {
            journal.write_all_at(&self.content[..self.good_bytes], 0)?;
        }
        journal.sync_all()
    }
}

/// Reads all journals in `database`, the oldest first.
pub(crate) fn read_all(database: &Path) -> Result<Vec<JournalFile>, StorageError> {
    let read = |path: PathBuf| {
        let file = File::open(&path).map_err(|e| StorageError::folder(&path, e))?;
        match content(&file) {
            Ok((content, _)) => Ok(JournalFile { path, file, content, good_bytes: 0 }),
            Err(e) => Err(StorageError::folder(path, e)),
        }
    };
    list(database)?.into_iter().map(read).collect()
}

/// The paths of all journals in `database`, the oldest first. Their numbers have no gap: fjall removes only the oldest.
pub(crate) fn list(database: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(database).map_err(|e| StorageError::folder(database, e))? {
        let path = entry.map_err(|e| StorageError::folder(database, e))?.path();
        if path.extension().is_none_or(|extension| extension != "jnl") {
            continue;
        }
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        let Some(number) = number else {
            let what = "it is named like a journal, but no journal has such a name; move it away";
            return Err(Damage::of(path, what, Remedy::Restore).into());
        };
        numbers.push(number);
    }
    numbers.sort_unstable();
    let path = |number: u64| database.join(format!("{number}.jnl"));
    match numbers.windows(2).find(|pair| pair[1] != pair[0] + 1) {
        Some(pair) => Err(Damage::of(path(pair[0] + 1), "this journal is missing", Remedy::Restore).into()),
        None => Ok(numbers.into_iter().map(path).collect()),
    }
}

/// The content of a journal up to its last byte that is not zero, and the length of its file.
pub(crate) fn read_journal(path: &Path) -> std::io::Result<(Vec<u8>, u64)> {
    content(&File::open(path)?)
}

fn content(file: &File) -> std::io::Result<(Vec<u8>, u64)> {
    let file_bytes = file.metadata()?.len();
    let content_bytes = data_end(file, file_bytes);
    if content_bytes > CONTENT_BYTES_MAX {
        return Err(std::io::Error::other("it is longer than any journal"));
    }
    let mut content = vec![0; content_bytes as usize];
    file.read_exact_at(&mut content, 0)?;
    content.truncate(content.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1));
    Ok((content, file_bytes))
}

/// Where the last extent of a file that is not a hole ends; the length of the file where nobody can tell.
fn data_end(file: &File, file_bytes: u64) -> u64 {
    let mut end = 0;
    loop {
        let data = match seek(file, SeekFrom::Data(end)) {
            Ok(data) => data,
            Err(Errno::NXIO) => return end,
            Err(_) => return file_bytes,
        };
        match seek(file, SeekFrom::Hole(data)) {
            Ok(hole) if hole > end => end = hole,
            Ok(_) | Err(_) => return file_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ends_with_the_last_byte_that_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0.jnl");
        let file = File::create(&path).unwrap();
        file.set_len(64 * 1024 * 1024).unwrap();
        file.write_all_at(b"one", 0).unwrap();
        file.write_all_at(b"two", 1_000_000).unwrap();
        let files = read_all(folder.path()).unwrap();
        assert_eq!(files[0].content.len(), 1_000_003);
        assert!(files[0].content.ends_with(b"two"));
    }

    #[test]
    fn missing_and_foreign_files_are_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(list(folder.path()).unwrap().is_empty());
        for name in ["9.jnl", "10.jnl", "12.jnl", "version"] {
            File::create(folder.path().join(name)).unwrap();
        }
        assert!(list(folder.path()).unwrap_err().to_string().contains("11.jnl"));
        File::create(folder.path().join("11.jnl")).unwrap();
        assert!(list(folder.path()).unwrap()[1].ends_with("10.jnl"), "by number, not by name");
        File::create(folder.path().join("11a.jnl")).unwrap();
        assert!(list(folder.path()).unwrap_err().to_string().contains("11a.jnl"));
    }
}
