//! What the journals of a database hold, and how they end.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::again::write_again;
use super::batch::{Batch, Item};
use super::files::JournalFile;
use crate::codec::{Head, from_bytes};
use crate::commit::chain;
use crate::error::{Damage, Remedy, StorageError};
use crate::layout::{HEAD_KEY, Space};

/// How far behind the place that was foreseen for it a batch may stand. fjall's own thread takes a number for each list of
/// tables that a flush or a compaction ends with, and it never has more than a thousand of them to do.
const PLACES_TAKEN_MAX: u64 = 65_536;

/// Which keyspace fjall's numbers stand for.
pub(crate) type Names = HashMap<u64, Space>;

/// What a walk over all journals found.
#[derive(Debug)]
pub(crate) struct Survey {
    /// The first commit in the journals; all before it stand in tables alone.
    pub(crate) first: Option<Head>,
    /// The last one of those that follow it without a gap.
    pub(crate) last: Option<Head>,
    /// The last commit that any batch knew to be on stable storage.
    pub(crate) safe: u64,
    /// What stands behind the last one.
    pub(crate) end: End,
    files: Vec<JournalFile>,
    /// Where the last one stands.
    place: Option<u64>,
    /// Where each commit of the last journal begins that no later one tells to be on stable storage.
    untold: VecDeque<(u64, usize)>,
}

/// What stands behind the last good commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing.
    Clean,
    /// Bytes that are no batch, and no batch behind them: a write that a crash cut off leaves these.
    Torn(Tail),
    /// Bytes that are no batch, and whole batches behind them.
    Hole {
        tail: Tail,
        /// The first and the last commit behind it.
        behind: (u64, u64),
    },
}

/// Where the good part of the last journal ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) path: PathBuf,
    /// Bytes that are good.
    pub(crate) good_bytes: u64,
    /// Bytes behind them, up to the last that is not zero.
    pub(crate) more_bytes: u64,
}

impl Survey {
    /// Walks all journals. Checksums, numbers and places are checked, the hashes by [`Survey::prove`]. Damage in a journal
    /// that is not the last, and a number that does not follow, is nothing that a crash leaves: those are errors.
    pub(crate) fn of(mut files: Vec<JournalFile>, names: &Names) -> Result<Self, StorageError> {
        let mut survey = Self {
            first: None,
            last: None,
            safe: 0,
            end: End::Clean,
            files: Vec::new(),
            place: None,
            untold: VecDeque::new(),
        };
        let last_file = files.len().saturating_sub(1);
        for (index, file) in files.iter_mut().enumerate() {
            let mut at = 0;
            // The journal before was synced before this one was begun.
            survey.untold.clear();
            while let Some(batch) = Batch::read(&file.content, at) {
                survey.take(&file.path, at, &batch, names)?;
                at = batch.end;
            }
            file.good_bytes = at;
            if at == file.content.len() {
                continue;
            }
            // A journal is synced before the next one is begun.
            if index < last_file {
                let what = survey.next_commit("cannot be read, but had been synced before the next journal was begun");
                return Err(Damage::at(&file.path, at, what, Remedy::Restore).into());
            }
            survey.end = survey.end_at(file, at, names);
        }
        survey.files = files;
        Ok(survey)
    }

    /// The last commit that is known to have been safe, by the journals and by the `marked` one.
    pub(crate) fn known_safe(&self, marked: u64) -> u64 {
        self.safe.max(marked)
    }

    /// Makes sure that all good commits are on stable storage, those too of which nothing tells it but that they can be read.
    pub(crate) fn write_doubtful_again(&self) -> std::io::Result<()> {
        let (Some(file), Some((_, from))) = (self.files.last(), self.untold.front()) else {
            return Ok(());
        };
        write_again(&file.path, *from, &file.content[*from..file.good_bytes])
    }

    /// Takes the rolling hash over all commits again and compares it with what each says. The hash before the first
    /// commit is only known when that was the first of all.
    pub(crate) fn prove(&self, names: &Names) -> Result<(), StorageError> {
        let mut before = self.first.as_ref().is_some_and(|first| first.sequence == 1).then_some([0; 32]);
        for file in &self.files {
            let mut at = 0;
            while at < file.good_bytes
                && let Some(batch) = Batch::read_again(&file.content, at)
            {
                let head = head_of(&batch, names).map_err(|what| Damage::at(&file.path, at, what, Remedy::Restore))?;
                if before.is_some_and(|before| rolled(before, &head, &batch, names) != head.hash) {
                    let what = format!("the rolling hash of commit {} is not that of its rows", head.sequence);
                    return Err(Damage::at(&file.path, at, what, Remedy::Restore).into());
                }
                before = Some(head.hash);
                at = batch.end;
            }
        }
        Ok(())
    }

