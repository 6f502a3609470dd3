//! `scans`: each tag is looked at once, and so is revived.

use std::time::Instant;

use qnect_benches::Failure;
use qnect_benches::options::Options;

use crate::client::Client;
use crate::closed_loop;
use crate::scanner;

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let (to, codes, connections) = (options.server()?, options.lines("codes")?, options.number("connections")?);
    let run = closed_loop::run(connections, async |connection, tally| {
        let mut client = Client::connect(to).await?;
        for (nth, code) in codes.iter().enumerate().skip(connection).step_by(connections) {
            let (request, asked) = (scanner::scan(code, "application/json", nth), Instant::now());
            match client.ask(&request).await? {
                answer if answer.status == 200 => tally.good(asked, answer),
                answer => tally.bad(format!("status {}", answer.status)),
            }
        }
        Ok(())
    })?;
    run.tell()
}
