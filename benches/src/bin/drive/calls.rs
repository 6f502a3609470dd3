//! `calls`: whole masked calls, each of ten requests: a scan, a session, the call's arrival, its code, the whisper,
//! three events of the owner's leg, the end of the dial, and of the line. Each request is made when the one before is
//! answered.
//!
//! With `--bare` the server is bare hyper that answers everything with one session: the same ten requests, written,
//! signed and read by the same code, so that the generator costs the same on both sides.

use std::time::Instant;

use qnect_benches::Failure;
use qnect_benches::options::Options;
use tokio::net::TcpStream;

use crate::client::Client;
use crate::closed_loop::{self, Tally};
use crate::message::field;
use crate::provider::{Call, Provider};
use crate::scanner;
use crate::webhooks::contains;

/// A stranger, and the provider that carries the calls.
struct Line<'a> {
    client: Client<TcpStream>,
    provider: &'a Provider,
    tally: &'a mut Tally,
    is_bare: bool,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let (to, codes, connections) = (options.server()?, options.lines("codes")?, options.number("connections")?);
    let (provider, is_bare, first) = (Provider::of(options)?, options.has("bare"), options.number::<u64>("first")?);
    let until = Instant::now() + options.duration()?;
    let run = closed_loop::run(connections, async |connection, tally| {
        let mut line = Line { client: Client::connect(to).await?, provider: &provider, tally, is_bare };
        let mut nth = connection;
        while Instant::now() < until {
            line.call(&codes[nth % codes.len()], nth, first + nth as u64).await?;
            line.tally.calls += 1;
            nth += connections;
        }
        Ok(())
    })?;
    run.tell()
}

impl Line<'_> {
    async fn call(&mut self, tag: &str, nth: usize, serial: u64) -> Result<(), Failure> {
        self.ask(&scanner::scan(tag, "application/json", nth), 200, r#""decision":"allow""#).await?;
        let body = self.ask(&scanner::open_session(tag, nth), 201, r#""challenge":null"#).await?;
        let named = |name| field(&body, name).ok_or("not a session that can be called");
        let (session, call) = (named("session")?, Call::new(serial, named("number")?, named("access_code")?));
        self.tell("voice", call.arrives(), "<GetDigits ").await?;
        self.tell("code/1", call.keyed(), "<Dial ").await?;
        self.tell(&format!("whisper/{session}"), call.whisper_wanted(), "<Speak ").await?;
        for event in [call.owner_answered(), call.owner_accepted(), call.owner_hung_up()] {
            self.tell(&format!("leg/{session}"), event, "<Response").await?;
        }
        self.tell(&format!("dial-end/{session}"), call.dial_over(), "<Response").await?;
        self.tell("voice", call.over(), "<Response").await?;
        Ok(())
    }

    async fn tell(&mut self, step: &str, params: Vec<(String, String)>, wanted: &str) -> Result<(), Failure> {
        let request = self.provider.webhook(step, params);
        self.ask(&request, 200, wanted).await.map_err(|failure| format!("{}: {failure}", kind(step)))?;
        Ok(())
    }

    async fn ask(&mut self, request: &[u8], status: u16, wanted: &str) -> Result<Vec<u8>, Failure> {
        let asked = Instant::now();
        let answer = self.client.ask(request).await?;
        if !self.is_bare && (answer.status != status || !contains(answer.body, wanted.as_bytes())) {
            return Err(format!("status {}: {}", answer.status, String::from_utf8_lossy(answer.body)).into());
        }
        self.tally.good(asked, answer);
        Ok(answer.body.to_vec())
    }
}

/// The step without the session, whose name is a secret.
fn kind(step: &str) -> &str {
    step.split('/').next().unwrap_or(step)
}
