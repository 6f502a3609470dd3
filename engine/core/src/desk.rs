//! What spans tags: an owner's live call, an address's and a caller's budgets. The engine keeps them in shared cells
//! and lends them to one synchronous machine call.

use crate::abuse::{Assessment, Score, Signal};
use crate::caller::DayToken;
use crate::limiter::{Cell, Quota};
use crate::lockout::Lockout;
use crate::policy::{
    ADDRESS_FADING, ADDRESS_HALF_LIFE, CALLER_FADING, CALLER_HALF_LIFE, ENDED_SESSION_KEPT, NETWORK_FADING, Policy,
};
use crate::session_id::SessionId;
use crate::tag::OwnerId;
use crate::tag_code::TagId;
use crate::time::{Span, Timestamp};

/// Tags that an address is remembered to have looked at lately: a page that is loaded again is no other car.
const TAGS_SEEN: usize = 4;
/// Looks at two cars within less than this are not those of one person on foot.
const ON_FOOT: Span = Span::from_secs(2);
/// Points of good conduct that a call is worth which rings an owner: three looks, or one and a half with their sessions.
const CALL_CREDIT: u32 = 24;
/// So many different callers make an address, or a network, one that people share.
const CALLERS_OF_A_CROWD: usize = 3;
/// For so long without a look, looks are remembered.
const LOOKS_KEPT: Span = Span::from_secs(10 * 60);
/// So many times the sessions of one address are there for one that many share: each of its people may open some, and those who
/// collect codes must not use up what all others have.
const SESSIONS_OF_A_CROWD: u32 = 10;
/// For so long after its last call a crowd is believed to be there.
const CROWD_KEPT: Span = Span::DAY;
/// So many looks at other cars cost little, so many more cost more, and all that follow cost most: until a call shows that somebody
/// stands there, each makes it less likely.
const FEW_LOOKS: u8 = 3;
const MORE_LOOKS: u8 = 6;
/// Points of such a look.
const LOOK_POINTS: [u32; 3] = [5, 14, 25];
/// Points of an address up to which its signs count for its network, too: one address does not speak for its neighbours, but who
/// comes from many of them has to be found there.
const NETWORK_POINTS_OF_ONE: u32 = 25;
/// Points of calls that were declined, or over at once; and of those that follow to another owner: who has annoyed one owner
/// may have had bad luck.
const UNWANTED_POINTS: [u32; 2] = [30, 75];

/// What is shared about an owner, over all the owner's tags.
#[derive(Debug, Clone, Default)]
pub struct OwnerCell {
    /// The session whose call is on, and when it is over at the latest.
    pub live: Option<(SessionId, Timestamp)>,
    /// Rings of the day.
    pub rings: Cell,
    /// The session whose dial was sent last, and when it was dialled.
    last_rung: Option<(SessionId, Timestamp)>,
}

impl OwnerCell {
    /// Whether another session than `session` has the owner's line at `now`.
    pub fn engaged_by_other(&self, session: SessionId, now: Timestamp) -> bool {
        self.live.is_some_and(|(live, until)| live != session && now < until)
    }

    /// Charges a ring that happened before the last start; rings come in the order of time.
    pub fn replay_ring(&mut self, policy: &Policy, session: SessionId, dialed_at: Timestamp) {
        self.rings.replay(policy.owner_rings, dialed_at);
        self.note_ring(session, dialed_at);
    }

    /// The owner rings for `session`.
    pub fn note_ring(&mut self, session: SessionId, dialed_at: Timestamp) {
        self.last_rung = Some((session, dialed_at));
    }

    /// The session that the owner rang for last: what a report of abuse is about. Known for a day after the dial.
    pub fn last_rung(&self, now: Timestamp) -> Option<SessionId> {
        self.last_rung.filter(|(_, dialed_at)| now < dialed_at.plus(ENDED_SESSION_KEPT)).map(|(session, _)| session)
    }

    /// Frees the line if `session` has it.
    pub fn release(&mut self, session: SessionId) {
        self.live.take_if(|(live, _)| *live == session);
    }

    /// Whether the cell may be forgotten. The last ring may be all that is left in it: it drains from the budget long before its
    /// session is forgotten, and is not in the budget at all where rings are not limited.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.rings.is_idle(now) && self.live.is_none_or(|(_, until)| until <= now) && self.last_rung(now).is_none()
    }
}

/// Whether many people come from one place: different callers have rung owners from there. What one of them does says nothing
/// about the others, whom only their telephones tell apart; so a crowd has limits, and no score.
#[derive(Debug, Clone, Default)]
pub struct Crowd {
    callers: [Option<DayToken>; CALLERS_OF_A_CROWD],
    last_call_at: Timestamp,
}

