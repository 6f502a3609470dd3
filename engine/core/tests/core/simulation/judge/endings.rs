//! How things end: each thing is let go of once, nothing that was promised or published is lost, and nothing is left over.

use qnect_core::effects::Effect;
use qnect_core::facts::Outcome;
use qnect_core::policy::Policy;
use qnect_core::provider_request::Operation;
use qnect_core::record::Record;
use qnect_core::session::SessionSnapshot;
use qnect_core::session_id::SessionId;
use qnect_core::tag::latest_end;
use qnect_core::time::Timestamp;

use super::routes::DialSeen;
use super::{Judge, LetGo, Notes, Promise};

impl Judge {
    /// A consequence of an input. `was_freed` says whether a code that is released was taken by this very session.
    pub(in super::super) fn effect(&mut self, effect: &Effect, was_freed: bool, now: Timestamp) {
        match effect {
            Effect::Record(Record::SessionOpened(s)) => self.open(s),
            Effect::Record(record @ (Record::SessionAdvanced(s) | Record::SessionEnded(s))) => {
                // An end of its own time is told by its own record.
                if let (Record::SessionAdvanced(_), Some((Outcome::Expired, _))) = (record, s.ended) {
                    self.gives_way(s, now);
                }
                let policy = self.rules.policy.clone();
                let gives_way = self.giving_way == Some(s.id);
                if let Some((outcome, _)) = s.ended
                    && self.of(s.id).ends(s, &policy, gives_way, now)
                {
                    self.census.saw(match outcome {
                        Outcome::Completed => "an end completed",
                        Outcome::NoAnswer => "an end no_answer",
                        Outcome::Busy => "an end busy",
                        Outcome::Declined => "an end declined",
                        Outcome::Failed => "an end failed",
                        Outcome::Expired => "an end expired",
                        Outcome::Cancelled => "an end cancelled",
                    });
                    if self.of(s.id).published.is_some_and(|(_, is_lost)| is_lost) {
                        self.census.saw("an end of a lost call");
                    }
                }
            }
            Effect::ReleaseCode { number, code, session } => {
                let notes = self.of(*session);
                assert_eq!((*number, *code), (notes.last.number, notes.last.code), "another code is released");
                assert!(!std::mem::replace(&mut notes.let_go.code, true), "a code is released twice");
                assert!(was_freed || notes.is_reopened, "a code is released that was somebody else's");
            }
            Effect::ForgetLeg { leg, session } => {
                let notes = self.of(*session);
                assert_ne!(notes.let_go.leg.replace(leg.clone()).as_ref(), Some(leg), "a leg is forgotten twice");
            }
            Effect::GaveWay => {
                let gave_way = self.giving_way.take().expect("it gave way");
                // Nothing of it is open while the newcomer is looked at.
                self.of(gave_way).last.ended = Some((Outcome::Expired, now));
                self.census.saw("a session that gave way");
            }
            Effect::Ask(request) if request.operation == Operation::FetchCall => {
                self.census.saw("the provider asked after a call");
                let policy = self.rules.policy.clone();
                let notes = self.of(request.session);
                // After both legs at once, and no more.
                match notes.asked_at {
                    Some(asked) => assert_eq!(asked, now, "the provider is asked again and again"),
                    None => assert!(now >= notes.due_at(&policy), "the provider is asked too early"),
                }
                notes.asked_at = Some(now);
            }
            Effect::Ask(_)
            | Effect::RememberCaller { .. }
            | Effect::CreditAddress { .. }
            | Effect::NoteCaller { .. }
            | Effect::UsedSession { .. }
            | Effect::Record(Record::ScanAdmitted(_)) => {}
        }
    }

    /// The process began again, or one tag was revived, and these sessions came back; `is_of` says which should have.
    pub(in super::super) fn restored(&mut self, disk: &[SessionSnapshot], is_of: impl Fn(SessionId) -> bool) {
        let known: Vec<_> = self.opened.iter().copied().filter(|id| is_of(*id)).collect();
        for id in known {
            let Some(s) = disk.iter().find(|s| s.id == id) else {
                assert_eq!(self.notes[&id].promises, [], "a session that was promised is lost");
                self.census.saw("a session lost with its crash");
                self.notes.remove(&id);
                self.opened.retain(|other| *other != id);
                continue;
            };
            if self.notes[&id].last.ended.is_some() && s.ended.is_none() {
                self.census.saw("an end lost with its crash");
            }
            self.of(id).comes_back(s);
            self.of(id).from = None;
        }
    }

