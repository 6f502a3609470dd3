//! File descriptors: each connection takes one, and the store must never go without.

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
    let Some(limit) = getrlimit(Resource::Nofile).current else { return CONNECTIONS_MAX };
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

/// Connections for which a limit of open files leaves room.
pub fn room(limit: u64) -> usize {
    let left = usize::try_from(limit.saturating_sub(OTHERS_MAX)).unwrap_or(CONNECTIONS_MAX);
    left.clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

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
