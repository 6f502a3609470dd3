//! What must hold in every world, whatever happens. The judge believes nothing that the machines say of themselves: it
//! keeps its own notes of what was told, promised and done.

mod endings;
mod rooms;
mod routes;
mod standing;

use std::collections::HashMap;

use qnect_core::facts::{Facts, Outcome};
use qnect_core::leg::{LegEvent, LegId};
use qnect_core::number::IntermediaryNumber;
use qnect_core::policy::{ACCEPT, PROVIDER_ANSWERS, Policy, SETTLE, WATCHDOG};
use qnect_core::scan::AddressKey;
use qnect_core::session::{Change, Session, SessionSnapshot, State, Stay};
use qnect_core::session_id::SessionId;
use qnect_core::tag::ENDED_SESSIONS_MAX;
use qnect_core::time::{Span, Timestamp};
pub(super) use routes::{Answered, digits};

use self::routes::DialSeen;
use super::cast::Person;
use super::census::Census;
use super::recount::Recount;
use super::rules::Rules;

/// What was promised to somebody outside, once a commit was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Promise {
    /// The session exists.
    Opened,
    /// The owner rings for this leg.
    Rings(LegId),
    /// This is known of the call.
    Knows(Facts),
    /// The report is noted.
    Reported,
    /// The session is cancelled.
    Cancelled,
}

/// The judge's notes of one session.
#[derive(Debug)]
struct Notes {
    name: usize,
    /// As it stood after the last input.
    last: SessionSnapshot,
    /// The one person that may use it, if any by now.
    bound_person: Option<Person>,
    /// Where it was opened from, until its tag has left memory.
    from: Option<AddressKey>,
    /// Somebody has called for it.
    is_used: bool,
    /// The digits that were spoken, on which leg and at which attempt.
    spoken: Vec<(LegId, u8, String)>,
    /// The legs on which they were keyed since the last start.
    proven: Vec<LegId>,
    promises: Vec<Promise>,
    /// The dial that is under way, or was.
    dial: Option<DialSeen>,
    /// Until when its owner's line is taken, unless its call is told to be over.
    line_until: Option<Timestamp>,
    /// When the owner pressed 1, and when a terminal event told something new, as it was told to us.
    accepted_at: Option<Timestamp>,
    settling_since: Option<Timestamp>,
    asked_at: Option<Timestamp>,
    /// The owner is rung, and the recount knows it.
    is_rung: bool,
    /// What was let go of since it was opened, or since it came back open after its end was lost.
    let_go: LetGo,
    /// It came back from the store as one that had not ended.
    is_reopened: bool,
    /// What anyone could see, and whether it was the last word on a call that nobody told the end of.
    published: Option<(Outcome, bool)>,
}

#[derive(Debug, Default)]
struct LetGo {
    code: bool,
    leg: Option<LegId>,
    ended: bool,
}

#[derive(Debug)]
pub(super) struct Judge {
    rules: Rules,
    notes: HashMap<SessionId, Notes>,
    /// In the order in which they were opened.
    opened: Vec<SessionId>,
    recount: Recount,
    /// The session that has just given way, until that is told.
    giving_way: Option<SessionId>,
    /// Why one has given way to a newcomer, until that one is told of.
    made_room: Option<rooms::Room>,
    pub(super) census: Census,
}

impl Judge {
    pub(super) fn new(rules: Rules) -> Self {
        let recount = Recount::new(rules.limits, !rules.luck.no_yesterday);
        let (notes, opened) = (HashMap::new(), Vec::new());
        Self { rules, notes, opened, recount, giving_way: None, made_room: None, census: Census::default() }
    }

    /// A short name for traces.
    pub(super) fn name(&self, session: SessionId) -> String {
        self.notes.get(&session).map_or_else(|| "an unknown session".into(), |notes| format!("S{}", notes.name))
    }

    /// All sessions that were ever opened.
    pub(super) fn opened(&self) -> &[SessionId] {
        &self.opened
    }

