//! Cutting off what stands behind the last good commit.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::survey::Tail;

impl Tail {
    /// Cuts it off, once a copy of it is on stable storage in a folder beside `database`. Returns the copy's path, which is
    /// the same when it is done again.
    pub(crate) fn keep_and_cut(&self, database: &Path) -> std::io::Result<PathBuf> {
        let parent = database.parent().unwrap_or(Path::new("."));
        let folder = parent.join("db.cut-off");
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let journal = self.path.file_name().unwrap_or_default().to_string_lossy();
        let kept = folder.join(format!("{journal}.from-{}", self.good_bytes));
        let bytes = self.read()?;
        let mut copy = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&kept)?;
        copy.write_all(&bytes)?;
        copy.sync_all()?;
        File::open(&folder)?.sync_all()?;
        File::open(parent)?.sync_all()?;
        self.cut()?;
        Ok(kept)
    }

    /// Cuts it off.
    pub(crate) fn cut(&self) -> std::io::Result<()> {
        let journal = OpenOptions::new().write(true).open(&self.path)?;
        journal.set_len(self.good_bytes)?;
        journal.sync_all()
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        use std::os::unix::fs::FileExt;
        let mut bytes = vec![0; self.more_bytes as usize];
        File::open(&self.path)?.read_exact_at(&mut bytes, self.good_bytes)?;
        Ok(bytes)
    }
}
