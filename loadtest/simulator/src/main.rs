//! Plays calls against an engine and prints their story.

use std::process::ExitCode;

use clap::Parser;
use qnect_simulator::{CallReport, Dial, Network, Party, TimelineEntry};
use tokio::net::TcpListener;

mod program;

use program::capture::Capture;
use program::usage::{Arguments, Plan};
use program::verdict;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let prepared = match arguments.plan() {
        Ok(plan) => prepare(plan).await,
        Err(problem) => Err(problem),
    };
    let (plan, network, capture) = match prepared {
        Ok(prepared) => prepared,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    match play(&plan, &network, capture).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(1)
        }
    }
}

/// Everything that can fail before the first call.
async fn prepare(plan: Plan) -> Result<(Plan, Network, Option<Capture>), String> {
    let network = Network::new(plan.network.clone()).map_err(|cause| cause.to_string())?;
    network.set_default_script(plan.owner);
    if let Some(address) = plan.rest_listen {
        let listening = async { network.serve_rest(TcpListener::bind(address).await?) };
        let address = listening.await.map_err(|cause| format!("--rest-listen {address}: {cause}"))?;
        eprintln!("the provider's API listens on http://{address}");
    }
    let capture = plan.capture.as_deref().map(Capture::create).transpose()?;
    Ok((plan, network, capture))
}

/// True if every call went as the owner's script says.
async fn play(plan: &Plan, network: &Network, mut capture: Option<Capture>) -> Result<bool, String> {
    if plan.draws() {
        eprintln!("seed {}", plan.network.faults.seed);
    }
    let mut good = true;
    for (nth, dial) in plan.calls.iter().enumerate() {
        if nth > 0 {
            tell(plan.json, "the same telephone dials again, without a code");
        }
        let report = call(plan, network, dial.clone()).await;
        if let Some(capture) = &mut capture {
            capture.add(&report.exchanges)?;
        }
        for fault in verdict::faults(&report, dial, plan.owner) {
            eprintln!("not as scripted: {fault}");
            good = false;
        }
    }
    if plan.rest_listen.is_some() {
        tokio::time::sleep(plan.linger).await;
        let counts = serde_json::to_string(&network.rest_counts()).map_err(|cause| format!("no counts: {cause}"))?;
        eprintln!("the provider's API was asked {counts}, and keeps {} records", network.records().len());
    }
    Ok(good)
}

async fn call(plan: &Plan, network: &Network, dial: Dial) -> CallReport {
    let report = network.dial_observed(dial, |entry| tell(plan.json, &line(entry))).await;
    if plan.json {
        match serde_json::to_string(&report) {
            Ok(text) => println!("{text}"),
            Err(cause) => eprintln!("no report: {cause}"),
        }
    }
    report
}

/// The story is on standard output, unless reports are.
fn tell(json: bool, text: &str) {
    if json { eprintln!("{text}") } else { println!("{text}") }
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
