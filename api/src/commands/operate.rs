//! Where an operator's command is carried out: by the engine that runs, or on the folder itself when none does.

use std::path::Path;
use std::sync::Arc;

use crate::commands::{CommandError, folder};
use crate::config::{Config, Overrides, environment};
use crate::control::{AskError, Hands, Reply, Request, ask};

/// Carries out `request` under the configuration in `file`.
pub(super) fn operate(file: Option<&Path>, request: Request) -> Result<Reply, CommandError> {
    let config = Config::load(file, environment(), &Overrides::default())?;
    let for_storage = config.for_storage()?;
    let socket = folder::control_socket(&config)?;
    let runtime = folder::runtime()?;
    match runtime.block_on(ask(&socket, &request)) {
        Ok(reply) => return Ok(reply),
        Err(AskError::Nobody) => {}
        Err(AskError::Refused(refusal)) => return Err(refusal.into()),
        Err(error @ AskError::Failed(_)) => return Err(CommandError::Other(format!("{}: {error}", socket.display()))),
    }
    let origin = folder::origin(&config)?.to_owned();
    if !matches!(request, Request::MintTags { .. }) {
        folder::expect_data(for_storage.data_dir)?;
    }
    let (storage, clock) = folder::open_without_engine(&config, &socket)?;
    let storage = Arc::new(storage);
    let allowed_prefixes = config.calls.allowed_prefixes.clone();
    let hands = Hands { storage: storage.clone(), engine: None, clock, origin, allowed_prefixes };
    let reply = runtime.block_on(hands.carry_out(request));
    storage.close();
    Ok(reply?)
}
