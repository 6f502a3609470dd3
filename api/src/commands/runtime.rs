//! A running engine with its doors: what `serve` and `demo` share.

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use qnect_core::leg::ProviderEvent;
use qnect_core::provider_request::ProviderRequest;
use qnect_engine::{Clock, Engine, Workers};
use qnect_storage::Storage;
use qnect_storage::keys::MasterKey;
use tokio::sync::{mpsc, watch};

use crate::commands::{CommandError, folder};
use crate::config::{AccessLog, Config};
use crate::control::{ControlServer, ControlSocket, Hands};
use crate::doors::{self, Doors, operations};
use crate::observe;
use crate::outbox::{self, Couriers, Outbox};
use crate::process::Process;
use crate::server::{self, Certificate, Connections, Places, Service};
use crate::settings::{accounts, correspondents, engine_options, open_options};

/// Accepted connections that may wait for one worker.
const DEALT_MAX: usize = 256;
/// Requests to providers that may wait until they are dealt out to their providers' lanes.
const PROVIDER_REQUESTS_MAX: usize = 4_096;
/// What providers answered that may wait for the engine.
const PROVIDER_ANSWERS_MAX: usize = 1_024;
/// Connections of the operations listener: a scraper, a process manager, a few people.
const OPS_CONNECTIONS_MAX: usize = 256;
/// How long a drain waits for the public listener's requests.
const PUBLIC_DRAIN_MAX: Duration = Duration::from_secs(9);
/// Then for those of the operations listener, which tells of the drain until then.
const OPS_DRAIN_MAX: Duration = Duration::from_secs(1);
/// How long it waits for operators' commands, beside the public listener.
const CONTROL_DRAIN_MAX: Duration = PUBLIC_DRAIN_MAX;
/// The process ends by force so long after a drain began: later than both together, and than what the store needs.
const FORCED_END: Duration = Duration::from_secs(15);
/// How long requests have to be told no after the store has failed: nothing can be acknowledged any more.
const FAILED_DRAIN_MAX: Duration = Duration::from_secs(2);
/// So long after the store has failed the process ends by force, whatever hangs. A restart is what helps.
const FAILED_END: Duration = Duration::from_secs(4);
/// How long the last words of a process that ends by force may take.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// A commit that takes so long while a process ends by force is why it does.
const COMMIT_HANGS: Duration = Duration::from_secs(10);
/// The exit code of a failed store (`EX_SOFTWARE` of sysexits.h).
const EXIT_STORAGE: u8 = 70;

/// Everything that is opened before the first thread of the engine runs.
pub(super) struct Opened {
    pub(super) storage: Arc<Storage>,
    pub(super) clock: Clock,
    pub(super) metrics: observe::Shown,
    /// Of the public listener; none: plain HTTP.
    certificate: Option<Arc<Certificate>>,
}

/// Opens the store of a configuration. Blocks.
pub(super) fn open(config: &Config, master: &MasterKey) -> Result<Opened, CommandError> {
    let metrics = observe::install().map_err(|e| CommandError::Other(format!("metrics cannot be installed: {e}")))?;
    let certificate = config.tls.as_ref().map(Certificate::read).transpose()?;
    let folder = config.for_storage()?.data_dir;
    let (storage, clock) = folder::open_store(config, &open_options(config, folder, master))?;
    Ok(Opened { storage: Arc::new(storage), clock, metrics, certificate })
}

/// A running engine.
pub(super) struct Running {
    pub(super) public: SocketAddr,
    pub(super) operations: SocketAddr,
    engine: Engine,
    drain: watch::Sender<bool>,
    ops_drain: watch::Sender<bool>,
    control: ControlServer,
    service: Service,
    ops_service: Service,
}

