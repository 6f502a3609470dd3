//! `doctor`: what stands in the way of an engine, and what to do about it.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use crate::commands::print::Form;
use crate::commands::{CommandError, folder, say};
use crate::config::{Config, Overrides, environment};
use crate::doctor::{Check, Patient, State, examine};

/// Makes all checks under the configuration in `file`. Exit code 1 when one fails.
pub fn run(file: Option<&Path>, form: Form) -> Result<ExitCode, CommandError> {
    let config = Config::load(file, environment(), &Overrides::default())?;
    let for_serve = config.for_serve()?;
    let patient = Patient {
        file: file.map(Path::to_owned),
        origin: for_serve.public_base_url.to_owned(),
        data_dir: for_serve.data_dir.to_owned(),
        key_file: for_serve.key_file.to_owned(),
        control_socket: folder::control_socket(&config)?,
        config,
    };
    let checks = examine(patient);
    let state = checks.iter().map(|check| check.state).max().unwrap_or(State::Ok);
    say(&match form {
        Form::Json => json(state, &checks)?,
        Form::Text | Form::Short => text(&checks),
    });
    Ok(if state == State::Fail { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[derive(Serialize)]
struct Examined<'a> {
    /// The worst of all checks.
    state: State,
    checks: &'a [Check],
}

fn json(state: State, checks: &[Check]) -> Result<String, CommandError> {
    let line = serde_json::to_string(&Examined { state, checks });
    line.map(|line| line + "\n").map_err(|e| CommandError::Other(e.to_string()))
}

fn text(checks: &[Check]) -> String {
    let mut text = String::new();
    for Check { id, state, text: found, .. } in checks {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<5} {:<15} {found}", mark(*state), id.replace('_', " "));
    }
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    let _ = match (count(State::Fail), count(State::Warn)) {
        (0, 0) => writeln!(text, "all is well"),
        (0, warned) => writeln!(text, "to be looked at: {warned}"),
        (failed, 0) => writeln!(text, "failed: {failed}"),
        (failed, warned) => writeln!(text, "failed: {failed}, to be looked at: {warned}"),
    };
    text
}

fn mark(state: State) -> &'static str {
    match state {
        State::Ok => "ok",
        State::Warn => "warn",
        State::Fail => "FAIL",
    }
}
