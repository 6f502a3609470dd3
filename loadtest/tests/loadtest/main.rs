//! The program against a door that is scripted: what it counts, what it refuses, how it ends.

mod calls;
mod day;
mod door;
mod fast;
mod herd;
mod open;
mod tls;
mod usage;

use std::io::Write;
use std::process::{Command, Output};

use tempfile::NamedTempFile;

pub(crate) const TOKEN: &str = "NjU4ZjA3ZmE5ZTI0";

/// The program with `arguments` after `call`, and an account in its environment.
pub(crate) async fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qnect-loadtest"));
    command.arg("call").args(arguments).env("PLIVO_AUTH_ID", "MAEXAMPLE").env("PLIVO_AUTH_TOKEN", TOKEN);
    output(command).await
}

pub(crate) async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("the program runs")
}

/// A file of codes that is there as long as the value is.
pub(crate) fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("room for a few lines");
    file
}

pub(crate) fn path(file: &NamedTempFile) -> &str {
    file.path().to_str().expect("a path in UTF-8")
}

/// A code of the right form, different for each `index`.
pub(crate) fn code(index: usize) -> String {
    format!("TAG{index:017}")
}

pub(crate) fn codes(count: usize) -> NamedTempFile {
    file(&(0..count).map(|index| code(index) + "\n").collect::<String>())
}
