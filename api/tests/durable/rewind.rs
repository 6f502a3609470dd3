//! A loss of power, after the fact: undoes what a file system need not have kept, by the undo log of a lying disk.
//!
//! What is surely kept: of a file, the bytes and the length that it had when a sync began which then succeeded; the names in a
//! folder likewise; and the name under which a synced file or folder was made, with those of the folders that it is in
//! ([`Names::WithFile`]; ext4, XFS and Btrfs do that, POSIX promises less: [`Names::ByFolder`]). A rename and a removal are kept
//! by a sync of the folder only. After a sync that failed, the kernel takes what it could not write for written: only bytes in a
//! page that is written to once more reach the disk by a later sync.
//!
//! All else may be on disk or not. File systems keep the order of names; of bytes they do not.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::random::Random;
use crate::undo::{Log, Record, What};

/// What the kernel holds, and takes for clean or dirty, as one.
const PAGE: u64 = 4_096;

/// What becomes of that which was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// All of it is gone.
    All,
    /// What was done last is gone, from a random moment on.
    Tail,
    /// Of each piece of so many bytes, what was done to it last is gone, from a random moment on. Names are kept.
    Torn(u64),
    /// All is gone, synced or not: only this tells whether the log knows everything that happened.
    SyncedToo,
}

/// How a new name gets onto the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// With the file or the folder that it names, too.
    WithFile,
    /// Only with the folder that it is in.
    ByFolder,
}

/// What was undone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Undone {
    /// Pieces of files.
    pub(crate) pieces: usize,
    /// Names.
    pub(crate) names: usize,
}

/// Takes the power from `folder`, whose process is gone.
pub(crate) fn rewind(log: &Log, folder: &Path, loss: Loss, names: Names, random: &mut Random) -> Undone {
    let safe = if loss == Loss::SyncedToo { Safe::default() } else { Safe::of(log, names) };
    // The records before these are kept: those about bytes, and those about names.
    let (from_bytes, from_names) = match loss {
        Loss::All | Loss::SyncedToo => (0, 0),
        Loss::Tail => {
            let mut moments: Vec<usize> = (0..log.records.len()).filter(|n| !safe.keeps(log, *n)).collect();
            moments.push(log.records.len());
            let moment = moments[random.below(moments.len())];
            (moment, moment)
        }
        Loss::Torn(_) => (0, log.records.len()),
    };
    let mut files = BTreeMap::new();
    find(folder, &mut files);
    log.kept.iter().for_each(|kept| find(kept, &mut files));
    let mut pieces = Pieces { safe: &safe, from: from_bytes, loss, random, chosen: HashMap::new() };
    let mut undone = Undone { pieces: undo_bytes(log, &files, &mut pieces), names: 0 };
    for (n, record) in log.records.iter().enumerate().rev() {
        if n >= from_names && !safe.names.contains(&n) {
            undone.names += usize::from(undo_name(record));
        }
    }
    undone
}

/// What is on disk for good.
#[derive(Default)]
struct Safe {
    /// Of each page of each file, the records before this one.
    pages: HashMap<(u64, u64), usize>,
    /// Of each file's length likewise.
    lengths: HashMap<u64, usize>,
    /// Records about names.
    names: HashSet<usize>,
}

/// The records of a log that are about names.
struct Named<'a> {
    log: &'a Log,
    named: &'a [usize],
    names: Names,
}

impl Safe {
    fn of(log: &Log, names: Names) -> Self {
        let mut safe = Self::default();
        // Of each file, its pages that were written since, and when.
        let mut dirty: HashMap<u64, BTreeMap<u64, Vec<usize>>> = HashMap::new();
        let mut resized: HashMap<u64, Vec<usize>> = HashMap::new();
        let named: Vec<usize> = (0..log.records.len()).filter(|n| entries(&log.records[*n]).next().is_some()).collect();
        for (n, record) in log.records.iter().enumerate() {
            let Record { what, inode, .. } = record;
            match what {
                What::Written { offset, length, .. } => {
                    let pages = dirty.entry(*inode).or_default();
                    pages_of(*offset, *length).for_each(|page| pages.entry(page).or_default().push(n));
                    resized.entry(*inode).or_default().push(n);
                }
                What::Resized { .. } => resized.entry(*inode).or_default().push(n),
                What::Synced { covers } => {
                    for (page, writes) in dirty.entry(*inode).or_default() {
                        if let Some(last) = settle(writes, *covers) {
                            safe.pages.insert((*inode, *page), last + 1);
                        }
                    }
                    if let Some(last) = settle(resized.entry(*inode).or_default(), *covers) {
                        safe.lengths.insert(*inode, last + 1);
                    }
                    safe.keep_names(&Named { log, named: &named, names }, record, *covers);
                }
                What::Lost { covers } => {
                    let pages = dirty.entry(*inode).or_default();
                    for writes in pages.values_mut() {
                        settle(writes, *covers);
                    }
                }
                What::Made { .. } | What::Moved { .. } | What::Gone { .. } => {}
            }
            if let Some(pages) = dirty.get_mut(inode) {
                pages.retain(|_, writes| !writes.is_empty());
            }
        }
        safe
    }

