//! The actor of one tag: feeds its machine one input at a time and carries out the effects.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix::fut::ActorFutureExt;
use actix::{Actor, AsyncContext, Context, Handler, SpawnHandle, WrapFuture};
use metrics::Histogram;
use qnect_core::caller::CallerRoot;
use qnect_core::desk::{AddressCell, CallerCell, Desk, NetworkCell, OwnerCell};
use qnect_core::effects::Effects;
use qnect_core::facts::Outcome;
use qnect_core::instruction::Instruction;
use qnect_core::leg::{LegEvent, LegId};
use qnect_core::scan::{AddressKey, ScanDecision};
use qnect_core::session::{Cancelled, Change, Stay};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{
    DialSettled, FollowUp, LegReaction, OnLine, OpenDecision, OpenSession as Open, Redialled, SessionView, Tag,
};
use qnect_core::time::{Span, Timestamp};
use qnect_storage::{Lane, Promise, QueueFull};

use crate::cells::{Calling, SharedCells, lock};
use crate::effects::carry_out;
use crate::engine::Inner;
#[cfg(any(test, feature = "faults"))]
use crate::faults::Point;
use crate::idle;
use crate::messages::{
    ApplyLegEvent, AreYouIdle, CancelSession, Configure, OpenSession, Opening, PreviewTag, Promised, Redial,
    ReportAbuse, ScanTag, SettleDial, TakeCaller, ViewSession, Whisper,
};
use crate::random::random_u32;
use crate::switchboard::NoLease;

/// Messages that wait in the mailbox; the visits are the bound, this only has to be no smaller.
pub(crate) const MAILBOX: usize = 2 * crate::registry::VISITS_PER_TAG_MAX as usize;

/// The end of time.
const NEVER: Timestamp = Timestamp::from_millis(u64::MAX);

pub(crate) struct TagActor {
    tag: Tag,
    inner: Arc<Inner>,
    generation: u64,
    last_input: Timestamp,
    timer: SpawnHandle,
    /// When that timer is due; at [`NEVER`] there is none.
    timer_due: Timestamp,
    /// Sessions ended whose ends nobody waited for: they may be on their way to disk still.
    ends_unsafe: bool,
    retired: bool,
}

/// Cells of one input, to be locked in the order of the fields.
#[derive(Default)]
struct Cells {
    owner: Option<Arc<Mutex<OwnerCell>>>,
    address: Option<Arc<Mutex<AddressCell>>>,
    network: Option<Arc<Mutex<NetworkCell>>>,
    caller: Option<Arc<Mutex<CallerCell>>>,
}

impl Cells {
    /// Those of an address and of its network.
    fn from(address: AddressKey, shared: &SharedCells) -> Self {
        let (address, network) = shared.address(address);
        Self { address: Some(address), network: Some(network), ..Self::default() }
    }
}

impl TagActor {
    pub(crate) fn new(tag: Tag, inner: Arc<Inner>, generation: u64) -> Self {
        let last_input = inner.clock.now();
        Self {
            tag,
            inner,
            generation,
            last_input,
            timer: SpawnHandle::default(),
            timer_due: NEVER,
            ends_unsafe: false,
            retired: false,
        }
    }

