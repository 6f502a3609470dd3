//! The operator's settings, as far as a decision depends on them.

use crate::abuse::Fading;
use crate::limiter::Quota;
use crate::number::IntermediaryNumber;
use crate::time::Span;

/// How long after the last terminal event of a call its outcome is published: what arrives late or out of order
/// within this time still counts, and what is published never changes.
pub const SETTLE: Span = Span::from_secs(5);

/// How long after its last possible moment a call without a terminal event is closed by us.
pub const WATCHDOG: Span = Span::from_secs(60);

/// How long an owner has from picking up to pressing 1, the whisper included: the longer ones take eight seconds to say.
pub const ACCEPT: Span = Span::from_secs(15);

/// How long the provider has to say how a call stands that we have lost sight of; then it is closed by us.
pub const PROVIDER_ANSWERS: Span = Span::from_secs(10);

/// How long a session answers after its end.
pub const ENDED_SESSION_KEPT: Span = Span::DAY;

/// How fast the points of an address and of a network fade: carriers give an address to somebody else soon.
pub const ADDRESS_HALF_LIFE: Span = ADDRESS_FADING.half_life;

/// The same, and that who collects codes from one is held for an hour.
pub const ADDRESS_FADING: Fading = Fading { half_life: Span::from_secs(30 * 60), hold: 2 };

/// The same of a network, of which most people have done nothing.
pub const NETWORK_FADING: Fading = Fading { hold: 1, ..ADDRESS_FADING };

/// How fast the points of a caller fade.
pub const CALLER_HALF_LIFE: Span = CALLER_FADING.half_life;

/// The same, and that who annoys many owners is held for as long.
pub const CALLER_FADING: Fading = Fading { half_life: Span::from_secs(6 * 3_600), hold: 1 };

/// A call in which the two talk for less than this was none: people who see lights on need longer to say so.
pub const SHORT_TALK: Span = Span::from_secs(4);

/// How long one caller's share of the calm rings that a tag has in an hour has to do.
pub const SHARE_PERIOD: Span = Span::from_secs(6 * 3_600);

/// How long a caller leaves a tag alone whose calls were not wanted there twice within a day: once may be a mistake. A report counts
/// twice, a call that was over at once half.
pub const COOLDOWN: Span = Span::from_secs(6 * 3_600);

/// How long after a third such call.
pub const COOLDOWN_MAX: Span = Span::DAY;

/// Settings that decisions depend on. `None` quotas are switched off.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Rings of one tag.
    pub tag_rings: Option<Quota>,
    /// Urgent rings of one tag, a budget of their own.
    pub tag_urgent_rings: Option<Quota>,
    /// Open sessions of one tag; 0 switches the limit off.
    pub tag_open_sessions_max: usize,
    /// Scans of one address.
    pub address_scans: Option<Quota>,
    /// Sessions of one address.
    pub address_sessions: Option<Quota>,
    /// Rings of one caller, over all tags.
    pub caller_rings: Option<Quota>,
    /// Rings of one owner.
    pub owner_rings: Option<Quota>,
    /// Rings of one tag by callers without a number, together.
    pub withheld_rings: Option<Quota>,
    /// Points of the abuse score from which somebody is challenged; 0 never.
    pub challenge_at: u32,
    /// Points of an address's or a caller's abuse score from which they are refused; 0 never.
    pub refuse_at: u32,
    /// How long the provider may keep its records of a call.
    pub provider_records_kept: Span,
    /// Prefixes that an owner's number must have one of.
    pub allowed_prefixes: Vec<String>,
    /// How long an owner's telephone rings.
    pub ring: Span,
    /// How long the two may talk.
    pub talk: Span,
    /// How long a session waits for its call.
    pub session_life: Span,
    /// The one number that owners always see, if set; else they see the one that was dialled.
    pub owner_caller_id: Option<IntermediaryNumber>,
}