    /// The last that is known of a session.
    pub(super) fn last(&self, session: SessionId) -> Option<&SessionSnapshot> {
        self.notes.get(&session).map(|notes| &notes.last)
    }

    /// Who is bound to a session that was opened lately, and the number that was dialled.
    pub(super) fn callers(&self) -> Vec<(Person, IntermediaryNumber)> {
        let lately = self.opened.iter().rev().take(4).map(|id| &self.notes[id]);
        lately.filter_map(|notes| Some((notes.bound_person?, notes.last.number))).collect()
    }

    /// A session as it was before its first caller.
    pub(super) fn as_opened(&self, session: SessionId) -> Option<SessionSnapshot> {
        let last = self.last(session)?.clone();
        Some(SessionSnapshot { dialed_at: None, scanner_leg: None, ..last })
    }

    /// A session was opened.
    fn open(&mut self, s: &SessionSnapshot) {
        let taken = |other: &&SessionId| {
            let last = &self.notes[*other].last;
            last.ended.is_none()
                && !self.notes[*other].is_reopened
                && (last.number, last.code) == (s.number, s.code)
                && **other != s.id
        };
        assert_eq!(self.opened.iter().find(taken), None, "a code leads to two open sessions");
        let max = self.rules.policy.tag_open_sessions_max;
        assert!(max == 0 || self.room_of(s).len() < max, "a tag has more open sessions than it may");
        self.census.saw("a session opened");
        self.opened.push(s.id);
        let notes = Notes {
            name: self.opened.len(),
            last: s.clone(),
            bound_person: None,
            from: None,
            is_used: false,
            spoken: Vec::new(),
            proven: Vec::new(),
            promises: Vec::new(),
            dial: None,
            line_until: None,
            accepted_at: None,
            settling_since: None,
            asked_at: None,
            is_rung: false,
            let_go: LetGo::default(),
            is_reopened: false,
            published: None,
        };
        assert!(self.notes.insert(s.id, notes).is_none(), "a name is given to two sessions");
    }

    /// How the sessions of a tag stand after an input. One of them may have fallen: its dial was withheld.
    pub(super) fn look(&mut self, sessions: &[SessionSnapshot], withheld: Option<SessionId>) {
        for s in sessions {
            let notes = self.notes.get_mut(&s.id).expect("a session that nobody opened");
            if *s == notes.last {
                continue;
            }
            let (from, to) = (state(&notes.last), state(s));
            let may_fall = withheld == Some(s.id) && (from, to) == (State::Dialing, State::Waiting);
            assert!(to >= from || may_fall, "{from:?} fell to {to:?}");
            notes.stands(s);
            if notes.last.owner_leg.is_none() && s.owner_leg.is_some() {
                self.census.saw("an owner's leg learnt");
            }
            notes.last = s.clone();
        }
    }

    /// Whether the call of a session may be on, as far as anybody told.
    pub(super) fn may_be_live(&self, session: SessionId) -> bool {
        self.notes.get(&session).is_some_and(|notes| notes.line_until.is_some())
    }

    /// The clock has just been looked at: no session of this tag is open past its last possible deadline.
    pub(super) fn in_time(&self, sessions: &[SessionSnapshot], now: Timestamp) {
        for s in sessions {
            self.notes[&s.id].in_time(&self.rules.policy, now);
        }
    }

    /// What has ended answers for a day, as far as a tag has room for it; `sessions` are those of one tag, `is_of` says which
    /// are.
    pub(super) fn kept(&mut self, sessions: &[SessionSnapshot], is_of: impl Fn(SessionId) -> bool, now: Timestamp) {
        let ended_at = |id: &SessionId| self.notes[id].last.ended.map(|(_, at)| at);
        let ended: Vec<_> =
            self.opened.iter().filter(|id| is_of(**id)).filter_map(|id| Some((*id, ended_at(id)?))).collect();
        if ended.len() > ENDED_SESSIONS_MAX {
            return;
        }
        for (id, at) in ended.iter().filter(|(_, at)| now < at.plus(Span::DAY)) {
            assert!(sessions.iter().any(|s| s.id == *id), "{} is forgotten too early", self.name(*id));
            if at.plus(Span::DAY).since(now) < Span::HOUR {
                self.census.saw("a session kept for a day");
            }
        }
    }

