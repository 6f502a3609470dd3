//! The typed configuration: one struct for each section, each with the defaults of the public interface.
//! Bounds and forms of the values are in [`super::keys`]; what has passed there holds here.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Network, Secret};

/// The whole configuration.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `[server]`: addresses.
    pub server: Server,
    /// `[tls]`: a certificate for the public listener; plain HTTP without it.
    pub tls: Option<Tls>,
    /// `[storage]`: folders and keys.
    pub storage: Storage,
    /// `[engine]`: memory.
    pub engine: Engine,
    /// `[calls]`: whom we dial and for how long.
    pub calls: Calls,
    /// `[[numbers]]`: the intermediary numbers.
    pub numbers: Vec<Number>,
    /// `[providers.*]`: accounts at the providers.
    pub providers: Providers,
    /// `[limits]`: budgets; 0 switches one off.
    pub limits: Limits,
    /// `[abuse]`: points at which we challenge and refuse.
    pub abuse: Abuse,
    /// `[privacy]`: how long what stays where.
    pub privacy: Privacy,
    /// `[log]`: what is logged and how.
    pub log: Log,
}

/// `[server]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The public listener.
    pub listen: SocketAddr,
    /// The operations listener; never the public one.
    pub ops_listen: SocketAddr,
    /// An origin without a slash at its end; `serve` needs it.
    pub public_base_url: Option<String>,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// As written; [`Config::control_socket`] knows the default.
    pub control_socket: Option<PathBuf>,
}

/// `[tls]`: both files in PEM.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those that vouch for it, the own one first.
    pub certificate_file: PathBuf,
    /// Its private key.
    pub private_key_file: PathBuf,
}

/// `[storage]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// The data folder; `serve` needs it.
    pub data_dir: Option<PathBuf>,
    /// The master key's file; `serve` needs it.
    pub key_file: Option<PathBuf>,
    /// Records at which a commit is closed.
    pub commit_records_max: u32,
    /// How long after the one before a commit begins, at least, unless it is full.
    pub commit_wait_microseconds: u32,
    /// MiB that are kept back on the disk for the day when it is full; 0: none.
    pub ballast_mebibytes: u32,
    /// Percent of the disk that must be free for new sessions; 0: never refused.
    pub free_percent_min: u8,
    /// KiB of a keyspace's memtable, in a folder that is made now.
    pub memtable_kibibytes: u32,
    /// Days that the machine's clock may be ahead of the last commit at a start; 0: any gap is accepted, behind it too.
    pub clock_gap_days_max: u16,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            data_dir: None,
            key_file: None,
            commit_records_max: 1_024,
            commit_wait_microseconds: 2_000,
            ballast_mebibytes: 64,
            free_percent_min: 5,
            memtable_kibibytes: 8_192,
            clock_gap_days_max: 3_650,
        }
    }
}

/// `[engine]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Engine {
    /// A tag without a visit for so long leaves memory.
    pub tag_idle_seconds: u32,
    /// Tags in memory at once.
    pub active_tags_max: u32,
    /// Threads that serve connections and tags; 0: one a core.
    pub workers: u16,
    /// How many of them serve tags alone, and the others connections; 0: all of them serve both.
    pub tag_workers: u16,
}

/// `[calls]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Calls {
    /// `+` and leading digits; an owner's number outside all of them is never dialled. Never empty.
    pub allowed_prefixes: Vec<String>,
    /// How long an owner's telephone rings.
    pub ring_seconds: u32,
    /// How long the two may talk.
    pub talk_seconds: u32,
    /// How long a session lives.
    pub session_minutes: u32,
    /// The number that owners always see, one of [`Config::numbers`]; `None`: the one that was dialled.
    pub owner_caller_id: Option<String>,
}

/// One of `[[numbers]]`: an intermediary number.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// E.164 with its `+`, 8 to 15 digits.
    pub number: String,
    /// Who carries it; that provider has its section.
    pub provider: Provider,
    /// How a call on this number finds its session.
    #[serde(default)]
    pub strategy: Strategy,
    /// 6 to 9, the check digit included.
    #[serde(default = "access_code_digits")]
    pub access_code_digits: u8,
}

/// The providers that have an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Plivo.
    Plivo,
    /// Twilio.
    Twilio,
}

/// How a call on an intermediary number finds its session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The caller gives a code.
    #[default]
    AccessCode,
    /// The number belongs to one tag. Known, refused until it is built.
    Dedicated,
    /// The number is lent to one session. Known, refused until it is built.
    Leased,
}

/// `[providers.*]`
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Providers {
    /// `[providers.plivo]`
    pub plivo: Option<Plivo>,
    /// `[providers.twilio]`
    pub twilio: Option<Twilio>,
}

/// `[providers.plivo]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Plivo {
    /// The account.
    pub auth_id: String,
    /// Authenticates our requests and signs theirs; read from `auth_token_file` where that was given.
    pub auth_token: Secret,
    /// Where the REST interface is, without a slash at its end.
    #[serde(default = "plivo_api_base_url")]
    pub api_base_url: String,
    /// Concurrent legs, both sides counted; 0: no limit known.
    #[serde(default = "plivo_lines_max")]
    pub lines_max: u32,
    /// Calls that we may start in a second; 0: no limit known.
    #[serde(default = "plivo_calls_per_second")]
    pub calls_per_second: u32,
}

