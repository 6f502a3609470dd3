//! The commands of the binary.

pub mod backup;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod import;
pub mod keys;
pub mod owners;
pub mod print;
pub mod repair;
pub mod restore;
pub mod serve;
pub mod sessions;
pub mod tags;
pub mod verify;

mod folder;
mod manager;
mod operate;
mod runtime;
mod scene;
mod sticker;
mod terminal;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use qnect_engine::ClockError;
use qnect_storage::keys::KeyError;
use qnect_storage::{BackupError, StorageError};

use crate::config::ConfigError;
use crate::control::{Kind, Refusal, SocketError};
use crate::outbox::OutboxError;
use crate::server::{BindError, TlsError};

/// The exit code of a store that fails, or is not whole (`EX_SOFTWARE` of sysexits.h).
const EXIT_STORAGE: u8 = 70;

/// Why a command ended early, by exit code.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The configuration is wrong. Exit code 2.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// Bad usage: what to do instead. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The store. Exit code 70; 2 when another process has the folder or the master key is another's; 1 when its disk is
    /// nearly full.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A backup or a restore. Exit code 2 when another file, folder or key is to be named, 1 when it is to be tried again,
    /// else 70.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// A listener. Exit code 1.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The certificate. Exit code 2.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The control socket. Exit code 2 when another engine or another file has its place, else 1.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// What an operator asked was not done. The exit code is its kind's.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A provider cannot be asked. Exit code 2: an address in the configuration, or a machine without certificates.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The machine's clock cannot be right, or was not when the folder was written. Exit code 2.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// Anything else. Exit code 1.
    #[error("{0}")]
    Other(String),
}

impl CommandError {
    /// The exit code of the public interface.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) | Self::Tls(_) | Self::Outbox(_) | Self::Clock(_) => 2,
            Self::Storage(error) => of_storage(error),
            Self::Backup(error) => of_backup(error),
            Self::Socket(SocketError::Live(_) | SocketError::NoSocket(_)) => 2,
            Self::Refused(Refusal { kind: Kind::Usage, .. }) => 2,
            Self::Refused(Refusal { kind: Kind::Storage, .. }) => 70,
            Self::Refused(Refusal { kind: Kind::Refused, .. }) => 1,
            Self::Bind(_) | Self::Socket(SocketError::Io { .. }) | Self::Other(_) => 1,
        }
    }
}

fn of_storage(error: &StorageError) -> u8 {
    match error {
        StorageError::InUse(_) => 2,
        // Nothing failed: it was not begun.
        StorageError::NoSpace => 1,
        StorageError::Keys(error) => of_keys(error),
        _ => 70,
    }
}

fn of_keys(error: &KeyError) -> u8 {
    match error {
        KeyError::InUse { .. } | KeyError::WrongMaster { .. } => 2,
        _ => 70,
    }
}

fn of_backup(error: &BackupError) -> u8 {
    match error {
        BackupError::Busy | BackupError::BrokenOff => 1,
        BackupError::NotABackup { .. }
        | BackupError::WrongMaster { .. }
        | BackupError::NotEmpty { .. }
        | BackupError::Restoring { .. }
        | BackupError::KeysMissing { .. }
        | BackupError::KeysThere { .. }
        | BackupError::KeysOlder { .. }
        | BackupError::KeysOfAnother => 2,
        BackupError::Io { cause, .. } if is_a_wrong_name(cause) => 2,
        BackupError::Keys(error) => of_keys(error),
        BackupError::Storage(error) => of_storage(error),
        BackupError::Failed
        | BackupError::Source { .. }
        | BackupError::UnknownVersion { .. }
        | BackupError::Damaged { .. }
        | BackupError::Differs { .. }
        | BackupError::Io { .. } => 70,
    }
}

fn is_a_wrong_name(cause: &std::io::Error) -> bool {
    matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::IsADirectory)
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