    /// The first journal that has lost whole batches since it was read, and where it ends now.
    pub(crate) fn cut_since(&self) -> std::io::Result<Option<(&Path, u64)>> {
        for file in &self.files {
            if let Some(at) = file.cut_at()? {
                return Ok(Some((&file.path, at)));
            }
        }
        Ok(None)
    }

    /// Puts all journals back that are shorter than when they were read, or gone.
    pub(crate) fn put_back(&self) -> std::io::Result<()> {
        self.files.iter().try_for_each(JournalFile::put_back)
    }

    fn take(&mut self, path: &Path, at: usize, batch: &Batch<'_>, names: &Names) -> Result<(), StorageError> {
        let damaged = |what: String| StorageError::from(Damage::at(path, at, what, Remedy::Restore));
        let head = head_of(batch, names).map_err(|what| damaged(what.to_owned()))?;
        let foreseen = head.witness.as_ref().map(|witness| witness.place);
        let is_near = |foreseen| batch.place.checked_sub(foreseen).is_some_and(|taken| taken < PLACES_TAKEN_MAX);
        if !foreseen.is_none_or(is_near) {
            return Err(damaged(format!("the place of commit {} is damaged", head.sequence)));
        }
        if let Some(last) = &self.last {
            if head.sequence != last.sequence + 1 {
                return Err(damaged(format!("commit {} stands where {} belongs", head.sequence, last.sequence + 1)));
            }
            // It was foreseen when the last one had its place.
            let least = foreseen.unwrap_or(batch.place);
            if self.place.is_some_and(|place| place >= least) {
                return Err(damaged(format!("commit {} stands at a place before the last", head.sequence)));
            }
        }
        self.place = Some(batch.place);
        self.safe = self.safe.max(safe(&head));
        self.untold.push_back((head.sequence, at));
        while self.untold.front().is_some_and(|(sequence, _)| *sequence <= self.safe) {
            self.untold.pop_front();
        }
        self.first.get_or_insert_with(|| head.clone());
        self.last = Some(head);
        Ok(())
    }

    /// What stands at `at`, where no batch is.
    fn end_at(&mut self, file: &JournalFile, at: usize, names: &Names) -> End {
        let more_bytes = (file.content.len() - at) as u64;
        let tail = Tail { path: file.path.clone(), good_bytes: at as u64, more_bytes };
        let mut behind: Option<(u64, u64)> = None;
        let mut after = at;
        while let Some((found, batch)) = Batch::find(&file.content, after) {
            after = batch.end - 1;
            // What only looks like a batch of ours is none.
            let Ok(head) = head_of(&batch, names) else {
                after = found;
                continue;
            };
            if self.last.as_ref().is_some_and(|last| head.sequence <= last.sequence) {
                continue;
            }
            self.safe = self.safe.max(safe(&head));
            let first = behind.map_or(head.sequence, |(first, _)| first);
            behind = Some((first, head.sequence));
        }
        match behind {
            Some(behind) => End::Hole { tail, behind },
            None => End::Torn(tail),
        }
    }

    /// Something about the commit behind the last good one.
    fn next_commit(&self, what: &str) -> String {
        match &self.last {
            Some(last) => format!("commit {} {what}", last.sequence + 1),
            None => format!("its first commit {what}"),
        }
    }
}

fn safe(head: &Head) -> u64 {
    head.witness.as_ref().map_or(0, |witness| witness.safe)
}

/// The head that every batch of ours ends with.
fn head_of(batch: &Batch<'_>, names: &Names) -> Result<Head, &'static str> {
    let mut last = None;
    for item in batch.items() {
        if !names.contains_key(&item.keyspace) {
            return Err("a row of an unknown keyspace stands here");
        }
        last = Some(item);
    }
    let Some(Item { keyspace, key: HEAD_KEY, value: Some(value) }) = last else {
        return Err("a batch without a commit's number stands here; another program has written to this folder");
    };
    if names.get(&keyspace) != Some(&Space::Head) {
        return Err("a commit's number stands in a wrong keyspace");
    }
    from_bytes(Space::Head, value).map_err(|_| "a commit's number cannot be read")
}

/// What the rolling hash becomes with the rows of a batch.
fn rolled(before: [u8; 32], head: &Head, batch: &Batch<'_>, names: &Names) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(head.sequence.to_be_bytes());
    for item in batch.items() {
        match names.get(&item.keyspace) {
            Some(Space::Head) | None => {}
            Some(&space) => chain(&mut hash, (space, item.key, item.value)),
        }
    }
    hash.finalize().into()
}
