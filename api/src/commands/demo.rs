//! `demo`: the main job on embedded defaults, for a newcomer: one command, nothing to configure.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use qnect_core::language::Language;
use qnect_core::phone::Phone;
use qnect_core::reason::ReasonSet;
use qnect_engine::host;
use qnect_simulator::OwnerScript;
use qnect_storage::keys::MasterKey;
use qnect_storage::{NewOwner, NewVehicle};
use tracing_subscriber::filter::LevelFilter;

use crate::commands::scene::{OWNER_PHONE, Scene};
use crate::commands::{CommandError, keys, runtime, say, serve, terminal};
use crate::config::{Config, LogFormat, Secret};
use crate::{logging, server};

/// What a demo may be told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Exit after the call.
    pub once: bool,
    /// How the owner answers.
    pub owner: OwnerScript,
    /// The public listener.
    pub listen: SocketAddr,
    /// The operations listener.
    pub ops_listen: SocketAddr,
    /// The data folder; a temporary one without it.
    pub data_dir: Option<PathBuf>,
    /// The origin that a real telephone would open; the public listener's without it.
    pub public_base_url: Option<String>,
}

/// Runs the demo.
pub fn run(options: &Options) -> Result<ExitCode, CommandError> {
    logging::start(LogFormat::Pretty, LevelFilter::WARN);
    logging::hide_panic_messages();
    // Kept until the end: dropping it removes the folder.
    let temporary = tempfile::tempdir().map_err(|e| CommandError::Other(format!("no temporary folder: {e}")))?;
    let folder = options.data_dir.clone().unwrap_or_else(|| temporary.path().join("data"));
    let public = server::bind(options.listen)?;
    let operations = server::bind(options.ops_listen)?;
    let address = public.local_addr().map_err(|e| CommandError::Other(e.to_string()))?;
    let engine = format!("http://{}", reachable(address));
    let origin = options.public_base_url.clone().unwrap_or_else(|| engine.clone());
    let secret = random_secret()?;
    let rest = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|rest| rest.set_nonblocking(true).map(|()| rest))
        .map_err(|e| CommandError::Other(format!("no port for the simulated provider: {e}")))?;
    let api_base_url = format!("http://{}", rest.local_addr().map_err(|e| CommandError::Other(e.to_string()))?);
    let provider = (api_base_url, Secret::new(secret.clone()));
    let config = Config::demo(options.listen, options.ops_listen, &folder, &origin, provider)?;
    let opened = runtime::open(&config, &master_key(&config)?)?;
    let owner = opened.storage.register(&[demo_owner()?], opened.clock.now())?;
    let code = owner.first().map(|o| o.code.to_string()).unwrap_or_default();
    host(serve::workers(&config), |workers| async move {
        // From now on a signal ends in order, and the temporary folder with its master key goes.
        let mut end = serve::EndSignals::listen()?;
        let running = runtime::start(&config, opened, workers, public, operations).await?;

        say("QNect demo: everything is real but the telephones and their provider, which are simulated.\n\n");
        terminal::qr(&format!("{origin}/q/{code}").to_uppercase());
        say(&format!("  sticker   {origin}/q/{code}\n"));
        say(&format!("  metrics   http://{}/metrics\n\n", reachable(running.operations)));
        let auth_id = config.providers.plivo.as_ref().map(|p| p.auth_id.clone()).unwrap_or_default();
        let scene = Scene { engine, origin, code, auth_id, auth_token: secret, rest, owner: options.owner };
        let client = terminal::Client::new();
        let played = tokio::select! {
            played = scene.play(&client) => played,
            () = end.asked() => {
                let drained = running.drain().await;
                return Ok(if options.once { ExitCode::FAILURE } else { drained });
            }
        };
        say("\n");
        if !options.once && played.is_ok() {
            say("Serving until Ctrl-C. Open the sticker's address in a browser.\n");
            tokio::select! {
                () = end.asked() => {}
                () = running.storage_failed() => {}
            }
        }
        let drained = running.drain().await;
        let (summary, right) = played?;
        let line = serde_json::to_string(&summary).map_err(|e| CommandError::Other(e.to_string()))?;
        say(&format!("{line}\n"));
        Ok(if right { drained } else { ExitCode::FAILURE })
    })
}

/// Where a listener on this address is reached from this machine: "everywhere" is no address to open.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback = if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    address
}

/// The folder's own master key, made at the first run.
fn master_key(config: &Config) -> Result<MasterKey, CommandError> {
    let for_storage = config.for_storage()?;
    std::fs::create_dir_all(for_storage.data_dir).map_err(|e| {
        CommandError::Usage(format!("{}: {e}; choose another --data-dir", for_storage.data_dir.display()))
    })?;
    if for_storage.key_file.exists() {
        return keys::read(for_storage.key_file);
    }
    MasterKey::create_file(for_storage.key_file).map_err(|e| CommandError::Other(e.to_string()))
}

fn demo_owner() -> Result<NewOwner, CommandError> {
    Ok(NewOwner {
        name: "Demo Owner".to_owned(),
        email: "owner@demo.example".to_owned(),
        phone: Phone::parse(OWNER_PHONE).map_err(|e| CommandError::Other(e.to_string()))?,
        vehicle: Some(NewVehicle("RJ14 QN 2026".to_owned())),
        language: Language::English,
        time_zone: "Asia/Kolkata".to_owned(),
        quiet_hours: None,
        night_reasons: ReasonSet::URGENT,
    })
}

fn random_secret() -> Result<String, CommandError> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|e| CommandError::Other(format!("no random bytes: {e}")))?;
    let mut secret = String::with_capacity(25);
    qnect_core::crockford::push(&mut secret, u128::from_be_bytes(bits), 25);
    Ok(secret)
}
