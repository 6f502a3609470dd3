//! The disk of the data folder: what kind it is, how full, and how long it takes to make a commit safe.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use qnect_storage::Room;
use rustix::fs::statfs;

use super::{Check, Patient};
use crate::config::Storage;

/// The file that is written; a later run removes what one left that was killed.
const PROBE: &str = "doctor.probe";
/// Syncs that are measured at most, and for how long.
const SYNCS_MAX: usize = 200;
const SYNCS_TIME_MAX: Duration = Duration::from_secs(3);
/// Bytes of an append: a small commit.
const APPEND_BYTES: usize = 512;
/// Like a journal, the file has its length from the first: an append does not change it.
const PROBE_BYTES: u64 = (SYNCS_MAX * APPEND_BYTES) as u64;
/// A caller hears the delay: the 99th of 100 syncs may take so long.
const SLOW: Duration = Duration::from_millis(50);
/// A second turns new sessions away, and a busy disk has worse moments than this one.
const TOO_SLOW: Duration = Duration::from_millis(500);
/// A warning comes so many percent of the file system before new sessions are refused.
const WARN_PERCENT: f64 = 5.0;
const GIBIBYTE: f64 = (1_u64 << 30) as f64;

/// What a file system means for the data on it.
enum Kind {
    /// The name of one that keeps what was synced, on a disk of this machine.
    Local(&'static str),
    Network(&'static str),
    /// Gone with the machine, or with the container.
    Fleeting(&'static str),
    Unknown,
}

/// Whether what was synced there stays.
pub(super) fn file_system(patient: &Patient) -> Check {
    let id = "file_system";
    let folder = existing(&patient.data_dir);
    let disk = match statfs(folder) {
        Ok(disk) => disk,
        Err(error) => return unreadable(id, folder, &error.into()),
    };
    // Magic numbers have 32 bits; the field has more, with or without a sign, as the machine is built.
    let number = disk.f_type as u32;
    match kind(number) {
        Kind::Local(name) => Check::ok(id, format!("{name} on this machine")),
        Kind::Network(name) => Check::warn(
            id,
            format!(
                "{name}, over a network that calls then depend on; use a disk of this machine for storage.data_dir"
            ),
        ),
        Kind::Fleeting(name) => Check::warn(
            id,
            format!("{name}, whose content goes with the machine or container; put storage.data_dir on a disk"),
        ),
        Kind::Unknown => Check::warn(
            id,
            format!(
                "of a kind that is not known here ({number:#x}); see that it keeps what was synced when the power fails"
            ),
        ),
    }
}

/// Room for what begins, and the ballast for the day when there is none.
pub(super) fn disk_space(patient: &Patient) -> Check {
    let id = "disk_space";
    let folder = existing(&patient.data_dir);
    let room = match Room::of(folder) {
        Ok(room) => room,
        Err(error) => return unreadable(id, folder, &error),
    };
    space(room, &patient.config.storage, holds_data(&patient.data_dir))
}

fn space(room: Room, storage: &Storage, holds_data: bool) -> Check {
    let id = "disk_space";
    let (floor, wanted) = (f64::from(storage.free_percent_min), u64::from(storage.ballast_mebibytes) << 20);
    let free = format!("{:.0} % free ({:.1} GiB)", room.free_percent, room.free_bytes as f64 / GIBIBYTE);
    let check = if floor > 0.0 && room.free_percent < floor {
        let text = format!("{free}; below {floor:.0} % new sessions are refused (storage.free_percent_min): free some");
        Check::fail(id, text)
    } else if floor > 0.0 && room.free_percent < floor + WARN_PERCENT {
        Check::warn(id, format!("{free}; below {floor:.0} % new sessions are refused: free some"))
    } else if holds_data && room.ballast_bytes < wanted {
        let text =
            format!("{free}; the ballast file is not there, and comes back when enough is free and the engine runs");
        Check::warn(id, text)
    } else {
        Check::ok(id, free)
    };
    let percent = (room.free_percent * 10.0).round() / 10.0;
    check.with("free_percent", percent).with("free_bytes", room.free_bytes).with("ballast_bytes", room.ballast_bytes)
}

/// How long it takes until a small append is safe, as a commit does it.
pub(super) fn disk_sync(patient: &Patient) -> Check {
    let id = "disk_sync";
    let folder = &patient.data_dir;
    if !folder.exists() {
        let text = format!("not measured before {} is there; make it with mode 0700, and look again", folder.display());
        return Check::warn(id, text);
    }
    let syncs = match measure(folder) {
        Ok(syncs) => syncs,
        Err(error) => return unreadable(id, folder, &error),
    };
    let (p50, p99) = (percentile(&syncs, 50), percentile(&syncs, 99));
    let ms = |time: Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
    let found = format!("a commit is safe in {} ms, 99 of 100 in {} ms", ms(p50), ms(p99));
    let check = if p99 > TOO_SLOW {
        Check::fail(id, format!("{found}; callers would wait, and sessions be refused: use a faster disk"))
    } else if p99 > SLOW {
        Check::warn(id, format!("{found}; callers hear that: use a faster disk, or find out who else uses this one"))
    } else {
        Check::ok(id, found)
    };
    check.with("p50_ms", ms(p50)).with("p99_ms", ms(p99)).with("syncs", syncs.len())
}

/// The times of all syncs, sorted; at least one.
fn measure(folder: &Path) -> io::Result<Vec<Duration>> {
    let mut probe = Probe::make(folder)?;
    let (began, mut syncs) = (Instant::now(), Vec::with_capacity(SYNCS_MAX));
    while syncs.is_empty() || (syncs.len() < SYNCS_MAX && began.elapsed() < SYNCS_TIME_MAX) {
        let sync = Instant::now();
        probe.file.write_all(&[0x51; APPEND_BYTES])?;
        probe.file.sync_data()?;
        syncs.push(sync.elapsed());
    }
    syncs.sort_unstable();
    Ok(syncs)
}

/// The probe file; dropped, it is gone.
struct Probe {
    path: PathBuf,
    file: File,
}

impl Probe {
    fn make(folder: &Path) -> io::Result<Self> {
        let path = folder.join(PROBE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        // A new one, so that no link leads elsewhere.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let probe = Self { path, file };
        probe.file.set_len(PROBE_BYTES)?;
        probe.file.sync_all()?;
        Ok(probe)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // The next run removes what cannot be removed now.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The least of sorted `times` that so many percent of them do not exceed.
fn percentile(times: &[Duration], percent: usize) -> Duration {
    let rank = (times.len() * percent).div_ceil(100).max(1);
    times.get(rank - 1).copied().unwrap_or_default()
}

/// By the magic numbers of statfs(2).
fn kind(number: u32) -> Kind {
    match number {
        0xef53 => Kind::Local("ext4"),
        0x5846_5342 => Kind::Local("XFS"),
        0x9123_683e => Kind::Local("Btrfs"),
        0x2fc1_2fc1 => Kind::Local("ZFS"),
        0xf2f5_2010 => Kind::Local("F2FS"),
        0xca45_1a4e => Kind::Local("bcachefs"),
        0x6969 => Kind::Network("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Kind::Network("SMB"),
        0x00c3_6400 => Kind::Network("Ceph"),
        0x0102_1997 => Kind::Network("9P"),
        0x6573_5546 => Kind::Network("FUSE"),
        0x0102_1994 | 0x8584_58f6 => Kind::Fleeting("tmpfs"),
        0x794c_7630 => Kind::Fleeting("overlayfs"),
        _ => Kind::Unknown,
    }
}

/// The folder, or the nearest around it that is there.
pub(super) fn existing(folder: &Path) -> &Path {
    let there = folder.ancestors().find(|path| path.exists());
    there.unwrap_or(Path::new(if folder.is_absolute() { "/" } else { "." }))
}

/// Whether an engine has begun a database there.
pub(super) fn holds_data(folder: &Path) -> bool {
    folder.join("db").exists()
}

fn unreadable(id: &str, folder: &Path, error: &io::Error) -> Check {
    let text = format!("{}: {error}; check the disk, and that this user may use the folder", folder.display());
    Check::fail(id, text)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_measurement_leaves_nothing_behind_and_follows_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        std::fs::write(&precious, "stays").unwrap();
        std::os::unix::fs::symlink(&precious, folder.path().join(PROBE)).unwrap();
        let syncs = measure(folder.path()).unwrap();
        assert!((1..=SYNCS_MAX).contains(&syncs.len()) && syncs.is_sorted());
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "stays");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the probe is gone");
    }

    #[test]
    fn little_space_is_told_before_sessions_are_refused() {
        let storage = Storage { free_percent_min: 5, ballast_mebibytes: 1, ..Storage::default() };
        let room = |free_percent, ballast_bytes| Room { free_bytes: 1 << 30, free_percent, ballast_bytes };
        for (room, holds_data, state) in [
            (room(4.9, 1 << 20), true, State::Fail),
            (room(5.0, 1 << 20), true, State::Warn),
            (room(50.0, 1 << 20), true, State::Ok),
            (room(50.0, 0), true, State::Warn),
            (room(50.0, 0), false, State::Ok),
        ] {
            let check = space(room, &storage, holds_data);
            assert_eq!(check.state, state, "{}", check.text);
        }
        let never = Storage { free_percent_min: 0, ballast_mebibytes: 0, ..Storage::default() };
        assert_eq!(space(room(0.0, 0), &never, true).state, State::Ok);
    }

    #[test]
    fn percentiles_of_few_and_of_many() {
        let ms = Duration::from_millis;
        let times: Vec<Duration> = (1..=200).map(ms).collect();
        assert_eq!([50, 99].map(|percent| percentile(&times, percent)), [ms(100), ms(198)]);
        assert_eq!([50, 99].map(|percent| percentile(&[ms(7)], percent)), [ms(7), ms(7)]);
        assert_eq!(percentile(&[ms(1), ms(9)], 99), ms(9), "of few it is the worst");
    }
}
