//! `owners show|set|pause|resume|unblock`.

use std::path::Path;
use std::process::ExitCode;

use crate::commands::CommandError;
use crate::commands::operate::operate;
use crate::commands::print::{Form, print};
use crate::control::Request;

/// Carries out a command on owners and prints them as they stand now.
pub fn run(file: Option<&Path>, form: Form, request: Request) -> Result<ExitCode, CommandError> {
    print(form, &operate(file, request)?)?;
    Ok(ExitCode::SUCCESS)
}
