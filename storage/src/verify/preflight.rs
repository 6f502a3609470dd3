//! What is proven of a database before fjall may touch it.
//!
//! Opening, fjall cuts off journals behind damage, removes the folder of a keyspace that lacks a file, and makes an empty
//! one in its place, all without a word. So all that it would pass over is looked at first, and a folder that is not whole
//! is refused while everything is still there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::lock::Lock;
use super::manifest::Manifest;
use super::names;
use super::shadow::Shadow;
use crate::codec::Head;
use crate::error::{Damage, Remedy, StorageError};
use crate::folders::sync_around;
use crate::journal::{End, Names, Survey, Tail, read_all};
use crate::layout::Space;

/// fjall's file that says that a database is there, and what stands in it.
pub(super) const VERSION: &str = "version";
pub(super) const VERSION_CONTENT: &[u8] = b"FJL\x03";
pub(super) const KEYSPACES: &str = "keyspaces";

/// A database that was looked at, before it is opened.
#[derive(Debug)]
pub(crate) struct Preflight {
    database: PathBuf,
    marked: u64,
    /// `None`: nothing was ever committed.
    found: Option<Found>,
    /// Held until everything is settled: another start must not cut what this one has begun to write behind.
    _lock: Option<Lock>,
}

/// What there is.
#[derive(Debug)]
struct Found {
    names: Names,
    survey: Survey,
    /// How far the tables of each keyspace reach: one more than the highest sequence number in them.
    reach: [u64; Space::ALL.len()],
    manifests: Vec<Manifest>,
}

impl Preflight {
    /// Looks at the database in the folder `database`, in which all commits up to `marked` were safe once. Changes nothing but
    /// what each opening does: lists of tables that are in use no more are removed.
    ///
    /// # Errors
    /// [`StorageError::InUse`], [`StorageError::Damaged`], [`StorageError::Lost`], [`StorageError::Folder`].
    pub(crate) fn of(database: &Path, marked: u64) -> Result<Self, StorageError> {
        let lock = Lock::take(database)?;
        Ok(Self { _lock: Some(lock), ..Self::of_locked(database, marked)? })
    }

    /// The same without that: at the database of the data folder `folder`, of which a small part is copied beside it.
    pub(crate) fn of_untouched(folder: &Path, marked: u64) -> Result<Self, StorageError> {
        let database = folder.join("db");
        let lock = Lock::take(&database)?;
        let shadow = Shadow::of_names(folder)?;
        Ok(Self { _lock: Some(lock), ..Self::look(&database, marked, &shadow.database())? })
    }

    /// The same for who has the lock.
    pub(crate) fn of_locked(database: &Path, marked: u64) -> Result<Self, StorageError> {
        Self::look(database, marked, database)
    }

    /// Names of keyspaces are read from a database that may be `opened`.
    fn look(database: &Path, marked: u64, opened: &Path) -> Result<Self, StorageError> {
        let nothing = Self { database: database.to_owned(), marked, found: None, _lock: None };
        if is_empty(database)? {
            return if marked == 0 { Ok(nothing) } else { Err(StorageError::Lost { found: 0, marked }) };
        }
        let journals = read_all(database)?;
        if marked == 0 && journals.iter().all(|journal| journal.content.is_empty()) && is_unused(database)? {
            return Ok(nothing);
        }
        if journals.is_empty() {
            return Err(Damage::of(database.join("*.jnl"), "all journals are missing", Remedy::Restore).into());
        }
        let version = database.join(VERSION);
        if std::fs::read(&version).ok().as_deref() != Some(VERSION_CONTENT) {
            return Err(Damage::of(version, "it is missing, or not what was written", Remedy::Restore).into());
        }
        let keyspaces = database.join(KEYSPACES);
        let names = names::read(&keyspaces, &opened.join(KEYSPACES))?;
        let (mut reach, mut manifests) = ([0; Space::ALL.len()], Vec::new());
        for (number, space) in &names {
            let manifest = Manifest::read(&keyspaces.join(number.to_string()))?;
            reach[*space as usize] = manifest.reach()?;
            manifests.push(manifest);
        }
        let found = Found { survey: Survey::of(journals, &names)?, names, reach, manifests };
        found.reaches_the_journals(&keyspaces)?;
        Ok(Self { found: Some(found), ..nothing })
    }

