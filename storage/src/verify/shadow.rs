//! A database's private copy, in which fjall may cut and remove what it likes.
//!
//! Tables are most of a database and never written again once they are there: they are linked, not copied. The rest is
//! copied: lists of tables, and journals, whose zeros stay holes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::names::OWN;
use super::preflight::KEYSPACES;
use crate::error::StorageError;
use crate::journal::read_journal;

/// How the copies' folders begin, beside the database.
pub(crate) const SHADOWS: &str = "db.verify-";

/// Dropped, it is removed.
#[derive(Debug)]
pub(super) struct Shadow {
    pub(super) folder: PathBuf,
    original: PathBuf,
}

impl Shadow {
    /// Copies the database in `folder/db` and the key table beside it. Nobody may have the database open.
    pub(super) fn of(folder: &Path) -> Result<Self, StorageError> {
        Self::made(folder, Self::copy_all)
    }

    /// Copies only what names the keyspaces, if it is there. Nobody may have the database open.
    pub(super) fn of_names(folder: &Path) -> Result<Self, StorageError> {
        Self::made(folder, Self::copy_names)
    }

    fn made(folder: &Path, copy: impl Fn(&Self) -> io::Result<()>) -> Result<Self, StorageError> {
        let shadow = folder.join(format!("{SHADOWS}{}", std::process::id()));
        let failed = |e| StorageError::folder(&shadow, e);
        remove(&shadow).map_err(failed)?;
        let shadow = Self { folder: shadow, original: folder.to_owned() };
        let made = new_folder(&shadow.folder).and_then(|()| copy(&shadow));
        made.map_err(|e| StorageError::folder(&shadow.folder, e))?;
        Ok(shadow)
    }

    pub(super) fn database(&self) -> PathBuf {
        self.folder.join("db")
    }

    /// A text in which paths of the copy are those of the original.
    pub(super) fn in_the_original(&self, text: &str) -> String {
        text.replace(&self.folder.display().to_string(), &self.original.display().to_string())
    }

    fn copy_all(&self) -> io::Result<()> {
        let keys = self.original.join("keys.table");
        if keys.exists() {
            copy(&keys, &self.folder.join("keys.table"))?;
        }
        let database = self.original.join("db");
        if database.exists() {
            copy_folder(&database, &self.database())?;
        }
        Ok(())
    }

    fn copy_names(&self) -> io::Result<()> {
        let (from, to) = (self.original.join("db").join(KEYSPACES), self.database().join(KEYSPACES));
        if !from.join(OWN).exists() {
            return Ok(());
        }
        new_folder(&self.database())?;
        new_folder(&to)?;
        copy_folder(&from.join(OWN), &to.join(OWN))
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        // What cannot be removed is removed by the next one, or by `repair`.
        let _ = remove(&self.folder);
    }
}

/// Removes a copy that was left behind.
fn remove(shadow: &Path) -> io::Result<()> {
    match fs::remove_dir_all(shadow) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    new_folder(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_folder(&path, &target)?;
        } else if from.file_name().is_some_and(|name| name == "tables") {
            // Another file system below the same folder has no links to this one.
            fs::hard_link(&path, &target).or_else(|_| copy(&path, &target))?;
        } else if path.extension().is_some_and(|extension| extension == "jnl") {
            copy_journal(&path, &target)?;
        } else {
            copy(&path, &target)?;
        }
    }
    Ok(())
}

/// Copies a journal without the room that fjall makes in advance.
pub(crate) fn copy_journal(from: &Path, to: &Path) -> io::Result<()> {
    let (content, file_bytes) = read_journal(from)?;
    let copy = new_file(to)?;
    copy.set_len(file_bytes)?;
    copy.write_all_at(&content, 0)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut File::open(from)?, &mut new_file(to)?).map(drop)
}

fn new_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
