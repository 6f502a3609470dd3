//! What a network is made with, and why it may be refused.

use std::fmt;

use serde::Serialize;

use crate::faults::Faults;
use crate::plivo::Plivo;
use crate::provider::Provider;
use crate::twilio::Twilio;

/// Slowest time scale: ten times slower than life.
const TIME_SCALE_MAX: f64 = 10.0;

/// What the provider speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Plivo's XML and V3 signatures; entry point `/webhooks/plivo/voice`.
    #[default]
    Plivo,
    /// TwiML and `X-Twilio-Signature`; entry point `/webhooks/twilio/voice`.
    Twilio,
}

impl Protocol {
    pub(crate) fn provider(self) -> &'static dyn Provider {
        match self {
            Protocol::Plivo => &Plivo,
            Protocol::Twilio => &Twilio,
        }
    }
}

/// Where the engine is, what is signed, and how fast time goes.
#[derive(Clone)]
pub struct NetworkConfig {
    /// Where to connect, `http://127.0.0.1:8080`. Plain HTTP only.
    pub engine: String,
    /// What the engine is called outside, `https://qnect.example`: webhooks are signed over it and carry its `Host`.
    pub public_base_url: String,
    /// What the provider speaks.
    pub protocol: Protocol,
    /// The provider account: Plivo's auth id, sent as `ParentAuthID`, or Twilio's account SID.
    pub auth_id: String,
    /// The secret that signs webhooks and opens the provider's API.
    pub auth_token: String,
    /// Real seconds per simulated second: 1.0 is life, 0.05 is fast, 0.0 never waits. At most 10.
    pub time_scale: f64,
    /// Concurrent legs that the account may have; both sides count, ringing ones too. Over it a call fails at once.
    /// 0: no limit.
    pub lines_max: u32,
    /// Owners' telephones that the account may dial a second, of simulated time. Over it a dial fails at once. 0: no limit.
    pub calls_per_second: u32,
    /// What goes wrong on purpose.
    pub faults: Faults,
}

impl Default for NetworkConfig {
    /// Plivo in real time, without limits and faults. Addresses and account are empty, and must be said.
    fn default() -> NetworkConfig {
        NetworkConfig {
            engine: String::new(),
            public_base_url: String::new(),
            protocol: Protocol::Plivo,
            auth_id: String::new(),
            auth_token: String::new(),
            time_scale: 1.0,
            lines_max: 0,
            calls_per_second: 0,
            faults: Faults::default(),
        }
    }
}

impl fmt::Debug for NetworkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkConfig")
            .field("engine", &self.engine)
            .field("public_base_url", &self.public_base_url)
            .field("protocol", &self.protocol)
            .field("time_scale", &self.time_scale)
            .field("lines_max", &self.lines_max)
            .field("calls_per_second", &self.calls_per_second)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// Why a network cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The engine's address is not one that can be connected to.
    #[error("engine address must be http://host[:port], got {0:?}")]
    EngineAddress(String),
    /// The public address is not one that can be signed.
    #[error("public base url must be http(s)://host[:port], plain ascii, got {0:?}")]
    PublicAddress(String),
    /// The time scale is not between 0 and 10.
    #[error("time scale must be between 0 and 10, got {0}")]
    TimeScale(f64),
    /// The provider account has no id or no secret.
    #[error("auth id and auth token must not be empty")]
    Credentials,
    /// A fault is out of its bounds.
    #[error(
        "at most 10 duplicates, 32 callbacks held back, a minute of slowness, and fractions between 0 and 1 dropped and delayed"
    )]
    Faults,
    /// The system gives no random bits.
    #[error("no randomness: {0}")]
    Randomness(String),
}

impl NetworkConfig {
    /// Checks every bound and cuts trailing slashes, so that a path can be appended.
    pub(crate) fn checked(mut self) -> Result<NetworkConfig, SimulatorError> {
        self.engine = self.engine.trim_end_matches('/').to_owned();
        self.public_base_url = self.public_base_url.trim_end_matches('/').to_owned();
        if !is_base(&self.engine, &["http://"]) {
            return Err(SimulatorError::EngineAddress(self.engine));
        }
        if !is_base(&self.public_base_url, &["https://", "http://"]) {
            return Err(SimulatorError::PublicAddress(self.public_base_url));
        }
        if !(0.0..=TIME_SCALE_MAX).contains(&self.time_scale) {
            return Err(SimulatorError::TimeScale(self.time_scale));
        }
        if self.auth_id.is_empty() || self.auth_token.is_empty() {
            return Err(SimulatorError::Credentials);
        }
        if !self.faults.are_possible() {
            return Err(SimulatorError::Faults);
        }
        Ok(self)
    }
}

fn is_base(url: &str, schemes: &[&str]) -> bool {
    let Some(rest) = schemes.iter().find_map(|scheme| url.strip_prefix(scheme)) else {
        return false;
    };
    let host = rest.split('/').next().unwrap_or_default();
    !host.is_empty() && rest.is_ascii() && !rest.contains(['?', '#', '@', ' '])
}
