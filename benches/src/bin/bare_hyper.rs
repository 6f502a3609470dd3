//! The reference that the engine's doors are held against: bare hyper, one fixed answer for every request, plain or
//! with rustls before it.
//!
//! Given the status, the headers and the body of one of the engine's answers, it writes the same number of bytes, so
//! that the difference between the two is our own work. With a certificate it shakes hands as the engine does: the same
//! provider of cryptography, the same versions and suites, and one ticket for whoever comes again.
//!
//! One single-threaded runtime per core, each with a listener of its own on the same port (`SO_REUSEPORT`): no task
//! ever moves between threads. The system's allocator: mimalloc measured no faster here.
//!
//! ```text
//! bare_hyper --listen 127.0.0.1:18081 --status 200 --header 'content-type: application/json' --body-file answer.json
//! ```
//!
//! Prints one line `ready ADDRESS` when every core listens, and serves until it is killed.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;

use bytes::Bytes;
use qnect_benches::bare::Answer;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::{self, Ticketer};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

type Failure = Box<dyn std::error::Error>;

/// Connections that may wait to be accepted, per core.
const BACKLOG: u32 = 1024;

const USAGE: &str = "usage: bare_hyper --listen ADDR [--status CODE] [--header 'NAME: VALUE']... [--body-file FILE] \
                     [--threads N] [--tls-cert FILE --tls-key FILE]";

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("bare_hyper: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bare_hyper: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    listen: SocketAddr,
    threads: usize,
    door: Door,
}

/// What a connection meets. Cheap to clone.
#[derive(Clone)]
struct Door {
    answer: Answer,
    tls: Option<TlsAcceptor>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut listen, mut certificate, mut key) = (None, None, None);
        let mut threads = thread::available_parallelism().map_or(1, usize::from);
        let mut answer = Answer::new();
        while let Some(option) = args.next() {
            let value = args.next().ok_or_else(|| format!("{option} needs a value"))?;
            let wrong = |error: &dyn std::fmt::Display| format!("{option} {value}: {error}");
            match option.as_str() {
                "--listen" => listen = Some(value.parse().map_err(|e| wrong(&e))?),
                "--threads" => threads = value.parse().map_err(|e| wrong(&e))?,
                "--status" => answer.status = value.parse().map_err(|e| wrong(&e))?,
                "--header" => answer.add_header(&value).map_err(|e| wrong(&e))?,
                "--body-file" => answer.body = Bytes::from_static(std::fs::read(&value).map_err(|e| wrong(&e))?.leak()),
                "--tls-cert" => certificate = Some(value),
                "--tls-key" => key = Some(value),
                _ => return Err(format!("unknown option {option}")),
            }
        }
        let listen = listen.ok_or("--listen is missing")?;
        let tls = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                Some(acceptor(certificate.as_ref(), key.as_ref()).map_err(|e| e.to_string())?)
            }
            _ => return Err("--tls-cert and --tls-key go together".to_owned()),
        };
        Ok(Self { listen, threads: threads.max(1), door: Door { answer, tls } })
    }
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, Failure> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = Ticketer::new()?;
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config).into())
}

impl Door {
    async fn serve(self, stream: TcpStream) {
        match self.tls {
            None => self.answer.serve(stream).await,
            Some(tls) => {
                if let Ok(stream) = tls.accept(stream).await {
                    self.answer.serve(stream).await;
                }
            }
        }
    }
}

/// Serves on every core; returns only when a listener cannot be opened or a core fails.
fn serve(options: &Options) -> io::Result<()> {
    let (events, core_events) = mpsc::channel();
    let mut listen = options.listen;
    for core in 0..options.threads {
        let door = options.door.clone();
        let events = events.clone();
        thread::Builder::new().name(format!("core-{core}")).spawn(move || {
            let failure = run_core(listen, &door, &events);
            let _ = events.send(failure);
        })?;
        // The first core settles port 0 for the others.
        listen = core_events.recv().map_err(io::Error::other)??;
    }
    println!("ready {listen}");
    core_events.recv().map_err(io::Error::other)?.map(|_| ())
}

/// One core: says where it listens, then accepts for ever.
fn run_core(listen: SocketAddr, door: &Door, events: &mpsc::Sender<io::Result<SocketAddr>>) -> io::Result<SocketAddr> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = listener(listen)?;
        let _ = events.send(listener.local_addr());
        loop {
            let (stream, _) = listener.accept().await?;
            let _ = stream.set_nodelay(true);
            tokio::spawn(door.clone().serve(stream));
        }
    })
}

fn listener(listen: SocketAddr) -> io::Result<TcpListener> {
    let socket = if listen.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(listen)?;
    socket.listen(BACKLOG)
}
