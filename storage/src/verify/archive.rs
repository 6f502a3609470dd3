//! The archive that each table and each version file of an LSM-tree is (`sfa` 1.0.0): sections, a table of contents, and
//! a trailer of 38 bytes.
//!
//! ```text
//! trailer  4  "SFA!"                        contents  4  "TOC!"
//!          1  version: 1                              4  number of sections
//!          1  checksum: 0 XXH3 of 128 bits            of each  8  where it begins
//!         16  checksum of the contents                         8  how long it is
//!          8  where the contents begin                         2  length of its name
//!          8  how long they are                                   its name
//! ```
//!
//! All numbers are little-endian. The library that reads these takes memory for as many sections as the contents name
//! before it compares their checksum, so a flipped bit there can end the process; here the checksum comes first.

use std::fs::File;
use std::os::unix::fs::FileExt;

use xxhash_rust::xxh3::xxh3_128;

const TRAILER_BYTES: u64 = 38;
const TRAILER_BEGINS: &[u8] = b"SFA!\x01\x00";
const CONTENTS_BEGIN: &[u8] = b"TOC!";
/// Bytes of contents at most: those of a table have seven short names.
const CONTENTS_BYTES_MAX: u64 = 64 * 1024;

/// Where a section stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) at: u64,
    pub(super) bytes: u64,
}

/// The contents of an archive, proven by their checksum.
#[derive(Debug)]
pub(super) struct Contents(Vec<(Vec<u8>, Section)>);

impl Contents {
    /// Reads the contents of a file; `Ok(None)` if they are damaged.
    pub(super) fn read(file: &File) -> std::io::Result<Option<Self>> {
        let file_bytes = file.metadata()?.len();
        let Some(trailer_at) = file_bytes.checked_sub(TRAILER_BYTES) else { return Ok(None) };
        let mut trailer = [0; TRAILER_BYTES as usize];
        file.read_exact_at(&mut trailer, trailer_at)?;
        let Some((checksum, at, bytes)) = read_trailer(&trailer) else { return Ok(None) };
        if bytes > CONTENTS_BYTES_MAX || at.checked_add(bytes) != Some(trailer_at) {
            return Ok(None);
        }
        let mut contents = vec![0; bytes as usize];
        file.read_exact_at(&mut contents, at)?;
        Ok((xxh3_128(&contents) == checksum).then(|| Self::parse(&contents)).flatten())
    }

    /// A section by its name.
    pub(super) fn section(&self, name: &[u8]) -> Option<Section> {
        self.0.iter().find(|(its, _)| its == name).map(|(_, section)| *section)
    }

    fn parse(mut bytes: &[u8]) -> Option<Self> {
        bytes = bytes.strip_prefix(CONTENTS_BEGIN)?;
        let count = u32::from_le_bytes(take(&mut bytes)?);
        let mut sections = Vec::new();
        for _ in 0..count {
            let section =
                Section { at: u64::from_le_bytes(take(&mut bytes)?), bytes: u64::from_le_bytes(take(&mut bytes)?) };
            let name_bytes = u16::from_le_bytes(take(&mut bytes)?);
            let (name, rest) = bytes.split_at_checked(name_bytes.into())?;
            sections.push((name.to_vec(), section));
            bytes = rest;
        }
        bytes.is_empty().then_some(Self(sections))
    }
}

/// The next `N` bytes.
pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn read_trailer(trailer: &[u8]) -> Option<(u128, u64, u64)> {
    let mut rest = trailer.strip_prefix(TRAILER_BEGINS)?;
    let checksum = u128::from_le_bytes(take(&mut rest)?);
    Some((checksum, u64::from_le_bytes(take(&mut rest)?), u64::from_le_bytes(take(&mut rest)?)))
}
