//! Reading the entries of a key table with all cores, and handing them on in the order of the file.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope};

use super::error::KeyError;
use super::layout::{BLOCK_BYTES, Block, Entry, Epoch, offset_of};
use super::secret::Secret;

/// Entries that are read and opened at once, by one thread: 32 KiB.
pub(super) const PIECE_ENTRIES: u64 = 256;
/// Pieces that wait to be taken from one thread.
const PIECES_WAITING: usize = 16;
/// Threads at most; a million entries keep no more than these busy.
const THREADS_MAX: usize = 8;

/// What stands where an entry belongs.
pub(super) enum Found {
    /// An authentic entry, and its key.
    Entry(Entry, Secret),
    /// Nothing but zeros.
    Zeros,
    /// Bytes that were not sealed for this place.
    Damage,
}

type Piece = Result<Vec<Found>, KeyError>;

/// All whole entries of a table, from the first to the last. Dropped before its end, it ends the threads.
pub(super) struct Entries {
    /// Piece number `n` comes from thread `n` modulo their count, so that no thread is ever far ahead.
    threads: Vec<Receiver<Piece>>,
    pieces_taken: u64,
    piece_count: u64,
    taken: std::vec::IntoIter<Found>,
}

impl Entries {
    /// Starts to read the first `count` entries of `file`.
    pub(super) fn read<'scope>(
        scope: &'scope Scope<'scope, '_>,
        (file, path): (&'scope File, &'scope Path),
        epoch: &'scope Epoch,
        count: u64,
    ) -> Result<Self, KeyError> {
        let piece_count = count.div_ceil(PIECE_ENTRIES);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let thread_count = cores.min(THREADS_MAX).min(piece_count as usize);
        let mut threads = Vec::with_capacity(thread_count);
        for first in 0..thread_count {
            let (done, pieces) = sync_channel(PIECES_WAITING);
            let work = move || {
                let numbers = (first as u64..piece_count).step_by(thread_count);
                open_pieces(
                    (file, path),
                    epoch,
                    numbers.map(|n| n * PIECE_ENTRIES..count.min((n + 1) * PIECE_ENTRIES)),
                    &done,
                );
            };
            let thread = Builder::new().name("qnect-keys".into()).spawn_scoped(scope, work);
            thread.map_err(KeyError::io(path, "start a thread for"))?;
            threads.push(pieces);
        }
        Ok(Self { threads, pieces_taken: 0, piece_count, taken: Vec::new().into_iter() })
    }
}

impl Iterator for Entries {
    type Item = Result<Found, KeyError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = self.taken.next() {
                return Some(Ok(found));
            }
            if self.pieces_taken == self.piece_count {
                return None;
            }
            let thread = &self.threads[(self.pieces_taken % self.threads.len() as u64) as usize];
            self.pieces_taken += 1;
            match thread.recv().expect("a thread hands on all its pieces, unless it panics") {
                Ok(piece) => self.taken = piece.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn open_pieces(
    (file, path): (&File, &Path),
    epoch: &Epoch,
    pieces: impl Iterator<Item = std::ops::Range<u64>>,
    done: &SyncSender<Piece>,
) {
    let mut buffer = vec![0; PIECE_ENTRIES as usize * BLOCK_BYTES];
    for indexes in pieces {
        let bytes = &mut buffer[..(indexes.end - indexes.start) as usize * BLOCK_BYTES];
        let read = file.read_exact_at(bytes, offset_of(indexes.start)).map_err(KeyError::io(path, "read"));
        let (blocks, _) = bytes.as_chunks::<BLOCK_BYTES>();
        let piece = read.map(|()| indexes.zip(blocks).map(|(index, block)| open(epoch, index, block)).collect());
        // Whoever wanted the rest may have seen enough.
        if done.send(piece).is_err() {
            return;
        }
    }
}

fn open(epoch: &Epoch, index: u64, block: &Block) -> Found {
    if *block == [0; BLOCK_BYTES] {
        return Found::Zeros;
    }
    match epoch.open_entry(index, block) {
        Some((entry, secret)) => Found::Entry(entry, secret),
        None => Found::Damage,
    }
}