    /// One input, then all its effects.
    fn input<R>(
        &mut self,
        address: Option<AddressKey>,
        calling: Option<&Calling>,
        decide: impl FnOnce(&mut Tag, Timestamp, &mut Desk<'_>, &mut Effects) -> R,
    ) -> (R, Effects) {
        let shared = &self.inner.cells;
        let owner = self.tag.owner().map(|owner| shared.owners.of(owner));
        let caller = calling.and_then(|calling| calling.cell.clone());
        let cells = Cells { owner, caller, ..address.map(|from| Cells::from(from, shared)).unwrap_or_default() };
        self.input_with(&cells, decide)
    }

    /// The same with these cells: lends the machine its desk for one synchronous call.
    fn input_with<R>(
        &mut self,
        cells: &Cells,
        decide: impl FnOnce(&mut Tag, Timestamp, &mut Desk<'_>, &mut Effects) -> R,
    ) -> (R, Effects) {
        #[cfg(any(test, feature = "faults"))]
        self.inner.panics.reach(Point::Told);
        let now = self.inner.clock.now();
        self.last_input = now;
        let mut owner: Option<MutexGuard<'_, OwnerCell>> = cells.owner.as_deref().map(lock);
        let mut address: Option<MutexGuard<'_, AddressCell>> = cells.address.as_deref().map(lock);
        let mut network: Option<MutexGuard<'_, NetworkCell>> = cells.network.as_deref().map(lock);
        let mut caller: Option<MutexGuard<'_, CallerCell>> = cells.caller.as_deref().map(lock);
        let mut desk = Desk {
            owner: owner.as_deref_mut(),
            address: address.as_deref_mut(),
            network: network.as_deref_mut(),
            caller: caller.as_deref_mut(),
        };
        let mut effects = Effects::new();
        let reply = decide(&mut self.tag, now, &mut desk, &mut effects);
        #[cfg(any(test, feature = "faults"))]
        self.inner.panics.reach(Point::Decided);
        (reply, effects)
    }

    /// Gives the caller the name that the owner of `session` may block.
    fn name(&self, calling: &mut Calling, root: Option<CallerRoot>, session: SessionId) {
        let owner = self.tag.owner_of_session(session);
        let name = owner.zip(root).and_then(|(owner, root)| self.inner.storage.keys().block_token(owner, &root));
        calling.caller = calling.caller.named_for_owner(name);
    }

    /// Carries out what a caller's turn led to; what rings a telephone connects the caller's leg with its session.
    fn put_through(
        &mut self,
        session: SessionId,
        (leg, calling): (&LegId, &Calling),
        instruction: &Instruction,
        mut effects: Effects,
    ) -> Result<Option<Promise>, QueueFull> {
        let rings = matches!(instruction, Instruction::Dial(_));
        if rings {
            self.inner.switchboard.connect_leg(leg.clone(), session);
        }
        let promise = carry_out(&mut effects, Lane::Webhooks, &self.inner);
        if rings && promise.is_err() {
            // Other actors filled the last places meanwhile: the session must be able to wait again.
            self.settle(session, leg, calling, false);
        }
        promise
    }

    fn settle(&mut self, session: SessionId, leg: &LegId, calling: &Calling, kept: bool) -> DialSettled {
        let (settled, mut effects) = self
            .input(None, Some(calling), |tag, _, desk, effects| tag.on_dial_settled(session, leg, kept, desk, effects));
        match settled {
            DialSettled::Withheld => self.inner.metrics.dials_withheld.increment(1),
            DialSettled::Rings if kept => {
                self.observe_since_opening(session, &self.inner.metrics.session_to_ring_seconds);
            }
            DialSettled::Rings | DialSettled::Void => {}
        }
        // Queued behind the late dial; that it waits again is true in memory whenever the disk comes back.
        let _ = carry_out(&mut effects, Lane::Webhooks, &self.inner);
        settled
    }

    fn observe_since_opening(&self, session: SessionId, seconds: &Histogram) {
        if let Some(opened_at) = self.tag.opened_at(session) {
            seconds.record(self.inner.clock.now().since(opened_at).as_millis() as f64 / 1_000.0);
        }
    }

    /// Sees to it that the clock is looked at when the machine needs it. One timer: one that fires too early only looks and is
    /// set again.
    fn set_timer(&mut self, context: &mut Context<Self>) {
        let Some(wanted) = self.tag.next_deadline() else { return };
        if self.timer_due <= wanted {
            return;
        }
        if self.timer_due != NEVER {
            context.cancel_future(self.timer);
        }
        let wait = wanted.since(self.inner.clock.now()).plus(Span::from_millis(1));
        self.timer = context.run_later(Duration::from_millis(wait.as_millis()), Self::on_timer);
        self.timer_due = wanted;
    }

    fn on_timer(&mut self, context: &mut Context<Self>) {
        self.timer_due = NEVER;
        self.end_what_is_due();
        self.set_timer(context);
    }

    fn end_what_is_due(&mut self) {
        let seen = self.last_input;
        let (outcomes, mut effects) = self.input(None, None, Tag::on_time);
        // The clock is no input that keeps a tag in memory.
        self.last_input = seen;
        self.ends_unsafe |= !outcomes.is_empty();
        for outcome in outcomes {
            self.inner.metrics.ended(outcome);
        }
        // Ends of sessions are recorded eventually; nobody waits for a promise here.
        let _ = carry_out(&mut effects, Lane::Webhooks, &self.inner);
    }

    /// Leaves memory, or says when to be asked again.
    fn retire_if_idle(&mut self, context: &mut Context<Self>) {
        let (now, idle_at) = (self.inner.clock.now(), self.last_input.plus(self.inner.tag_idle));
        if now < idle_at {
            self.ask_again(idle_at);
            return;
        }
        let needs_nobody = self.tag.open_sessions() == 0;
        if needs_nobody && self.ends_unsafe {
            self.make_ends_safe(context);
        } else if needs_nobody && self.inner.registry.retire(self.tag.id(), self.generation) {
            // Everything that the machine knows is on disk already: there is nothing to save.
            self.retired = true;
            actix::ActorContext::stop(context);
            return;
        }
        // Sessions are open, their ends are on their way to disk, or a visit came in: after another idle time again.
        self.ask_again(now.plus(self.inner.tag_idle));
    }

    fn ask_again(&self, at: Timestamp) {
        idle::ask_at(at, self.tag.id(), self.generation);
    }
}

impl TagActor {
    /// Waits until everything that was recorded so far is on disk: whoever revived the tag before that would read sessions
    /// that have ended as open ones. Until then the tag stays, and is asked again.
    fn make_ends_safe(&mut self, context: &mut Context<Self>) {
        if let Ok(behind) = self.inner.storage.promise(Lane::Webhooks, Vec::new()) {
            let safe = behind.kept().into_actor(self).map(|kept, actor, _| actor.ends_unsafe &= kept.is_err());
            context.spawn(safe);
        }
    }
}

impl Actor for TagActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.inner.metrics.tag_actors.increment(1.0);
        // What became due while the tag was not in memory ends before anything else is heard of it.
        self.on_timer(context);
        self.ask_again(self.last_input.plus(self.inner.tag_idle));
    }
}

