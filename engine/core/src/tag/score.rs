//! The abuse score of a tag: points for calls that its owner did not want, which fade within a day. It is computed from the
//! sessions that are remembered anyway, so it survives a restart and needs no state of its own.
//!
//! It only ever challenges: one who annoys an owner must not be able to make the car unreachable for everyone else.

use crate::facts::Outcome;
use crate::session::Session;
use crate::time::{Span, Timestamp};

/// Points of a call that the owner declined.
const DECLINED: u64 = 20;
/// Points of a call that the owner reported as abuse.
const REPORTED: u64 = 60;
/// After so long nothing is left of them.
const FADES_WITHIN: Span = Span::DAY;

/// The points of a tag's sessions at `now`, rounded down.
pub(super) fn points(sessions: &[Session], now: Timestamp) -> u32 {
    let milli_points: u64 = sessions.iter().map(|session| of_session(session, now)).sum();
    u32::try_from(milli_points / 1_000).unwrap_or(u32::MAX)
}

fn of_session(session: &Session, now: Timestamp) -> u64 {
    let s = session.snapshot();
    match (s.reported_at, s.ended) {
        (Some(at), _) => faded(REPORTED, at, now),
        // An owner who comes has declined the talk, not the caller.
        (None, Some((Outcome::Declined, at))) if !s.facts.coming() => faded(DECLINED, at, now),
        (None, _) => 0,
    }
}

/// Thousandths of `points` that are left at `now`.
fn faded(points: u64, at: Timestamp, now: Timestamp) -> u64 {
    let left = FADES_WITHIN.as_millis().saturating_sub(now.since(at).as_millis());
    points * 1_000 * left / FADES_WITHIN.as_millis()
}
