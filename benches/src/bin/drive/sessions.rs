//! `sessions`: numbers and codes are asked for until the time is over or the server ends, and the names of those that
//! were given are noted. `look`: how many of them the server knows.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use qnect_benches::Failure;
use qnect_benches::options::Options;

use crate::client::Client;
use crate::closed_loop;
use crate::message::field;
use crate::scanner;

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let (to, codes, connections) = (options.server()?, options.lines("codes")?, options.number("connections")?);
    let until = Instant::now() + options.duration()?;
    let given = Mutex::new(Vec::new());
    let run = closed_loop::run(connections, async |connection, tally| {
        let mut client = Client::connect(to).await?;
        let (mut nth, mut own) = (connection, Vec::new());
        while Instant::now() < until {
            let (request, asked) = (scanner::open_session(&codes[nth % codes.len()], nth), Instant::now());
            // The server may end, which is no error here: what it has not acknowledged, it need not keep.
            let Ok(answer) = client.ask(&request).await else { break };
            match field(answer.body, "session").filter(|_| answer.status == 201) {
                Some(session) => {
                    own.push(session.to_owned());
                    tally.good(asked, answer);
                }
                None => tally.bad(format!("status {}", answer.status)),
            }
            nth += connections;
        }
        given.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
        Ok(())
    })?;
    let given = given.into_inner().unwrap_or_else(PoisonError::into_inner);
    fs::write(options.text("ids")?, given.join("\n"))?;
    run.tell()
}

pub(crate) fn look(options: &Options) -> Result<(), Failure> {
    let (to, ids, connections) = (options.server()?, options.lines("ids")?, options.number("connections")?);
    let run = closed_loop::run(connections, async |connection, tally| {
        let mut client = Client::connect(to).await?;
        for id in ids.iter().skip(connection).step_by(connections) {
            let head =
                format!("GET /sessions/{id} HTTP/1.1\r\nHost: qnect.example\r\nAccept: application/json\r\n\r\n");
            let asked = Instant::now();
            match client.ask(head.as_bytes()).await? {
                answer if answer.status == 200 => tally.good(asked, answer),
                answer => tally.bad(format!("status {}", answer.status)),
            }
        }
        Ok(())
    })?;
    run.tell()
}