    /// What stands behind the last good commit.
    pub(crate) fn end(&self) -> &End {
        self.found.as_ref().map_or(&End::Clean, |found| &found.survey.end)
    }

    /// The last commit that was safe once, and the last good one in the journals, if any is in them.
    pub(crate) fn safe_and_last(&self) -> (u64, Option<u64>) {
        match &self.found {
            Some(Found { survey, .. }) => {
                (survey.known_safe(self.marked), survey.last.as_ref().map(|last| last.sequence))
            }
            None => (self.marked, None),
        }
    }

    /// The last good commit in the journals, if any is in them.
    pub(crate) fn last(&self) -> Option<&Head> {
        self.found.as_ref().and_then(|found| found.survey.last.as_ref())
    }

    /// Whether an engine may open it, but for the tail that a crash left and that [`Preflight::settle`] cuts off.
    pub(crate) fn judge(&self) -> Result<Option<&Tail>, StorageError> {
        let (safe, last) = self.safe_and_last();
        let tail = match self.end() {
            End::Clean => None,
            End::Torn(tail) => Some(tail),
            End::Hole { tail, behind: (first, behind) } => {
                let (remedy, lost) = match last {
                    Some(last) if last >= safe => {
                        (Remedy::Repair, "none of them was acknowledged for all that is known".to_owned())
                    }
                    _ => (Remedy::Restore, would_be_lost(last, safe)),
                };
                let what = format!(
                    "{} bytes are no commit, and the commits {first} to {behind} stand behind them; {lost}",
                    tail.more_bytes
                );
                return Err(Damage { at: Some(tail.good_bytes), ..Damage::of(&tail.path, what, remedy) }.into());
            }
        };
        match (last, tail) {
            (Some(last), Some(tail)) if last < safe => {
                let what = format!("the journal is damaged behind commit {last}; {}", would_be_lost(Some(last), safe));
                Err(Damage { at: Some(tail.good_bytes), ..Damage::of(&tail.path, what, Remedy::Restore) }.into())
            }
            (Some(last), None) if last < safe => Err(StorageError::Lost { found: last, marked: safe }),
            (Some(_) | None, tail) => Ok(tail),
        }
    }

    /// Lets an engine open it: cuts off what a crash left at its end, and begins to prove the hashes beside it.
    ///
    /// What is cut off was never acknowledged; still it is kept, in a folder beside the database. fjall would cut off an
    /// incomplete batch, too, but refuses for good when the end of a batch has reached the disk and its middle has not.
    pub(crate) fn settle(self) -> Result<Proof, StorageError> {
        if let Some(tail) = self.judge()? {
            let kept = tail.keep_and_cut(&self.database).map_err(|e| StorageError::folder(&tail.path, e))?;
            tracing::warn!(
                journal = %tail.path.display(),
                at = tail.good_bytes,
                bytes = tail.more_bytes,
                kept = %kept.display(),
                "the journal ended in an unfinished commit, which was never acknowledged: cut off"
            );
        }
        let Some(found) = self.found else {
            super::lock::clear_unused(&self.database)?;
            return Ok(Proof(None));
        };
        found.survey.write_doubtful_again().map_err(|e| StorageError::folder(&self.database, e))?;
        let found = Arc::new(found);
        let proven = found.clone();
        let prove = move || proven.survey.prove(&proven.names);
        let proving = std::thread::Builder::new().name("qnect-prove".to_owned()).spawn(prove);
        let proving = proving.map_err(|e| StorageError::folder("a thread", e))?;
        Ok(Proof(Some(Pending { found, proving, database: self.database })))
    }

    /// Proves the hashes here and now.
    pub(crate) fn prove(&self) -> Result<(), StorageError> {
        self.found.as_ref().map_or(Ok(()), |found| found.survey.prove(&found.names))
    }
}

impl Found {
    /// The tables of each keyspace must reach up to where the journals begin.
    fn reaches_the_journals(&self, keyspaces: &Path) -> Result<(), StorageError> {
        let Some(witness) = self.survey.first.as_ref().and_then(|first| first.witness.as_ref()) else {
            return Ok(());
        };
        self.reaches(keyspaces, |space| witness.reach_before(space))
    }