    /// Time begins again from before some ends, which were not committed and have not happened: whoever saw one of them in
    /// its last moment may see another.
    pub(in super::super) fn falls_to(&mut self, now: Timestamp) {
        for notes in self.notes.values_mut() {
            if notes.last.ended.is_some_and(|(_, at)| at > now) {
                notes.published = None;
            }
        }
    }

    /// After a restart an owner's line is taken by what the store says. A single tag that is revived changes no line.
    pub(in super::super) fn takes_lines(&mut self) {
        let policy = self.rules.policy.clone();
        for notes in self.notes.values_mut() {
            let s = &notes.last;
            let is_live = s.ended.is_none() && !s.facts.over();
            notes.line_until = s.dialed_at.filter(|_| is_live).map(|at| latest_end(&policy, at));
        }
    }

    /// Nothing is open any more.
    pub(in super::super) fn at_end(&self) {
        for id in &self.opened {
            let notes = &self.notes[id];
            assert!(notes.last.ended.is_some() && notes.published.is_some(), "S{} never ended", notes.name);
            assert!(notes.let_go.code && notes.let_go.ended, "S{} has not let go", notes.name);
        }
    }

    fn of(&mut self, session: SessionId) -> &mut Notes {
        self.notes.get_mut(&session).expect("a session that nobody opened")
    }
}

impl Notes {
    /// A record tells of its end. Returns whether that was the end itself, and not a later report.
    fn ends(&mut self, s: &SessionSnapshot, policy: &Policy, gives_way: bool, now: Timestamp) -> bool {
        let outcome = s.ended.expect("it ended").0;
        let is_lost = self.settling_since.is_none() && self.asked_at.is_some();
        if let Some((published, was_lost)) = self.published {
            // The end of a call that was lost sight of may be found after all, if the first end was lost in a crash.
            let may_differ = was_lost && self.is_reopened && !self.let_go.ended;
            assert!(published == outcome || may_differ, "published as {published:?}, and then as {outcome:?}");
        }
        if !std::mem::replace(&mut self.let_go.ended, true) {
            let is_cancelled = s.dialed_at.is_none() && outcome == Outcome::Cancelled;
            assert!(
                is_cancelled || gives_way || now >= self.due_at(policy),
                "a session ends too early, as {outcome:?}"
            );
            assert!(
                s.dialed_at.is_none() || self.settling_since.is_some() || is_lost,
                "a call ends that nobody was asked after"
            );
            self.line_until = None;
            self.published = Some((outcome, is_lost));
            return true;
        }
        assert!(s.reported_at.is_some(), "an end is told twice");
        false
    }

    /// What was promised came back, and the rest as the store has it.
    fn comes_back(&mut self, s: &SessionSnapshot) {
        for promise in &self.promises {
            let is_kept = match promise {
                Promise::Opened => true,
                Promise::Rings(leg) => s.dialed_at.is_some() && s.scanner_leg.as_ref() == Some(leg),
                Promise::Knows(facts) => s.facts.has(*facts),
                Promise::Reported => s.reported_at.is_some(),
                Promise::Cancelled => s.ended.is_some(),
            };
            assert!(is_kept, "S{}: {promise:?} is forgotten", self.name);
        }
        if self.last.ended.is_some() && s.ended.is_none() {
            self.is_reopened = true;
            let was_wish = match self.published {
                Some((Outcome::Cancelled, _)) => self.last.dialed_at.is_none(),
                // It gave way to one that was lost with it.
                Some((Outcome::Expired, _)) => self.last.ended.is_some_and(|(_, at)| at < self.last.expires_at),
                _ => false,
            };
            if was_wish || (s.facts, s.dialed_at) != (self.last.facts, self.last.dialed_at) {
                // It rested on a wish, or on news, of which nobody was told that they are kept.
                self.published = None;
            }
        }
        if s.ended.is_none() {
            self.let_go = LetGo::default();
        }
        if s.bound_to.is_none() {
            self.bound_person = None;
        }
        assert!(s.dialed_at.is_some() || !self.is_rung, "S{}: a dial that was sent is forgotten", self.name);
        // One that was withheld may be back: that it was, was not safe.
        self.dial = self.dial.take().filter(|dial| dial.is_of(s)).or_else(|| DialSeen::of(s));
        if self.dial.is_none() {
            self.line_until = None;
        }
        self.proven.clear();
        self.asked_at = None;
        (self.accepted_at, self.settling_since) = (s.accepted_at, s.settling_since);
        self.last = s.clone();
    }
}
