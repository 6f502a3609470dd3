//! `verify`: whether what is stored is whole.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use qnect_storage::{StorageError, verify};

use crate::commands::print::Form;
use crate::commands::{CommandError, EXIT_STORAGE, folder, keys, say};
use crate::config::{Config, Overrides, environment};
use crate::control::{AskError, Reply, Request, Verified, ask};

/// Verifies the store of the configuration: by the engine that runs, or in the folder when none does. Exit code 70 when
/// something is wrong.
pub fn run(file: Option<&Path>, form: Form) -> Result<ExitCode, CommandError> {
    let config = Config::load(file, environment(), &Overrides::default())?;
    let for_storage = config.for_storage()?;
    let socket = folder::control_socket(&config)?;
    let verified = match folder::runtime()?.block_on(ask(&socket, &Request::Verify)) {
        Ok(Reply::Verified(verified)) => verified,
        Ok(Reply::Tags(_) | Reply::Scans(_) | Reply::Owners(_) | Reply::Session(_)) => {
            return Err(CommandError::Other("the engine answered something else".to_owned()));
        }
        Err(AskError::Nobody) => {
            folder::expect_data(for_storage.data_dir)?;
            let master = keys::read(for_storage.key_file)?;
            verify(for_storage.data_dir, &master).map_err(|error| in_use(error, &socket))?.into()
        }
        Err(AskError::Refused(refusal)) => return Err(refusal.into()),
        Err(error @ AskError::Failed(_)) => return Err(CommandError::Other(format!("{}: {error}", socket.display()))),
    };
    say(&match form {
        Form::Json => serde_json::to_string(&verified).map_err(|e| CommandError::Other(e.to_string()))? + "\n",
        Form::Text | Form::Short => text(&verified),
    });
    Ok(if verified.clean { ExitCode::SUCCESS } else { ExitCode::from(EXIT_STORAGE) })
}

/// Who has the folder without listening is not asked.
fn in_use(error: StorageError, socket: &Path) -> CommandError {
    match error {
        StorageError::InUse(folder) => folder::in_use(&folder, socket),
        other => other.into(),
    }
}

fn text(verified: &Verified) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<14} {value}");
    };
    row("last commit", verified.commit.to_string());
    row("tables", verified.tables.to_string());
    row("people", verified.people.to_string());
    verified.rows.iter().for_each(|rows| row(&rows.keyspace, rows.rows.to_string()));
    row("of the erased", verified.erased.to_string());
    row("logical hash", verified.logical_hash.clone().unwrap_or_else(|| "unknown: not all could be read".to_owned()));
    for finding in &verified.findings {
        let _ = writeln!(text, "WRONG {}: {}; {}", finding.place, finding.what, finding.remedy);
    }
    if verified.more_findings > 0 {
        let _ = writeln!(text, "WRONG and {} more", verified.more_findings);
    }
    let _ = writeln!(text, "{}", if verified.clean { "all is whole" } else { "not all is whole" });
    text
}