/// `[providers.twilio]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Twilio {
    /// The account.
    pub account_sid: String,
    /// Authenticates our requests and signs theirs; read from `auth_token_file` where that was given.
    pub auth_token: Secret,
    /// Where the REST interface is, without a slash at its end.
    #[serde(default = "twilio_api_base_url")]
    pub api_base_url: String,
    /// Concurrent legs, both sides counted; 0: no limit known.
    #[serde(default)]
    pub lines_max: u32,
    /// Calls that we may start in a second; 0: no limit known.
    #[serde(default)]
    pub calls_per_second: u32,
}

/// `[limits]`: 0 switches a limit off.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Charged when an owner's telephone is about to ring.
    pub tag_rings_per_hour: u32,
    /// The same for urgent reasons, from a budget of their own.
    pub tag_urgent_rings_per_hour: u32,
    /// Open sessions of one tag.
    pub tag_open_sessions_max: u32,
    /// One IPv4 address or one /64.
    pub address_scans_per_minute: u32,
    /// One IPv4 address or one /64.
    pub address_sessions_per_hour: u32,
    /// One caller over all tags.
    pub caller_rings_per_hour: u32,
    /// One owner over all tags.
    pub owner_rings_per_day: u32,
    /// Callers without a number, together, on one tag.
    pub withheld_rings_per_tag_per_hour: u32,
}

/// `[abuse]`: 0 is never.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Abuse {
    /// Points from which a scanner is challenged.
    pub challenge_at: u32,
    /// Points from which a scanner is refused.
    pub refuse_at: u32,
}

/// `[privacy]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Privacy {
    /// After so long both legs' records are deleted at the provider.
    pub provider_record_hours: u32,
}

/// `[log]`
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Which requests are logged.
    pub access: AccessLog,
    /// The form of a line on stderr.
    pub format: LogFormat,
}

/// Which requests are logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessLog {
    /// None.
    Off,
    /// Those that we answered with 5xx.
    #[default]
    Errors,
    /// All.
    All,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object.
    #[default]
    Json,
    /// For a person at a terminal.
    Pretty,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            ops_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)),
            public_base_url: None,
            trusted_proxies: Vec::new(),
            control_socket: None,
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self { tag_idle_seconds: 900, active_tags_max: 2_000_000, workers: 0, tag_workers: 0 }
    }
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            allowed_prefixes: vec!["+91".to_owned()],
            ring_seconds: 25,
            talk_seconds: 180,
            session_minutes: 10,
            owner_caller_id: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tag_rings_per_hour: 6,
            tag_urgent_rings_per_hour: 4,
            tag_open_sessions_max: 32,
            address_scans_per_minute: 600,
            address_sessions_per_hour: 200,
            caller_rings_per_hour: 5,
            owner_rings_per_day: 30,
            withheld_rings_per_tag_per_hour: 2,
        }
    }
}

impl Default for Abuse {
    fn default() -> Self {
        Self { challenge_at: 50, refuse_at: 100 }
    }
}

impl Default for Privacy {
    fn default() -> Self {
        Self { provider_record_hours: 24 }
    }
}

impl Providers {
    /// Whether `provider` has its section.
    pub fn has(&self, provider: Provider) -> bool {
        match provider {
            Provider::Plivo => self.plivo.is_some(),
            Provider::Twilio => self.twilio.is_some(),
        }
    }
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Plivo, Self::Twilio];

    /// Its tongue.
    pub fn tongue(self) -> &'static dyn qnect_providers::Provider {
        match self {
            Self::Plivo => &qnect_providers::plivo::Plivo,
            Self::Twilio => &qnect_providers::twilio::Twilio,
        }
    }

    /// How it is asked by REST.
    pub fn rest(self) -> &'static dyn qnect_providers::rest::Rest {
        match self {
            Self::Plivo => &qnect_providers::rest::Plivo,
            Self::Twilio => &qnect_providers::rest::Twilio,
        }
    }

    /// Its name in the configuration, in webhook paths and in metrics.
    pub fn name(self) -> &'static str {
        self.tongue().name()
    }

    /// The provider of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.name() == name)
    }
}

impl Plivo {
    /// An account with the defaults for everything else.
    pub fn new(auth_id: impl Into<String>, auth_token: Secret) -> Self {
        Self {
            auth_id: auth_id.into(),
            auth_token,
            api_base_url: plivo_api_base_url(),
            lines_max: plivo_lines_max(),
            calls_per_second: plivo_calls_per_second(),
        }
    }
}

impl Number {
    /// A number at `provider` with the defaults for everything else.
    pub fn new(number: impl Into<String>, provider: Provider) -> Self {
        let number = number.into();
        Self { number, provider, strategy: Strategy::default(), access_code_digits: access_code_digits() }
    }
}

fn access_code_digits() -> u8 {
    7
}

fn plivo_api_base_url() -> String {
    "https://api.plivo.com".to_owned()
}

fn twilio_api_base_url() -> String {
    "https://api.twilio.com".to_owned()
}

fn plivo_lines_max() -> u32 {
    50
}

fn plivo_calls_per_second() -> u32 {
    2
}
