//! `tags mint|show|scans|suspend|resume|retire|appeal`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::commands::operate::operate;
use crate::commands::print::{Form, print};
use crate::commands::{CommandError, sticker};
use crate::control::{Reply, Request, TagMove};

/// A command on tags.
pub enum Tags {
    /// New tags that nobody has claimed.
    Mint {
        /// How many.
        count: usize,
    },
    /// A new tag in use.
    MintFor {
        /// Whose.
        owner: String,
        /// The vehicle's registration.
        vehicle: Option<String>,
    },
    /// What is known of a tag.
    Show {
        /// The code.
        code: String,
        /// Where to write the sticker.
        sticker: Option<PathBuf>,
        /// Whether a file may be overwritten.
        force: bool,
    },
    /// When a tag was looked at.
    Scans {
        /// The code.
        code: String,
        /// In how many of the last hours.
        hours: u32,
    },
    /// A step in a tag's life.
    Move {
        /// The code.
        code: String,
        /// Which step.
        to: TagMove,
    },
}

/// Carries it out and prints the tags as they stand now.
pub fn run(file: Option<&Path>, form: Form, command: Tags) -> Result<ExitCode, CommandError> {
    match command {
        Tags::Mint { count } => {
            let reply = operate(file, Request::MintTags { count })?;
            print(if form == Form::Text { Form::Short } else { form }, &reply)?;
        }
        Tags::MintFor { owner, vehicle } => print(form, &operate(file, Request::MintTagFor { owner, vehicle })?)?,
        Tags::Scans { code, hours } => print(form, &operate(file, Request::ScansOfTag { code, hours })?)?,
        Tags::Move { code, to } => print(form, &operate(file, Request::MoveTag { code, to })?)?,
        Tags::Show { code, sticker, force } => {
            let reply = operate(file, Request::ShowTag { code })?;
            if let (Some(path), Reply::Tags(tags)) = (sticker, &reply) {
                for tag in tags {
                    sticker::write(tag, &path, force)?;
                }
            }
            print(form, &reply)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
