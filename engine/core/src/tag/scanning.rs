//! The scanner's side of a tag: the sticker's page, and a session to call with.

use super::Tag;
use super::answers::{OpenDecision, OpenSession, SessionView};
use super::budget::Budget;
use super::config::{OwnerId, OwnerProfile};
use crate::abuse::{Assessment, Signal, SignalSet, fades_below};
use crate::desk::Desk;
use crate::effects::{Effect, Effects};
use crate::policy::ADDRESS_HALF_LIFE;
use crate::reason::{Reason, ReasonSet};
use crate::record::{Record, ScanRecord};
use crate::scan::{Refusal, Scan, ScanDecision, Verdict};
use crate::session::{Asked, Idempotency, Session};
use crate::time::{Span, Timestamp};

impl Tag {
    /// Someone looks at the sticker's page.
    pub fn on_scan(&mut self, scan: &Scan, now: Timestamp, desk: &mut Desk<'_>, effects: &mut Effects) -> ScanDecision {
        let allowance = match desk.address.as_ref().map(|a| a.scans.ask(self.policy.address_scans, now)).transpose() {
            Ok(allowance) => allowance,
            Err(retry_after) => return refused(Refusal::AddressLimit, retry_after, self.urgent_offer(desk, now)),
        };
        let against = desk.assess_address(now);
        if against.reaches(self.policy.refuse_at) {
            return self.refuse_for_score(against, desk, now);
        }
        // Before this very look counts: whoever comes for the first time has done nothing yet.
        let decision = self.offer(desk, now);
        if let (Some(address), Some(allowance)) = (desk.address.as_mut(), allowance) {
            address.scans.charge(allowance);
            address.note_scan(self.config.id, desk.network.as_deref_mut(), &self.policy, now);
        }
        effects.push(Effect::Record(Record::ScanAdmitted(ScanRecord {
            tag: self.config.id,
            at: now,
            address: scan.address,
            device: scan.device,
            browser: scan.browser,
        })));
        decision
    }

    /// A scanner asks for a number and a code.
    pub fn on_open_session(
        &mut self,
        open: &OpenSession,
        now: Timestamp,
        desk: &mut Desk<'_>,
        effects: &mut Effects,
    ) -> OpenDecision {
        self.forget_stale(now);
        if let Some(replay) = open.idempotency.and_then(|asked| self.replay(asked)) {
            return replay;
        }
        let owner = match self.may_open(open.reason, now) {
            Ok(owner) => owner,
            Err((refusal, retry_after)) => return turned_away(refusal, retry_after),
        };
        let against = desk.assess_address(now);
        if against.reaches(self.policy.refuse_at) && !open.reason.is_urgent() {
            let retry_after = self.score_fades_after(against);
            return OpenDecision::Refused { refusal: Refusal::Score, retry_after, because: against.because };
        }
        let urgent = open.reason.is_urgent();
        let quota = desk.address.as_ref().and_then(|address| address.sessions_quota(&self.policy, now));
        let asked = desk.address.as_mut().map(|a| a.sessions_for(urgent).ask(quota, now)).transpose();
        if let Err(retry_after) = asked {
            return turned_away(Refusal::AddressLimit, retry_after);
        }
        let Some(line) = open.line else { return OpenDecision::NumbersExhausted };
        if let Err((refusal, retry_after)) = self.make_room(urgent, open.from, now, desk, effects) {
            return turned_away(refusal, retry_after);
        }
        // What stands against them now, before this very session counts.
        let against = self.assess(desk, now);
        let challenge = against.reaches(self.policy.challenge_at).then_some(against.because);
        if let Some(address) = desk.address.as_mut() {
            // Asked again: one that gave way may have been given back since, which is no reason to refuse.
            let sessions = address.sessions_for(urgent);
            if let Ok(allowance) = sessions.ask(quota, now) {
                sessions.charge(allowance);
            }
            address.note(Signal::UnusedSessions, desk.network.as_deref_mut(), &self.policy, now);
        }
        let &OpenSession { id, reason, language, idempotency, from, .. } = open;
        let asked = Asked { reason, language, idempotency, challenge, from };
        let session = Session::open(id, asked, line, owner, (now, now.plus(self.policy.session_life)));
        effects.push(Effect::Record(Record::SessionOpened(Box::new(session.snapshot().clone()))));
        let view = SessionView::of(&session);
        self.sessions.push(session);
        OpenDecision::Opened(view)
    }