impl Drop for TagActor {
    /// Unless it retired, the actor is dropped because it panicked: the unwinding task drops it here.
    fn drop(&mut self) {
        self.inner.metrics.tag_actors.decrement(1.0);
        if !self.retired && !self.inner.is_draining() {
            self.inner.lost(self.tag.id(), self.generation, self.tag.open_sessions() > 0);
        }
    }
}

impl Handler<ScanTag> for TagActor {
    type Result = actix::MessageResult<ScanTag>;

    fn handle(&mut self, message: ScanTag, _: &mut Context<Self>) -> Self::Result {
        if !self.tag.answers() {
            return actix::MessageResult(None);
        }
        let ScanTag { scan, address } = message;
        // A look at a page rings nobody: its owner's budget is not asked for.
        let cells = Cells::from(address, &self.inner.cells);
        let (decision, mut effects): (ScanDecision, _) =
            self.input_with(&cells, |tag, now, desk, effects| tag.on_scan(&scan, now, desk, effects));
        // A scan promises nothing, so there is nothing to wait for.
        let _ = carry_out(&mut effects, Lane::Scans, &self.inner);
        actix::MessageResult(Some(decision))
    }
}

impl Handler<PreviewTag> for TagActor {
    type Result = actix::MessageResult<PreviewTag>;

    fn handle(&mut self, PreviewTag: PreviewTag, _: &mut Context<Self>) -> Self::Result {
        actix::MessageResult(self.tag.answers().then(|| self.tag.offer(&Desk::default(), self.inner.clock.now())))
    }
}

impl Handler<OpenSession> for TagActor {
    type Result = Promised<Option<Opening>>;

