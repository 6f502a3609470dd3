//! The engine's resident memory while people come.

use std::fs;
use std::time::Duration;

use tokio::task::JoinHandle;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A watch on the memory of a process.
pub(crate) struct Memory {
    watch: JoinHandle<()>,
    most: tokio::sync::watch::Receiver<Option<u64>>,
    before: Option<u64>,
}

/// KiB of resident memory; none of a process that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looks {
    pub(crate) before: Option<u64>,
    pub(crate) most: Option<u64>,
}

impl Memory {
    /// Looks at the memory of `pid` from now on.
    pub(crate) fn watch(pid: u32) -> Memory {
        let before = resident_kib(pid).ok();
        let (seen, most) = tokio::sync::watch::channel(before);
        let watch = tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let now = resident_kib(pid).ok();
                seen.send_modify(|most| *most = now.zip(*most).map(|(now, most)| most.max(now)));
            }
        });
        Memory { watch, most, before }
    }

    /// The last look.
    pub(crate) fn end(self) -> Looks {
        self.watch.abort();
        Looks { before: self.before, most: *self.most.borrow() }
    }
}

/// Resident memory of a process of this machine, as Linux tells it.
pub(crate) fn resident_kib(pid: u32) -> Result<u64, String> {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).map_err(|cause| format!("process {pid}: {cause}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kib.ok_or_else(|| format!("process {pid} has no resident memory"))
}

/// By how many percent memory has grown.
pub(crate) fn grown_percent(before: u64, after: u64) -> f64 {
    (after as f64 - before as f64) * 100.0 / before.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::{grown_percent, resident_kib};

    #[test]
    fn memory_is_read_where_there_is_a_process() {
        assert!(resident_kib(std::process::id()).expect("this one") > 0);
        assert!(resident_kib(u32::MAX).is_err());
        assert!((grown_percent(200, 210) - 5.0).abs() < 1e-9);
    }
}
