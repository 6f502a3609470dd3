//! What may be asked for, and what is played once it has been checked.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use qnect_simulator::{Dial, Faults, Moment, NetworkConfig, OwnerScript, Protocol, RestFault, Tones};

/// Plays one call against a running engine: somebody dials an intermediary number, the provider asks the engine what to
/// do, the owner's telephone rings. Prints the story line by line.
///
/// Make a session first (scan a tag, tap a reason), then dial its number with its code:
///
///   cargo run --release -p qnect-simulator -- --engine http://127.0.0.1:8080 --public-base-url https://qnect.example
///   --number +911140000001 --code 4829137 --owner answers
///
/// Exit code 0: the call went as the owner's script says, masked and without a protocol error. 1: it did not. 2: bad
/// usage.
#[derive(Debug, Parser)]
#[command(name = "qnect-simulator", verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Where the engine listens, http://127.0.0.1:8080.
    #[arg(long, value_name = "URL")]
    engine: String,
    /// What the engine is called outside (its server.public_base_url); webhooks are signed over it. Default: the engine's
    /// address.
    #[arg(long, value_name = "URL")]
    public_base_url: Option<String>,
    /// Which provider to be.
    #[arg(long, value_enum, default_value = "plivo")]
    protocol: Protocol,
    /// The provider account. Default: PLIVO_AUTH_ID or TWILIO_ACCOUNT_SID.
    #[arg(long, value_name = "ID")]
    auth_id: Option<String>,
    /// Its secret. Default: PLIVO_AUTH_TOKEN or TWILIO_AUTH_TOKEN, which keeps it out of the process list.
    #[arg(long, value_name = "TOKEN")]
    auth_token: Option<String>,
    /// Real seconds per simulated second: 1 is life, 0.05 is fast, 0 never waits.
    #[arg(long, value_name = "SCALE", default_value_t = 1.0)]
    time_scale: f64,
    /// Print the whole report of each call as one line of JSON; the story goes to standard error.
    #[arg(long)]
    json: bool,
    /// Write every webhook and its reply to FILE, one line of JSON each: request line, headers, body, reply.
    #[arg(long, value_name = "FILE")]
    capture: Option<PathBuf>,
    /// Allow an engine that is not on this machine.
    #[arg(long)]
    i_own_this_host: bool,

    /// The caller's own number. An owner's telephone is a caller like any other.
    #[arg(long, help_heading = "The caller", value_name = "NUMBER", default_value = "+919000000099")]
    from: String,
    /// The intermediary number to dial.
    #[arg(long, help_heading = "The caller", value_name = "NUMBER")]
    number: String,
    /// The access code, sent after one comma. Without it nothing is sent, as when somebody taps redial.
    #[arg(long, help_heading = "The caller", value_name = "DIGITS")]
    code: Option<String>,
    /// A wrong code to give before the right one; may be repeated. The first is sent after the comma, the others and the
    /// right one are keyed by hand when the line asks again.
    #[arg(long, help_heading = "The caller", value_name = "DIGITS")]
    wrong_code: Vec<String>,
    /// What to key by hand at the next question that nothing above answers; may be repeated.
    #[arg(long, help_heading = "The caller", value_name = "KEYS")]
    at_prompt: Vec<String>,
    /// Key the digits that a question speaks ("type the two digits 4 7"): the answer to a challenge.
    #[arg(long, help_heading = "The caller")]
    repeats_spoken_digits: bool,
    /// How the tones of the code arrive.
    #[arg(long, help_heading = "The caller", value_enum, default_value = "clear")]
    tones: Tones,
    /// Withhold the number.
    #[arg(long, help_heading = "The caller")]
    withheld: bool,
    /// How long the caller talks.
    #[arg(long, help_heading = "The caller", value_name = "N", default_value_t = 30)]
    talk_seconds: u64,
    /// Hang up this many seconds after dialling, whatever happens.
    #[arg(long, help_heading = "The caller", value_name = "N")]
    hang_up_after: Option<u64>,
    /// Hang up at once when this happens.
    #[arg(long, help_heading = "The caller", value_enum, value_name = "MOMENT")]
    hang_up_when: Option<Moment>,
    /// Dial twice: hang up when the owner's telephone rings (or as the options above say), then dial again without a code.
    /// The second call must go as the owner's script says, the first only without a leak.
    #[arg(long, help_heading = "The caller")]
    redial: bool,

    /// How the owner's telephone behaves. It presses 1 (answers), 2 (coming), 3 (cannot), 5 (wrong-key), or nothing.
    #[arg(long, help_heading = "The owner", value_enum, default_value = "answers")]
    owner: OwnerScript,

    /// What is drawn: lost tones, lost, late and reordered callbacks. The same seed and caller: the same misfortune.
    #[arg(long, help_heading = "What goes wrong", value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Deliver every webhook this many times more, at most 10.
    #[arg(long, help_heading = "What goes wrong", value_name = "N", default_value_t = 0)]
    duplicate: u8,
    /// Lose this fraction of the status callbacks, 0 to 1.
    #[arg(long, help_heading = "What goes wrong", value_name = "FRACTION", default_value_t = 0.0)]
    drop: f64,
    /// Deliver this fraction of the status callbacks after the call, up to an hour of simulated time late. With time scale
    /// 1 that is a real hour.
    #[arg(long, help_heading = "What goes wrong", value_name = "FRACTION", default_value_t = 0.0)]
    delay: f64,
    /// Hold so many status callbacks back, at most 32, and deliver them in another order.
    #[arg(long, help_heading = "What goes wrong", value_name = "N", default_value_t = 0)]
    reorder: u8,
    /// Send webhooks without a signature.
    #[arg(long, help_heading = "What goes wrong")]
    no_signature: bool,
    /// Sign over the URL with its port, https://qnect.example:443/..., as Twilio sometimes does.
    #[arg(long, help_heading = "What goes wrong")]
    signature_with_port: bool,
    /// Stop for so many real milliseconds in the middle of sending, and before reading a reply.
    #[arg(long, help_heading = "What goes wrong", value_name = "MS", default_value_t = 0)]
    slow_ms: u64,
    /// Lines of the account: legs at once, both sides and ringing ones counted. 0: no limit.
    #[arg(long, help_heading = "What goes wrong", value_name = "N", default_value_t = 0)]
    lines_max: u32,
    /// Owners' telephones that the account may dial a second. 0: no limit.
    #[arg(long, help_heading = "What goes wrong", value_name = "N", default_value_t = 0)]
    calls_per_second: u32,

    /// Serve the provider's REST API here while calls last (the engine's api_base_url), 127.0.0.1:8090. Port 0 takes any.
    #[arg(long, help_heading = "The provider's API", value_name = "ADDR")]
    rest_listen: Option<SocketAddr>,
    /// How the API fails: refuse, 503, 429, garbage, slow:SECONDS.
    #[arg(long, help_heading = "The provider's API", value_name = "FAULT", requires = "rest_listen")]
    rest_fault: Option<RestFault>,
    /// Serve the API so many real seconds longer than the calls last, so that the engine can delete records.
    #[arg(long, help_heading = "The provider's API", value_name = "N", default_value_t = 0, requires = "rest_listen")]
    linger_seconds: u64,
}

