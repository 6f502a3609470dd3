//! The demo's scene: an owner, a stranger with a telephone, a provider that is simulated, everything else real.

use qnect_simulator::{CallReport, Dial, Network, NetworkConfig, OwnerScript};
use serde::{Deserialize, Serialize};

use crate::commands::CommandError;
use crate::commands::terminal;

/// The demo owner's telephone. Fictional.
pub(super) const OWNER_PHONE: &str = "+919800000017";
/// The stranger's telephone. Fictional.
const SCANNER_PHONE: &str = "+919700000042";
/// Seconds of talk.
const TALK_SECONDS: u64 = 20;
/// How much faster than life telephones are in the demo.
const TIME_SCALE: f64 = 0.08;
/// How often and how long the outcome is asked for.
const OUTCOME_EVERY: std::time::Duration = std::time::Duration::from_millis(250);
const OUTCOME_ASKED_MAX: u32 = 120;

/// Where things are.
pub(super) struct Scene {
    /// Where the engine listens.
    pub(super) engine: String,
    /// The origin that it emits.
    pub(super) origin: String,
    /// The tag's code.
    pub(super) code: String,
    /// The provider's account.
    pub(super) auth_id: String,
    /// The provider's secret.
    pub(super) auth_token: String,
    /// Where the provider can be asked.
    pub(super) rest: std::net::TcpListener,
    /// How the owner answers.
    pub(super) owner: OwnerScript,
}

/// The demo's last line.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    bridged: bool,
    masked: bool,
    outcome: String,
    session: String,
    scan_url: String,
    number: String,
    access_code: String,
    owner_saw: Option<String>,
    scanner_saw: String,
    talk_seconds: u64,
}

#[derive(Deserialize)]
struct Opened {
    session: String,
    number: String,
    access_code: String,
    dial_uri: String,
    status_url: String,
}

#[derive(Deserialize)]
struct Status {
    outcome: Option<String>,
}

impl Scene {
    /// Plays one call. Returns the summary, and whether what happened is right for the owner's script.
    pub(super) async fn play(&self, client: &terminal::Client) -> Result<(Summary, bool), CommandError> {
        let scan_url = format!("{}/q/{}", self.origin, self.code);
        terminal::step("stranger", "scans the sticker and taps \"It blocks my way\"");
        let scan = format!("{}/q/{}", self.engine, self.code);
        client.get::<serde_json::Value>(&scan).await?;
        let body = serde_json::json!({"reason": "blocking", "language": "en"});
        let opened: Opened = client.post(&format!("{scan}/sessions"), &body).await?;
        terminal::step(
            "engine",
            &format!("gives the page {} and stores the session before it says so", opened.dial_uri),
        );

        terminal::step("engine", &format!("says how the session stands at {}", opened.status_url));

        let report = self.dial(&opened).await?;
        terminal::step("engine", "waits 5 s, so that no late or reordered event can change the outcome");
        let outcome = self.outcome(client, &opened.session).await?;
        terminal::step("engine", &format!("stores the outcome: {outcome}"));

        let masked = report.masked(SCANNER_PHONE, OWNER_PHONE);
        let right = right_for(self.owner, &report, &outcome, masked);
        for leak in report.leaks(SCANNER_PHONE, OWNER_PHONE) {
            // A telephone that never rang has seen nothing, which is no leak.
            if report.owner_saw.is_some() {
                terminal::step("LEAK", leak);
            }
        }
        let summary = Summary {
            bridged: report.bridged,
            masked,
            outcome,
            session: opened.session,
            scan_url,
            number: opened.number,
            access_code: opened.access_code,
            owner_saw: report.owner_saw,
            scanner_saw: report.scanner_saw,
            talk_seconds: report.talk_seconds,
        };
        Ok((summary, right))
    }

    async fn dial(&self, opened: &Opened) -> Result<CallReport, CommandError> {
        let network = Network::new(NetworkConfig {
            engine: self.engine.clone(),
            public_base_url: self.origin.clone(),
            auth_id: self.auth_id.clone(),
            auth_token: self.auth_token.clone(),
            time_scale: TIME_SCALE,
            ..NetworkConfig::default()
        })
        .map_err(|e| CommandError::Other(e.to_string()))?;
        let rest = self.rest.try_clone().and_then(tokio::net::TcpListener::from_std);
        rest.and_then(|rest| network.serve_rest(rest)).map_err(|e| CommandError::Other(e.to_string()))?;
        network.set_telephone(OWNER_PHONE, self.owner);
        let call = Dial {
            from: SCANNER_PHONE.to_owned(),
            number: opened.number.clone(),
            post_dial: Some(opened.access_code.clone()),
            talk_seconds: TALK_SECONDS,
            ..Dial::default()
        };
        let report = network.dial_observed(call, terminal::timeline).await;
        for error in &report.protocol_errors {
            terminal::step("provider", &format!("cannot follow the engine: {error}"));
        }
        Ok(report)
    }

    async fn outcome(&self, client: &terminal::Client, session: &str) -> Result<String, CommandError> {
        let url = format!("{}/sessions/{session}", self.engine);
        for _ in 0..OUTCOME_ASKED_MAX {
            let status: Status = client.get(&url).await?;
            if let Some(outcome) = status.outcome {
                return Ok(outcome);
            }
            tokio::time::sleep(OUTCOME_EVERY).await;
        }
        Err(CommandError::Other("the session did not end within 30 s".to_owned()))
    }
}

/// Whether what happened is what must happen when the owner behaves so.
fn right_for(owner: OwnerScript, report: &CallReport, outcome: &str, masked: bool) -> bool {
    let rang_masked = masked && !report.bridged_without_key && report.protocol_errors.is_empty();
    match owner {
        OwnerScript::Answers => report.bridged && rang_masked && outcome == "completed",
        OwnerScript::Declines | OwnerScript::HangsUp => !report.bridged && rang_masked && outcome == "declined",
        // An engaged telephone displays nothing, so there is nothing to be masked.
        OwnerScript::Busy => !report.bridged && outcome == "busy" && report.protocol_errors.is_empty(),
        // The demo's provider takes one key only: any other does nothing, like a machine.
        OwnerScript::Silent
        | OwnerScript::Voicemail
        | OwnerScript::Coming
        | OwnerScript::Cannot
        | OwnerScript::WrongKey => !report.bridged && rang_masked && outcome == "no_answer",
    }
}