/// Starts the engine, then its doors; when it returns, it takes traffic. `public` and `ops` are bound already, so that
/// an address that is taken is told before anything else.
pub(super) async fn start(
    config: &Config,
    opened: Opened,
    workers: Workers,
    public: TcpListener,
    ops: TcpListener,
) -> Result<Running, CommandError> {
    let Opened { storage, clock, metrics, certificate } = opened;
    let workers = workers.with_tags_apart(config.engine.tag_workers.into());
    end_by_force_after_failure(storage.failed());
    // Before the sessions are read: a command that comes meanwhile waits for its answer.
    let control_socket = ControlSocket::bind(&folder::control_socket(config)?)?;
    let (requests, asked) = mpsc::channel(PROVIDER_REQUESTS_MAX);
    let (tell, told) = mpsc::channel(PROVIDER_ANSWERS_MAX);
    let (outbox, couriers) = Outbox::new(accounts(config), &tell)?;
    let engine = Engine::start(engine_options(config, requests), storage.clone(), clock, workers.clone())?;
    correspond(outbox, couriers, asked, storage.clone(), clock)?;
    tokio::task::spawn_local(hear(engine.clone(), told));
    let (drain, draining) = watch::channel(false);
    let (ops_drain, ops_draining) = watch::channel(false);
    let (public_address, public) = registered(public)?;
    let (ops_address, ops) = registered(ops)?;

    let doors = Arc::new(Doors {
        engine: engine.clone(),
        origin: config.for_serve()?.public_base_url.to_owned(),
        trusted_proxies: config.server.trusted_proxies.clone(),
        providers: correspondents(config),
    });
    let places = Places::new(server::make_room(), config.server.trusted_proxies.clone());
    let mut service = Service::new(doors::public(doors.clone()), config.log.access, draining.clone(), places);
    service.plain = Some(doors);
    service.apologizes = Some(config.for_serve()?.public_base_url.into());
    if let Some(certificate) = certificate {
        service.tls = Some(certificate.server_config()?.into());
        tokio::task::spawn_local(certificate.keep_fresh());
    }
    // Somebody waits while the kernel clears two megabytes, and longer on a machine that has to find them first. For the start,
    // which reads a store, they are welcome. Where they cannot be declined, it is as it was.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let dealt = serve_on_workers(&workers, &service);
    tokio::task::spawn_local(server::accept(public, service.clone(), dealt));

    let hands = Hands {
        storage: storage.clone(),
        engine: Some(engine.clone()),
        clock,
        origin: config.for_serve()?.public_base_url.to_owned(),
        allowed_prefixes: config.calls.allowed_prefixes.clone(),
    };
    let control = ControlServer::start(control_socket, hands, draining.clone())?;

    let state = operations::Operations { metrics, process: Process::new(), storage, draining };
    let ops_places = Places::new(OPS_CONNECTIONS_MAX, Vec::new());
    let ops_service = Service::new(operations::operations(Arc::new(state)), AccessLog::Off, ops_draining, ops_places);
    let (deal, accepted) = mpsc::channel(DEALT_MAX);
    tokio::task::spawn_local(Connections { service: ops_service.clone(), accepted }.serve());
    tokio::task::spawn_local(server::accept(ops, ops_service.clone(), vec![deal]));

    let (public, operations) = (public_address, ops_address);
    Ok(Running { public, operations, engine, drain, ops_drain, control, service, ops_service })
}

/// Starts the thread that asks providers: what the engine wants to know of them, and what is to be deleted there.
fn correspond(
    outbox: Outbox,
    couriers: Couriers,
    mut asked: mpsc::Receiver<ProviderRequest>,
    storage: Arc<Storage>,
    clock: Clock,
) -> Result<(), CommandError> {
    let janitor = outbox.clone();
    let work = async move {
        let deal_out = async {
            while let Some(request) = asked.recv().await {
                outbox.ask(request);
            }
        };
        tokio::join!(couriers.run(), deal_out, outbox::run_janitor(storage, janitor, move || clock.now()));
    };
    outbox::on_own_thread(work)
        .map_err(|e| CommandError::Other(format!("the thread that asks providers cannot be started: {e}")))
}

/// Tells the engine what providers answered, as if it had come by a webhook. An error means that nothing is to be
/// acknowledged, and nobody waits for that here.
async fn hear(engine: Engine, mut told: mpsc::Receiver<ProviderEvent>) {
    while let Some(event) = told.recv().await {
        if engine.provider_event(event).await.is_err() {
            tracing::warn!("what a provider answered about a call was lost");
        }
    }
}

