//! `sessions show|report|block|unblock`.

use std::io::{BufRead, Read};
use std::path::Path;
use std::process::ExitCode;

use crate::commands::CommandError;
use crate::commands::operate::operate;
use crate::commands::print::{Form, print};
use crate::control::{Request, SessionAct};

/// Bytes of a session's id, or of the address of its page, on standard input.
const SESSION_BYTES_MAX: u64 = 4_096;

/// Carries out a command on a session and prints it as it stands now; without `act` it is only shown.
pub fn run(
    file: Option<&Path>,
    form: Form,
    session: String,
    act: Option<SessionAct>,
) -> Result<ExitCode, CommandError> {
    let session = if session == "-" { from_stdin()? } else { session };
    let request = match act {
        None => Request::ShowSession { session },
        Some(act) => Request::ActOnSession { session, act },
    };
    print(form, &operate(file, request)?)?;
    Ok(ExitCode::SUCCESS)
}

/// A session's id opens its page; on a command line everyone on the machine could read it.
fn from_stdin() -> Result<String, CommandError> {
    let mut line = String::new();
    let read = std::io::stdin().lock().take(SESSION_BYTES_MAX).read_line(&mut line);
    // What it could not read is not repeated.
    read.map_err(|_| CommandError::Usage("standard input holds no line of text".to_owned()))?;
    Ok(line)
}
