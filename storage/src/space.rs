//! Room on the disk: watched while there is some left, and kept back for the day when there is none.
//!
//! A commit that meets a full disk fails the store, so what begins something new is turned away before that, and the calls
//! that are on go on. fjall's journal is a sparse file: its length promises nothing. So a ballast file holds real blocks;
//! it goes when the disk is all but full, to let a start read back and calls end, and comes back when there is room again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use metrics::Gauge;
use rustix::fs::{FallocateFlags, StatVfs, fallocate, statvfs};
use rustix::io::Errno;

/// How often the disk is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Intake begins again this much above the bound, so that it does not flap.
const HYSTERESIS_PERCENT: f64 = 1.0;
/// Below this the ballast goes.
const BALLAST_GOES_PERCENT: f64 = 1.0;
/// Free bytes above the bound that a disk must have, in ballasts, for the ballast to come (back).
const BALLAST_COMES_TIMES: u64 = 2;
/// Zeros written at once where a file system cannot reserve blocks.
const ZEROS_BYTES: usize = 1024 * 1024;

/// How much room is kept, and when intake stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceOptions {
    /// Bytes of the ballast file; 0: none.
    pub ballast_bytes: u64,
    /// Percent of the file system that must be free for new sessions, scan records and imports; 0: never stops.
    pub free_percent_min: u8,
}

impl Default for SpaceOptions {
    fn default() -> Self {
        Self { ballast_bytes: 0, free_percent_min: 5 }
    }
}

/// How much room there is on the file system of a data folder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Room {
    /// Bytes that this user may still write.
    pub free_bytes: u64,
    /// The same in percent of the file system.
    pub free_percent: f64,
    /// Bytes of the ballast file; 0: there is none.
    pub ballast_bytes: u64,
}

impl Room {
    /// Looks at the file system under `folder`.
    ///
    /// # Errors
    /// What the operating system says: the folder is missing, or may not be entered.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let disk = statvfs(folder)?;
        let ballast_bytes = std::fs::metadata(ballast_in(folder)).map_or(0, |file| file.len());
        let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
        Ok(Self { free_bytes, free_percent: free_percent(&disk), ballast_bytes })
    }
}

/// Whether there is room for something new. Cheap to clone, asked on every request.
#[derive(Debug, Clone)]
pub(crate) struct Intake(Arc<AtomicBool>);