impl Crowd {
    /// Somebody from here rings an owner.
    pub fn note(&mut self, caller: DayToken, now: Timestamp) {
        if !self.is_recent(now) {
            self.callers = Default::default();
        }
        self.last_call_at = self.last_call_at.max(now);
        if !self.callers.contains(&Some(caller))
            && let Some(free) = self.callers.iter_mut().find(|place| place.is_none())
        {
            *free = Some(caller);
        }
    }

    /// Whether there is one.
    pub fn is_there(&self, now: Timestamp) -> bool {
        self.is_recent(now) && self.callers.iter().all(Option::is_some)
    }

    fn is_recent(&self, now: Timestamp) -> bool {
        now < self.last_call_at.plus(CROWD_KEPT)
    }
}

/// What is shared about a client's address.
#[derive(Debug, Clone, Default)]
pub struct AddressCell {
    /// Scans of the minute.
    pub scans: Cell,
    /// Sessions of the hour, without those that led to a call.
    pub sessions: Cell,
    /// Those for urgent reasons: whoever uses up the others does not use up these.
    pub urgent_sessions: Cell,
    /// What its conduct comes to.
    pub score: Score,
    /// Who has called from here.
    pub crowd: Crowd,
    looks: Looks,
    seen: Seen,
    last_new_at: Timestamp,
}

/// Tags that were looked at lately.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    tags: [Option<TagId>; TAGS_SEEN],
    /// Where the next new one is remembered.
    next: u8,
}

impl Seen {
    /// Remembers a tag; returns whether it is new.
    fn note(&mut self, tag: TagId) -> bool {
        let is_new = !self.tags.contains(&Some(tag));
        if is_new {
            self.tags[usize::from(self.next)] = Some(tag);
            self.next = (self.next + 1) % TAGS_SEEN as u8;
        }
        is_new
    }
}

impl AddressCell {
    /// Someone at this address looked at a tag: signs of abuse are noted, here and in the network.
    pub fn note_scan(&mut self, tag: TagId, mut network: Option<&mut NetworkCell>, policy: &Policy, now: Timestamp) {
        if !self.seen.note(tag) {
            return;
        }
        let is_fast = self.last_new_at != Timestamp::default() && now.since(self.last_new_at) < ON_FOOT;
        self.last_new_at = self.last_new_at.max(now);
        // Neighbours who look at one car collect nothing.
        network = network.and_then(|network| network.seen.note(tag).then_some(network));
        self.note(Signal::ManyTags, network.as_deref_mut(), policy, now);
        if is_fast {
            self.note(Signal::FastScans, network, policy, now);
        }
    }

    /// How many sessions may be opened from here, of each kind.
    pub fn sessions_quota(&self, policy: &Policy, now: Timestamp) -> Option<Quota> {
        let is_crowd = self.crowd.is_there(now);
        policy.address_sessions.map(|quota| if is_crowd { quota.times(SESSIONS_OF_A_CROWD) } else { quota })
    }

    /// The budget that a session is paid from.
    pub fn sessions_for(&mut self, urgent: bool) -> &mut Cell {
        if urgent { &mut self.urgent_sessions } else { &mut self.sessions }
    }

    /// A session from here rings an owner: it costs nothing any more, and speaks for the address.
    pub fn credit_call(&mut self, urgent: bool, caller: Option<DayToken>, policy: &Policy, now: Timestamp) {
        let quota = self.sessions_quota(policy, now);
        self.sessions_for(urgent).refund(quota);
        if let Some(caller) = caller {
            self.crowd.note(caller, now);
        }
        self.looks = Looks::default();
        self.score.credit(CALL_CREDIT, ADDRESS_HALF_LIFE, now);
    }

    /// Somebody has called for a session from here: it was no unused one.
    pub fn session_is_used(&mut self, network: Option<&mut NetworkCell>, now: Timestamp) {
        let network = network.map(|network| &mut network.score);
        for score in [Some(&mut self.score), network].into_iter().flatten() {
            score.take_back(Signal::UnusedSessions, Signal::UnusedSessions.points(), ADDRESS_HALF_LIFE, now);
        }
    }

    /// A sign of abuse from this address.
    pub fn note(&mut self, signal: Signal, network: Option<&mut NetworkCell>, policy: &Policy, now: Timestamp) {
        let before = self.score.assess(ADDRESS_HALF_LIFE, now).points();
        self.score.add(signal, self.looks.points(signal, now), policy.refuse_at, ADDRESS_FADING, now);
        if let Some(network) = network
            && before < NETWORK_POINTS_OF_ONE
        {
            let points = network.looks.points(signal, now);
            network.score.add(signal, points, policy.refuse_at, NETWORK_FADING, now);
        }
    }

    /// Whether the cell may be forgotten.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        [self.scans, self.sessions, self.urgent_sessions].iter().all(|cell| cell.is_idle(now))
            && self.score.is_idle(ADDRESS_HALF_LIFE, now)
            && !self.crowd.is_recent(now)
    }
}