    fn handle(&mut self, message: OpenSession, context: &mut Context<Self>) -> Self::Result {
        if !self.tag.answers() {
            return Ok((None, None));
        }
        // Asked before anything is decided: what cannot be recorded is better not begun.
        if !self.inner.storage.has_room(Lane::Sessions) {
            return Err(QueueFull);
        }
        let OpenSession { id, reason, language, idempotency, address } = message;
        let lines = &self.inner.lines;
        // An urgent call is worth trying even when the count says that no line is left.
        let usable = |number| reason.is_urgent() || lines.has_room(number);
        let lease = self.inner.switchboard.lease(self.tag.owner_calling_code(), usable, random_u32);
        let lines_are_busy = matches!(lease, Err(NoLease::NoneUsable));
        let lease = lease.ok();
        let line = lease.as_ref().map(|lease| (lease.number(), lease.code()));
        let open = Open { id, line, reason, language, idempotency, from: Some(address) };
        let (decision, mut effects) = self.input(Some(address), None, |tag, now, desk, effects| {
            let decision = tag.on_open_session(&open, now, desk, effects);
            if let OpenDecision::Replayed(view) = &decision {
                // The first request's record may be on its way to disk still: the repeated one waits for its own.
                tag.record(view.id, effects);
            }
            decision
        });
        if let (OpenDecision::Opened(_), Some(lease)) = (&decision, lease) {
            lease.bind(id);
            self.inner.metrics.sessions_open.increment(1.0);
        }
        let promise = carry_out(&mut effects, Lane::Sessions, &self.inner);
        self.set_timer(context);
        Ok((Some(Opening { decision, lines_are_busy }), promise?))
    }
}

impl Handler<ViewSession> for TagActor {
    type Result = Option<SessionView>;

    fn handle(&mut self, ViewSession(id): ViewSession, _: &mut Context<Self>) -> Self::Result {
        self.tag.view(id)
    }
}

impl Handler<TakeCaller> for TagActor {
    type Result = Promised<Instruction>;

    fn handle(&mut self, message: TakeCaller, context: &mut Context<Self>) -> Self::Result {
        if !self.inner.storage.has_room(Lane::Webhooks) {
            return Err(QueueFull);
        }
        let TakeCaller { session, leg, mut calling, root, turn, line_is_free } = message;
        self.name(&mut calling, root, session);
        let caller = calling.caller;
        let on_line = OnLine { session, leg: &leg, caller, turn: turn.as_core(), line_is_free };
        let (instruction, effects) = self.input(None, Some(&calling), |tag, now, desk, effects| {
            let instruction = tag.on_caller(&on_line, now, desk, effects);
            // Who was on another line meanwhile dials this one again from now on.
            tag.remember_caller_of(session, caller, effects);
            instruction
        });
        let promise = self.put_through(session, (&leg, &calling), &instruction, effects);
        self.set_timer(context);
        Ok((instruction, promise?))
    }
}

impl Handler<Redial> for TagActor {
    type Result = Promised<Redialled>;

    fn handle(&mut self, message: Redial, context: &mut Context<Self>) -> Self::Result {
        if !self.inner.storage.has_room(Lane::Webhooks) {
            return Err(QueueFull);
        }
        let Redial { from, follow_up: id, number, leg, mut calling, root, line_is_free } = message;
        self.name(&mut calling, root, from);
        let lease = self.inner.switchboard.lease_at(number, random_u32);
        let line = lease.as_ref().map(|lease| (lease.number(), lease.code()));
        let follow_up = FollowUp { id, line, line_is_free };
        let (redialled, effects) = self.input(None, Some(&calling), |tag, now, desk, effects| {
            tag.on_redial(from, &follow_up, (&leg, calling.caller), now, desk, effects)
        });
        if let (true, Some(lease)) = (redialled.session == id, lease) {
            lease.bind(id);
            self.inner.metrics.sessions_open.increment(1.0);
        }
        let promise = self.put_through(redialled.session, (&leg, &calling), &redialled.instruction, effects);
        self.set_timer(context);
        Ok((redialled, promise?))
    }
}

impl Handler<CancelSession> for TagActor {
    type Result = Promised<Option<SessionView>>;

