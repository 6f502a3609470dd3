//! Verifying a folder that no engine has.

use std::path::Path;

use fjall::Database;

use super::lock::Lock;
use super::manifest::Manifest;
use super::preflight::Preflight;
use super::report::Report;
use super::rows::{BrokenOff, Rows};
use super::shadow::Shadow;
use crate::error::StorageError;
use crate::keyring::Keyring;
use crate::keys::{KeyError, MasterKey};
use crate::layout::{Keyspaces, MEMTABLE_BYTES};
use crate::mark::HighWaterMark;
use crate::opening::{keys_are_not_older, open_with, read_head};

/// Looks at everything in the data folder `folder`, on a private copy: no byte of the folder is changed. Blocks, for as
/// long as it takes to read the whole database. Needs room for a copy of the journals and of the key table.
///
/// # Errors
/// [`StorageError::InUse`] (ask the engine that has it), [`StorageError::Keys`] when the master key is another's,
/// [`StorageError::Folder`]. What is wrong with the store is no error but a finding.
pub fn verify(folder: &Path, master: &MasterKey) -> Result<Report, StorageError> {
    let _lock = Lock::take(&folder.join("db"))?;
    let mut report = Report::default();
    let marked = told(HighWaterMark::at(folder.join("high-water.mark")).read(), &mut report)?;
    let shadow = Shadow::of(folder)?;
    tables(&shadow, &mut report)?;
    let opened = open(&shadow, marked.unwrap_or_default(), master, &mut report.safe);
    if let Some(opened) = told(opened, &mut report)? {
        told(rows(&opened, &mut report), &mut report)?;
    }
    for finding in &mut report.findings {
        finding.place = shadow.in_the_original(&finding.place);
        finding.what = shadow.in_the_original(&finding.what);
    }
    Ok(report)
}

/// What an error of the store's own content tells becomes a finding; others are errors.
fn told<T>(result: Result<T, StorageError>, report: &mut Report) -> Result<Option<T>, StorageError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(
            error @ (StorageError::InUse(_)
            | StorageError::Folder { .. }
            | StorageError::Keys(KeyError::WrongMaster { .. } | KeyError::Io { .. })
            | StorageError::Stopped),
        ) => Err(error),
        Err(error) => {
            report.find_error(&error);
            Ok(None)
        }
    }
}

/// Reads every byte of every table.
fn tables(shadow: &Shadow, report: &mut Report) -> Result<(), StorageError> {
    let keyspaces = shadow.database().join("keyspaces");
    let Ok(entries) = std::fs::read_dir(&keyspaces) else { return Ok(()) };
    let mut folders: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    folders.sort();
    for folder in folders.iter().filter(|folder| folder.join("tables").exists()) {
        let Some(manifest) = told(Manifest::read(folder), report)? else { continue };
        for table in &manifest.tables {
            report.tables += 1;
            told(table.prove(), report)?;
        }
    }
    Ok(())
}

type Opened = (Database, Keyspaces, Keyring);

/// Opens the copy as an engine would, once its journals are proven.
fn open(shadow: &Shadow, marked: u64, master: &MasterKey, safe: &mut u64) -> Result<Opened, StorageError> {
    let path = shadow.database();
    let preflight = Preflight::of_locked(&path, marked)?;
    (*safe, _) = preflight.safe_and_last();
    let proof = preflight.settle()?;
    // Nothing is flushed or compacted for the sake of a look.
    let database = open_with(&path, Database::builder(&path).worker_threads_unchecked(0))?;
    let head = read_head(&database, marked)?;
    proof.confirm(&head)?;
    let spaces = Keyspaces::open(&database, MEMTABLE_BYTES)?;
    let keys = Keyring::open(master, &shadow.folder.join("keys.table"), head.sequence == 0)?;
    keys_are_not_older(&keys, &head)?;
    Ok((database, spaces, keys))
}

fn rows((database, spaces, keys): &Opened, report: &mut Report) -> Result<(), StorageError> {
    let snapshot = database.snapshot();
    match Rows::of(&snapshot, spaces, keys)?.walk(report, || true) {
        Ok(()) | Err(BrokenOff::Stopped) => Ok(()),
        Err(BrokenOff::Unreadable(error)) => Err(error),
    }
}
