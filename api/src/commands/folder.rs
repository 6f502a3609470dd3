//! Opening the data folder for a command, while no engine has it.

use std::path::PathBuf;

use qnect_engine::Clock;
use qnect_storage::{OpenOptions, Storage};

use crate::commands::{CommandError, keys};
use crate::config::Config;

/// Opens the store of a configuration, and the clock that goes with it. Blocks.
pub(super) fn open(config: &Config) -> Result<(Storage, Clock), CommandError> {
    let for_storage = config.for_storage()?;
    let master = keys::read(for_storage.key_file)?;
    let mut clock = None;
    let storage = Storage::open(&OpenOptions::new(for_storage.data_dir, &master), |floor| {
        let started = *clock.insert(Clock::starting_at_least(floor));
        move || started.now()
    })?;
    let clock = clock.unwrap_or_else(|| Clock::starting_at_least(storage.clock_floor()));
    Ok((storage, clock))
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