    fn reaches(&self, keyspaces: &Path, needed: impl Fn(Space) -> u64) -> Result<(), StorageError> {
        for (number, space) in &self.names {
            let (reach, needed) = (self.reach[*space as usize], needed(*space));
            if reach < needed {
                let what = format!(
                    "the tables of `{}` end at place {reach} of {needed}, and no journal goes on from there: a journal is \
                     missing, or an older copy of this folder was put back",
                    space.name()
                );
                return Err(Damage::of(keyspaces.join(number.to_string()), what, Remedy::Restore).into());
            }
        }
        Ok(())
    }
}

/// What is left to compare once the database is open.
#[must_use]
pub(crate) struct Proof(Option<Pending>);

struct Pending {
    found: Arc<Found>,
    proving: JoinHandle<Result<(), StorageError>>,
    database: PathBuf,
}

impl Proof {
    /// To be asked first, whether or not the opening failed: what it cut off because it could not read it, which does not
    /// make it fail.
    pub(crate) fn cut_by_opening(&self) -> Result<Option<StorageError>, StorageError> {
        let Some(Pending { found, database, .. }) = &self.0 else { return Ok(None) };
        let cut = found.survey.cut_since().map_err(|e| StorageError::folder(database, e))?;
        Ok(cut.map(|(path, at)| StorageError::CutByOpening { path: path.to_owned(), at }))
    }

    /// Makes the journals what they were, and the tables what they were beside them: an opened database may have begun to
    /// write out what it had read of a journal, and to forget the journal. It must be closed.
    pub(crate) fn put_back(&self) -> Result<(), StorageError> {
        let Some(Pending { found, database, .. }) = &self.0 else { return Ok(()) };
        let failed = |e| StorageError::folder(database, e);
        let _lock = Lock::take(database)?;
        found.survey.put_back().map_err(failed)?;
        sync_around(&database.join(VERSION)).map_err(failed)?;
        found.manifests.iter().try_for_each(Manifest::put_back).map_err(failed)
    }

    /// Compares the database's head with what was proven, and waits for the proof of the hashes.
    pub(crate) fn confirm(self, head: &Head) -> Result<(), StorageError> {
        let Some(Pending { found, proving, database }) = self.0 else { return Ok(()) };
        if head.notes == Some(true) && !found.names.values().any(|space| *space == Space::Recent) {
            let what = format!("the keyspace `{}` is not listed", Space::Recent.name());
            return Err(Damage::of(database.join(KEYSPACES), what, Remedy::Restore).into());
        }
        match (&found.survey.last, &head.witness) {
            (Some(last), _) if last != head => {
                let what =
                    format!("its last commit is {}, but that of its journals is {}", head.sequence, last.sequence);
                return Err(Damage::of(database, what, Remedy::Restore).into());
            }
            (None, Some(witness)) => {
                found.reaches(&database.join(KEYSPACES), |space| witness.reach_with_this(space))?;
            }
            (Some(_), _) | (None, None) => {}
        }
        match proving.join() {
            Ok(proven) => proven,
            Err(_) => Err(Damage::of(database, "the hashes of its journals cannot be taken", Remedy::Restore).into()),
        }
    }
}

fn would_be_lost(last: Option<u64>, safe: u64) -> String {
    let last = last.unwrap_or_default();
    let lost = safe.saturating_sub(last);
    format!("all up to {safe} were safe once, so {lost} acknowledged commits would be lost behind {last}")
}

/// Whether there is no database at all.
fn is_empty(database: &Path) -> Result<bool, StorageError> {
    match std::fs::read_dir(database) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(e) => Err(StorageError::folder(database, e)),
    }
}

/// Whether no keyspace has a table: its making may have been cut off at any step.
fn is_unused(database: &Path) -> Result<bool, StorageError> {
    let keyspaces = database.join(KEYSPACES);
    let failed = |e| StorageError::folder(&keyspaces, e);
    if !keyspaces.try_exists().map_err(failed)? {
        return Ok(true);
    }
    for entry in std::fs::read_dir(&keyspaces).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // Only that of fjall's own keyspace, which lists the others, has tables from the first.
        let tables = std::fs::read_dir(entry.path().join("tables"));
        if entry.file_name() != "0" && tables.is_ok_and(|mut tables| tables.next().is_some()) {
            return Ok(false);
        }
    }
    Ok(true)
}
