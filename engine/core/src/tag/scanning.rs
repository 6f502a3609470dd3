//! The scanner's side of a tag: the sticker's page, and a session to call with.

use super::Tag;
use super::answers::{OpenDecision, OpenSession, SessionView};
use super::budget::Budget;
use super::config::{OwnerId, OwnerProfile};
use super::score;
use crate::desk::Desk;
use crate::effects::{Effect, Effects};
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
            Err(retry_after) => return refused(Refusal::AddressLimit, retry_after, ReasonSet::default()),
        };
        if let (Some(address), Some(allowance)) = (desk.address.as_mut(), allowance) {
            address.scans.charge(allowance);
        }
        effects.push(Effect::Record(Record::ScanAdmitted(ScanRecord {
            tag: self.config.id,
            at: now,
            address: scan.address,
            device: scan.device,
            browser: scan.browser,
        })));
        self.offer(now)
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
            Err((refusal, retry_after)) => return OpenDecision::Refused { refusal, retry_after },
        };
        if !self.has_room() {
            return OpenDecision::Refused {
                refusal: Refusal::TagLimit,
                retry_after: self.next_end().map_or(Span::ZERO, |at| at.since(now)),
            };
        }
        let allowance =
            match desk.address.as_ref().map(|a| a.sessions.ask(self.policy.address_sessions, now)).transpose() {
                Ok(allowance) => allowance,
                Err(retry_after) => {
                    return OpenDecision::Refused { refusal: Refusal::AddressLimit, retry_after };
                }
            };
        let Some(line) = open.line else { return OpenDecision::NumbersExhausted };
        if let (Some(address), Some(allowance)) = (desk.address.as_mut(), allowance) {
            address.sessions.charge(allowance);
        }
        let &OpenSession { id, reason, language, idempotency, .. } = open;
        let asked = Asked { reason, language, idempotency, challenge: self.challenges(now) };
        let session = Session::open(id, asked, line, owner, (now, now.plus(self.policy.session_life)));
        effects.push(Effect::Record(Record::SessionOpened(Box::new(session.snapshot().clone()))));
        let view = SessionView::of(&session);
        self.sessions.push(session);
        OpenDecision::Opened(view)
    }

    /// Whether the tag may have one more open session.
    pub(super) fn has_room(&self) -> bool {
        self.policy.tag_open_sessions_max == 0 || self.open_sessions() < self.policy.tag_open_sessions_max
    }

    /// For which reasons a session may be opened at `now`; charges nothing.
    pub fn offer(&self, now: Timestamp) -> ScanDecision {
        let Some(owner) = &self.config.owner else {
            return refused(Refusal::NotActive, Span::ZERO, ReasonSet::default());
        };
        let reachable = self.reachable_for(owner, now);
        let calm = self.rings.ask_tag(Budget::Calm, &self.policy, now);
        let urgent = self.rings.ask_tag(Budget::Urgent, &self.policy, now);
        let offered: ReasonSet =
            reachable.iter().filter(|r| if r.is_urgent() { urgent.is_ok() } else { calm.is_ok() }).collect();
        if offered.iter().any(|r| !r.is_urgent()) {
            let verdict = if self.challenges(now) { Verdict::Challenge } else { Verdict::Allow };
            return ScanDecision { verdict, refusal: None, retry_after: Span::ZERO, offered };
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

    /// Whether callers must key two spoken digits, because the owner was annoyed too often.
    fn challenges(&self, now: Timestamp) -> bool {
        self.policy.challenge_at != 0 && score::points(&self.sessions, now) >= self.policy.challenge_at
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
    ScanDecision { verdict: refusal.verdict(), refusal: Some(refusal), retry_after, offered }
}
