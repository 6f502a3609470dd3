//! The settings of a random world: small limits, so that they are reached, and how much of a liar its provider is.

use std::sync::Arc;

use qnect_core::limiter::Quota;
use qnect_core::policy::Policy;
use qnect_core::time::Span;

use super::cast::NUMBERS;
use crate::bits::Bits;
use crate::dsl::our_number;

/// So many times in a period; the recount needs the two numbers, which a quota does not show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) times: u32,
    pub(super) period: Span,
}

/// The limits of rings, as the recount knows them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) calm: Option<Limit>,
    pub(super) urgent: Option<Limit>,
    pub(super) withheld: Option<Limit>,
    pub(super) caller: Option<Limit>,
    pub(super) owner: Option<Limit>,
}

/// How a provider misbehaves, each in so many of a hundred.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lies {
    /// What is told is lost.
    pub(super) loses: usize,
    /// It is told up to ten times.
    pub(super) repeats: usize,
    /// It is up to an hour late.
    pub(super) delays: usize,
    /// It is told of another session.
    pub(super) misaddresses: usize,
    /// The answer to a webhook of long ago is acted on.
    pub(super) obeys_replays: usize,
}

/// How our own side fares, each in so many of a hundred.
#[derive(Debug, Clone, Copy)]
pub(super) struct Luck {
    /// A commit takes seconds.
    pub(super) slow_disk: usize,
    /// A record that nobody waits for finds no room.
    pub(super) full_queue: usize,
    /// Yesterday's key of callers is gone.
    pub(super) no_yesterday: bool,
    /// The process ends, or a tag is revived.
    pub(super) crashes: bool,
    /// The clock jumps forward.
    pub(super) jumps: bool,
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// Codes of a number: so few that each is used again and again.
    pub(super) codes: u32,
    pub(super) policy: Arc<Policy>,
    pub(super) limits: Limits,
    pub(super) lies: Lies,
    pub(super) luck: Luck,
}

impl Rules {
    pub(super) fn random(bits: &mut Bits) -> Self {
        let mut limit = |times_max: u64, period: Span| {
            let times = bits.between(0, times_max) as u32;
            (times > 0).then_some(Limit { times, period })
        };
        let limits = Limits {
            calm: limit(6, Span::HOUR),
            urgent: limit(4, Span::HOUR),
            withheld: limit(2, Span::HOUR),
            caller: limit(5, Span::HOUR),
            owner: limit(8, Span::DAY),
        };
        let address_scans = limit(5, Span::from_secs(60));
        let address_sessions = limit(20, Span::HOUR);
        let policy = Policy {
            tag_rings: quota(limits.calm),
            tag_urgent_rings: quota(limits.urgent),
            tag_open_sessions_max: bits.pick(&[0, 1, 2, 4, 32]),
            address_scans: quota(address_scans),
            address_sessions: quota(address_sessions),
            caller_rings: quota(limits.caller),
            owner_rings: quota(limits.owner),
            withheld_rings: quota(limits.withheld),
            refuse_at: bits.pick(&[0, 60, 100]),
            challenge_at: bits.pick(&[0, 0, 1, 20, 50]),
            provider_records_kept: bits.millis(0, 86_400_000),
            allowed_prefixes: vec!["+91".into()],
            ring: bits.millis(5_000, 40_000),
            talk: bits.millis(10_000, 180_000),
            session_life: bits.millis(60_000, 900_000),
            owner_caller_id: bits.percent(20).then(|| our_number(NUMBERS[0])),
        };
        let lies = Lies {
            loses: bits.pick(&[0, 5, 30]),
            repeats: bits.pick(&[0, 10, 40]),
            delays: bits.pick(&[0, 5, 20]),
            misaddresses: bits.pick(&[0, 0, 5]),
            obeys_replays: bits.pick(&[0, 50]),
        };
        let luck = Luck {
            slow_disk: bits.pick(&[0, 5, 40]),
            full_queue: bits.pick(&[0, 20]),
            no_yesterday: bits.percent(10),
            crashes: bits.percent(60),
            jumps: bits.percent(60),
        };
        Self { codes: bits.pick(&[2, 6, 8]), policy: Arc::new(policy), limits, lies, luck }
    }
}

fn quota(limit: Option<Limit>) -> Option<Quota> {
    limit.and_then(|limit| Quota::new(limit.times, limit.period))
}