/// Looks at other cars since the last call, without a longer pause.
#[derive(Debug, Clone, Copy, Default)]
struct Looks {
    count: u8,
    last_at: Timestamp,
}

impl Looks {
    /// What a sign costs, which counts as a look if it is one.
    fn points(&mut self, signal: Signal, now: Timestamp) -> u32 {
        if signal != Signal::ManyTags {
            return signal.points();
        }
        if now.since(self.last_at) > LOOKS_KEPT {
            self.count = 0;
        }
        let points = match self.count {
            ..FEW_LOOKS => LOOK_POINTS[0],
            FEW_LOOKS..MORE_LOOKS => LOOK_POINTS[1],
            MORE_LOOKS.. => LOOK_POINTS[2],
        };
        *self = Self { count: self.count.saturating_add(1), last_at: self.last_at.max(now) };
        points
    }
}

/// What is shared about a network, a /24 or a /48. It has no limits of its own: it only raises the scores of its addresses.
#[derive(Debug, Clone, Default)]
pub struct NetworkCell {
    /// What the conduct of all its addresses comes to.
    pub score: Score,
    /// Who has called from here.
    pub crowd: Crowd,
    looks: Looks,
    seen: Seen,
}

impl NetworkCell {
    /// A session from here rings an owner: that speaks for the network.
    pub fn credit_call(&mut self, caller: Option<DayToken>, now: Timestamp) {
        if let Some(caller) = caller {
            self.crowd.note(caller, now);
        }
        self.looks = Looks::default();
        self.score.credit(CALL_CREDIT, ADDRESS_HALF_LIFE, now);
    }

    /// What stands against each of its addresses.
    fn assess(&self, now: Timestamp) -> Assessment {
        if self.crowd.is_there(now) {
            return Assessment::default();
        }
        let mut assessment = Assessment::default();
        assessment.add(Signal::Network, u64::from(self.score.assess(ADDRESS_HALF_LIFE, now).points()) * 1_000);
        assessment
    }

    /// Whether the cell may be forgotten.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.score.is_idle(ADDRESS_HALF_LIFE, now) && !self.crowd.is_recent(now)
    }
}

/// What is shared about a caller's token.
#[derive(Debug, Clone, Default)]
pub struct CallerCell {
    /// Rings of the hour.
    pub rings: Cell,
    /// Codes that led nowhere.
    pub lockout: Lockout,
    /// What the caller's conduct comes to, over all tags.
    pub score: Score,
    /// Whose the last call was that was not wanted, as long as anything stands against the caller.
    annoyed: Option<OwnerId>,
}

impl CallerCell {
    /// A sign of abuse by this caller, of a call to `owner` if it was one.
    pub fn note(&mut self, signal: Signal, owner: Option<OwnerId>, policy: &Policy, now: Timestamp) {
        if self.score.assess(CALLER_HALF_LIFE, now).points() == 0 {
            self.annoyed = None;
        }
        let points = match signal {
            Signal::ShortCalls | Signal::DeclinedCalls => {
                let others = self.annoyed.is_some_and(|annoyed| Some(annoyed) != owner);
                self.annoyed = owner.or(self.annoyed);
                UNWANTED_POINTS[usize::from(others)]
            }
            _ => signal.points(),
        };
        self.score.add(signal, points, policy.refuse_at, CALLER_FADING, now);
    }

    /// Whether the cell may be forgotten.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.rings.is_idle(now) && self.lockout.is_idle(now) && self.score.is_idle(CALLER_HALF_LIFE, now)
    }
}

/// The shared cells that one input may read and charge. The engine locks them in the order of the fields.
#[derive(Debug, Default)]
pub struct Desk<'a> {
    /// The tag's owner.
    pub owner: Option<&'a mut OwnerCell>,
    /// The scanner's address.
    pub address: Option<&'a mut AddressCell>,
    /// The network of that address.
    pub network: Option<&'a mut NetworkCell>,
    /// The caller.
    pub caller: Option<&'a mut CallerCell>,
}

impl Desk<'_> {
    /// What stands against the scanner's address; or against its network, if that is more.
    pub fn assess_address(&self, now: Timestamp) -> Assessment {
        let address = self.address.as_ref().filter(|a| !a.crowd.is_there(now));
        let address = address.map(|a| a.score.assess(ADDRESS_HALF_LIFE, now)).unwrap_or_default();
        let network = self.network.as_ref().map(|n| n.assess(now)).unwrap_or_default();
        if network.points() > address.points() { network } else { address }
    }

    /// What stands against the caller.
    pub fn assess_caller(&self, now: Timestamp) -> Assessment {
        self.caller.as_ref().map(|c| c.score.assess(CALLER_HALF_LIFE, now)).unwrap_or_default()
    }
}
