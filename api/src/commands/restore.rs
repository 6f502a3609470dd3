//! `restore`: a data folder from a backup.

use std::path::Path;
use std::process::ExitCode;

use qnect_storage::{RestoreOptions, restore};

use crate::commands::backup::{extent, hash};
use crate::commands::{CommandError, keys, say};
use crate::config::{Config, Overrides, environment};
use crate::settings::memtable_bytes;

/// Restores the backup `from` into the configured data folder, with the key table `key_table` or the one that is there.
pub fn run(file: Option<&Path>, from: &Path, key_table: Option<&Path>) -> Result<ExitCode, CommandError> {
    let config = Config::load(file, environment(), &Overrides::default())?;
    let for_storage = config.for_storage()?;
    let master = keys::read(for_storage.key_file)?;
    let folder = for_storage.data_dir;
    let memtable_bytes = memtable_bytes(&config);
    let inventory = restore(&RestoreOptions { folder, master: &master, from, keys: key_table, memtable_bytes })?;
    say(&format!(
        "{}: restored, {}\n{}What happened after that is not in it. `qnect serve` may start.\n",
        folder.display(),
        extent(&inventory),
        hash(&inventory),
    ));
    Ok(ExitCode::SUCCESS)
}
