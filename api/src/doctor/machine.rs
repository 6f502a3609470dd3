//! What the machine lets a process have.

use std::num::NonZero;
use std::thread::available_parallelism;

use rustix::process::{Resource, getrlimit};

use super::{Check, Patient};
use crate::server::{CONNECTIONS_MAX, FILES_WANTED, room};

/// One worker a core.
pub(super) fn cores(_: &Patient) -> Check {
    let cores = available_parallelism().map_or(1, NonZero::get);
    Check::ok("cores", format!("{cores}, each with a worker of its own")).with("cores", cores)
}

/// The engine raises its limit as far as it may.
pub(super) fn open_files(_: &Patient) -> Check {
    let id = "open_files";
    let Some(limit) = getrlimit(Resource::Nofile).maximum else {
        return Check::ok(id, "there is no limit");
    };
    let connections = room(limit);
    let check = if limit >= FILES_WANTED {
        Check::ok(id, format!("{limit}: room for all {connections} connections"))
    } else {
        let text = format!(
            "{limit}: room for {connections} of {CONNECTIONS_MAX} connections; raise it to {FILES_WANTED} for the \
             engine (LimitNOFILE= of systemd, ulimit -Hn)"
        );
        Check::warn(id, text)
    };
    check.with("limit", limit).with("connections", connections)
}
