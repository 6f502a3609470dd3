//! `open`: sessions, one on each tag, and for each the signed webhook of a caller who has keyed its code; the answer to
//! it rings an owner, and so waits for a commit. `webhooks`: sends such requests, each once.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use qnect_benches::Failure;
use qnect_benches::options::Options;

use crate::client::Client;
use crate::closed_loop;
use crate::message::{field, split};
use crate::provider::{Call, Provider};
use crate::scanner;

/// Connections that open sessions: so few that nothing is turned away for want of time.
const CONNECTIONS: usize = 64;

pub(crate) fn prepare(options: &Options) -> Result<(), Failure> {
    let (to, codes, provider) = (options.server()?, options.lines("codes")?, Provider::of(options)?);
    let (skip, count): (usize, usize) = (options.number("skip")?, options.number("count")?);
    if codes.len() < skip + count {
        return Err("fewer tags than calls: an owner has one call at a time".into());
    }
    let prepared = Mutex::new(Vec::new());
    let run = closed_loop::run(CONNECTIONS, async |connection, tally| {
        let mut client = Client::connect(to).await?;
        let mut own = Vec::new();
        for nth in (skip..skip + count).skip(connection).step_by(CONNECTIONS) {
            let (request, asked) = (scanner::open_session(&codes[nth], nth), Instant::now());
            let answer = client.ask(&request).await?;
            let (number, code) = (field(answer.body, "number"), field(answer.body, "access_code"));
            let (Some(number), Some(code)) = (number, code) else {
                return Err(format!("status {} for a session", answer.status).into());
            };
            own.extend(provider.webhook("code/1", Call::new(nth as u64, number, code).keyed()));
            tally.good(asked, answer);
        }
        prepared.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
        Ok(())
    })?;
    let prepared = prepared.into_inner().unwrap_or_else(PoisonError::into_inner);
    fs::write(options.text("out")?, prepared)?;
    run.tell()
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let (to, connections) = (options.server()?, options.number("connections")?);
    let file = fs::read(options.text("requests")?)?;
    let requests = split(&file)?;
    // Whoever is free takes the next one: with a share for each connection the slowest would be waited for in the end.
    let next = AtomicUsize::new(0);
    let run = closed_loop::run(connections, async |_, tally| {
        let mut client = Client::connect(to).await?;
        while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
            let asked = Instant::now();
            match client.ask(request).await? {
                // What was withheld is answered in other words, and with no commit.
                answer if answer.status == 200 && contains(answer.body, b"<Dial ") => tally.good(asked, answer),
                answer => tally.bad(format!("status {}: {}", answer.status, String::from_utf8_lossy(answer.body))),
            }
        }
        Ok(())
    })?;
    run.tell()
}

/// Whether a document has this in it.
pub(crate) fn contains(document: &[u8], part: &[u8]) -> bool {
    document.windows(part.len()).any(|window| window == part)
}
