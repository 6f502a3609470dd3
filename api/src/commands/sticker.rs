//! Writing a sticker's file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::commands::CommandError;
use crate::control::TagLine;
use crate::sticker;

/// Writes the sticker of `tag` to `path`; what stands there is overwritten by `force` only.
pub(super) fn write(tag: &TagLine, path: &Path, force: bool) -> Result<(), CommandError> {
    if tag.status == "retired" {
        return Err(CommandError::Other(
            "the tag is retired, so its sticker would lead nowhere; mint a new one".into(),
        ));
    }
    let svg = sticker::svg(&tag.url, &tag.code).map_err(|e| CommandError::Usage(e.to_string()))?;
    let mut options = OpenOptions::new();
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.write(true).open(path).and_then(|mut file| file.write_all(svg.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            CommandError::Usage(format!("{}: is there already; choose another name, or --force", path.display()))
        }
        _ => {
            CommandError::Usage(format!("{}: {error}; name a file in a folder that may be written to", path.display()))
        }
    })
}
