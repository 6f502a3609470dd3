//! Plays one call against an engine and prints its story.

use std::net::IpAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use qnect_simulator::{CallReport, Dial, Faults, Network, NetworkConfig, OwnerScript, Party, TimelineEntry};

/// Plays one call against an engine: a scanner dials an intermediary number, the provider asks the engine, the owner's
/// telephone rings. Exit code 0: the call went as the owner's script says, masked and without a protocol error.
/// 1: it did not. 2: bad usage.
#[derive(Debug, Parser)]
#[command(name = "qnect-simulator")]
struct Arguments {
    /// Where the engine listens, http://127.0.0.1:8080.
    #[arg(long)]
    engine: String,
    /// What the engine is called outside; webhooks are signed over it. Default: the engine's address.
    #[arg(long)]
    public_base_url: Option<String>,
    /// The provider account. Default: PLIVO_AUTH_ID.
    #[arg(long)]
    auth_id: Option<String>,
    /// Its secret. Default: PLIVO_AUTH_TOKEN, which keeps it out of the process list.
    #[arg(long)]
    auth_token: Option<String>,
    /// The scanner's own number.
    #[arg(long, default_value = "+919000000099")]
    from: String,
    /// The intermediary number to dial.
    #[arg(long)]
    number: String,
    /// The access code, sent after one comma. Without it nothing is sent: a redial.
    #[arg(long)]
    code: Option<String>,
    /// How the owner's telephone behaves.
    #[arg(long, value_enum, default_value = "answers")]
    owner: OwnerScript,
    /// How long the scanner talks.
    #[arg(long, default_value_t = 30)]
    talk_seconds: u64,
    /// The scanner hangs up this many seconds after dialling, whatever happens.
    #[arg(long)]
    hang_up_after: Option<u64>,
    /// The scanner withholds the number.
    #[arg(long)]
    withheld: bool,
    /// Real seconds per simulated second.
    #[arg(long, default_value_t = 1.0)]
    time_scale: f64,
    /// Deliver every webhook this many times more.
    #[arg(long, default_value_t = 0)]
    duplicate: u8,
    /// Print the whole report as one line of JSON; the story goes to standard error.
    #[arg(long)]
    json: bool,
    /// Allow an engine that is not on this machine.
    #[arg(long)]
    i_own_this_host: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let network = match network(&arguments) {
        Ok(network) => network,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    let json = arguments.json;
    let call = Dial {
        from: arguments.from,
        number: arguments.number,
        post_dial: arguments.code,
        talk_seconds: arguments.talk_seconds,
        withheld: arguments.withheld,
        hang_up_after: arguments.hang_up_after.map(Duration::from_secs),
        ..Dial::default()
    };
    let from = call.from.clone();
    let report = network
        .dial_observed(call, |entry| {
            if json {
                eprintln!("{}", line(entry));
            } else {
                println!("{}", line(entry));
            }
        })
        .await;
    if json {
        match serde_json::to_string(&report) {
            Ok(text) => println!("{text}"),
            Err(cause) => eprintln!("no report: {cause}"),
        }
    }
    let faults = faults(&report, &from, arguments.owner);
    for fault in &faults {
        eprintln!("not as scripted: {fault}");
    }
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn network(arguments: &Arguments) -> Result<Network, String> {
    if !arguments.i_own_this_host && !is_loopback(&arguments.engine) {
        return Err("the engine is not on this machine; if it is yours, say --i-own-this-host".to_owned());
    }
    let secret = |given: &Option<String>, name: &str| {
        given
            .clone()
            .or_else(|| std::env::var(name).ok())
            .ok_or_else(|| format!("{name} is not set and no option says it"))
    };
    let network = Network::new(NetworkConfig {
        engine: arguments.engine.clone(),
        public_base_url: arguments.public_base_url.clone().unwrap_or_else(|| arguments.engine.clone()),
        auth_id: secret(&arguments.auth_id, "PLIVO_AUTH_ID")?,
        auth_token: secret(&arguments.auth_token, "PLIVO_AUTH_TOKEN")?,
        time_scale: arguments.time_scale,
        faults: Faults { duplicate: arguments.duplicate, ..Faults::default() },
        ..NetworkConfig::default()
    })
    .map_err(|cause| cause.to_string())?;
    network.set_default_script(arguments.owner);
    Ok(network)
}

/// What differs from a masked call in which the owner did what the script says.
fn faults(report: &CallReport, from: &str, owner: OwnerScript) -> Vec<String> {
    let mut faults: Vec<String> = report.protocol_errors.iter().map(|e| format!("protocol error: {e}")).collect();
    let bridged = owner == OwnerScript::Answers;
    if report.bridged != bridged {
        faults.push(if bridged { "not bridged" } else { "bridged" }.to_owned());
    }
    if report.bridged && report.bridged_without_key {
        faults.push("bridged without a key".to_owned());
    }
    let Some(number) = &report.owner_number else {
        faults.push("the owner was never dialled".to_owned());
        return faults;
    };
    if owner != OwnerScript::Busy {
        faults.extend(report.leaks(from, number).into_iter().map(str::to_owned));
    }
    faults
}

fn line(entry: &TimelineEntry) -> String {
    let who = match entry.who {
        Party::Scanner => "scanner",
        Party::Network => "network",
        Party::Provider => "provider",
        Party::Engine => "engine",
        Party::Owner => "owner",
    };
    format!("{:>5}.{:03} s  {who:<9} {}", entry.at_ms / 1_000, entry.at_ms % 1_000, entry.text)
}

fn is_loopback(engine: &str) -> bool {
    let rest = engine.split_once("://").map_or(engine, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
