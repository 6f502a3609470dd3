//! The master key and its file.
//!
//! # The file, version 1
//!
//! One line of ASCII, 84 bytes: `qnect-master-key-1`, one space, 64 lower-case hex digits (the 32 bytes, first byte
//! first), one line feed. A reader takes the line without its line feed too, since secret managers strip it. Nothing
//! else may follow. A later version changes the `1` and may change everything after it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::error::KeyError;
use super::files::{OWNER_ONLY, sync_folder_of};
use super::secret::{SECRET_BYTES, Secret};

const PREFIX: &[u8] = b"qnect-master-key-1 ";
const HEX: &[u8; 16] = b"0123456789abcdef";
const LINE_BYTES: usize = PREFIX.len() + 2 * SECRET_BYTES;
/// Permission bits that let somebody other than the owner of the file in.
const OTHERS: u32 = 0o077;

/// The one key that everything else hangs from: 32 bytes, kept outside the data folder and outside its backups.
///
/// Wiped when dropped; its `Debug` shows nothing.
pub struct MasterKey {
    // on the heap, so that moving the key leaves no copy on the stack
    secret: Box<Secret>,
}

impl MasterKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<Self, KeyError> {
        Ok(Self { secret: Box::new(Secret::generate()?) })
    }

    /// A key with these bytes, for a key that comes from elsewhere than its file.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { secret: Box::new(Secret::from_bytes(bytes)) }
    }

    /// Makes a new key and its file (mode 0600), on stable storage when this returns.
    ///
    /// # Errors
    /// [`KeyError::AlreadyExists`] (nothing is ever overwritten), [`KeyError::Random`], [`KeyError::Io`]; after an
    /// error no file of ours is left behind.
    pub fn create_file(path: &Path) -> Result<Self, KeyError> {
        let key = Self::generate()?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(OWNER_ONLY);
        let file = options.open(path).map_err(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => KeyError::AlreadyExists { path: path.to_owned() },
            _ => KeyError::io(path, "create the file")(cause),
        })?;
        let written = key.write_to(&file, path);
        if written.is_err() {
            // half a line must not stand in the way of the next attempt
            let _ = fs::remove_file(path);
        }
        written.map(|()| key)
    }

    /// Reads the key from its file.
    ///
    /// # Errors
    /// [`KeyError::MasterMissing`], [`KeyError::MasterExposed`] (any permission for group or others),
    /// [`KeyError::MasterMalformed`], [`KeyError::Io`].
    pub fn read_file(path: &Path) -> Result<Self, KeyError> {
        let mut file = File::open(path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => KeyError::MasterMissing { path: path.to_owned() },
            _ => KeyError::io(path, "open the file")(cause),
        })?;
        // of the open file, not of the path: the path may mean another file by now
        let mode = file.metadata().map_err(KeyError::io(path, "read the permissions"))?.permissions().mode() & 0o7777;
        if mode & OTHERS != 0 {
            return Err(KeyError::MasterExposed { path: path.to_owned(), mode });
        }
        let mut line = Zeroizing::new([0; LINE_BYTES + 2]);
        let line_len = read_up_to(&mut file, &mut line[..]).map_err(KeyError::io(path, "read"))?;
        parse(&line[..line_len]).ok_or_else(|| KeyError::MasterMalformed { path: path.to_owned() })
    }

    pub(super) fn as_bytes(&self) -> &[u8; SECRET_BYTES] {
        self.secret.as_bytes()
    }

    fn write_to(&self, mut file: &File, path: &Path) -> Result<(), KeyError> {
        let mut line = Zeroizing::new([0; LINE_BYTES + 1]);
        line[..PREFIX.len()].copy_from_slice(PREFIX);
        for (digits, byte) in line[PREFIX.len()..].chunks_exact_mut(2).zip(self.as_bytes()) {
            digits[0] = HEX[usize::from(byte >> 4)];
            digits[1] = HEX[usize::from(byte & 15)];
        }
        line[LINE_BYTES] = b'\n';
        file.write_all(&line[..]).map_err(KeyError::io(path, "write"))?;
        file.sync_all().map_err(KeyError::io(path, "fsync"))?;
        sync_folder_of(path)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// Reads until `buffer` is full or the file ends; a buffer longer than the line shows what is too much.
fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn parse(line: &[u8]) -> Option<MasterKey> {
    let digits = line.strip_suffix(b"\n").unwrap_or(line).strip_prefix(PREFIX)?;
    if digits.len() != 2 * SECRET_BYTES {
        return None;
    }
    let mut secret = Box::new(Secret::zeroed());
    for (byte, pair) in secret.as_mut_bytes().iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(MasterKey { secret })
}

/// The value of one lower-case hex digit.
fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
