//! Logs go to stderr; a telephone number, a session id, a path or a query never does.

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

use crate::config::LogFormat;

/// Starts logging. A second call changes nothing.
pub fn start(format: LogFormat, level: LevelFilter) {
    let lines = fmt().with_writer(std::io::stderr).with_max_level(level).with_target(false);
    // An error means that logging runs already.
    let _ = match format {
        LogFormat::Json => tracing::subscriber::set_global_default(lines.json().finish()),
        LogFormat::Pretty => tracing::subscriber::set_global_default(lines.with_ansi(false).finish()),
    };
}

/// Panics are logged by place only: a message may quote what must not be quoted.
pub fn hide_panic_messages() {
    std::panic::set_hook(Box::new(|panic| {
        let (file, line) = panic.location().map_or(("unknown", 0), |place| (place.file(), place.line()));
        tracing::error!(
            file,
            line,
            "a panic was contained or ends the process; this is a bug, please report the place"
        );
    }));
}
