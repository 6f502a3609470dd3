//! `keys init`: a new master key.

use std::path::Path;
use std::process::ExitCode;

use qnect_storage::keys::{KeyError, MasterKey};

use crate::commands::{CommandError, say};

/// Makes a new master key at `path`; refuses to overwrite.
pub fn init(path: &Path) -> Result<ExitCode, CommandError> {
    match MasterKey::create_file(path) {
        Ok(_) => {
            let made = path.display();
            say(&format!("{made}: a new master key; keep a copy apart from the data folder and its backups\n"));
            Ok(ExitCode::SUCCESS)
        }
        Err(error @ KeyError::AlreadyExists { .. }) => Err(CommandError::Usage(error.to_string())),
        Err(error) => Err(CommandError::Other(error.to_string())),
    }
}

/// Reads the master key; a missing or exposed file is bad configuration.
pub(super) fn read(path: &Path) -> Result<MasterKey, CommandError> {
    MasterKey::read_file(path).map_err(|error| CommandError::Usage(error.to_string()))
}
