//! The commands of the binary.

pub mod config;
pub mod demo;
pub mod import;
pub mod keys;
pub mod owners;
pub mod print;
pub mod serve;
pub mod tags;

mod folder;
mod operate;
mod runtime;
mod scene;
mod sticker;
mod terminal;

use std::io::Write;
use std::process::ExitCode;

use qnect_storage::StorageError;
use qnect_storage::keys::KeyError;

use crate::config::ConfigError;
use crate::control::{Kind, Refusal, SocketError};
use crate::outbox::OutboxError;
use crate::server::BindError;

/// Why a command ended early, by exit code.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The configuration is wrong. Exit code 2.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// Bad usage: what to do instead. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The store. Exit code 70, or 2 when another process has the folder or the master key is another's.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A listener. Exit code 1.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The control socket. Exit code 2 when another engine or another file has its place, else 1.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// What an operator asked was not done. The exit code is its kind's.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A provider cannot be asked. Exit code 2: an address in the configuration, or a machine without certificates.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// Anything else. Exit code 1.
    #[error("{0}")]
    Other(String),
}

impl CommandError {
    /// The exit code of the public interface.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) | Self::Outbox(_) => 2,
            Self::Storage(StorageError::InUse(_)) => 2,
            Self::Storage(StorageError::Keys(KeyError::InUse { .. } | KeyError::WrongMaster { .. })) => 2,
            Self::Storage(_) => 70,
            Self::Socket(SocketError::Live(_) | SocketError::NoSocket(_)) => 2,
            Self::Refused(Refusal { kind: Kind::Usage, .. }) => 2,
            Self::Refused(Refusal { kind: Kind::Storage, .. }) => 70,
            Self::Refused(Refusal { kind: Kind::Refused, .. }) => 1,
            Self::Bind(_) | Self::Socket(SocketError::Io { .. }) | Self::Other(_) => 1,
        }
    }
}

/// Writes to stdout. Nobody reads a closed pipe: the exit code still tells.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints the reason and gives the exit code.
pub fn report(result: Result<ExitCode, CommandError>) -> ExitCode {
    result.unwrap_or_else(|error| {
        match &error {
            CommandError::Config(config) if config.problems().len() > 1 => {
                eprintln!("qnect: the configuration has {} problems:\n{config}", config.problems().len());
            }
            _ => eprintln!("qnect: {error}"),
        }
        ExitCode::from(error.exit_code())
    })
}
