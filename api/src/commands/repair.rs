//! `repair`: a folder that a start refuses, where nothing that was acknowledged is lost by it.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use qnect_engine::Clock;
use qnect_storage::{Repair, repair};

use crate::commands::{CommandError, folder, say};
use crate::config::{Config, Overrides, environment};

/// Repairs the folder of the configuration while no engine has it, and tells what was done.
pub fn run(file: Option<&Path>) -> Result<ExitCode, CommandError> {
    let config = Config::load(file, environment(), &Overrides::default())?;
    let data_dir = config.for_storage()?.data_dir;
    folder::expect_data(data_dir)?;
    let now = Clock::of_machine()?.now();
    let repaired = repair(data_dir, now)?;
    say(&text(&repaired));
    Ok(ExitCode::SUCCESS)
}

fn text(Repair { cut, removed, commit }: &Repair) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    if let Some(cut) = cut {
        let _ = writeln!(text, "{}: cut off at byte {}, {} bytes", cut.journal.display(), cut.at, cut.bytes);
        if let Some((first, last)) = cut.commits {
            let _ = writeln!(
                text,
                "with them went the commits {first} to {last}, none of which is known to be acknowledged"
            );
        }
        let _ = writeln!(text, "the journals as they were are kept in {}", cut.kept.display());
    }
    for path in removed {
        let _ = writeln!(text, "{}: a left-over, removed", path.display());
    }
    if cut.is_none() && removed.is_empty() {
        let _ = writeln!(text, "there was nothing to repair");
    }
    if let Some(commit) = commit {
        let _ = writeln!(text, "the last commit is {commit}");
    }
    text
}
