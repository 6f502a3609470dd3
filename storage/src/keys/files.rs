//! Making a file so that it is there as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::error::KeyError;
use super::secret::fill_random;

/// Mode of every file here: its owner reads and writes, nobody else.
pub(super) const OWNER_ONLY: u32 = 0o600;

/// Creates `path` with `bytes` in it and returns it open for reading and writing, locked, and on stable storage.
///
/// A crash leaves either no file, or the whole file, or one named `path.<random>.new` that nobody reads.
pub(super) fn create_whole(path: &Path, bytes: &[u8]) -> Result<File, KeyError> {
    let temporary = temporary_path(path)?;
    let created = write_and_rename(&temporary, path, bytes);
    if created.is_err() {
        // after a successful rename there is nothing under this name
        let _ = fs::remove_file(&temporary);
    }
    created
}

/// Makes the folder's entry for `path` durable.
pub(super) fn sync_folder_of(path: &Path) -> Result<(), KeyError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(KeyError::io(folder, "fsync the folder"))
}

/// Takes the lock that makes this the only open handle that writes; it lasts as long as the handle.
pub(super) fn lock(file: &File, path: &Path) -> Result<(), KeyError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(fs::TryLockError::WouldBlock) => Err(KeyError::InUse { path: path.to_owned() }),
        Err(fs::TryLockError::Error(cause)) => Err(KeyError::io(path, "lock")(cause)),
    }
}

/// In the same folder, so that the rename stays inside one file system; random, so that two creators do not meet.
fn temporary_path(path: &Path) -> Result<PathBuf, KeyError> {
    let mut random = [0; 8];
    fill_random(&mut random)?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}.new", u64::from_be_bytes(random)));
    Ok(name.into())
}

fn write_and_rename(temporary: &Path, path: &Path, bytes: &[u8]) -> Result<File, KeyError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(OWNER_ONLY);
    let mut file = options.open(temporary).map_err(KeyError::io(temporary, "create the file"))?;
    // before anybody can find the file under its name
    lock(&file, temporary)?;
    file.write_all(bytes).map_err(KeyError::io(temporary, "write"))?;
    file.sync_all().map_err(KeyError::io(temporary, "fsync"))?;
    match renameat_with(CWD, temporary, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Err(KeyError::AlreadyExists { path: path.to_owned() }),
        Err(errno) => return Err(KeyError::io(path, "rename a new file to this name")(errno.into())),
    }
    sync_folder_of(path)?;
    Ok(file)
}
