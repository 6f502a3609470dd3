//! One stranger: scans, asks for a session, dials, and says how it went.

use std::time::Duration;

use qnect_simulator::{CallReport, Dial, LostCallback, Network};
use serde::Deserialize;

use crate::cause::{Cause, Failure};
use crate::door::{Answer, Door, NoAnswer};
use crate::load::End;

/// How long the two talk, in telephones' time.
const TALK_SECONDS: u64 = 20;
/// Plivo's code for a leg for which the account has no line.
const NO_LINE: &str = "5030";
/// The longest name of a refusal that is repeated in a report.
const NAME_CHARS_MAX: usize = 32;

/// Somebody at a car, with a browser and a telephone. Clones share connections.
#[derive(Clone, Debug)]
pub(crate) struct Stranger {
    door: Door,
    network: Network,
}

/// What one call was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// How long the answer to the scan took; `None` without an answer.
    pub(crate) scan: Option<Duration>,
    /// How long the answer to the request for a session took; `None` without an answer.
    pub(crate) session: Option<Duration>,
    /// From dialling to the first ring of the owner's telephone, in telephones' time; `None` if it never rang.
    pub(crate) rang: Option<Duration>,
    /// The same to when the two could hear each other; `None` if they never could.
    pub(crate) talked: Option<Duration>,
    /// Status callbacks that the provider was told to lose.
    pub(crate) lost: Vec<LostCallback>,
    /// Requests sent by browser and provider.
    pub(crate) requests: u64,
    /// Of these, the provider's.
    pub(crate) webhooks: u64,
    /// Webhooks that were not answered with 2xx, those that a retry made good included.
    pub(crate) webhooks_failed: u64,
    /// Webhooks that waited for the end of an outage.
    pub(crate) held: u64,
    pub(crate) bridged: bool,
    pub(crate) masked: bool,
    pub(crate) failure: Option<Failure>,
}

#[derive(Deserialize)]
struct Decision {
    decision: String,
    reason: Option<String>,
}

/// A session that a stranger can use.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Opened {
    pub(crate) session: String,
    number: String,
    access_code: Option<String>,
    challenge: Option<String>,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
}

impl Stranger {
    pub(crate) fn new(door: Door, network: Network) -> Stranger {
        Stranger { door, network }
    }

    /// Plays call number `index` to its end. Whatever happens is in what it returns. `fields` are in the head of what the
    /// browser asks for.
    pub(crate) async fn call(&self, index: u32, code: &str, fields: &[(&str, &str)]) -> Seen {
        let mut seen = Seen::default();
        seen.failure = self.play(&caller(index), code, fields, &mut seen).await.err();
        seen
    }

    async fn play(&self, caller: &str, code: &str, fields: &[(&str, &str)], seen: &mut Seen) -> Result<(), Failure> {
        seen.requests += 1;
        let answer = self.door.scan(code, fields).await;
        seen.scan = answer.as_ref().ok().map(|answer| answer.took);
        scan(answer.as_ref())?;

        seen.requests += 1;
        let answer = self.door.open_session(code, fields).await;
        seen.session = answer.as_ref().ok().map(|answer| answer.took);
        let opened = session(answer.as_ref())?;
        self.talk(caller, opened, seen).await
    }

    /// Plays the telephone's part of call number `index`, with a session that is open. Nothing is seen of what came before.
    pub(crate) async fn dial(&self, index: u32, opened: Opened) -> Seen {
        let mut seen = Seen::default();
        seen.failure = self.talk(&caller(index), opened, &mut seen).await.err();
        seen
    }

    async fn talk(&self, caller: &str, opened: Opened, seen: &mut Seen) -> Result<(), Failure> {
        let call = Dial {
            from: caller.to_owned(),
            number: opened.number,
            post_dial: opened.access_code,
            talk_seconds: TALK_SECONDS,
            ..Dial::default()
        };
        let mut report = self.network.dial(call).await;
        seen.lost = std::mem::take(&mut report.lost);
        seen.webhooks = report.exchanges.len() as u64;
        seen.requests += seen.webhooks;
        seen.held = report.exchanges.iter().filter(|exchange| exchange.held).count() as u64;
        seen.webhooks_failed = report.exchanges.iter().filter(|e| !is_success(e.status)).count() as u64;
        seen.rang = report.owner_rang_ms.map(Duration::from_millis);
        seen.talked = report.bridged_ms.map(Duration::from_millis);
        seen.bridged = report.bridged;
        // A stranger knows the owner's number only from what the provider was told to ring.
        seen.masked = report.owner_number.as_deref().is_some_and(|owner| report.masked(caller, owner));
        judge(&report, caller)
    }
}

/// A number of the call's own. Fictional.
fn caller(index: u32) -> String {
    format!("+9197{index:08}")
}

fn is_success(status: Option<u16>) -> bool {
    status.is_some_and(|status| (200..300).contains(&status))
}