    fn handle(&mut self, CancelSession(id): CancelSession, context: &mut Context<Self>) -> Self::Result {
        if !self.inner.storage.has_room(Lane::Webhooks) {
            return Err(QueueFull);
        }
        let (cancelled, mut effects) = self.input(None, None, |tag, now, desk, effects| {
            let cancelled = tag.on_cancel(id, now, desk, effects);
            if cancelled == Some(Cancelled::TooLate) {
                // What ended it may be on its way to disk still: the repeated wish waits for a record of its own.
                tag.record(id, effects);
            }
            cancelled
        });
        if cancelled == Some(Cancelled::Now) {
            self.inner.metrics.ended(Outcome::Cancelled);
        }
        let promise = carry_out(&mut effects, Lane::Webhooks, &self.inner);
        self.set_timer(context);
        Ok((self.tag.view(id), promise?))
    }
}

impl Handler<ReportAbuse> for TagActor {
    type Result = Promised<Option<bool>>;

    fn handle(&mut self, ReportAbuse(id): ReportAbuse, _: &mut Context<Self>) -> Self::Result {
        if self.tag.opened_at(id).is_none() {
            return Ok((None, None));
        }
        if !self.inner.storage.has_room(Lane::Webhooks) {
            return Err(QueueFull);
        }
        let (is_reported, mut effects) = self.input(None, None, |tag, now, _, effects| {
            let is_new = tag.on_abuse_reported(id, now, effects);
            let is_known = !is_new && tag.is_reported(id);
            if is_known {
                // The first report may be on its way to disk still: the repeated one waits for a record of its own.
                tag.record(id, effects);
            }
            is_new || is_known
        });
        Ok((Some(is_reported), carry_out(&mut effects, Lane::Webhooks, &self.inner)?))
    }
}

impl Handler<SettleDial> for TagActor {
    type Result = actix::MessageResult<SettleDial>;

    fn handle(&mut self, message: SettleDial, context: &mut Context<Self>) -> Self::Result {
        let SettleDial { session, leg, calling, kept } = message;
        let settled = self.settle(session, &leg, &calling, kept);
        self.set_timer(context);
        actix::MessageResult(settled)
    }
}

impl Handler<ApplyLegEvent> for TagActor {
    type Result = Promised<LegReaction>;

    fn handle(&mut self, message: ApplyLegEvent, context: &mut Context<Self>) -> Self::Result {
        let ApplyLegEvent { session, event, owner_leg } = message;
        let (reaction, mut effects) = self.input(None, None, |tag, now, desk, effects| {
            tag.on_leg_event(session, (event, owner_leg), now, desk, effects)
        });
        match reaction {
            LegReaction::Changed { change: Change::Stay(_), .. } => self.inner.metrics.stays.increment(1),
            LegReaction::Changed { change: Change::Moved, .. } if event == LegEvent::OwnerAccepted => {
                self.observe_since_opening(session, &self.inner.metrics.session_to_talk_seconds);
            }
            LegReaction::Changed { .. } | LegReaction::UnknownSession => {}
        }
        let mut promise = carry_out(&mut effects, Lane::Webhooks, &self.inner)?;
        if let LegReaction::Changed { change: Change::Stay(Stay::Late), .. } = reaction {
            // What it repeats may be on its way to disk still, with the end that followed: this one is safe behind it.
            promise = Some(self.inner.storage.promise(Lane::Webhooks, Vec::new())?);
        }
        self.set_timer(context);
        Ok((reaction, promise))
    }
}

impl Handler<Whisper> for TagActor {
    type Result = Option<Instruction>;

    fn handle(&mut self, Whisper(session): Whisper, _: &mut Context<Self>) -> Self::Result {
        self.tag.whisper(session)
    }
}

impl Handler<AreYouIdle> for TagActor {
    type Result = ();

    fn handle(&mut self, AreYouIdle(generation): AreYouIdle, context: &mut Context<Self>) {
        if generation == self.generation {
            self.retire_if_idle(context);
        }
    }
}

impl Handler<Configure> for TagActor {
    type Result = ();

    fn handle(&mut self, Configure(config): Configure, _: &mut Context<Self>) {
        self.tag.on_configured(config);
    }
}

#[cfg(test)]
impl Handler<crate::messages::Panic> for TagActor {
    type Result = ();

    fn handle(&mut self, _: crate::messages::Panic, _: &mut Context<Self>) {
        panic!("injected by a test");
    }
}
