//! A short look at a data folder that no engine has: enough to say whether a start would take it.

use std::path::Path;

use qnect_core::time::Timestamp;

use crate::backup::is_half_restored;
use crate::codec::FOLDER_FORMAT;
use crate::error::StorageError;
use crate::mark::HighWaterMark;
use crate::verify::Preflight;

/// What a short look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspection {
    /// The number and the time of the last commit that stands in the journals; `None` where none does.
    pub last: Option<(u64, Timestamp)>,
    /// Bytes of an unfinished commit behind it, which was never acknowledged and which a start cuts off.
    pub torn_bytes: u64,
}

/// Looks at the data folder as a start does before it opens it, and changes nothing. Tables and the hashes of commits
/// are left to [`crate::verify`]. Blocks for as long as it takes to read the journals, keeps engines out meanwhile, and
/// has a copy of a small part of the database beside it for as long.
///
/// # Errors
/// Why a start would refuse the folder, [`StorageError::InUse`] while an engine has it.
pub fn inspect(folder: &Path) -> Result<Inspection, StorageError> {
    if is_half_restored(folder) {
        return Err(StorageError::HalfRestored(folder.to_owned()));
    }
    let marked = HighWaterMark::at(folder.join("high-water.mark")).read()?;
    let preflight = Preflight::of_untouched(folder, marked)?;
    let torn_bytes = preflight.judge()?.map_or(0, |tail| tail.more_bytes);
    let Some(head) = preflight.last() else { return Ok(Inspection { last: None, torn_bytes }) };
    if let Some(found) = head.format.filter(|&format| format > FOLDER_FORMAT) {
        return Err(StorageError::Newer { found, known: FOLDER_FORMAT });
    }
    Ok(Inspection { last: Some((head.sequence, Timestamp::from_millis(head.at_ms))), torn_bytes })
}
