//! What the operating system counts of this process, read from `/proc` when somebody asks. Where there is none, it stays 0.

use std::fs;
use std::time::Instant;

use metrics::{Gauge, Unit, describe_gauge};
use rustix::process::{Resource, getrlimit};

/// Units of processor time in a second, as Linux tells them to programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// Handles of this process' own metrics.
pub struct Process {
    started: Instant,
    uptime: Gauge,
    cpu: Gauge,
    resident: Gauge,
    threads: Gauge,
    open_files: Gauge,
    open_files_max: Gauge,
}

impl Process {
    /// Describes and resolves them, once the recorder is installed. The process counts as started now.
    pub fn new() -> Self {
        describe_gauge!("qnect_process_uptime_seconds", Unit::Seconds, "since this process began");
        describe_gauge!("qnect_process_cpu_seconds", Unit::Seconds, "processor time of all threads since the start");
        describe_gauge!("qnect_process_resident_memory_bytes", Unit::Bytes, "memory that this process holds");
        describe_gauge!("qnect_process_threads", "threads of this process");
        describe_gauge!("qnect_process_open_fds", "open file descriptors");
        describe_gauge!("qnect_process_max_fds", "file descriptors that may be open");
        Self {
            started: Instant::now(),
            uptime: metrics::gauge!("qnect_process_uptime_seconds"),
            cpu: metrics::gauge!("qnect_process_cpu_seconds"),
            resident: metrics::gauge!("qnect_process_resident_memory_bytes"),
            threads: metrics::gauge!("qnect_process_threads"),
            open_files: metrics::gauge!("qnect_process_open_fds"),
            open_files_max: metrics::gauge!("qnect_process_max_fds"),
        }
    }

    /// Looks now. What cannot be read stays as it was.
    pub fn look(&self) {
        self.uptime.set(self.started.elapsed().as_secs_f64());
        let told = |gauge: &Gauge, value: Option<f64>| {
            if let Some(value) = value {
                gauge.set(value);
            }
        };
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let (stat, status) = (read("/proc/self/stat"), read("/proc/self/status"));
        told(&self.cpu, cpu_seconds(&stat));
        told(&self.resident, field(&status, "VmRSS:").map(|kib| kib * 1024.0));
        told(&self.threads, field(&status, "Threads:"));
        told(&self.open_files, fs::read_dir("/proc/self/fd").ok().map(|open| open.count() as f64));
        // No limit at all is far more than anybody opens.
        self.open_files_max.set(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX) as f64);
    }
}

impl Default for Process {
    fn default() -> Self {
        Self::new()
    }
}

/// The time that the kernel and the program itself took, from `/proc/self/stat`: fields 14 and 15.
fn cpu_seconds(stat: &str) -> Option<f64> {
    // The second field is the program's name in brackets, which may hold anything.
    let mut behind = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut ticks = || behind.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

/// The number of a field of `/proc/self/status`.
fn field(status: &str, name: &str) -> Option<f64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found() {
        let stat = "4 (a) b) c) S 1 2 3 4 5 6 7 8 9 10 1250 50 13 14 20 0 17";
        assert_eq!(cpu_seconds(stat), Some(13.0));
        assert_eq!(cpu_seconds("4 (a) S 1 2"), None);
        assert_eq!(cpu_seconds(""), None);
        let status = "Name:\tThreads: 3\nVmRSS:\t   1234 kB\nThreads:\t7\n";
        assert_eq!((field(status, "VmRSS:"), field(status, "Threads:")), (Some(1234.0), Some(7.0)));
        assert_eq!(field(status, "VmSwap:"), None);
    }
}
