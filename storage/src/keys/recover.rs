//! Reading a key table back: every entry is opened, and what no crash can explain is refused.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::error::KeyError;
use super::files::sync_folder_of;
use super::layout::{BLOCK_BYTES, Block, Epoch, HeaderFault, offset_of};
use super::master::MasterKey;
use super::shelf::{Misfit, Shelves};

/// Bytes read or written at once.
const BUFFER_BYTES: usize = 512 * BLOCK_BYTES;

/// What a key table holds, all of it on stable storage.
pub(super) struct Recovered {
    pub(super) epoch: Epoch,
    pub(super) keys: Shelves,
    pub(super) entry_count: u64,
}

/// Reads the locked table in `file`, and cuts off what an unfinished write left at its end.
pub(super) fn recover(file: &File, path: &Path, master: &MasterKey) -> Result<Recovered, KeyError> {
    let mut reader = Reader::new(file, path)?;
    let epoch = reader.header(master)?;
    let mut keys = Shelves::default();
    let mut entry_count = 0;
    let mut last_group = 0;
    while entry_count < reader.whole_entries {
        let block = reader.block()?;
        let Some((entry, secret)) = epoch.open_entry(entry_count, &block) else {
            if !is_zero(&block) {
                return Err(reader.damaged(entry_count));
            }
            reader.prove_unacknowledged(&epoch, entry_count)?;
            break;
        };
        keys.insert(&entry, &secret).map_err(|misfit| match misfit {
            Misfit::UnknownKind => KeyError::UnknownKind { path: path.to_owned(), kind: entry.kind },
            Misfit::BadId => reader.damaged(entry_count),
        })?;
        last_group = entry.group;
        entry_count += 1;
    }
    cut_after(file, path, entry_count, reader.file_bytes)?;
    write_again(file, path, last_group..entry_count)?;
    file.sync_all().map_err(KeyError::io(path, "fsync"))?;
    // its creator may have died between the rename and this
    sync_folder_of(path)?;
    Ok(Recovered { epoch, keys, entry_count })
}

struct Reader<'a> {
    path: &'a Path,
    bytes: BufReader<&'a File>,
    file_bytes: u64,
    whole_entries: u64,
}

impl<'a> Reader<'a> {
    fn new(mut file: &'a File, path: &'a Path) -> Result<Self, KeyError> {
        let file_bytes = file.metadata().map_err(KeyError::io(path, "read the length"))?.len();
        // a table gets its name with its header inside, so a shorter file is no unfinished write
        let Some(entry_bytes) = file_bytes.checked_sub(BLOCK_BYTES as u64) else {
            return Err(KeyError::Damaged { path: path.to_owned(), offset: 0 });
        };
        file.seek(SeekFrom::Start(0)).map_err(KeyError::io(path, "read"))?;
        let bytes = BufReader::with_capacity(BUFFER_BYTES, file);
        Ok(Self { path, bytes, file_bytes, whole_entries: entry_bytes / BLOCK_BYTES as u64 })
    }

    fn header(&mut self, master: &MasterKey) -> Result<Epoch, KeyError> {
        let block = self.block()?;
        let path = self.path.to_owned();
        Epoch::open_header(&block, master).map_err(|fault| match fault {
            HeaderFault::NotATable => KeyError::Damaged { path, offset: 0 },
            HeaderFault::UnknownVersion(version) => KeyError::UnknownVersion { path, version },
            HeaderFault::DoesNotOpen => KeyError::WrongMaster { path },
        })
    }

    fn block(&mut self) -> Result<Block, KeyError> {
        let mut block = [0; BLOCK_BYTES];
        self.bytes.read_exact(&mut block).map_err(KeyError::io(self.path, "read"))?;
        Ok(block)
    }

    /// Reads on after the gap at index `gap`: everything there must be a gap, too, or belong to the group of the gap.
    fn prove_unacknowledged(&mut self, epoch: &Epoch, gap: u64) -> Result<(), KeyError> {
        for index in gap + 1..self.whole_entries {
            let block = self.block()?;
            if is_zero(&block) {
                continue;
            }
            match epoch.open_entry(index, &block) {
                Some((entry, _)) if entry.group <= gap => {}
                Some(_) => return Err(self.damaged(gap)),
                None => return Err(self.damaged(index)),
            }
        }
        Ok(())
    }

    fn damaged(&self, index: u64) -> KeyError {
        KeyError::Damaged { path: self.path.to_owned(), offset: offset_of(index) }
    }
}

fn is_zero(block: &Block) -> bool {
    *block == [0; BLOCK_BYTES]
}

fn cut_after(file: &File, path: &Path, entry_count: u64, file_bytes: u64) -> Result<(), KeyError> {
    let kept_bytes = offset_of(entry_count);
    if kept_bytes == file_bytes {
        return Ok(());
    }
    tracing::warn!(
        path = %path.display(),
        entries = entry_count,
        cut_bytes = file_bytes - kept_bytes,
        "the key table ended in an unfinished write, which was never acknowledged: cut off"
    );
    file.set_len(kept_bytes).map_err(KeyError::io(path, "shorten the file"))
}

/// Writes the last group over itself, so that the fsync that follows tells whether it is on the disk.
///
/// No later group proves that the last one was acknowledged. Its fsync may have failed before a restart; the kernel
/// then shows the bytes from memory, calls them clean, and a mere fsync says yes to what is not on the disk.
fn write_again(file: &File, path: &Path, group: std::ops::Range<u64>) -> Result<(), KeyError> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut at = offset_of(group.start);
    let end = offset_of(group.end);
    while at < end {
        let step = (end - at).min(BUFFER_BYTES as u64);
        let piece = &mut buffer[..step as usize];
        file.read_exact_at(piece, at).map_err(KeyError::io(path, "read"))?;
        file.write_all_at(piece, at).map_err(KeyError::io(path, "write"))?;
        at += step;
    }
    Ok(())
}
