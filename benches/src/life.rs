//! An engine in the process that measures it: the program's own parts, put together as `qnect serve` does.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use qnect_api::config::{AccessLog, Config, Overrides};
use qnect_api::doors::{self, Doors};
use qnect_api::observe;
use qnect_api::server::{self, Accepted, Connections, Places, Service};
use qnect_api::settings::{correspondents, engine_options, open_options};
use qnect_core::provider_request::ProviderRequest;
use qnect_engine::{Clock, Engine, Workers};
use qnect_storage::Storage;
use qnect_storage::keys::MasterKey;
use tokio::sync::{mpsc, watch};

use crate::Failure;

/// What waits for a provider is dropped beyond so many; there is none.
const PROVIDER_REQUESTS_MAX: usize = 64;
/// Accepted connections that may wait for one worker.
const DEALT_MAX: usize = 256;

/// An opened store, and what it was configured with.
pub struct Opened {
    config: Config,
    storage: Arc<Storage>,
    clock: Clock,
}

/// A running engine. Its doors close when this is dropped.
pub struct Life {
    /// The engine.
    pub engine: Engine,
    config: Config,
    _asked: mpsc::Receiver<ProviderRequest>,
    doors_open: watch::Sender<bool>,
}

impl Opened {
    /// Opens the store that a configuration names, and counts from now on as the program does. Once in a process.
    /// Blocks.
    pub fn of(config: &Path) -> Result<Self, Failure> {
        let config = Config::load(Some(config), std::iter::empty(), &Overrides::default())?;
        observe::install()?;
        let wanted = config.for_serve()?;
        let master = MasterKey::read_file(wanted.key_file)?;
        let mut clock = Clock::of_machine()?;
        let storage = Storage::open(&open_options(&config, wanted.data_dir, &master), |last| {
            clock = clock.after(last, 0).unwrap_or(clock);
            move || clock.now()
        })?;
        Ok(Self { storage: Arc::new(storage), clock, config })
    }

    /// The store.
    pub fn storage(&self) -> &Arc<Storage> {
        &self.storage
    }

    /// Starts the engine, inside [`qnect_engine::host`].
    pub fn start(self, workers: &Workers) -> Result<Life, Failure> {
        let Self { config, storage, clock } = self;
        let (requests, asked) = mpsc::channel(PROVIDER_REQUESTS_MAX);
        let engine = Engine::start(engine_options(&config, requests), storage, clock, workers.clone())?;
        Ok(Life { engine, config, _asked: asked, doors_open: watch::Sender::new(false) })
    }
}

impl Life {
    /// Opens the public listener's doors on a free port of loopback; returns its address.
    pub async fn open_doors(&self, workers: &Workers) -> Result<SocketAddr, Failure> {
        let origin = self.config.for_serve()?.public_base_url;
        let doors = Arc::new(Doors {
            engine: self.engine.clone(),
            origin: origin.to_owned(),
            trusted_proxies: self.config.server.trusted_proxies.clone(),
            providers: correspondents(&self.config),
        });
        let places = Places::new(server::make_room(), self.config.server.trusted_proxies.clone());
        let draining = self.doors_open.subscribe();
        let mut service = Service::new(doors::public(doors.clone()), AccessLog::Off, draining, places);
        service.plain = Some(doors);
        service.apologizes = Some(origin.into());
        let listener = server::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = listener.local_addr()?;
        let dealt = serve(workers, &service);
        tokio::task::spawn_local(server::accept(tokio::net::TcpListener::from_std(listener)?, service, dealt));
        Ok(address)
    }
}

/// Gives each worker its own share of connections.
fn serve(workers: &Workers, service: &Service) -> Vec<mpsc::Sender<Accepted>> {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..workers.count()).map(|_| mpsc::channel(DEALT_MAX)).unzip();
    let receivers: Arc<Vec<_>> = Arc::new(receivers.into_iter().map(|r| Mutex::new(Some(r))).collect());
    let service = service.clone();
    workers.on_each(move |worker| {
        let accepted = receivers[worker].lock().unwrap_or_else(PoisonError::into_inner).take();
        let service = service.clone();
        async move {
            if let Some(accepted) = accepted {
                Connections { service, accepted }.serve().await;
            }
        }
    });
    senders
}

/// One worker a core, as in the program.
pub fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