/// What is played.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) network: NetworkConfig,
    pub(crate) owner: OwnerScript,
    pub(crate) calls: Vec<Dial>,
    pub(crate) json: bool,
    pub(crate) capture: Option<PathBuf>,
    pub(crate) rest_listen: Option<SocketAddr>,
    pub(crate) linger: Duration,
}

impl Plan {
    /// True if something is drawn from the seed.
    pub(crate) fn draws(&self) -> bool {
        let faults = &self.network.faults;
        let tones = self.calls.iter().any(|dial| dial.tones != Tones::Clear);
        tones || faults.reorder > 0 || faults.drop > 0.0 || faults.delay > 0.0
    }
}

impl Arguments {
    /// Checks what can be checked before the first request. An error is a sentence for who typed it.
    pub(crate) fn plan(self) -> Result<Plan, String> {
        if !self.i_own_this_host && !is_loopback(&self.engine) {
            return Err("the engine is not on this machine; if it is yours, say --i-own-this-host".to_owned());
        }
        if !self.i_own_this_host && self.rest_listen.is_some_and(|address| !address.ip().is_loopback()) {
            return Err("--rest-listen is open to other machines; if that is wanted, say --i-own-this-host".to_owned());
        }
        let calls = self.calls();
        Ok(Plan {
            network: self.network()?,
            owner: self.owner,
            calls,
            json: self.json,
            capture: self.capture,
            rest_listen: self.rest_listen,
            linger: Duration::from_secs(self.linger_seconds),
        })
    }

    fn network(&self) -> Result<NetworkConfig, String> {
        let [id, token] = match self.protocol {
            Protocol::Plivo => ["PLIVO_AUTH_ID", "PLIVO_AUTH_TOKEN"],
            Protocol::Twilio => ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"],
        };
        Ok(NetworkConfig {
            engine: self.engine.clone(),
            public_base_url: self.public_base_url.clone().unwrap_or_else(|| self.engine.clone()),
            protocol: self.protocol,
            auth_id: option_or_variable(self.auth_id.as_ref(), "--auth-id", id)?,
            auth_token: option_or_variable(self.auth_token.as_ref(), "--auth-token", token)?,
            time_scale: self.time_scale,
            lines_max: self.lines_max,
            calls_per_second: self.calls_per_second,
            faults: Faults {
                duplicate: self.duplicate,
                drop: self.drop,
                delay: self.delay,
                reorder: self.reorder,
                seed: self.seed,
                signature_off: self.no_signature,
                signature_with_port: self.signature_with_port,
                slow: Duration::from_millis(self.slow_ms),
                rest: self.rest_fault,
            },
        })
    }

    fn calls(&self) -> Vec<Dial> {
        // The first wrong code takes the place of the right one, which then comes last.
        let mut codes: Vec<String> = self.wrong_code.iter().chain(&self.code).cloned().collect();
        let post_dial = if codes.is_empty() { None } else { Some(codes.remove(0)) };
        let dial = Dial {
            from: self.from.clone(),
            number: self.number.clone(),
            post_dial,
            tones: self.tones,
            at_prompts: codes.into_iter().chain(self.at_prompt.iter().cloned()).collect(),
            repeats_spoken_digits: self.repeats_spoken_digits,
            talk_seconds: self.talk_seconds,
            withheld: self.withheld,
            hang_up_after: self.hang_up_after.map(Duration::from_secs),
            hang_up_when: self.hang_up_when,
            ..Dial::default()
        };
        if !self.redial {
            return vec![dial];
        }
        let hangs_up = dial.hang_up_after.is_some() || dial.hang_up_when.is_some();
        let again = Dial {
            post_dial: None,
            at_prompts: self.at_prompt.clone(),
            hang_up_after: None,
            hang_up_when: None,
            ..dial.clone()
        };
        let first = Dial { hang_up_when: if hangs_up { dial.hang_up_when } else { Some(Moment::Ringing) }, ..dial };
        vec![first, again]
    }
}

fn option_or_variable(given: Option<&String>, option: &str, variable: &str) -> Result<String, String> {
    given
        .cloned()
        .or_else(|| std::env::var(variable).ok())
        .ok_or_else(|| format!("neither {option} is given nor {variable} set"))
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
