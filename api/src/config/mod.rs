//! Configuration: one TOML file, environment variables over it, command line flags over both.
//!
//! The way of a value: [`layers`] puts the three sources into one table and remembers where each key came from,
//! [`schema`] holds every key against the one list in [`keys`], [`secret_files`] reads the secrets that stand in
//! files of their own, serde makes the typed [`Config`], and [`validate`] judges what needs two keys at once. Problems
//! are collected along the way and told all together, each with its file and line, its variable or its flag.

use std::path::{Path, PathBuf};

mod demo;
mod keys;
mod kinds;
mod layers;
mod network;
mod positions;
mod problem;
mod read;
mod report;
mod schema;
mod secret;
mod secret_files;
mod sections;
#[cfg(test)]
mod tests;
mod urls;
mod validate;

pub use layers::{Overrides, environment};
pub use network::{Network, NetworkError};
pub use problem::{ConfigError, Place, Problem};
pub use report::{check, example, show};
pub use secret::Secret;
pub use sections::{
    Abuse, AccessLog, Calls, Config, Engine, Limits, Log, LogFormat, Number, Plivo, Privacy, Provider, Providers,
    Server, Storage, Strategy, Tls, Twilio,
};

/// What `serve` can't do without, once it is known to be there.
#[derive(Debug, Clone, Copy)]
pub struct ForServe<'a> {
    /// The origin of every URL that we emit, without a slash at its end.
    pub public_base_url: &'a str,
    /// The data folder.
    pub data_dir: &'a Path,
    /// The master key's file.
    pub key_file: &'a Path,
}

/// What the commands that open the data folder can't do without.
#[derive(Debug, Clone, Copy)]
pub struct ForStorage<'a> {
    /// The data folder.
    pub data_dir: &'a Path,
    /// The master key's file.
    pub key_file: &'a Path,
}

impl Config {
    /// Reads `file`, if there is one, lays the `QNECT__` variables of `env` over it and `flags` over both.
    /// Other variables are ignored; [`environment`] gives those of this process.
    ///
    /// # Errors
    /// All problems at once. Keys that only `serve` needs may still be missing: see [`Config::for_serve`].
    pub fn load(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
        flags: &Overrides,
    ) -> Result<Self, ConfigError> {
        read::read(file, env, flags).into_config()
    }

    /// The keys that `serve` needs and that have no sensible default.
    ///
    /// # Errors
    /// Every one that is missing, with what to write, and an empty `[[numbers]]`.
    pub fn for_serve(&self) -> Result<ForServe<'_>, ConfigError> {
        match (&self.server.public_base_url, &self.storage.data_dir, &self.storage.key_file) {
            (Some(public_base_url), Some(data_dir), Some(key_file)) if !self.numbers.is_empty() => {
                Ok(ForServe { public_base_url, data_dir, key_file })
            }
            _ => Err(ConfigError::unplaced(validate::missing_for_serve(self))),
        }
    }

    /// The keys that a command on the data folder needs.
    ///
    /// # Errors
    /// Every one that is missing, with what to write.
    pub fn for_storage(&self) -> Result<ForStorage<'_>, ConfigError> {
        match (&self.storage.data_dir, &self.storage.key_file) {
            (Some(data_dir), Some(key_file)) => Ok(ForStorage { data_dir, key_file }),
            _ => Err(ConfigError::unplaced(validate::missing_for_storage(self))),
        }
    }

    /// Where the control socket is: as configured, else `control.sock` in the data folder; `None` without either.
    pub fn control_socket(&self) -> Option<PathBuf> {
        let in_data_dir = || self.storage.data_dir.as_ref().map(|folder| folder.join("control.sock"));
        self.server.control_socket.clone().or_else(in_data_dir)
    }
}
