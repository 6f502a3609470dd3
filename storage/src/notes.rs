//! The keeper of the notes of open sessions: takes out those that have ended since, and packs what is left more densely, so
//! that a start has little to look at.
//!
//! A commit writes such a row once and never again, so the one who rewrites it races with nobody; and a session that has
//! ended stays so. A start looks up every session that is noted, so what is not done here costs it time and nothing else.
//! No clock is asked: it does not matter how old a row is.

use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use fjall::UserKey;

use crate::commit::{CommitQueue, Lane, Work};
use crate::error::StorageError;
use crate::layout::{OPEN_NOTES, Row, SessionKey, Space};
use crate::read::Reader;
use crate::recent::{ROW_SESSIONS_MAX, packed, unpack};
use crate::threads::{FAR_BEHIND, go_behind};

/// How long after the opening the first pass over all notes begins: later than a start takes, and sooner than an engine
/// ends that is ended again and again.
const FIRST_PASS_AFTER: Duration = Duration::from_secs(60);
/// The pause from one pass to the next.
const PASS_EVERY: Duration = Duration::from_secs(600);
/// The pause from one step of a pass to the next. 10,000 rows a second are more than a disk syncs groups.
const STEP_EVERY: Duration = Duration::from_millis(50);
/// Rows of one step at most: while they are changed, commits that somebody waits for wait, too.
const ROWS_AT_ONCE: usize = 512;
/// Sessions of one step, give or take a row.
const SESSIONS_AT_ONCE: usize = 4_096;
/// Nobody waits for it, and it may be done as well later: it is shed with the scans.
const LANE: Lane = Lane::Scans;

/// Everything that the keeper's thread owns.
pub(crate) struct NoteKeeper {
    reader: Reader,
    commits: CommitQueue,
    /// Where the next step begins.
    next: Vec<u8>,
}

/// Some rows, one behind the other.
struct Rows {
    keys: Vec<UserKey>,
    /// How many sessions are noted in them.
    noted: usize,
    /// Those that have not ended.
    open: Vec<SessionKey>,
}

impl NoteKeeper {
    pub(crate) fn new(reader: Reader, commits: CommitQueue) -> Self {
        Self { reader, commits, next: vec![OPEN_NOTES] }
    }

    /// Passes over all notes again and again until `stop` is closed; a word on it makes the next step begin at once.
    pub(crate) fn run(mut self, stop: &Receiver<()>) {
        go_behind(FAR_BEHIND);
        let mut pause = FIRST_PASS_AFTER;
        while stop.recv_timeout(pause) != Err(RecvTimeoutError::Disconnected) {
            // What could not be read is told; what could not be written is told by the commit thread, or that has ended.
            let Ok(next) = self.step() else { return };
            pause = next;
        }
    }

    /// Goes through some rows; the pause until the next ones.
    fn step(&mut self) -> Result<Duration, StorageError> {
        if !self.commits.has_room(LANE) {
            return Ok(STEP_EVERY);
        }
        let _alone = self.reader.open_notes.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = self.reader.told(self.read())?;
        let Some(last) = rows.keys.last() else {
            self.next = vec![OPEN_NOTES];
            return Ok(PASS_EVERY);
        };
        if let Some(rewritten) = rows.rewritten() {
            let Ok(promise) = self.commits.promise(LANE, Work::Rows(rewritten)) else { return Ok(STEP_EVERY) };
            promise.kept_blocking()?;
        }
        self.next = [last, &[0][..]].concat();
        Ok(STEP_EVERY)
    }

    fn read(&self) -> Result<Rows, StorageError> {
        let (mut keys, mut noted) = (Vec::new(), Vec::new());
        let rows = self.reader.spaces.get(Space::Recent).range(self.next.clone()..vec![OPEN_NOTES + 1]);
        for row in rows.take(ROWS_AT_ONCE) {
            let (key, value) = row.into_inner()?;
            keys.push(key);
            noted.extend_from_slice(unpack(&value)?);
            if noted.len() >= SESSIONS_AT_ONCE {
                break;
            }
        }
        let mut rows = Rows { keys, noted: noted.len(), open: Vec::new() };
        noted.sort_unstable();
        noted.dedup();
        for session in noted {
            if self.reader.noted_session(&session)?.ended.is_none() {
                rows.open.push(session);
            }
        }
        Ok(rows)
    }
}

impl Rows {
    /// The same rows with those sessions alone that have not ended; `None` if that would change nothing.
    fn rewritten(&self) -> Option<Vec<Row>> {
        // However many sessions there are, the rows hold them all.
        let each = ROW_SESSIONS_MAX.max(self.open.len().div_ceil(self.keys.len()));
        let kept = self.open.len().div_ceil(each);
        if (self.open.len(), kept) == (self.noted, self.keys.len()) {
            return None;
        }
        let full = self.keys.iter().zip(self.open.chunks(each)).map(|(key, open)| packed(key.clone(), open));
        let empty = self.keys[kept..].iter().map(|key| Row::gone(Space::Recent, key.clone()));
        Some(full.chain(empty).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::open_notes_key;

    fn rows(rows: u16, noted: usize, open: usize) -> Rows {
        let keys = (0..rows).map(|part| open_notes_key(1, part).into()).collect();
        let open = (0..open as u64).map(|n| std::array::from_fn(|at| *n.to_be_bytes().get(at).unwrap_or(&0)));
        Rows { keys, noted, open: open.collect() }
    }

    #[test]
    fn what_is_open_is_kept_in_as_few_of_the_rows_as_hold_it() {
        const FULL: usize = ROW_SESSIONS_MAX;
        for (count, noted, open, kept) in [
            (1, 9, 0, 0),
            (3, 9, 5, 1),
            (3, 9, 9, 1),
            (3, 2 * FULL + 9, 2 * FULL, 2),
            // Of a program with larger rows.
            (2, 9 * FULL, 8 * FULL + 1, 2),
        ] {
            let before = rows(count, noted, open);
            let after = before.rewritten().expect("a change");
            assert_eq!(after.len(), usize::from(count));
            let (full, empty) = after.split_at(kept);
            assert!(empty.iter().all(|row| row.value.is_none()));
            let all: Vec<_> = full.iter().flat_map(|row| unpack(row.value.as_ref().unwrap()).unwrap()).collect();
            assert!(all.into_iter().eq(&before.open));
            assert!(after.iter().map(|row| &row.key).eq(&before.keys));
        }
    }

    #[test]
    fn what_would_stay_the_same_is_not_written() {
        for (count, open) in [(1, 1), (1, ROW_SESSIONS_MAX), (2, ROW_SESSIONS_MAX + 1)] {
            assert!(rows(count, open, open).rewritten().is_none());
        }
    }
}
