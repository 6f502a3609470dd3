//! Options of our programs, as `--name value`; `--bare` stands alone.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use crate::Failure;

/// What was asked for.
pub struct Options(HashMap<String, String>);

impl Options {
    /// Reads what was typed.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut given = HashMap::new();
        while let Some(option) = arguments.next() {
            let name = option.strip_prefix("--").ok_or_else(|| format!("{option} is no option"))?.to_owned();
            let value = if name == "bare" { Some(String::new()) } else { arguments.next() };
            given.insert(name, value.ok_or_else(|| format!("{option} needs a value"))?);
        }
        Ok(Self(given))
    }

    /// Whether this one was given.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What was given for this one; an error if nothing was.
    pub fn text(&self, name: &str) -> Result<&str, Failure> {
        self.0.get(name).map(String::as_str).ok_or_else(|| format!("--{name} is missing").into())
    }

    /// A number; an error if none was given.
    pub fn number<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        let text = self.text(name)?;
        text.parse().map_err(|_| format!("--{name} {text} is no such number").into())
    }

    /// Where the server listens, `--to`.
    pub fn server(&self) -> Result<SocketAddr, Failure> {
        Ok(self.text("to")?.parse().map_err(|_| "--to is no address with a port")?)
    }

    /// A number; `usual` if none was given.
    pub fn number_or<T: FromStr>(&self, name: &str, usual: T) -> Result<T, Failure> {
        if self.has(name) { self.number(name) } else { Ok(usual) }
    }

    /// How many `--seconds`.
    pub fn duration(&self) -> Result<Duration, Failure> {
        Ok(Duration::from_secs(self.number("seconds")?))
    }

    /// The lines of the file that an option names; an error if there is none.
    pub fn lines(&self, name: &str) -> Result<Vec<String>, Failure> {
        let file = self.text(name)?;
        let lines: Vec<String> =
            std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?.lines().map(str::to_owned).collect();
        if lines.is_empty() { Err(format!("{file} is empty").into()) } else { Ok(lines) }
    }
}
