//! A copy of the key table, for its backup: the same bytes, sealed as they are.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::error::KeyError;

/// Bytes that are read at once.
const PIECE_BYTES: u64 = 1024 * 1024;

/// The file of a key table, as far as it was on stable storage when the copy was begun. Keys that are added meanwhile
/// are not in it and disturb nothing: the file is only ever appended to.
#[derive(Debug)]
pub struct KeyCopy {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) at: u64,
    pub(super) end: u64,
}

impl KeyCopy {
    /// The next bytes of the file, 1 MiB at most; `None` behind the last. Blocks.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot fail and end")]
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, KeyError> {
        if self.at == self.end {
            return Ok(None);
        }
        let mut piece = vec![0; (self.end - self.at).min(PIECE_BYTES) as usize];
        self.file.read_exact_at(&mut piece, self.at).map_err(KeyError::io(&self.path, "read"))?;
        self.at += piece.len() as u64;
        Ok(Some(piece))
    }
}
