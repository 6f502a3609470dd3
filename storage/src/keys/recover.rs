//! Reading a key table back: every entry is opened, and what no crash can explain is refused.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::entries::{Entries, Found};
use super::error::KeyError;
use super::files::sync_folder_of;
use super::layout::{BLOCK_BYTES, Epoch, HeaderFault, offset_of};
use super::master::MasterKey;
use super::shelf::{Misfit, Shelves};

/// Bytes of the last group that are written again at once.
const BUFFER_BYTES: usize = 512 * BLOCK_BYTES;

/// What a key table holds, all of it on stable storage.
pub(super) struct Recovered {
    pub(super) epoch: Epoch,
    pub(super) keys: Shelves,
    pub(super) entry_count: u64,
}

/// Reads the locked table in `file`, and cuts off what an unfinished write left at its end.
pub(super) fn recover(file: &File, path: &Path, master: &MasterKey) -> Result<Recovered, KeyError> {
    let file_bytes = file.metadata().map_err(KeyError::io(path, "read the length"))?.len();
    // a table gets its name with its header inside, so a shorter file is no unfinished write
    let Some(entry_bytes) = file_bytes.checked_sub(BLOCK_BYTES as u64) else {
        return Err(damaged(path, 0));
    };
    let epoch = open_header(file, path, master)?;
    let table = std::thread::scope(|scope| {
        let entries = Entries::read(scope, (file, path), &epoch, entry_bytes / BLOCK_BYTES as u64)?;
        take_in(entries, path)
    })?;
    let Contents { keys, entry_count, last_group } = table;
    cut_after(file, path, entry_count, file_bytes)?;
    write_again(file, path, last_group..entry_count)?;
    file.sync_all().map_err(KeyError::io(path, "fsync"))?;
    // its creator may have died between the rename and this
    sync_folder_of(path)?;
    Ok(Recovered { epoch, keys, entry_count })
}

fn open_header(file: &File, path: &Path, master: &MasterKey) -> Result<Epoch, KeyError> {
    let mut block = [0; BLOCK_BYTES];
    file.read_exact_at(&mut block, 0).map_err(KeyError::io(path, "read"))?;
    Epoch::open_header(&block, master).map_err(|fault| match fault {
        HeaderFault::NotATable => damaged(path, 0),
        HeaderFault::UnknownVersion(version) => KeyError::UnknownVersion { path: path.to_owned(), version },
        HeaderFault::DoesNotOpen => KeyError::WrongMaster { path: path.to_owned() },
    })
}

struct Contents {
    keys: Shelves,
    entry_count: u64,
    last_group: u64,
}

/// Puts the keys of all entries before the first gap on their shelves.
fn take_in(mut entries: Entries, path: &Path) -> Result<Contents, KeyError> {
    let mut table = Contents { keys: Shelves::default(), entry_count: 0, last_group: 0 };
    while let Some(found) = entries.next() {
        let index = table.entry_count;
        let (entry, secret) = match found? {
            Found::Entry(entry, secret) => (entry, secret),
            Found::Damage => return Err(damaged(path, offset_of(index))),
            Found::Zeros => {
                prove_unacknowledged(entries, path, index)?;
                break;
            }
        };
        table.keys.insert(&entry, &secret).map_err(|misfit| match misfit {
            Misfit::UnknownKind => KeyError::UnknownKind { path: path.to_owned(), kind: entry.kind },
            Misfit::BadId => damaged(path, offset_of(index)),
        })?;
        table.last_group = entry.group;
        table.entry_count += 1;
    }
    Ok(table)
}

/// Reads on after the gap at index `gap`: everything there must be a gap, too, or belong to the group of the gap.
fn prove_unacknowledged(rest: Entries, path: &Path, gap: u64) -> Result<(), KeyError> {
    for (index, found) in (gap + 1..).zip(rest) {
        match found? {
            Found::Zeros => {}
            Found::Entry(entry, _) if entry.group <= gap => {}
            Found::Entry(..) => return Err(damaged(path, offset_of(gap))),
            Found::Damage => return Err(damaged(path, offset_of(index))),
        }
    }
    Ok(())
}

fn damaged(path: &Path, offset: u64) -> KeyError {
    KeyError::Damaged { path: path.to_owned(), offset }
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
