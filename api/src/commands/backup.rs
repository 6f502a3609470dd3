//! `backup` and `keys backup`: copies of what is stored, from a running engine or from the folder itself.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use qnect_storage::keys::{KeyTable, MasterKey};
use qnect_storage::{Inventory, StorageError, examine};
use tempfile::NamedTempFile;
use tokio::runtime::Runtime;

use crate::commands::{CommandError, folder, keys, say};
use crate::config::{Config, Overrides, environment};
use crate::control::{AskError, CopyOf, Copying, copy, rfc3339};

/// Backs the database up into the file `out`; what stands there is overwritten by `force` only.
pub fn run(file: Option<&Path>, out: &Path, force: bool) -> Result<ExitCode, CommandError> {
    let origin = Origin::of(file)?;
    let mut new = NewFile::beside(out, force)?;
    match origin.ask(CopyOf::Database)? {
        Some(copying) => origin.take(copying, &mut new)?,
        None => {
            folder::expect_data(origin.config.for_storage()?.data_dir)?;
            let (storage, _) = folder::open_without_engine(&origin.config, &origin.socket)?;
            let mut stream = storage.backup()?;
            while let Some(bytes) = stream.next_blocking()? {
                new.write(&bytes)?;
            }
            storage.close();
        }
    }
    // What was written is read back, so that a backup that is there is one that can be restored.
    let inventory = examine(new.path(), &origin.master)?;
    new.put()?;
    say(&format!(
        "{}: {}, {:.1} MB\n{}The key table is not in it, and without it nothing of this can be read: \
         `qnect keys backup` copies it, for another place.\n",
        out.display(),
        extent(&inventory),
        inventory.bytes as f64 / 1e6,
        hash(&inventory),
    ));
    Ok(ExitCode::SUCCESS)
}

/// Backs the key table up into the file `out`; what stands there is overwritten by `force` only.
pub fn keys(file: Option<&Path>, out: &Path, force: bool) -> Result<ExitCode, CommandError> {
    let origin = Origin::of(file)?;
    let mut new = NewFile::beside(out, force)?;
    match origin.ask(CopyOf::KeyTable)? {
        Some(copying) => origin.take(copying, &mut new)?,
        // The database is left alone: its keys can be copied even when it is damaged.
        None => {
            let path = origin.config.for_storage()?.data_dir.join("keys.table");
            let mut copy =
                KeyTable::open(&path, &origin.master).and_then(|table| table.copy()).map_err(StorageError::from)?;
            while let Some(bytes) = copy.next().map_err(StorageError::from)? {
                new.write(&bytes)?;
            }
        }
    }
    let extent = KeyTable::open(new.path(), &origin.master).map_err(StorageError::from)?.extent();
    new.put()?;
    say(&format!(
        "{}: epoch {}, {} keys\nWhoever is erased from now on can be read again with this copy: keep few, not for long, \
         and away from the backups of the database.\n",
        out.display(),
        extent.epoch,
        extent.entries,
    ));
    Ok(ExitCode::SUCCESS)
}

/// How much a backup holds, and until when.
pub(super) fn extent(inventory: &Inventory) -> String {
    let Inventory { commit, at, rows, .. } = inventory;
    format!("{rows} rows, up to commit {commit} of {}", rfc3339(*at))
}

pub(super) fn hash(inventory: &Inventory) -> String {
    format!("logical hash {}\n", inventory.logical)
}

/// Where a copy comes from.
struct Origin {
    config: Config,
    master: MasterKey,
    socket: PathBuf,
    runtime: Runtime,
}

impl Origin {
    fn of(file: Option<&Path>) -> Result<Self, CommandError> {
        let config = Config::load(file, environment(), &Overrides::default())?;
        let master = keys::read(config.for_storage()?.key_file)?;
        let socket = folder::control_socket(&config)?;
        Ok(Self { config, master, socket, runtime: folder::runtime()? })
    }

    /// Asks the engine; `None` when none runs.
    fn ask(&self, what: CopyOf) -> Result<Option<Copying>, CommandError> {
        match self.runtime.block_on(copy(&self.socket, what)) {
            Ok(copying) => Ok(Some(copying)),
            Err(AskError::Nobody) => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn take(&self, mut copying: Copying, new: &mut NewFile<'_>) -> Result<(), CommandError> {
        let next = |copying: &mut Copying| -> Result<Option<Bytes>, CommandError> {
            self.runtime.block_on(copying.next()).map_err(|error| self.failed(error))
        };
        while let Some(bytes) = next(&mut copying)? {
            new.write(&bytes)?;
        }
        Ok(())
    }

    fn failed(&self, error: AskError) -> CommandError {
        match error {
            AskError::Refused(refusal) => refusal.into(),
            AskError::Nobody | AskError::Failed(_) => {
                CommandError::Other(format!("{}: {error}", self.socket.display()))
            }
        }
    }
}

/// A file that gets its name when it is whole, and is gone if it never is. Only its user may read it.
struct NewFile<'a> {
    name: &'a Path,
    force: bool,
    file: NamedTempFile,
}

impl<'a> NewFile<'a> {
    /// Begins in the folder of `name`, so that it is put there by a rename.
    fn beside(name: &'a Path, force: bool) -> Result<Self, CommandError> {
        let there = name.symlink_metadata();
        if there.as_ref().is_ok_and(|there| !there.is_file()) || there.is_ok() && !force {
            return Err(is_there(name));
        }
        let Some(file_name) = name.file_name() else {
            return Err(CommandError::Usage(format!("{}: is no name for a file", name.display())));
        };
        let mut prefix = file_name.to_owned();
        prefix.push(".");
        let file = tempfile::Builder::new().prefix(&prefix).suffix(".new").tempfile_in(folder_of(name));
        let file = file.map_err(|e| {
            let shown = name.display();
            CommandError::Usage(format!("{shown}: {e}; name a file in a folder that exists and may be written to"))
        })?;
        Ok(Self { name, force, file })
    }

    fn path(&self) -> &Path {
        self.file.path()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), CommandError> {
        self.file.as_file_mut().write_all(bytes).map_err(|e| self.failed(&e))
    }

    /// Puts it into its place, on stable storage.
    fn put(self) -> Result<(), CommandError> {
        let Self { name, force, file } = self;
        file.as_file().sync_all().map_err(|e| not_written(name, &e))?;
        let put = if force { file.persist(name) } else { file.persist_noclobber(name) };
        put.map_err(|e| match e.error.kind() {
            std::io::ErrorKind::AlreadyExists => is_there(name),
            _ => not_written(name, &e.error),
        })?;
        File::open(folder_of(name)).and_then(|folder| folder.sync_all()).map_err(|e| not_written(name, &e))
    }

    fn failed(&self, error: &std::io::Error) -> CommandError {
        not_written(self.name, error)
    }
}

fn folder_of(name: &Path) -> &Path {
    name.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn is_there(name: &Path) -> CommandError {
    CommandError::Usage(format!("{}: is there already; choose another name, or --force for a file", name.display()))
}

fn not_written(name: &Path, error: &std::io::Error) -> CommandError {
    CommandError::Other(format!("{}: cannot be written ({error}); make room, or choose another place", name.display()))
}