impl Intake {
    pub(crate) fn is_open(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Watches the file system of a data folder.
pub(crate) struct SpaceKeeper {
    folder: PathBuf,
    options: SpaceOptions,
    intake: Intake,
    free_ratio: Gauge,
}

impl SpaceKeeper {
    /// Looks for the first time, before the database is opened: where the disk is full, the ballast makes room for that.
    pub(crate) fn new(folder: &Path, options: SpaceOptions) -> Self {
        let intake = Intake(Arc::new(AtomicBool::new(true)));
        let free_ratio = metrics::gauge!("qnect_disk_free_ratio");
        let keeper = Self { folder: folder.to_owned(), options, intake, free_ratio };
        keeper.look();
        keeper
    }

    pub(crate) fn intake(&self) -> Intake {
        self.intake.clone()
    }

    /// Looks once a second until `stop` is closed. A disk that cannot be looked at tells by its commits.
    pub(crate) fn run(self, stop: &Receiver<()>) {
        self.restore_ballast();
        while matches!(stop.recv_timeout(LOOK_EVERY), Err(RecvTimeoutError::Timeout)) {
            self.look();
            self.restore_ballast();
        }
    }

    fn look(&self) {
        let Ok(disk) = statvfs(&self.folder) else { return };
        let free = free_percent(&disk);
        self.free_ratio.set(free / 100.0);
        self.judge(free);
        if free < BALLAST_GOES_PERCENT && std::fs::remove_file(self.ballast()).is_ok() {
            tracing::error!(
                "the disk of the data folder is all but full: its ballast file is given up, so that calls can end; \
                 free some space, it comes back by itself"
            );
        }
    }

    fn judge(&self, free: f64) {
        let floor = f64::from(self.options.free_percent_min);
        let was_open = self.intake.is_open();
        let is_open = free >= if was_open { floor } else { floor + HYSTERESIS_PERCENT };
        if self.options.free_percent_min == 0 || is_open == was_open {
            return;
        }
        self.intake.0.store(is_open, Ordering::Relaxed);
        if is_open {
            tracing::warn!(free_percent = free, "there is room on the disk again: new sessions are taken");
        } else {
            tracing::error!(
                free_percent = free,
                "the disk of the data folder runs full: new sessions, scan records and imports are turned away, calls that \
                 are on go on; free some space"
            );
        }
    }

    fn restore_ballast(&self) {
        let Ok(disk) = statvfs(&self.folder) else { return };
        let floor = disk.f_blocks * disk.f_frsize / 100 * u64::from(self.options.free_percent_min);
        let wanted = self.options.ballast_bytes;
        let is_roomy = disk.f_bavail * disk.f_frsize > floor + wanted * BALLAST_COMES_TIMES;
        let has = std::fs::metadata(self.ballast()).map_or(0, |file| file.len());
        if has == wanted || (has < wanted && !is_roomy) {
            return;
        }
        // It is only kept for bad times: without it the store works as well.
        let done = if wanted == 0 { std::fs::remove_file(self.ballast()) } else { reserve(&self.ballast(), wanted) };
        if let Err(error) = done {
            tracing::warn!(%error, "the ballast file of the data folder cannot be written");
            let _ = std::fs::remove_file(self.ballast());
        }
    }

    fn ballast(&self) -> PathBuf {
        ballast_in(&self.folder)
    }
}

fn ballast_in(folder: &Path) -> PathBuf {
    folder.join("ballast")
}

/// Percent of a file system that this user may still write.
fn free_percent(disk: &StatVfs) -> f64 {
    if disk.f_blocks == 0 { 100.0 } else { disk.f_bavail as f64 * 100.0 / disk.f_blocks as f64 }
}

/// A file of blocks that are really there.
fn reserve(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(&mut file, bytes),
        Err(errno) => Err(errno.into()),
    }
}

fn write_zeros(file: &mut File, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; ZEROS_BYTES];
    let mut left = bytes;
    while left > 0 {
        let some = left.min(ZEROS_BYTES as u64);
        file.write_all(&zeros[..some as usize])?;
        left -= some;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper(folder: &Path, options: SpaceOptions) -> SpaceKeeper {
        SpaceKeeper::new(folder, options)
    }

    #[test]
    fn intake_stops_at_the_bound_and_does_not_flap() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = keeper(folder.path(), SpaceOptions { ballast_bytes: 0, free_percent_min: 5 });
        let intake = keeper.intake();
        let mut seen = Vec::new();
        for free in [100.0, 5.0, 4.9, 5.0, 5.9, 6.0, 5.0, 0.0] {
            keeper.judge(free);
            seen.push(intake.is_open());
        }
        assert_eq!(seen, [true, true, false, false, false, true, true, false]);
    }

    #[test]
    fn a_bound_of_zero_never_stops() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = keeper(folder.path(), SpaceOptions { ballast_bytes: 0, free_percent_min: 0 });
        keeper.judge(0.0);
        assert!(keeper.intake().is_open());
    }

    #[test]
    fn the_ballast_has_real_blocks_and_follows_its_option() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let with = |ballast_bytes| keeper(folder.path(), SpaceOptions { ballast_bytes, free_percent_min: 0 });
        let path = folder.path().join("ballast");
        with(1 << 20).restore_ballast();
        let file = std::fs::metadata(&path).unwrap();
        assert_eq!((file.len(), file.mode() & 0o777), (1 << 20, 0o600));
        assert!(file.blocks() * 512 >= 1 << 20, "blocks that are only promised are no ballast");
        with(2 << 20).restore_ballast();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 2 << 20);
        with(u64::MAX / 4).restore_ballast();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 2 << 20, "a disk that is not roomy is left alone");
        with(0).restore_ballast();
        assert!(!path.exists());
    }

    #[test]
    fn zeros_stand_in_where_blocks_cannot_be_reserved() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes = ZEROS_BYTES as u64 * 2 + 7;
        write_zeros(&mut file, bytes).unwrap();
        assert_eq!(file.metadata().unwrap().len(), bytes);
    }
}
