//! File descriptors: each connection takes one, and the store must never go without.

use std::os::fd::RawFd;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::server::CONNECTIONS_MAX;

/// Descriptors for all but the public listener's connections: the store's tables and journals, the operations listener,
/// the control socket, connections to providers.
const OTHERS_MAX: u64 = 2_048;
/// Open files that a server has room for everything with.
pub const FILES_WANTED: u64 = CONNECTIONS_MAX as u64 + OTHERS_MAX;
/// At a limit that leaves no room for both, the connections get this many.
const CONNECTIONS_MIN: usize = 256;

/// Raises this process's limit as far as it may, and gives how many connections there is room for. When they are fewer than
/// planned, it says so.
pub fn make_room() -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // A limit that may not be raised stays as it is, and is read again.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let limit = getrlimit(Resource::Nofile).current;
    grow_table(limit.unwrap_or(FILES_WANTED).min(FILES_WANTED));
    let Some(limit) = limit else { return CONNECTIONS_MAX };
    let room = room(limit);
    if room < CONNECTIONS_MAX {
        tracing::warn!(
            limit,
            wanted = FILES_WANTED,
            connections = room,
            "the limit of open files is low, so that fewer connections are taken; raise it (LimitNOFILE= of systemd, \
             ulimit -n)"
        );
    }
    room
}

/// Makes the kernel's table of this process's descriptors as large as it may become. It doubles whenever it is too small, and
/// whoever needs it waits for all cores to take notice: once now, and not seven times while the first crowd comes.
fn grow_table(files: u64) {
    let Ok(highest) = RawFd::try_from(files.saturating_sub(1)) else { return };
    // Without it the first crowd is served a little later, no worse.
    let _ = fcntl_dupfd_cloexec(std::io::stderr(), highest);
}

/// Connections for which a limit of open files leaves room.
pub fn room(limit: u64) -> usize {
    let left = usize::try_from(limit.saturating_sub(OTHERS_MAX)).unwrap_or(CONNECTIONS_MAX);
    left.clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_descriptors_is_as_large_as_it_may_become() {
        make_room();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap().trim().parse::<u64>().unwrap();
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(FILES_WANTED);
        assert!(size >= limit.min(FILES_WANTED), "{size} of {limit}");
    }

    #[test]
    fn a_low_limit_leaves_room_for_fewer() {
        let plenty = FILES_WANTED;
        for (limit, connections) in [
            (u64::MAX, CONNECTIONS_MAX),
            (plenty, CONNECTIONS_MAX),
            (plenty - 1, CONNECTIONS_MAX - 1),
            (4_096, 2_048),
            (1_024, CONNECTIONS_MIN),
            (0, CONNECTIONS_MIN),
        ] {
            assert_eq!(room(limit), connections, "{limit}");
        }
    }
}
