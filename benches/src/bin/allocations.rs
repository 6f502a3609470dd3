//! How often the heap is asked for memory for one JSON scan, in steady state: the program's own server, doors, engine
//! and store in this process, over a real connection; less what bare hyper asks for to write the same answer to the
//! same request.
//!
//! Every thread is counted, also the one that commits scans; the client asks for nothing. A block that grows counts as
//! one more.
//!
//! ```text
//! allocations --config FILE --codes FILE [--scans 20000]
//! ```
//!
//! Prints one JSON object.

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;

use bytes::Bytes;
use qnect_benches::Failure;
use qnect_benches::bare::Answer;
use qnect_benches::life::{Opened, workers};
use qnect_benches::options::Options;
use qnect_engine::host;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const USAGE: &str = "usage: allocations --config FILE --codes FILE [--scans N]";
/// Tags that are looked at in turn: all are in memory after the first round.
const TAGS: usize = 1_000;
/// An answer with its head is never longer.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| count(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("allocations: {failure}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn count(options: &Options) -> Result<(), Failure> {
    let codes = options.lines("codes")?;
    let requests: Vec<String> = codes.iter().take(TAGS).enumerate().map(|(nth, code)| request(nth, code)).collect();
    let opened = Opened::of(options.text("config")?.as_ref())?;
    host(workers(), async |workers| {
        let life = opened.start(&workers)?;
        let address = life.open_doors(&workers).await?;
        let scans = options.number_or("scans", 20_000)?;
        let driven = tokio::task::spawn_blocking(move || -> Result<_, Failure> {
            let (engine, answer) = drive(address, &requests, scans)?;
            let (bare, _) = drive(serve_bare(answer)?, &requests, scans)?;
            Ok((engine, bare))
        });
        let (engine, bare) = driven.await??;
        let each = engine - bare;
        println!("{{\"scans\":{scans},\"engine\":{engine:.2},\"bare\":{bare:.2},\"each\":{each:.2}}}");
        Ok(())
    })
}

fn request(nth: usize, code: &str) -> String {
    let address = Ipv4Addr::from_bits(0x0a00_0000 + nth as u32);
    format!(
        "GET /q/{code} HTTP/1.1\r\nHost: qnect.example\r\nAccept: application/json\r\nX-Forwarded-For: {address}\r\n\r\n"
    )
}

/// Bare hyper on a thread of its own, with this answer.
fn serve_bare(answer: Answer) -> Result<SocketAddr, Failure> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            while let Ok((stream, _)) = listener.accept().await {
                answer.clone().serve(stream).await;
            }
        });
    });
    Ok(address)
}

/// Drives a server over one connection. Returns how often each request made this process ask for memory, and the last
/// answer.
fn drive(server: SocketAddr, requests: &[String], count: usize) -> Result<(f64, Answer), Failure> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; ANSWER_BYTES_MAX];
    let mut ask = |count: usize| -> Result<usize, Failure> {
        let mut length = 0;
        for request in requests.iter().cycle().take(count) {
            stream.write_all(request.as_bytes())?;
            length = stream.read(&mut buffer)?;
            if !buffer[..length].starts_with(b"HTTP/1.1 200 ") {
                return Err("a scan was not answered with 200".into());
            }
        }
        Ok(length)
    };
    // Every tag comes into memory, and every buffer to its size.
    ask(2 * requests.len())?;
    let region = Region::new(ALLOCATOR);
    let length = ask(count)?;
    let stats = region.change();
    let each = (stats.allocations + stats.reallocations) as f64 / count as f64;
    Ok((each, answer(&buffer[..length])?))
}

/// What was read, as an answer that can be given again. An answer comes in one piece: it is written in one.
fn answer(text: &[u8]) -> Result<Answer, Failure> {
    let (head, body) = std::str::from_utf8(text)?.split_once("\r\n\r\n").ok_or("an answer without a body")?;
    let mut answer = Answer::new();
    for line in head.lines().skip(1) {
        // hyper adds these by itself.
        if !line.starts_with("date:") && !line.starts_with("content-length:") {
            answer.add_header(line)?;
        }
    }
    answer.body = Bytes::copy_from_slice(body.as_bytes());
    Ok(answer)
}
