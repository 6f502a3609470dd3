//! The abuse score, as a tag sees it: points for calls that its owner did not want, which fade within a day, and what stands
//! against the address or the caller. The tag's own points are computed from the sessions that are remembered anyway, so they
//! survive a restart and need no state of their own.
//!
//! They only ever challenge: one who annoys an owner must not be able to make the car unreachable for everyone else.

use super::Tag;
use crate::abuse::{Assessment, Signal};
use crate::desk::Desk;
use crate::time::{Span, Timestamp};

/// Of the points of a call whose caller is known, everyone else bears so small a part: its caller bears all of them.
const KNOWN_CALLERS_PART: u64 = 4;
/// After so long nothing is left of a tag's points.
const FADES_WITHIN: Span = Span::DAY;

impl Tag {
    /// What stands against whoever wants to reach this owner now: the tag's own points, those of the address or the caller on
    /// the desk, and that it is night.
    pub(super) fn assess(&self, desk: &Desk<'_>, now: Timestamp) -> Assessment {
        let mut all = desk.assess_address(now);
        all.join(desk.assess_caller(now));
        for session in &self.sessions {
            let Some((signal, at)) = session.unwanted() else { continue };
            if self.config.appealed_at.is_none_or(|appeal| at > appeal) {
                let points = faded(signal.points(), at, now);
                all.add(
                    signal,
                    if session.snapshot().bound_to.is_some() { points / KNOWN_CALLERS_PART } else { points },
                );
            }
        }
        if all.points() > 0 && self.config.owner.as_ref().is_some_and(|o| o.preferences.is_night(now)) {
            all.add(Signal::Night, u64::from(Signal::Night.points()) * 1_000);
        }
        all
    }
}

/// Thousandths of `points` that are left at `now`.
fn faded(points: u32, at: Timestamp, now: Timestamp) -> u64 {
    let left = FADES_WITHIN.as_millis().saturating_sub(now.since(at).as_millis());
    u64::from(points) * 1_000 * left / FADES_WITHIN.as_millis()
}
