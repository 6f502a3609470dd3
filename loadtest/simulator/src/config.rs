//! What a network is made with, and why it may be refused.

use std::fmt;

/// Most extra deliveries of one webhook; a larger wish is refused.
pub(crate) const DUPLICATES_MAX: u8 = 8;
/// Slowest time scale: ten times slower than life.
const TIME_SCALE_MAX: f64 = 10.0;

/// Where the engine is, what is signed, and how fast time goes.
#[derive(Clone)]
pub struct NetworkConfig {
    /// Where to connect, `http://127.0.0.1:8080`. Plain HTTP only.
    pub engine: String,
    /// What the engine is called outside, `https://qnect.example`: webhooks are signed over it and carry its `Host`.
    pub public_base_url: String,
    /// The provider account, sent as `ParentAuthID`.
    pub auth_id: String,
    /// The secret that signs webhooks.
    pub auth_token: String,
    /// Real seconds per simulated second: 1.0 is life, 0.05 is fast, 0.0 never waits. At most 10.
    pub time_scale: f64,
    /// What goes wrong on purpose.
    pub faults: Faults,
}

impl fmt::Debug for NetworkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkConfig")
            .field("engine", &self.engine)
            .field("public_base_url", &self.public_base_url)
            .field("time_scale", &self.time_scale)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// What goes wrong on purpose. The default is a provider without faults.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Every webhook is delivered this many times more, each time with a fresh nonce; the first reply counts. At most 8.
    pub duplicate: u8,
    /// Fraction of callbacks that never arrive, 0.0 to 1.0. Requests for a document are never dropped.
    pub drop: f64,
    /// Which callbacks are dropped.
    pub seed: u64,
    /// Webhooks carry no signature.
    pub signature_off: bool,
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
    #[error("at most 8 duplicates, and a dropped fraction between 0 and 1")]
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
        if self.faults.duplicate > DUPLICATES_MAX || !(0.0..=1.0).contains(&self.faults.drop) {
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
