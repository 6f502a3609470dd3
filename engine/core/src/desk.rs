//! What spans tags: an owner's live call, an address's and a caller's budgets. The engine keeps them in shared cells
//! and lends them to one synchronous machine call.

use crate::limiter::Cell;
use crate::lockout::Lockout;
use crate::policy::Policy;
use crate::session_id::SessionId;
use crate::time::Timestamp;

/// What is shared about an owner, over all the owner's tags.
#[derive(Debug, Clone, Default)]
pub struct OwnerCell {
    /// The session whose call is on, and when it is over at the latest.
    pub live: Option<(SessionId, Timestamp)>,
    /// Rings of the day.
    pub rings: Cell,
    /// The session whose dial was sent last: what a report of abuse is about.
    pub last_rung: Option<SessionId>,
}

impl OwnerCell {
    /// Whether another session than `session` has the owner's line at `now`.
    pub fn engaged_by_other(&self, session: SessionId, now: Timestamp) -> bool {
        self.live.is_some_and(|(live, until)| live != session && now < until)
    }

    /// Charges a ring that happened before the last start; rings come in the order of time.
    pub fn replay_ring(&mut self, policy: &Policy, session: SessionId, dialed_at: Timestamp) {
        self.rings.replay(policy.owner_rings, dialed_at);
        self.last_rung = Some(session);
    }

    /// Frees the line if `session` has it.
    pub fn release(&mut self, session: SessionId) {
        self.live.take_if(|(live, _)| *live == session);
    }
}

/// What is shared about a client's address.
#[derive(Debug, Clone, Default)]
pub struct AddressCell {
    /// Scans of the minute.
    pub scans: Cell,
    /// Sessions of the hour.
    pub sessions: Cell,
}

/// What is shared about a caller's token.
#[derive(Debug, Clone, Default)]
pub struct CallerCell {
    /// Rings of the hour.
    pub rings: Cell,
    /// Codes that led nowhere.
    pub lockout: Lockout,
}

/// The shared cells that one input may read and charge. The engine locks them in the order of the fields.
#[derive(Debug, Default)]
pub struct Desk<'a> {
    /// The tag's owner.
    pub owner: Option<&'a mut OwnerCell>,
    /// The scanner's address.
    pub address: Option<&'a mut AddressCell>,
    /// The caller.
    pub caller: Option<&'a mut CallerCell>,
}