    /// A folder was synced, or something that has a name.
    fn keep_names(&mut self, all: &Named<'_>, synced: &Record, covers: usize) {
        for n in all.named.iter().copied().take_while(|n| *n < covers) {
            let record = &all.log.records[n];
            let by_folder = is_in(record, &synced.path);
            // Of a folder that is gone, the inode may have become another's.
            let by_itself = match record.what {
                What::Made { is_folder: true } => record.path == synced.path,
                What::Made { is_folder: false } => record.inode == synced.inode,
                _ => false,
            };
            if by_folder || by_itself && all.names == Names::WithFile {
                self.keep_name(all, n);
            }
        }
    }

    /// A name that is on disk says that all that was done to it before is, too, and that its folder is; and one of a folder
    /// that is gone, that all in it is.
    fn keep_name(&mut self, all: &Named<'_>, n: usize) {
        if !self.names.insert(n) {
            return;
        }
        let record = &all.log.records[n];
        for earlier in all.named.iter().copied().take_while(|earlier| *earlier < n) {
            let other = &all.log.records[earlier];
            let same_name = entries(other).any(|entry| entries(record).any(|mine| mine == entry));
            let its_folder = matches!(other.what, What::Made { is_folder: true }) && is_in(record, &other.path);
            let was_in_it = matches!(record.what, What::Gone { kept: None }) && is_in(other, &record.path);
            if same_name || was_in_it || its_folder && all.names == Names::WithFile {
                self.keep_name(all, earlier);
            }
        }
    }

    /// Whether a record says nothing that could be undone.
    fn keeps(&self, log: &Log, n: usize) -> bool {
        let Record { what, inode, .. } = &log.records[n];
        let is_safe = |until: Option<&usize>| until.is_some_and(|until| n < *until);
        match what {
            What::Written { offset, length, .. } => {
                pages_of(*offset, *length).all(|page| is_safe(self.pages.get(&(*inode, page))))
            }
            What::Resized { .. } => is_safe(self.lengths.get(inode)),
            What::Made { .. } | What::Moved { .. } | What::Gone { .. } => self.names.contains(&n),
            What::Synced { .. } | What::Lost { .. } => true,
        }
    }
}

/// Takes off what was done before record `covers`; the last of it.
fn settle(done: &mut Vec<usize>, covers: usize) -> Option<usize> {
    let last = done.iter().copied().filter(|n| *n < covers).max();
    done.retain(|n| *n >= covers);
    last
}

fn pages_of(offset: u64, length: u64) -> impl Iterator<Item = u64> {
    offset / PAGE..(offset + length).div_ceil(PAGE)
}

/// The names that a record is about.
fn entries(record: &Record) -> impl Iterator<Item = &Path> {
    let (one, other) = match &record.what {
        What::Made { .. } | What::Gone { .. } => (Some(record.path.as_path()), None),
        What::Moved { to, .. } => (Some(record.path.as_path()), Some(to.as_path())),
        _ => (None, None),
    };
    one.into_iter().chain(other)
}

/// Whether one of a record's names is in this folder.
fn is_in(record: &Record, folder: &Path) -> bool {
    entries(record).any(|entry| entry.parent() == Some(folder))
}

/// Chooses for each piece of each file what of it is kept.
struct Pieces<'a> {
    safe: &'a Safe,
    from: usize,
    loss: Loss,
    random: &'a mut Random,
    chosen: HashMap<(u64, u64), usize>,
}