    /// For which reasons a session may be opened at `now`, by somebody whose cells are on the desk; charges nothing.
    pub fn offer(&self, desk: &Desk<'_>, now: Timestamp) -> ScanDecision {
        let Some(owner) = &self.config.owner else {
            return refused(Refusal::NotActive, Span::ZERO, ReasonSet::default());
        };
        let reachable = self.reachable_for(owner, now);
        let calm = self.rings.ask_tag(Budget::Calm, &self.policy, now);
        let urgent = self.rings.ask_tag(Budget::Urgent, &self.policy, now);
        let offered: ReasonSet =
            reachable.iter().filter(|r| if r.is_urgent() { urgent.is_ok() } else { calm.is_ok() }).collect();
        if offered.iter().any(|r| !r.is_urgent()) {
            let against = self.assess(desk, now);
            let (verdict, because) = if against.reaches(self.policy.challenge_at) {
                (Verdict::Challenge, against.because)
            } else {
                (Verdict::Allow, SignalSet::default())
            };
            return ScanDecision { verdict, refusal: None, retry_after: Span::ZERO, offered, because };
        }
        match calm {
            Err(retry_after) if reachable.iter().any(|r| !r.is_urgent()) => {
                refused(Refusal::TagLimit, retry_after, offered)
            }
            _ => refused(Refusal::OwnerUnavailable, Span::ZERO, offered),
        }
    }

    /// For which reasons the owner's telephone may ring at `now`: none, where it is a number that is never dialled.
    pub(super) fn reachable_for(&self, owner: &OwnerProfile, now: Timestamp) -> ReasonSet {
        let dialable = self.policy.allowed_prefixes.iter().any(|p| owner.phone.has_prefix(p));
        if dialable { owner.preferences.reachable_for(now) } else { ReasonSet::default() }
    }

    /// Too much stands against an address: it is refused until some of it has faded.
    fn refuse_for_score(&self, against: Assessment, desk: &Desk<'_>, now: Timestamp) -> ScanDecision {
        let retry_after = self.score_fades_after(against);
        ScanDecision { because: against.because, ..refused(Refusal::Score, retry_after, self.urgent_offer(desk, now)) }
    }

    /// What is offered from an address that is offered nothing else: whoever sees a child in the car may share it with
    /// somebody who is the reason for that.
    fn urgent_offer(&self, desk: &Desk<'_>, now: Timestamp) -> ReasonSet {
        self.offer(desk, now).offered.iter().filter(|reason| reason.is_urgent()).collect()
    }

    fn score_fades_after(&self, against: Assessment) -> Span {
        fades_below(against.points(), self.policy.refuse_at, ADDRESS_HALF_LIFE)
    }

    /// Whom a session for this one reason would reach at `now`; charges nothing.
    pub(super) fn may_open(&self, reason: Reason, now: Timestamp) -> Result<OwnerId, (Refusal, Span)> {
        let owner = self.config.owner.as_ref().ok_or((Refusal::NotActive, Span::ZERO))?;
        if !self.reachable_for(owner, now).contains(reason) {
            return Err((Refusal::OwnerUnavailable, Span::ZERO));
        }
        match self.rings.ask_tag(Budget::of(reason), &self.policy, now) {
            Ok(_) => Ok(owner.id),
            Err(retry_after) => Err((Refusal::TagLimit, retry_after)),
        }
    }

    fn replay(&self, asked: Idempotency) -> Option<OpenDecision> {
        let earlier = self.sessions.iter().find(|s| s.snapshot().idempotency.is_some_and(|i| i.key == asked.key))?;
        let same = earlier.snapshot().idempotency == Some(asked);
        Some(if same { OpenDecision::Replayed(SessionView::of(earlier)) } else { OpenDecision::IdempotencyConflict })
    }
}

fn refused(refusal: Refusal, retry_after: Span, offered: ReasonSet) -> ScanDecision {
    let because = SignalSet::default();
    ScanDecision { verdict: refusal.verdict(), refusal: Some(refusal), retry_after, offered, because }
}

fn turned_away(refusal: Refusal, retry_after: Span) -> OpenDecision {
    OpenDecision::Refused { refusal, retry_after, because: SignalSet::default() }
}
