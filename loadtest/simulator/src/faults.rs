//! What goes wrong on purpose.

use std::str::FromStr;
use std::time::Duration;

/// Most extra deliveries of one webhook; a larger wish is refused.
const DUPLICATES_MAX: u8 = 10;
/// Most status callbacks that are held back at once.
const REORDER_MAX: u8 = 32;
/// The longest that a status callback is late.
pub(crate) const DELAY_SECONDS_MAX: u64 = 3_600;
/// The slowest provider, and the slowest answer of its API.
const SLOW_MAX: Duration = Duration::from_secs(60);

/// What goes wrong on purpose. The default is a provider without faults. Whatever is drawn is drawn from `seed` and from
/// the caller's number, so that the same calls go wrong in the same way whichever runs first.
///
/// A *status callback* tells the engine something and waits for no document: of the owner's leg, and of the call's end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Every webhook is delivered this many times more; the first reply counts. At most 10.
    pub duplicate: u8,
    /// Fraction of status callbacks that never arrive, 0.0 to 1.0. Requests for a document are never dropped.
    pub drop: f64,
    /// Fraction of status callbacks that come late, 0.0 to 1.0: after the call's end, up to an hour of simulated time
    /// after what they tell of.
    pub delay: f64,
    /// So many status callbacks are held back and then delivered in another order, the rest at the call's end. At most 32.
    pub reorder: u8,
    /// What is drawn.
    pub seed: u64,
    /// Webhooks carry no signature.
    pub signature_off: bool,
    /// Signatures are made over the URL with its port, even where it is the scheme's own. Twilio is known to do both.
    pub signature_with_port: bool,
    /// Real time for which the provider stops in the middle of sending a body, and before it reads one. At most a minute.
    pub slow: Duration,
    /// How the provider's API fails.
    pub rest: Option<RestFault>,
}

/// How the provider's API fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestFault {
    /// Connections are reset as soon as they are made.
    Refuse,
    /// Every request is answered 503 and does nothing.
    Unavailable,
    /// Every request is answered 429 and does nothing.
    TooMany,
    /// Every request is acted on at once, and answered after this much real time. At most a minute.
    Slow(Duration),
    /// Every request is acted on, and answered 200 with a page that is not JSON.
    Garbage,
}

impl Faults {
    /// True if everything is within its bounds.
    pub(crate) fn are_possible(&self) -> bool {
        let rest_slow = match self.rest {
            Some(RestFault::Slow(slow)) => slow,
            Some(RestFault::Refuse | RestFault::Unavailable | RestFault::TooMany | RestFault::Garbage) | None => {
                Duration::ZERO
            }
        };
        self.duplicate <= DUPLICATES_MAX
            && self.reorder <= REORDER_MAX
            && (0.0..=1.0).contains(&self.drop)
            && (0.0..=1.0).contains(&self.delay)
            && self.slow <= SLOW_MAX
            && rest_slow <= SLOW_MAX
    }
}

impl FromStr for RestFault {
    type Err = String;

    /// `refuse`, `503`, `429`, `garbage`, `slow:SECONDS`.
    fn from_str(text: &str) -> Result<RestFault, String> {
        match text {
            "refuse" => Ok(RestFault::Refuse),
            "503" => Ok(RestFault::Unavailable),
            "429" => Ok(RestFault::TooMany),
            "garbage" => Ok(RestFault::Garbage),
            _ => text
                .strip_prefix("slow:")
                .and_then(|seconds| seconds.parse().ok())
                .map(|seconds| RestFault::Slow(Duration::from_secs(seconds)))
                .ok_or_else(|| "say refuse, 503, 429, garbage or slow:SECONDS".to_owned()),
        }
    }
}
