//! Folders whose names outlast a loss of power.
//!
//! ext4, XFS and Btrfs keep the name of a folder that was synced itself; POSIX promises that only of a sync of the folder
//! around it. Where that was forgotten, a folder is gone with all that was synced in it, and a new empty one is made.

use std::fs::File;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Makes a folder and those around it, where they are missing. A new data folder is its owner's only: what is not sealed in
/// it (network prefixes, times) is nobody else's business.
pub(crate) fn make_folder(folder: &Path) -> std::io::Result<()> {
    let missing = folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).count();
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    for made in folder.ancestors().take(missing) {
        sync_around(made)?;
    }
    Ok(())
}

/// Makes the names of the database and of its keyspaces last, which fjall does not; before anything is acknowledged.
pub(crate) fn keep_names(folder: &Path) -> std::io::Result<()> {
    sync(&folder.join("db/keyspaces"))?;
    sync(folder)?;
    // Who made the data folder may have ended before its name was safe. It may also be an administrator's, or the root of a
    // file system, around which nothing can be read.
    let _ = sync_around(folder);
    Ok(())
}

/// Makes the name of a file or of a folder last.
pub(crate) fn sync_around(path: &Path) -> std::io::Result<()> {
    sync(around(path))
}

fn around(folder: &Path) -> &Path {
    folder.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}
