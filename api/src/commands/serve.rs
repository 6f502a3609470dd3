//! `serve`: the engine in production.

use std::path::Path;
use std::process::ExitCode;

use qnect_engine::host;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

use crate::commands::{CommandError, keys, manager, runtime, say};
use crate::config::{Config, Overrides, environment};
use crate::{logging, server};

/// Serves until SIGTERM or Ctrl-C.
pub fn run(file: Option<&Path>, flags: &Overrides) -> Result<ExitCode, CommandError> {
    let config = Config::load(file, environment(), flags)?;
    config.for_serve()?;
    logging::start(config.log.format, LevelFilter::INFO);
    logging::hide_panic_messages();
    let master = keys::read(config.for_storage()?.key_file)?;
    let public = server::bind(config.server.listen)?;
    let operations = server::bind(config.server.ops_listen)?;
    let opened = runtime::open(&config, &master)?;
    host(workers(&config), |workers| async move {
        // Before `ready` is said: whoever reads it may ask at once.
        let mut end = EndSignals::listen()?;
        let running = runtime::start(&config, opened, workers, public, operations).await?;
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        say(&format!("ready public={scheme}://{} operations=http://{}\n", running.public, running.operations));
        manager::tell_ready();
        tokio::select! {
            () = end.asked() => {
                manager::tell_ending("draining");
                tracing::info!("draining");
            }
            () = running.storage_failed() => {
                manager::tell_ending("the store failed");
                tracing::error!("the store failed; ending");
            }
        }
        Ok(running.drain().await)
    })
}

/// As many workers as are configured, or one a core.
pub(super) fn workers(config: &Config) -> usize {
    match config.engine.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers.into(),
    }
}

/// SIGTERM and Ctrl-C, caught from [`EndSignals::listen`] on.
pub(super) struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl EndSignals {
    /// From now on neither ends the process by itself.
    pub(super) fn listen() -> Result<Self, CommandError> {
        let listen = |kind| signal(kind).map_err(|e| CommandError::Other(format!("signals cannot be caught: {e}")));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Resolves at the first one.
    pub(super) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
