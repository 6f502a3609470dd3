//! `config example`, `config check`, `config show`.

use std::path::Path;
use std::process::ExitCode;

use crate::commands::{CommandError, say};
use crate::config::{self, Config, Overrides, environment};

/// Prints the documented example file.
pub fn example() -> ExitCode {
    say(config::example());
    ExitCode::SUCCESS
}

/// Says whether `serve` would take this configuration.
pub fn check(file: Option<&Path>) -> ExitCode {
    match config::check(file, environment(), &Overrides::default()) {
        Ok(text) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprint!("{text}");
            ExitCode::from(2)
        }
    }
}

/// Prints the effective values, secrets hidden.
pub fn show(file: Option<&Path>) -> Result<ExitCode, CommandError> {
    let config = Config::load(file, environment(), &Overrides::default())?;
    say(&config::show(&config));
    Ok(ExitCode::SUCCESS)
}