impl Pieces<'_> {
    fn bytes(&self) -> u64 {
        if let Loss::Torn(bytes) = self.loss { bytes } else { PAGE }
    }

    /// The records before this one are kept, as far as they are about the piece.
    fn kept_until(&mut self, inode: u64, piece: u64, records: usize) -> usize {
        let safe = self.safe.pages.get(&(inode, piece * self.bytes() / PAGE)).copied().unwrap_or(0);
        let chosen = match self.loss {
            Loss::Torn(_) => {
                let random = &mut *self.random;
                *self.chosen.entry((inode, piece)).or_insert_with(|| match random.below(3) {
                    0 => 0,
                    1 => records,
                    _ => random.below(records + 1),
                })
            }
            _ => self.from,
        };
        safe.max(chosen)
    }

    fn length_kept_until(&mut self, inode: u64, records: usize) -> usize {
        let safe = self.safe.lengths.get(&inode).copied().unwrap_or(0);
        let chosen = if matches!(self.loss, Loss::Torn(_)) { self.random.below(records + 1) } else { self.from };
        safe.max(chosen)
    }
}

fn undo_bytes(log: &Log, files: &BTreeMap<u64, PathBuf>, pieces: &mut Pieces<'_>) -> usize {
    let mut undone = 0;
    // Of each file, its length now, and what it was before each change, the last one first.
    let mut lengths: BTreeMap<u64, (u64, Vec<(usize, u64)>)> = BTreeMap::new();
    for (n, record) in log.records.iter().enumerate().rev() {
        let inode = record.inode;
        let (What::Written { old_length, .. } | What::Resized { old_length }) = record.what else { continue };
        let file = open(files, record);
        let now = || (file.metadata().expect("metadata").len(), Vec::new());
        lengths.entry(inode).or_insert_with(now).1.push((n, old_length));
        let What::Written { offset, length, before, .. } = &record.what else { continue };
        let mut at = *offset;
        while at < offset + length {
            let piece = at / pieces.bytes();
            let end = (offset + length).min((piece + 1) * pieces.bytes());
            if n >= pieces.kept_until(inode, piece, log.records.len()) {
                let mut old = vec![0; (end - at) as usize];
                let known = before.get((at - offset) as usize..).unwrap_or_default();
                let known = &known[..known.len().min(old.len())];
                old[..known.len()].copy_from_slice(known);
                file.write_all_at(&old, at).expect("bytes that can be put back");
                undone += 1;
            }
            at = end;
        }
    }
    for (inode, (now, last_first)) in lengths {
        let until = pieces.length_kept_until(inode, log.records.len());
        let first_undone = last_first.iter().rev().find(|(n, _)| *n >= until);
        let file = OpenOptions::new().write(true).open(&files[&inode]).expect("a file that can be written");
        file.set_len(first_undone.map_or(now, |(_, before)| *before)).expect("a length that can be put back");
    }
    undone
}

fn open(files: &BTreeMap<u64, PathBuf>, record: &Record) -> fs::File {
    let path = files.get(&record.inode).unwrap_or_else(|| panic!("{} went unseen", record.path.display()));
    OpenOptions::new().write(true).open(path).expect("a file that can be written")
}

/// Undoes what was done to a name, if it was done: the process may have been killed before, or the call may have failed.
fn undo_name(record: &Record) -> bool {
    let is_at = |path: &Path| fs::symlink_metadata(path).is_ok_and(|there| there.ino() == record.inode);
    let put_back = |kept: &Path, path: &Path| fs::hard_link(kept, path).expect("a file that can be put back");
    match &record.what {
        // One that was made again is another.
        What::Made { is_folder: true } if record.path.is_dir() => {
            fs::remove_dir_all(&record.path).expect("a folder that can be removed");
        }
        What::Made { is_folder: false } if is_at(&record.path) => {
            fs::remove_file(&record.path).expect("a file that can be removed");
        }
        What::Moved { to, replaced, .. } if is_at(to) => {
            fs::rename(to, &record.path).expect("a file that can be moved back");
            if let Some(kept) = replaced {
                put_back(kept, to);
            }
        }
        What::Gone { kept } if fs::symlink_metadata(&record.path).is_err() => match kept {
            Some(kept) => put_back(kept, &record.path),
            None => fs::create_dir(&record.path).expect("a folder that can be made again"),
        },
        _ => return false,
    }
    true
}

/// All files below a folder, by inode.
fn find(folder: &Path, files: &mut BTreeMap<u64, PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            find(&entry.path(), files);
        } else if kind.is_file() {
            files.insert(entry.metadata().expect("metadata").ino(), entry.path());
        }
    }
}
