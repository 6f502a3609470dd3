//! Reading scans back: all of them, or those of one tag, as an operator sees them.

use std::ops::Range;

use qnect_core::record::ScanRecord;
use qnect_core::tag_code::TagId;
use qnect_core::time::{Span, Timestamp};

use crate::codec::{unpack_scans, unpack_scans_of};
use crate::error::StorageError;
use crate::layout::{Space, scans_key};
use crate::read::Reader;

/// The scans of one row lie within this time, be the disk as slow as it may: a commit takes half a minute at most.
const ROW_TIME_MAX: Span = Span::from_secs(60);

impl Reader {
    /// All scans that are on disk, oldest rows first.
    pub(crate) fn all_scans(&self, mut each: impl FnMut(ScanRecord)) -> Result<(), StorageError> {
        for row in self.spaces.get(Space::Scans).iter() {
            let (key, value) = row.into_inner()?;
            unpack_scans(earliest(&key)?, &value)?.into_iter().for_each(&mut each);
        }
        Ok(())
    }

    /// A tag's latest scans of this time, `most` at most, the latest first. Reads all rows of that time.
    pub(crate) fn scans_of(
        &self,
        tag: TagId,
        time: &Range<Timestamp>,
        most: usize,
    ) -> Result<Vec<ScanRecord>, StorageError> {
        let from = Timestamp::from_millis(time.start.as_millis().saturating_sub(ROW_TIME_MAX.as_millis()));
        let mut scans = Vec::new();
        for row in self.spaces.get(Space::Scans).range(scans_key(from, 0, 0)..scans_key(time.end, 0, 0)) {
            let (key, value) = row.into_inner()?;
            let of_row = unpack_scans_of(tag, earliest(&key)?, &value)?;
            scans.extend(of_row.into_iter().filter(|scan| time.contains(&scan.at)));
            // Of a sticker at which millions look, no more are held than are wanted, and those of a row.
            if scans.len() >= 2 * most {
                keep_latest(&mut scans, most);
            }
        }
        keep_latest(&mut scans, most);
        Ok(scans)
    }
}

fn keep_latest(scans: &mut Vec<ScanRecord>, most: usize) {
    scans.sort_by_key(|scan| std::cmp::Reverse(scan.at));
    scans.truncate(most);
}

/// The time that those of a row are counted from.
fn earliest(key: &[u8]) -> Result<Timestamp, StorageError> {
    let ms = key.first_chunk().map(|ms| Timestamp::from_millis(u64::from_be_bytes(*ms)));
    ms.ok_or(StorageError::Unreadable { keyspace: Space::Scans.name(), what: "its key is too short" })
}
