//! The undo log of a lying disk, read back: every change to the watched folder, with what was there before, and every sync.
//! `ops/disk/undo.c` writes it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Bytes of a record's head.
const HEAD_BYTES: usize = 4 * 4 + 5 * 8;

/// What happened.
#[derive(Debug)]
pub(crate) enum What {
    /// So many bytes were written; what was there `before` may be less, because the file was shorter.
    Written {
        offset: u64,
        length: u64,
        old_length: u64,
        before: Vec<u8>,
    },
    /// A file got another length. What was cut off was told before, as if it were written over.
    Resized {
        old_length: u64,
    },
    Made {
        is_folder: bool,
    },
    /// What stood there is kept under this path.
    Moved {
        to: PathBuf,
        replaced: Option<PathBuf>,
    },
    /// The file is kept under this path; a folder was empty.
    Gone {
        kept: Option<PathBuf>,
    },
    /// The first `covers` records are on disk, as far as they are about this file or folder.
    Synced {
        covers: usize,
    },
    /// What these did to this file is not on disk, and no sync will ever write it.
    Lost {
        covers: usize,
    },
}

/// One record.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) what: What,
    /// At that time.
    pub(crate) path: PathBuf,
    pub(crate) inode: u64,
}

/// All that one process did, or several one after the other.
pub(crate) struct Log {
    pub(crate) records: Vec<Record>,
    /// Where files are that lost their names.
    pub(crate) kept: Vec<PathBuf>,
}

impl Log {
    /// Reads a log. Its last record may be torn, because the process was killed over it: then what it announces did not happen.
    pub(crate) fn read(folder: &Path) -> Self {
        let kept = folder.join("kept");
        let bytes = std::fs::read(folder.join("log")).expect("an undo log");
        let mut records = Vec::new();
        let mut rest = bytes.as_slice();
        while let Some(record) = Record::read(&mut rest, &kept) {
            records.push(record);
        }
        Self { records, kept: vec![kept] }
    }

    /// This log, and that of a process that went on where this one ended, in the same life of the machine.
    pub(crate) fn then(mut self, mut next: Self) -> Self {
        for record in &mut next.records {
            if let What::Synced { covers } | What::Lost { covers } = &mut record.what {
                *covers += self.records.len();
            }
        }
        self.records.append(&mut next.records);
        self.kept.append(&mut next.kept);
        self
    }
}

impl Record {
    fn read(rest: &mut &[u8], kept: &Path) -> Option<Self> {
        let (head, behind) = rest.split_at_checked(HEAD_BYTES)?;
        let small = |n: usize| u32::from_ne_bytes(head[4 * n..][..4].try_into().expect("four bytes"));
        let word = |n: usize| u64::from_ne_bytes(head[16 + 8 * n..][..8].try_into().expect("eight bytes"));
        let (path, behind) = behind.split_at_checked(small(1) as usize)?;
        let (second_path, behind) = behind.split_at_checked(small(2) as usize)?;
        let (data, behind) = behind.split_at_checked(small(3) as usize)?;
        *rest = behind;
        let [inode, offset, length, old_length, number] = std::array::from_fn(word);
        let kept = (number != 0).then(|| kept.join(number.to_string()));
        let what = match small(0) {
            1 => What::Written { offset, length, old_length, before: data.to_vec() },
            2 => What::Resized { old_length },
            made @ (3 | 4) => What::Made { is_folder: made == 4 },
            5 => What::Moved { to: path_of(second_path), replaced: kept },
            6 | 7 => What::Gone { kept },
            8 => What::Synced { covers: number as usize },
            9 => What::Lost { covers: number as usize },
            other => panic!("a record of an unknown kind {other}"),
        };
        Some(Self { what, path: path_of(path), inode })
    }
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}
