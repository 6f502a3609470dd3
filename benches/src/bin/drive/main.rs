//! Drives a server in closed loops where wrk cannot: a connection for each request, requests that follow from the
//! answers to others, and requests that may be made only once. Each mode says what it does; all print one JSON object
//! as their last line.
//!
//! The same generator drives the engine and bare hyper in turn, on the machine that serves them. So what it costs is
//! charged to both, and takes from both; `ops/bench` therefore reports the processor time of the server beside the
//! rate.

mod calls;
mod client;
mod closed_loop;
mod handshakes;
mod message;
mod provider;
mod scanner;
mod scans;
mod sessions;
mod webhooks;

use std::process::ExitCode;

use qnect_benches::options::Options;

const USAGE: &str = "usage: drive MODE --to ADDR ...
  scans           --codes FILE --connections N                     each tag once
  handshakes      --codes FILE --connections N --seconds S         a connection, TLS, a page, and its end
  sessions        --codes FILE --connections N --seconds S --ids FILE   sessions, and the names of those that were given
  look            --ids FILE --connections N                       how many of these sessions there are
  open            --codes FILE --skip K --count N --out FILE ...   sessions, and a signed webhook for each
  webhooks        --requests FILE --connections N                  these requests, each once
  calls           --codes FILE --connections N --seconds S --first N [--bare] ...   whole masked calls
open and calls also take --origin URL --auth-id ID --auth-token TOKEN";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let driven = Options::parse(arguments).and_then(|options| match mode.as_str() {
        "scans" => scans::run(&options),
        "handshakes" => handshakes::run(&options),
        "sessions" => sessions::run(&options),
        "look" => sessions::look(&options),
        "open" => webhooks::prepare(&options),
        "webhooks" => webhooks::run(&options),
        "calls" => calls::run(&options),
        _ => Err("no such mode".into()),
    });
    match driven {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("drive {mode}: {failure}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}
