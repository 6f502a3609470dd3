//! What a process holds: memory and open files.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a process may take to close what nobody uses any more.
const SETTLE_MAX: Duration = Duration::from_secs(60);

/// What a process holds now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Resident memory in KiB.
    pub(crate) resident: u64,
    /// Open file descriptors.
    pub(crate) files: usize,
}

impl Usage {
    pub(crate) fn of(process: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a running process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let resident = line.trim().trim_end_matches(" kB").parse().expect("a number");
        Self { resident, files: std::fs::read_dir(format!("/proc/{process}/fd")).expect("its files").count() }
    }
}

/// Waits until a process has no more files open than `before`.
pub(crate) async fn files_are_closed(process: u32, before: Usage) {
    let started = Instant::now();
    while Usage::of(process).files > before.files {
        assert!(started.elapsed() < SETTLE_MAX, "{before:?} before, now {:?}", Usage::of(process));
        sleep(Duration::from_millis(100)).await;
    }
}

/// Lets this process open as many files as it may.
pub(crate) fn open_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("a limit that may be raised");
}
