//! Reading a backup: every byte of it is authentic, in its place, and all are there, or it is refused.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use qnect_core::time::Timestamp;

use super::error::BackupError;
use super::format::{
    CHUNK_BYTES_MAX, CHUNK_HEAD_BYTES, Closing, FORMAT_VERSION, Kind, Opening, PRELUDE_BYTES, PreludeFault, Row, Seal,
    TAG_BYTES, backup_key, check_prelude, take_row,
};
use crate::keys::MasterKey;
use crate::layout::Space;
use crate::logical::{LogicalHash, LogicalHasher};

/// What a whole backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The last commit in it.
    pub commit: u64,
    /// When that was, by the engine's clock.
    pub at: Timestamp,
    /// Rows of all keyspaces.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// What the rows come to.
    pub logical: LogicalHash,
}

/// Reads all of a backup and says what it holds. Takes a few MiB of memory, however long the file is.
///
/// # Errors
/// [`BackupError::NotABackup`], [`BackupError::UnknownVersion`], [`BackupError::WrongMaster`],
/// [`BackupError::Damaged`], [`BackupError::Io`].
pub fn examine(path: &Path, master: &MasterKey) -> Result<Inventory, BackupError> {
    BackupReader::open(path, master)?.read_all(|_| Ok(()))
}

/// A backup whose opening was read.
pub(super) struct BackupReader {
    path: PathBuf,
    input: BufReader<File>,
    seal: Seal,
    opening: Opening,
    /// Where the next chunk begins.
    offset: u64,
    /// The content of the last chunk.
    content: Vec<u8>,
}

impl BackupReader {
    /// Opens the file and reads how it begins.
    pub(super) fn open(path: &Path, master: &MasterKey) -> Result<Self, BackupError> {
        let file = File::open(path).map_err(BackupError::io(path, "open it"))?;
        let mut input = BufReader::with_capacity(64 * 1024, file);
        let mut first = Vec::with_capacity(PRELUDE_BYTES);
        let prelude_bytes = PRELUDE_BYTES as u64;
        input.by_ref().take(prelude_bytes).read_to_end(&mut first).map_err(BackupError::io(path, "read it"))?;
        let prelude = check_prelude(&first).map_err(|fault| match fault {
            PreludeFault::NotABackup => BackupError::NotABackup { path: path.to_owned() },
            PreludeFault::UnknownVersion(found) => {
                BackupError::UnknownVersion { path: path.to_owned(), found, known: FORMAT_VERSION }
            }
            PreludeFault::EndsEarly => BackupError::Damaged { path: path.to_owned(), offset: 0, what: ENDS_EARLY },
        })?;
        let seal = Seal::new(prelude, &backup_key(master));
        let mut reader = Self {
            path: path.to_owned(),
            input,
            seal,
            opening: Opening::default(),
            offset: prelude_bytes,
            content: Vec::new(),
        };
        reader.read_opening()?;
        Ok(reader)
    }

    pub(super) fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Hands out all rows in their order, and then says what they come to. Until then none of them is to be relied on.
    pub(super) fn read_all(
        mut self,
        mut each: impl FnMut(Row<'_>) -> Result<(), BackupError>,
    ) -> Result<Inventory, BackupError> {
        let mut logical = LogicalHasher::new();
        let mut before: Option<(Space, Vec<u8>)> = None;
        loop {
            let begins = self.offset;
            match self.chunk()? {
                Kind::Opening => return Err(self.damaged(begins, "it begins twice")),
                Kind::Closing => {
                    let closing = minicbor::decode(&self.content);
                    let closing: Closing = closing.map_err(|_| self.damaged(begins, UNREADABLE))?;
                    return self.close(begins, logical, &closing);
                }
                Kind::Rows => {}
            }
            let mut rest = &self.content[..];
            while !rest.is_empty() {
                let Some((row, after)) = take_row(rest) else { return Err(self.damaged(begins, UNREADABLE)) };
                rest = after;
                let ascends = |(space, key): &(Space, Vec<u8>)| (*space as u8, &key[..]) < (row.space as u8, row.key);
                if !before.as_ref().is_none_or(ascends) {
                    return Err(self.damaged(begins, "its rows are out of order"));
                }
                logical.row(row.space, row.key, row.value);
                each(row)?;
                let (space, key) = before.get_or_insert_with(|| (row.space, Vec::new()));
                *space = row.space;
                key.clear();
                key.extend_from_slice(row.key);
            }
        }
    }

    fn read_opening(&mut self) -> Result<(), BackupError> {
        let begins = self.offset;
        match self.chunk() {
            // It is the first to be opened: by another key none opens.
            Err(BackupError::Damaged { what: DOES_NOT_OPEN, .. }) => {
                return Err(BackupError::WrongMaster { path: self.path.clone() });
            }
            other => {
                if other? != Kind::Opening {
                    return Err(self.damaged(begins, "it begins with something else"));
                }
            }
        }
        self.opening = minicbor::decode(&self.content).map_err(|_| self.damaged(begins, UNREADABLE))?;
        Ok(())
    }

    fn close(mut self, begins: u64, logical: LogicalHasher, closing: &Closing) -> Result<Inventory, BackupError> {
        let (logical, rows) = logical.finish();
        if rows[..] != closing.rows[..] || logical.0 != closing.logical {
            return Err(self.damaged(begins, "its rows are not those that were written"));
        }
        let ends = self.offset;
        let more = self.input.read(&mut [0]).map_err(BackupError::io(&self.path, "read it"))?;
        if more != 0 {
            return Err(self.damaged(ends, "something follows its end"));
        }
        let at = Timestamp::from_millis(self.opening.at_ms);
        Ok(Inventory { commit: self.opening.sequence, at, rows: rows.iter().sum(), bytes: ends, logical })
    }

    /// Reads the next chunk; what it holds is in `content` then.
    fn chunk(&mut self) -> Result<Kind, BackupError> {
        let mut head = [0; CHUNK_HEAD_BYTES];
        self.read_exact(&mut head)?;
        let [kind, n0, n1, n2, n3] = head;
        let sealed_bytes = u32::from_be_bytes([n0, n1, n2, n3]) as usize;
        let may_be = TAG_BYTES..=CHUNK_BYTES_MAX + TAG_BYTES;
        let kind = Kind::from_byte(kind).filter(|_| may_be.contains(&sealed_bytes));
        let kind = kind.ok_or_else(|| self.damaged(self.offset, DOES_NOT_OPEN))?;
        let mut content = std::mem::take(&mut self.content);
        content.resize(sealed_bytes, 0);
        self.read_exact(&mut content)?;
        self.seal.open(kind, &mut content).ok_or_else(|| self.damaged(self.offset, DOES_NOT_OPEN))?;
        self.content = content;
        self.offset += (CHUNK_HEAD_BYTES + sealed_bytes) as u64;
        Ok(kind)
    }

    fn read_exact(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        self.input.read_exact(bytes).map_err(|cause| match cause.kind() {
            ErrorKind::UnexpectedEof => self.damaged(self.offset, ENDS_EARLY),
            _ => BackupError::io(&self.path, "read it")(cause),
        })
    }

    fn damaged(&self, offset: u64, what: &'static str) -> BackupError {
        BackupError::Damaged { path: self.path.clone(), offset, what }
    }
}

const DOES_NOT_OPEN: &str = "it does not open";
const ENDS_EARLY: &str = "it ends too early";
const UNREADABLE: &str = "its fields are unknown; a newer qnect may have written it";
