//! The disk that lies (`ops/disk`): built for this run, put under a process, and told what to do wrong.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use rustix::io::Errno;
use tempfile::TempDir;

use crate::undo::Log;

/// Bytes of the page that a process shares with its test: sixteen words, and a text of 256 bytes.
const CONTROL_BYTES: usize = 16 * 8 + 256;
/// Words that the test writes; the library writes the others.
const TOLD_WORDS: usize = 11;
/// "Without a bound", in a word.
const UNBOUNDED: u64 = u64::MAX;

/// What a call does to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kinds(u64);

impl Kinds {
    pub(crate) const READ: Self = Self(2);
    pub(crate) const WRITE: Self = Self(4);
    pub(crate) const SYNC: Self = Self(8);
    pub(crate) const LENGTH: Self = Self(64);
    pub(crate) const UNLINK: Self = Self(32);
    /// All that a restart or a flush may do, but for reads.
    pub(crate) const CHANGES: Self = Self(1 | 4 | 8 | 16 | 32 | 64 | 128);

    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// In the middle of what a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Of anything.
    Any,
    /// Rows in memory are written out as a table.
    Flush,
    /// Tables become other tables.
    Compaction,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The disk is broken.
    Broken,
    /// No space is left.
    Full,
    /// A write is carried out by half, and then no space is left.
    HalfThenFull,
    /// A signal came in between, which means nothing.
    Interrupted,
    /// The process is killed before the call.
    Killed,
}

/// What is wrong with a disk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    /// Calls of these kinds are counted.
    pub(crate) kinds: Kinds,
    /// But only in this stage; syncs elsewhere are not slow either.
    pub(crate) stage: Stage,
    /// The first of them that fails, from 1; 0: none.
    pub(crate) from: u64,
    /// Only this one, or all from it on.
    pub(crate) lasting: bool,
    pub(crate) how: Failure,
    /// Bytes that can still be written.
    pub(crate) space: Option<u64>,
    /// Bytes that the file system says are free.
    pub(crate) free: Option<u64>,
    pub(crate) sync: Duration,
    pub(crate) read: Duration,
    /// How long the thread whose call is the first to fail does not run then.
    pub(crate) late: Duration,
}

impl Faults {
    /// A disk that works.
    pub(crate) const NONE: Self = Self {
        kinds: Kinds::CHANGES,
        stage: Stage::Any,
        from: 0,
        lasting: false,
        how: Failure::Broken,
        space: None,
        free: None,
        sync: Duration::ZERO,
        read: Duration::ZERO,
        late: Duration::ZERO,
    };

    fn words(&self) -> [u64; TOLD_WORDS] {
        let errno = match self.how {
            Failure::Broken => Errno::IO.raw_os_error(),
            Failure::Full | Failure::HalfThenFull => Errno::NOSPC.raw_os_error(),
            Failure::Interrupted => Errno::INTR.raw_os_error(),
            Failure::Killed => 0,
        };
        let count = match self {
            Self { from: 0, .. } => 0,
            Self { lasting: true, .. } => UNBOUNDED,
            // The half that was written counts as well.
            Self { how: Failure::HalfThenFull, .. } => 2,
            _ => 1,
        };
        [
            self.kinds.0,
            self.from,
            count,
            errno.unsigned_abs().into(),
            (self.how == Failure::HalfThenFull).into(),
            self.space.unwrap_or(UNBOUNDED),
            self.free.unwrap_or(UNBOUNDED),
            self.sync.as_millis() as u64,
            self.read.as_millis() as u64,
            self.stage as u64,
            self.late.as_millis() as u64,
        ]
    }
}

/// What happened on the disk so far.
#[derive(Debug, Clone)]
pub(crate) struct Happened {
    /// Calls that were counted.
    pub(crate) seen: u64,
    /// Calls that failed.
    pub(crate) failed: u64,
    /// When the first one did.
    pub(crate) first_failed: Option<SystemTime>,
    /// Syncs that are under way.
    pub(crate) syncs_waiting: u64,
    /// Syncs that came to their end.
    pub(crate) syncs: u64,
    /// What failed first.
    pub(crate) what: String,
}

/// Builds a library of `ops/disk`, with the compiler that Rust links with. A machine without one fails: a test that could
/// not run has shown nothing.
pub(crate) fn compile(library: &Path, sources: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/disk");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-o"]).arg(library);
    cc.args(sources.iter().map(|source| folder.join(source))).args(["-ldl", "-pthread"]);
    let built = cc.output().expect("the C compiler `cc` can be run; `ops/test install` installs it");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

/// A lying disk for one process at a time.
pub(crate) struct Disk {
    room: TempDir,
    control: File,
    lives: u32,
}

impl Disk {
    /// Builds the library.
    pub(crate) fn build() -> Self {
        let room = tempfile::tempdir().expect("a temporary folder");
        compile(&room.path().join("lying_disk.so"), &["lying_disk.c", "faults.c", "undo.c"]);
        let control = OpenOptions::new().read(true).write(true).create_new(true).open(room.path().join("control"));
        let control = control.expect("a control page");
        control.write_all_at(&[0; CONTROL_BYTES], 0).expect("a written page");
        let disk = Self { room, control, lives: 0 };
        disk.plan(&Faults::NONE);
        disk
    }

    /// What puts the next process on this disk, as far as it works in `folder`; with a new undo log if `undo`.
    pub(crate) fn environment(&mut self, folder: &Path, undo: bool) -> Vec<(&'static str, String)> {
        let set = |name, path: &Path| (name, path.to_str().expect("a path in UTF-8").to_owned());
        let mut all = vec![
            set("LD_PRELOAD", &self.room.path().join("lying_disk.so")),
            set("QNECT_DISK_FOLDER", folder),
            set("QNECT_DISK_CONTROL", &self.room.path().join("control")),
        ];
        if undo {
            self.lives += 1;
            std::fs::create_dir(self.undo_folder()).expect("a new folder");
            all.push(set("QNECT_DISK_UNDO", &self.undo_folder()));
        }
        all
    }

    /// From now on this is wrong with the disk, and nothing has happened yet.
    pub(crate) fn plan(&self, faults: &Faults) {
        let words = faults.words();
        let bytes = |words: &[u64]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
        // A word of 0 first: no call is counted while the others change.
        self.control.write_all_at(&[0; 8], 0).expect("a written page");
        self.control.write_all_at(&bytes(&words[1..]), 8).expect("a written page");
        self.control.write_all_at(&[0; CONTROL_BYTES - 8 * TOLD_WORDS], 8 * TOLD_WORDS as u64).expect("a written page");
        self.control.write_all_at(&bytes(&words[..1]), 0).expect("a written page");
    }

    /// What happened since.
    pub(crate) fn happened(&self) -> Happened {
        let mut page = [0; CONTROL_BYTES];
        self.control.read_exact_at(&mut page, 0).expect("a page");
        let word = |n: usize| u64::from_ne_bytes(page[8 * n..][..8].try_into().expect("eight bytes"));
        let text = &page[16 * 8..];
        let text = &text[..text.iter().position(|byte| *byte == 0).unwrap_or(text.len())];
        Happened {
            seen: word(11),
            failed: word(12),
            first_failed: (word(13) != 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_nanos(word(13))),
            syncs_waiting: word(14),
            syncs: word(15),
            what: String::from_utf8_lossy(text).into_owned(),
        }
    }

    /// What the last process did on this disk; it must be gone.
    pub(crate) fn log(&self) -> Log {
        Log::read(&self.undo_folder())
    }

    fn undo_folder(&self) -> PathBuf {
        self.room.path().join(format!("undo-{}", self.lives))
    }
}
