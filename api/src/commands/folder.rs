//! Opening the data folder for a command, while no engine has it.

use std::path::{Path, PathBuf};

use qnect_engine::Clock;
use qnect_storage::{OpenOptions, Storage, StorageError};
use tokio::runtime::Runtime;

use crate::commands::{CommandError, keys};
use crate::config::Config;
use crate::settings::open_options;

/// Opens the store of a configuration, and the clock that goes with it. Blocks.
pub(super) fn open(config: &Config) -> Result<(Storage, Clock), CommandError> {
    let for_storage = config.for_storage()?;
    let master = keys::read(for_storage.key_file)?;
    open_store(config, &open_options(config, for_storage.data_dir, &master))
}

/// Opens a store and the clock that goes with it, unless the machine's clock and the last commit do not go together.
pub(super) fn open_store(config: &Config, options: &OpenOptions<'_>) -> Result<(Storage, Clock), CommandError> {
    let machine = Clock::of_machine()?;
    let mut checked = None;
    let storage = Storage::open(options, |last| {
        let clock = *checked.insert(machine.after(last, config.storage.clock_gap_days_max));
        // One that is refused stands still until the store is closed again, and nothing is written by it.
        move || clock.map_or(last, |clock| clock.now())
    })?;
    let clock = checked.unwrap_or(Ok(machine))?;
    Ok((storage, clock))
}

/// The same for a command whose engine was looked for at `socket`, and is not there.
pub(super) fn open_without_engine(config: &Config, socket: &Path) -> Result<(Storage, Clock), CommandError> {
    open(config).map_err(|error| match error {
        CommandError::Storage(StorageError::InUse(folder)) => in_use(&folder, socket),
        other => other,
    })
}

/// Somebody has the folder, and nobody listens.
pub(super) fn in_use(folder: &Path, socket: &Path) -> CommandError {
    CommandError::Usage(format!(
        "the data folder {} is in use by a process that does not listen on {}; wait until it has started or ended, \
         or name its server.control_socket",
        folder.display(),
        socket.display(),
    ))
}

/// A mistyped folder is not the place for a new database.
pub(super) fn expect_data(data_dir: &Path) -> Result<(), CommandError> {
    if data_dir.join("db").exists() {
        return Ok(());
    }
    Err(CommandError::Usage(format!("{} holds no data yet; check storage.data_dir", data_dir.display())))
}

/// Where operators' commands reach the engine of this folder.
pub(super) fn control_socket(config: &Config) -> Result<PathBuf, CommandError> {
    let socket = config.control_socket();
    socket.ok_or_else(|| CommandError::Usage("storage.data_dir is missing; name the data folder".to_owned()))
}

/// The origin on the stickers, which commands that print scan URLs need.
pub(super) fn origin(config: &Config) -> Result<&str, CommandError> {
    config.server.public_base_url.as_deref().ok_or_else(|| {
        CommandError::Usage("server.public_base_url is missing; write the origin on the stickers".to_owned())
    })
}

/// What asks the engine, for a command that has none of its own.
pub(super) fn runtime() -> Result<Runtime, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| CommandError::Other(format!("no runtime: {e}")))
}
