//! What `config example`, `config check` and `config show` print.

use std::path::Path;

use super::layers::Overrides;
use super::{Config, Provider, read, validate};

/// The documented example file: every key, with its meaning, unit, default and bounds.
pub fn example() -> &'static str {
    include_str!("example.toml")
}

/// The effective values as TOML; a secret reads `[hidden]`.
pub fn show(config: &Config) -> String {
    let mut effective = config.clone();
    effective.server.control_socket = config.control_socket();
    toml::to_string(&effective).unwrap_or_else(|error| format!("# can't be written as TOML: {error}\n"))
}

/// Whether `serve` would accept this configuration, and what the providers of its numbers cannot do. The text ends with a
/// newline.
///
/// # Errors
/// A line for each problem, as in `qnect.toml:3:1: calls.ring_seconds: 0 is out of range; write a whole number from 1
/// to 120`.
pub fn check(
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
    flags: &Overrides,
) -> Result<String, String> {
    let mut reading = read::read(file, env, flags);
    reading.judge(validate::missing_for_serve);
    let cannot = reading.config().map(cannot).unwrap_or_default();
    match reading.verdict() {
        Ok(()) => Ok(format!("{}: ok\n{cannot}", reading.origins.file().unwrap_or("configuration"))),
        Err(error) => Err(format!("{error}\n")),
    }
}

/// What providers cannot do, for each that has a number.
fn cannot(config: &Config) -> String {
    let used = |provider: &Provider| config.numbers.iter().any(|number| number.provider == *provider);
    let mut text = String::new();
    for provider in Provider::ALL.into_iter().filter(used) {
        for what in provider.tongue().capabilities().missing() {
            text.push_str(&format!("{}: {what}\n", provider.name()));
        }
    }
    text
}