/// How a scan ended for who wanted nothing else.
pub(crate) fn scanned(answer: Result<&Answer, &NoAnswer>) -> End {
    scan(answer).map_or_else(|failure| End::of(&failure), |()| End::Good)
}

/// Whether a scan lets the stranger go on, or why not.
pub(crate) fn scan(answer: Result<&Answer, &NoAnswer>) -> Result<(), Failure> {
    allowed(answer.map_err(|none| Cause::ScanNoAnswer.with(none.text()))?)
}

/// The session, or why there is none.
pub(crate) fn session(answer: Result<&Answer, &NoAnswer>) -> Result<Opened, Failure> {
    opened(answer.map_err(|none| Cause::SessionNoAnswer.with(none.text()))?)
}

/// Whether a scan lets the stranger go on.
fn allowed(answer: &Answer) -> Result<(), Failure> {
    match answer.status {
        200 => {}
        404 => return Err(Cause::UnknownTag.with("404")),
        429 => return Err(Cause::ScanLimited.with(status_and_name(answer))),
        403 => return Err(Cause::ScanRefused.with(status_and_name(answer))),
        503 => return Err(Cause::ScanOverloaded.with(status_and_name(answer))),
        _ => return Err(Cause::ScanUnexpected.with(status_and_name(answer))),
    }
    let Ok(Decision { decision, reason }) = serde_json::from_slice(&answer.body) else {
        return Err(Cause::ScanUnexpected.with("200 without a decision"));
    };
    let reason = reason.as_deref().map(name).unwrap_or_default();
    match decision.as_str() {
        "allow" => Ok(()),
        "challenge" => Err(Cause::Challenged.with("at the scan")),
        "limited" => Err(Cause::ScanLimited.with(reason)),
        "refused" => Err(Cause::ScanRefused.with(reason)),
        _ => Err(Cause::ScanUnexpected.with("200 with an unknown decision")),
    }
}

/// The session, if there is one that the stranger can use.
fn opened(answer: &Answer) -> Result<Opened, Failure> {
    let cause = match answer.status {
        201 => Cause::SessionUnexpected,
        404 => Cause::UnknownTag,
        429 => Cause::SessionLimited,
        403 => Cause::SessionRefused,
        503 if problem(answer) == "numbers_exhausted" => Cause::SessionNumbersExhausted,
        503 => Cause::SessionOverloaded,
        _ => Cause::SessionUnexpected,
    };
    if answer.status != 201 {
        return Err(cause.with(status_and_name(answer)));
    }
    let opened: Opened = serde_json::from_slice(&answer.body).map_err(|_| cause.with("201 without a session"))?;
    if opened.challenge.is_some() {
        return Err(Cause::Challenged.with("with the session"));
    }
    Ok(opened)
}

/// Whether a call was bridged and masked, and nothing else was wrong with it.
fn judge(report: &CallReport, caller: &str) -> Result<(), Failure> {
    // A telephone that never rang has shown nothing, which is no leak.
    if let (Some(owner), Some(_)) = (&report.owner_number, &report.owner_saw)
        && let Some(leak) = report.leaks(caller, owner).first()
    {
        return Err(Cause::NotMasked.with(*leak));
    }
    let follows = report.protocol_errors.is_empty();
    if follows && report.bridged && report.bridged_without_key {
        return Err(Cause::BridgedWithoutKey.with(""));
    }
    if follows && report.bridged {
        return Ok(());
    }
    // A webhook that came to nothing is why the rest did not happen.
    Err(match report.exchanges.iter().find(|exchange| !is_success(exchange.status)) {
        Some(exchange) => {
            Cause::WebhookFailed.with(exchange.status.map_or("no answer".to_owned(), |status| status.to_string()))
        }
        None if !follows => Cause::ProtocolError.with(""),
        None if has_no_line(report) => Cause::NoLine.with(""),
        None if report.owner_number.is_none() => Cause::NotDialled.with(""),
        None => Cause::NotBridged.with(""),
    })
}

/// Whether the provider's own limits ended a leg.
fn has_no_line(report: &CallReport) -> bool {
    [report.scanner_leg_end, report.owner_leg_end].iter().flatten().any(|end| end.code == NO_LINE)
}

fn status_and_name(answer: &Answer) -> String {
    format!("{} {}", answer.status, problem(answer)).trim_end().to_owned()
}

/// The machine-readable name in a problem document; empty if there is none.
fn problem(answer: &Answer) -> String {
    serde_json::from_slice::<Problem>(&answer.body).map(|problem| name(&problem.code)).unwrap_or_default()
}

/// A name of the interface, and nothing that merely stands where one should.
fn name(text: &str) -> String {
    let is_name = text.len() <= NAME_CHARS_MAX && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if is_name { text.to_owned() } else { String::new() }
}
