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

/// The epoch of a table that is at least as long as its header.
pub(super) fn open_header(file: &File, path: &Path, master: &MasterKey) -> Result<Epoch, KeyError> {
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

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::ops::Range;

    use super::super::entries::PIECE_ENTRIES as PIECE;
    use super::super::layout::{Entry, KIND_DATA};
    use super::super::secret::{SECRET_BYTES, Secret};
    use super::*;

    /// A table in a file, with owners whose ids count from 0.
    struct Table {
        _folder: tempfile::TempDir,
        path: std::path::PathBuf,
        file: File,
        epoch: Epoch,
        master: MasterKey,
    }

    impl Table {
        /// One group after the other, each as long as told.
        fn of(groups: &[u64]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("keys.table");
            let master = MasterKey::from_bytes([7; 32]);
            let epoch = Epoch::generate(1).unwrap();
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
            file.write_all_at(&epoch.seal_header(&master).unwrap(), 0).unwrap();
            let table = Self { _folder: folder, path, file, epoch, master };
            let mut group = 0;
            for length in groups {
                (group..group + length).for_each(|index| table.put(index, index, group));
                group += length;
            }
            table
        }

        fn put(&self, index: u64, id: u64, group: u64) {
            let mut secret = [0; SECRET_BYTES];
            secret[..8].copy_from_slice(&id.to_be_bytes());
            let entry = Entry { kind: KIND_DATA, id, group };
            let block = self.epoch.seal_entry(index, &entry, &Secret::from_bytes(secret)).unwrap();
            self.file.write_all_at(&block, offset_of(index)).unwrap();
        }

        fn flip_a_bit(&self, index: u64) {
            let mut byte = [0];
            self.file.read_exact_at(&mut byte, offset_of(index) + 50).unwrap();
            self.file.write_all_at(&[byte[0] ^ 1], offset_of(index) + 50).unwrap();
        }

        fn blank(&self, indexes: Range<u64>) {
            indexes.for_each(|index| self.file.write_all_at(&[0; BLOCK_BYTES], offset_of(index)).unwrap());
        }

        #[track_caller]
        fn assert_holds(&self, entry_count: u64) {
            let Recovered { keys, entry_count: found, .. } = recover(&self.file, &self.path, &self.master).unwrap();
            assert_eq!((found, keys.people.len() as u64), (entry_count, entry_count));
            for id in 0..entry_count {
                assert_eq!(keys.people.get(id).unwrap().as_bytes()[..8], id.to_be_bytes());
            }
            assert_eq!(self.file.metadata().unwrap().len(), offset_of(entry_count), "the rest is cut off");
        }

        #[track_caller]
        fn assert_damaged_at(&self, index: u64) {
            match recover(&self.file, &self.path, &self.master).map(|_| ()).unwrap_err() {
                KeyError::Damaged { offset, .. } => assert_eq!(offset, offset_of(index)),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_table_of_any_number_of_pieces_reads_back() {
        for count in [0, 1, PIECE - 1, PIECE, PIECE + 1, 9 * PIECE, 9 * PIECE + 17] {
            Table::of(&[count]).assert_holds(count);
        }
    }

    #[test]
    fn damage_on_either_side_of_a_border_is_told_where_it_is() {
        let table = Table::of(&[3 * PIECE + 1]);
        for index in [PIECE - 1, PIECE, 2 * PIECE - 1, 2 * PIECE, 3 * PIECE - 1, 3 * PIECE] {
            table.flip_a_bit(index);
            table.assert_damaged_at(index);
            table.flip_a_bit(index);
        }
    }

    #[test]
    fn of_two_damages_the_first_is_told() {
        let table = Table::of(&[5 * PIECE]);
        table.flip_a_bit(4 * PIECE + 3);
        table.flip_a_bit(PIECE + 200);
        table.assert_damaged_at(PIECE + 200);
    }

    #[test]
    fn an_id_that_comes_again_in_another_piece_is_damage() {
        let table = Table::of(&[4 * PIECE]);
        for (first, again) in [(0, PIECE), (PIECE - 1, 3 * PIECE), (2 * PIECE, 2 * PIECE + 1)] {
            table.put(again, first, 0);
            table.assert_damaged_at(again);
            table.put(again, again, 0);
        }
    }

    #[test]
    fn a_last_write_of_many_pieces_is_cut_off_at_its_first_gap() {
        for gap in [PIECE - 3, PIECE, 2 * PIECE + 5] {
            let table = Table::of(&[100, 3 * PIECE]);
            table.blank(gap..gap + 1);
            table.blank(gap + 7..gap + PIECE);
            table.assert_holds(gap);
        }
        let table = Table::of(&[100, 3 * PIECE]);
        table.file.set_len(offset_of(2 * PIECE + 9) + 77).unwrap();
        table.assert_holds(2 * PIECE + 9);
    }

    #[test]
    fn a_gap_before_a_later_write_is_damage_however_many_pieces_lie_between() {
        for gap in [0, PIECE - 1, PIECE] {
            let table = Table::of(&[2 * PIECE, 2 * PIECE]);
            table.blank(gap..2 * PIECE);
            table.assert_damaged_at(gap);
        }
    }

    #[test]
    fn damage_behind_a_gap_in_another_piece_is_damage() {
        let table = Table::of(&[4 * PIECE]);
        table.blank(5..6);
        table.flip_a_bit(3 * PIECE + 2);
        table.assert_damaged_at(3 * PIECE + 2);
    }
}