/// A bound listener, registered with this thread's runtime, and its address.
fn registered(listener: TcpListener) -> Result<(SocketAddr, tokio::net::TcpListener), CommandError> {
    let both = listener.local_addr().and_then(|address| Ok((address, tokio::net::TcpListener::from_std(listener)?)));
    both.map_err(|e| CommandError::Other(format!("a listener cannot be used: {e}")))
}

/// Gives each worker that has connections its own share of them.
fn serve_on_workers(workers: &Workers, service: &Service) -> Vec<mpsc::Sender<server::Accepted>> {
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..workers.with_connections()).map(|_| mpsc::channel(DEALT_MAX)).unzip();
    let receivers: Arc<Vec<_>> = Arc::new(receivers.into_iter().map(|r| Mutex::new(Some(r))).collect());
    let service = service.clone();
    workers.on_each(move |worker| {
        let accepted = receivers.get(worker).and_then(|slot| slot.lock().ok()).and_then(|mut slot| slot.take());
        let service = service.clone();
        async move {
            if let Some(accepted) = accepted {
                Connections { service, accepted }.serve().await;
            }
        }
    });
    senders
}

impl Running {
    /// Resolves when the store has failed.
    pub(super) async fn storage_failed(&self) {
        let mut failed = self.engine.storage().failed();
        // The channel closes with the store, which this holds.
        let _ = failed.wait_for(|&failed| failed).await;
    }

    /// Ends in order: takes no more connections, lets requests end, says to the last that it is not ready, commits what
    /// is queued.
    pub(super) async fn drain(self) -> ExitCode {
        let storage_failed = self.engine.storage().failed();
        self.engine.begin_drain();
        self.drain.send_replace(true);
        end_by_force_after(FORCED_END, self.engine.storage().clone());
        let at_most = |time_max| if *storage_failed.borrow() { FAILED_DRAIN_MAX } else { time_max };
        let (public_max, control_max) = (at_most(PUBLIC_DRAIN_MAX), at_most(CONTROL_DRAIN_MAX));
        let (public_done, control_done) =
            tokio::join!(self.service.places.emptied(public_max), self.control.drained(control_max));
        self.ops_drain.send_replace(true);
        let ops_done = self.ops_service.places.emptied(OPS_DRAIN_MAX).await;
        if !(public_done && control_done && ops_done) {
            tracing::warn!("some connections did not end within the drain's time");
        }
        self.engine.storage().close();
        // The last commits may be those that fail.
        if *storage_failed.borrow() { ExitCode::from(EXIT_STORAGE) } else { ExitCode::SUCCESS }
    }
}

/// Watches the store from a thread of its own, which waits for nothing that could hang with it.
fn end_by_force_after_failure(mut failed: watch::Receiver<bool>) {
    std::thread::spawn(move || {
        // Without a runtime, the drain's own bound ends the process, later.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
        runtime.block_on(async {
            // An error is the end of a store that did not fail.
            if failed.wait_for(|&failed| failed).await.is_ok() {
                tokio::time::sleep(FAILED_END).await;
                std::process::exit(EXIT_STORAGE.into());
            }
        });
    });
}

/// A drain that hangs must not keep a process manager waiting.
fn end_by_force_after(time: Duration, storage: Arc<Storage>) {
    let (keep, gone) = std::sync::mpsc::channel::<()>();
    std::mem::forget(keep);
    std::thread::spawn(move || {
        let _ = gone.recv_timeout(time);
        // On a thread of its own: nobody may read what it says.
        std::thread::spawn(|| eprintln!("qnect: the drain did not end; ending by force"));
        let _ = gone.recv_timeout(LAST_WORDS);
        let is_failed = *storage.failed().borrow() || storage.commit_under_way() >= COMMIT_HANGS;
        std::process::exit(if is_failed { EXIT_STORAGE.into() } else { 1 });
    });
}