    /// A provider told something of a session, and this is what the tag made of it.
    pub(super) fn told(&mut self, session: SessionId, event: LegEvent, change: Change, now: Timestamp) {
        self.census.saw(match change {
            Change::Moved | Change::Noted => "news that move",
            Change::Stay(Stay::Duplicate) => "news told again",
            Change::Stay(Stay::Late) => "news too late",
            Change::Stay(Stay::NotDialed) => "news of nobody dialled",
        });
        let Some(notes) = self.notes.get_mut(&session) else { return };
        let was_dialed = notes.last.dialed_at.is_some() && notes.last.ended.is_none();
        if !was_dialed {
            assert!(matches!(change, Change::Stay(_)), "{change:?} in {:?}", state(&notes.last));
            return;
        }
        let is_new = notes.last.facts.and(Facts::told_by(event)) != notes.last.facts;
        if event == LegEvent::OwnerAccepted && notes.accepted_at.is_none() {
            (notes.accepted_at, notes.asked_at) = (Some(now), None);
        }
        if event.is_terminal() {
            notes.line_until = None;
            if is_new {
                notes.settling_since = Some(now);
            }
        }
    }

    /// Somebody was answered what rests on this.
    pub(super) fn promise(&mut self, session: SessionId, promise: Promise) {
        let notes = self.notes.get_mut(&session).expect("a session that nobody opened");
        if !notes.promises.contains(&promise) {
            notes.promises.push(promise);
        }
    }
}

impl Notes {
    /// What stands for good.
    fn stands(&self, s: &SessionSnapshot) {
        let last = &self.last;
        let request = |s: &SessionSnapshot| (s.id, s.owner, s.reason, s.number, s.code, s.opened_at, s.expires_at);
        assert_eq!(request(s), request(last), "what was asked for has changed");
        assert!(last.bound_to.is_none() || last.bound_to == s.bound_to, "a session is bound to another caller");
        assert!(last.block_token.is_none() || last.block_token == s.block_token, "a caller goes by another name");
        assert!(last.reported_at.is_none() || last.reported_at == s.reported_at, "a report is forgotten");
        if let Some((outcome, _)) = last.ended {
            let reported = SessionSnapshot { reported_at: s.reported_at, ..last.clone() };
            assert_eq!(s, &reported, "a session that ended as {outcome:?} has changed");
        }
        if s.ended.is_some() {
            assert_eq!(s.records_due_at.is_some(), s.scanner_leg.is_some(), "records that are never deleted");
        }
    }

    /// When the clock has something to do for this session, or had.
    fn due_at(&self, policy: &Policy) -> Timestamp {
        let s = &self.last;
        let Some(dialed) = s.dialed_at else { return s.expires_at };
        match (self.settling_since, self.asked_at, self.accepted_at) {
            (Some(since), _, _) => since.plus(SETTLE),
            (None, Some(asked), _) => asked.plus(PROVIDER_ANSWERS),
            (None, None, Some(accepted)) => accepted.plus(policy.talk).plus(WATCHDOG),
            (None, None, None) => dialed.plus(policy.ring).plus(ACCEPT).plus(WATCHDOG),
        }
    }

    /// Whether a tag remembers it still, if it has room for it.
    fn is_kept(&self, now: Timestamp) -> bool {
        self.last.ended.is_none_or(|(_, at)| now < at.plus(Span::DAY))
    }

    fn in_time(&self, policy: &Policy, now: Timestamp) {
        let (s, until) = (&self.last, self.due_at(policy));
        let late = now.since(until).as_millis();
        assert!(s.ended.is_some() || now < until, "a {:?} session is {late} ms too old", state(s));
    }
}

fn state(s: &SessionSnapshot) -> State {
    Session::restore(s.clone()).state()
}
