//! The reference that the engine's scan door is held against: bare hyper, one fixed answer for every request.
//!
//! It does what a server on this stack cannot avoid (accept, read the head, write status, headers, date and body) and
//! nothing else: no route, no limit, no timeout, no log. Given the status, the headers and the body of one of the
//! engine's answers, it writes the same number of bytes, so that the difference between the two is our own work.
//!
//! One single-threaded runtime per core, each with a listener of its own on the same port (`SO_REUSEPORT`): no task ever
//! moves between threads. hyper adds `date` and `content-length` by itself. The system's allocator: mimalloc measured no
//! faster here.
//!
//! ```text
//! bare_hyper --listen 127.0.0.1:18081 --status 200 --header 'content-type: application/json' --body-file answer.json
//! ```
//!
//! Prints one line `ready ADDRESS` when every core listens, and serves until it is killed.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted, per core.
const BACKLOG: u32 = 1024;

const USAGE: &str = "usage: bare_hyper --listen ADDR [--status CODE] [--header 'NAME: VALUE']... [--body-file FILE] \
                     [--threads N]";

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
    answer: Answer,
}

/// The one answer. Everything in it is static, so that a clone costs no reference count shared between cores.
#[derive(Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut listen = None;
        let mut threads = thread::available_parallelism().map_or(1, usize::from);
        let mut answer = Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::new() };
        while let Some(option) = args.next() {
            let value = args.next().ok_or_else(|| format!("{option} needs a value"))?;
            let wrong = |error: &dyn std::fmt::Display| format!("{option} {value}: {error}");
            match option.as_str() {
                "--listen" => listen = Some(value.parse().map_err(|e| wrong(&e))?),
                "--threads" => threads = value.parse().map_err(|e| wrong(&e))?,
                "--status" => answer.status = value.parse().map_err(|e| wrong(&e))?,
                "--header" => {
                    let (name, value) = header(&value).map_err(|e| wrong(&e))?;
                    answer.headers.append(name, value);
                }
                "--body-file" => answer.body = Bytes::from_static(std::fs::read(&value).map_err(|e| wrong(&e))?.leak()),
                _ => return Err(format!("unknown option {option}")),
            }
        }
        let listen = listen.ok_or("--listen is missing")?;
        Ok(Self { listen, threads: threads.max(1), answer })
    }
}

fn header(line: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = line.split_once(':').ok_or("no colon")?;
    let name = name.trim().parse().map_err(|_| "not a header name")?;
    let value = HeaderValue::try_from(value.trim()).map_err(|_| "not a header value")?;
    let value = value.as_bytes().to_vec().leak();
    let value = HeaderValue::from_maybe_shared(Bytes::from_static(value)).map_err(|_| "not a header value")?;
    Ok((name, value))
}

/// Serves on every core; returns only when a listener cannot be opened or a core fails.
fn serve(options: &Options) -> io::Result<()> {
    let (events, core_events) = mpsc::channel();
    let mut listen = options.listen;
    for core in 0..options.threads {
        let answer = options.answer.clone();
        let events = events.clone();
        thread::Builder::new().name(format!("core-{core}")).spawn(move || {
            let failure = run_core(listen, &answer, &events);
            let _ = events.send(failure);
        })?;
        // The first core settles port 0 for the others.
        listen = core_events.recv().map_err(io::Error::other)??;
    }
    println!("ready {listen}");
    core_events.recv().map_err(io::Error::other)?.map(|_| ())
}

/// One core: says where it listens, then accepts for ever.
fn run_core(
    listen: SocketAddr,
    answer: &Answer,
    events: &mpsc::Sender<io::Result<SocketAddr>>,
) -> io::Result<SocketAddr> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = listener(listen)?;
        let _ = events.send(listener.local_addr());
        loop {
            let (stream, _) = listener.accept().await?;
            let _ = stream.set_nodelay(true);
            let answer = answer.clone();
            let service = service_fn(move |_request| {
                let mut response = Response::new(Full::new(answer.body.clone()));
                *response.status_mut() = answer.status;
                *response.headers_mut() = answer.headers.clone();
                std::future::ready(Ok::<_, Infallible>(response))
            });
            // An answer this small costs less as one copied buffer than as a vectored write.
            let connection = http1::Builder::new().writev(false).serve_connection(TokioIo::new(stream), service);
            // A connection that breaks is the client's affair.
            tokio::spawn(async move { drop(connection.await) });
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
