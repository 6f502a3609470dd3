//! A small language for scenarios: given a world, it is told something, it decides, effects follow, and nothing else.
//!
//! Every input returns its reply. What an input led to is asserted with [`World::led_to`]; effects that nobody asserted
//! fail the test at the next input, or at the end of the world.

mod cast;
mod replies;

use std::collections::HashMap;
use std::sync::Arc;

pub(crate) use cast::*;
use qnect_core::access_code::AccessCode;
use qnect_core::caller::{Caller, DayToken};
use qnect_core::desk::{AddressCell, CallerCell, Desk, OwnerCell};
use qnect_core::effects::{Effect, Effects};
use qnect_core::facts::Outcome;
use qnect_core::instruction::{Dial, Instruction};
use qnect_core::leg::{LegEvent, LegId};
use qnect_core::policy::Policy;
use qnect_core::provider_request::{Operation, ProviderRequest};
use qnect_core::reason::Reason;
use qnect_core::record::Record;
use qnect_core::scan::ScanDecision;
use qnect_core::session::{Cancelled, Change, Session, SessionSnapshot, State};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{
    CallTurn, DialSettled, FollowUp, LegReaction, OnLine, OpenDecision, OpenSession, Redialled, SessionView, Tag,
    TagConfig,
};
use qnect_core::time::{Span, Timestamp};
pub(crate) use replies::*;

/// What an input led to, short enough to be written out in a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Led {
    /// A scan is remembered.
    ScanAdmitted,
    /// A new session is remembered.
    Opened(SessionId),
    /// A session is remembered as it stands now, in this state.
    Advanced(SessionId, State),
    /// A session's end is remembered.
    Ended(SessionId, Outcome),
    /// The code of this session is free.
    ReleasedCode(SessionId),
    /// This leg belongs to nobody any more.
    ForgotLeg(LegId),
    /// The provider is asked something about a leg of this session.
    Asked(SessionId, Operation, LegId),
    /// The caller that this session is bound to may dial again without a code.
    Remembered(SessionId),
}

/// One tag with all that is lent to it, at one point in time.
pub(crate) struct World {
    pub(crate) tag: Tag,
    pub(crate) config: Arc<TagConfig>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) now: Timestamp,
    pub(crate) owner: OwnerCell,
    pub(crate) address: AddressCell,
    pub(crate) callers: HashMap<DayToken, CallerCell>,
    lane: Effects,
    codes: HashMap<AccessCode, SessionId>,
}

impl World {
    /// A claimed tag under the default policy, without sessions.
    pub(crate) fn new() -> Self {
        Self::given(|_| (), |_| ())
    }

    /// The same with another policy or another tag.
    pub(crate) fn given(policy: impl FnOnce(&mut Policy), config: impl FnOnce(&mut TagConfig)) -> Self {
        let (mut p, mut c) = (default_policy(), default_config());
        policy(&mut p);
        config(&mut c);
        let (policy, config) = (Arc::new(p), Arc::new(c));
        Self {
            tag: Tag::restore(config.clone(), policy.clone(), Vec::new(), START),
            config,
            policy,
            now: START,
            owner: OwnerCell::default(),
            address: AddressCell::default(),
            callers: HashMap::new(),
            lane: Effects::new(),
            codes: HashMap::new(),
        }
    }

    /// Time passes and nobody is told.
    pub(crate) fn after(&mut self, span: Span) -> &mut Self {
        self.now = self.now.plus(span);
        self
    }

    // Inputs.

    /// Someone looks at the page.
    pub(crate) fn scan(&mut self) -> ScanDecision {
        let now = self.begin();
        let mut desk = Desk { address: Some(&mut self.address), ..Desk::default() };
        self.tag.on_scan(&scan(), now, &mut desk, &mut self.lane)
    }

    /// Someone asks for a session.
    pub(crate) fn open(&mut self, open: &OpenSession) -> OpenDecision {
        let now = self.begin();
        let mut desk = Desk { address: Some(&mut self.address), ..Desk::default() };
        if let Some((_, code)) = open.line {
            self.codes.entry(code).or_insert(open.id);
        }
        self.tag.on_open_session(open, now, &mut desk, &mut self.lane)
    }

    /// Someone calls and gives the code of `session`.
    pub(crate) fn call(&mut self, session: SessionId, leg: &LegId, caller: Caller) -> Instruction {
        self.take_turn(session, leg, caller, CallTurn::Code)
    }

    /// A caller is on the line of `session`, for whatever reason.
    pub(crate) fn take_turn(
        &mut self,
        session: SessionId,
        leg: &LegId,
        caller: Caller,
        turn: CallTurn<'_>,
    ) -> Instruction {
        let now = self.begin();
        let mut desk =
            Desk { owner: Some(&mut self.owner), address: None, caller: caller_cell(&mut self.callers, caller) };
        self.tag.on_caller(&OnLine { session, leg, caller, turn }, now, &mut desk, &mut self.lane)
    }

    /// The caller of `from` dials again without a code; number `n` names what follows.
    pub(crate) fn redial(&mut self, from: SessionId, n: u8, leg: &LegId, caller: Caller) -> Redialled {
        let now = self.begin();
        let mut desk =
            Desk { owner: Some(&mut self.owner), address: None, caller: caller_cell(&mut self.callers, caller) };
        let follow_up = FollowUp { id: session_id(n), line: Some((our_number(NUMBER), code(n))) };
        self.codes.entry(code(n)).or_insert(follow_up.id);
        self.tag.on_redial(from, &follow_up, (leg, caller), now, &mut desk, &mut self.lane)
    }

    /// The scanner does not want the call any more.
    pub(crate) fn cancel(&mut self, session: SessionId) -> Option<Cancelled> {
        let now = self.begin();
        let mut desk = Desk { owner: Some(&mut self.owner), ..Desk::default() };
        self.tag.on_cancel(session, now, &mut desk, &mut self.lane)
    }

    /// The owner reports the call of `session`.
    pub(crate) fn report(&mut self, session: SessionId) -> bool {
        let now = self.begin();
        self.tag.on_abuse_reported(session, now, &mut self.lane)
    }

    /// The instruction to dial, given to `caller`, was not sent.
    pub(crate) fn withhold(&mut self, session: SessionId, caller: Caller) -> DialSettled {
        let dialed = self.tag.snapshot().into_iter().find(|s| s.id == session).and_then(|s| s.scanner_leg);
        self.settle(session, &dialed.unwrap_or_else(|| cast::leg(1)), caller, false)
    }

    /// The record of a dial for `leg` is safe, or too late.
    pub(crate) fn settle(&mut self, session: SessionId, leg: &LegId, caller: Caller, kept: bool) -> DialSettled {
        self.begin();
        let mut desk =
            Desk { owner: Some(&mut self.owner), address: None, caller: caller_cell(&mut self.callers, caller) };
        self.tag.on_dial_settled(session, leg, kept, &mut desk, &mut self.lane)
    }

    /// A provider told something.
    pub(crate) fn told(&mut self, session: SessionId, event: LegEvent) -> LegReaction {
        let now = self.begin();
        let mut desk = Desk { owner: Some(&mut self.owner), ..Desk::default() };
        self.tag.on_leg_event(session, (event, None), now, &mut desk, &mut self.lane)
    }

    /// A provider told something, and which its call to the owner is.
    pub(crate) fn told_with_leg(&mut self, session: SessionId, event: LegEvent, leg: LegId) -> LegReaction {
        let now = self.begin();
        let mut desk = Desk { owner: Some(&mut self.owner), ..Desk::default() };
        self.tag.on_leg_event(session, (event, Some(leg)), now, &mut desk, &mut self.lane)
    }

    /// The operator or the owner changed the tag.
    pub(crate) fn configured(&mut self, change: impl FnOnce(&mut TagConfig)) {
        self.begin();
        change(Arc::make_mut(&mut self.config));
        self.tag.on_configured(self.config.clone());
        self.led_to_nothing();
    }

    /// The clock looks in.
    pub(crate) fn clock(&mut self) -> Vec<Outcome> {
        let now = self.begin();
        let mut desk = Desk { owner: Some(&mut self.owner), ..Desk::default() };
        self.tag.on_time(now, &mut desk, &mut self.lane)
    }

    /// The process ends and another one begins: the tag comes back from what it remembers.
    pub(crate) fn restart(&mut self) {
        self.begin();
        self.tag = Tag::restore(self.config.clone(), self.policy.clone(), self.tag.snapshot(), self.now);
    }

    /// A restart after which no number may be dialled.
    pub(crate) fn restart_without_prefixes(&mut self) {
        Arc::make_mut(&mut self.policy).allowed_prefixes.clear();
        self.restart();
    }

    // Shorthands that tell and assert in one.

    /// A session that waits for its call.
    pub(crate) fn waiting(&mut self, n: u8, reason: Reason) -> SessionId {
        let decision = self.open(&request(n, reason));
        assert!(matches!(decision, OpenDecision::Opened(_)), "{decision:?}");
        self.led_to([Led::Opened(session_id(n))]);
        session_id(n)
    }

    /// A session whose owner is being dialled for Asha on leg `n`.
    pub(crate) fn dialing(&mut self, n: u8, reason: Reason) -> SessionId {
        let id = self.waiting(n, reason);
        self.put_through(id, &leg(n), asha());
        id
    }

    /// The owner is rung for `caller`. A session binds to the first caller that has a number, who may dial again.
    #[track_caller]
    pub(crate) fn put_through(&mut self, session: SessionId, leg: &LegId, caller: Caller) -> Dial {
        let remembered = self.binds(session, caller);
        let dial = dialed(self.call(session, leg, caller));
        self.led_to(remembered.into_iter().chain([Led::Advanced(session, State::Dialing)]));
        dial
    }

    /// The caller is answered with `instruction`, nobody is rung or has paid, and the session waits on.
    #[track_caller]
    pub(crate) fn turned_away(
        &mut self,
        (session, leg, caller): (SessionId, &LegId, Caller),
        turn: CallTurn<'_>,
        instruction: &Instruction,
    ) {
        let (remembered, owner) = (self.binds(session, caller), self.owner.clone());
        assert_eq!(&self.take_turn(session, leg, caller, turn), instruction);
        self.led_to(remembered.into_iter().chain([Led::Advanced(session, State::Waiting)]));
        assert_eq!((self.owner.live, self.owner.rings), (owner.live, owner.rings));
        assert_eq!(self.owner.last_rung, owner.last_rung);
    }

    /// The code leads nowhere for this caller, and nothing else happens.
    #[track_caller]
    pub(crate) fn refused(&mut self, session: SessionId, leg: &LegId, caller: Caller) {
        assert_eq!(self.call(session, leg, caller), refuses());
        self.led_to_nothing();
    }

    fn binds(&self, session: SessionId, caller: Caller) -> Option<Led> {
        let binds = self.remembered(session).bound_to.is_none() && caller != Caller::Withheld;
        binds.then_some(Led::Remembered(session))
    }

    /// An event that lifts a session to `state`.
    pub(crate) fn lifts(&mut self, session: SessionId, event: LegEvent, state: State) {
        assert_eq!(change(self.told(session, event)), Change::Moved);
        self.led_to([Led::Advanced(session, state)]);
    }

    /// An event that tells something new in the same state.
    pub(crate) fn notes(&mut self, session: SessionId, event: LegEvent) {
        let state = self.state(session);
        assert_eq!(change(self.told(session, event)), Change::Noted);
        self.led_to([Led::Advanced(session, state)]);
    }

    /// The session ends at the tag's next deadline, and nothing else does.
    #[track_caller]
    pub(crate) fn ends(&mut self, session: SessionId, outcome: Outcome) {
        self.ends_after(session, outcome, Vec::new());
    }

    /// At the tag's next deadline the provider is asked how the call of this session stands, and nothing else happens.
    #[track_caller]
    pub(crate) fn is_asked_after(&mut self, session: SessionId) {
        self.now = self.tag.next_deadline().expect("a call has a deadline");
        let before = self.remembered(session);
        assert_eq!(self.clock(), []);
        let asked = self.asked_of_both_legs(session, Operation::FetchCall);
        self.led_to(asked);
        assert_eq!(self.remembered(session), before);
    }

    /// Nobody tells of the end of this session's call: the provider is asked, and 10 s later the call is hung up and over.
    #[track_caller]
    pub(crate) fn is_lost(&mut self, session: SessionId, outcome: Outcome) {
        self.is_asked_after(session);
        self.ends_hung_up(session, outcome);
    }

    /// The provider was asked just now and tells nothing: 10 s later the call is hung up and over.
    #[track_caller]
    pub(crate) fn ends_hung_up(&mut self, session: SessionId, outcome: Outcome) {
        assert_eq!(self.tag.next_deadline(), Some(self.now.plus(Span::from_secs(10))));
        let hung_up = self.asked_of_both_legs(session, Operation::HangUp);
        self.ends_after(session, outcome, hung_up);
    }

    #[track_caller]
    fn ends_after(&mut self, session: SessionId, outcome: Outcome, mut led: Vec<Led>) {
        let leg = self.remembered(session).scanner_leg;
        self.now = self.tag.next_deadline().expect("a session that ends has a deadline");
        assert_eq!(self.clock(), [outcome]);
        led.push(Led::ReleasedCode(session));
        led.extend(leg.map(Led::ForgotLeg));
        led.push(Led::Ended(session, outcome));
        self.led_to(led);
        assert_eq!(self.state(session), State::Ended);
        assert_eq!(self.view(session).outcome, Some(outcome));
        assert!(self.owner.live.is_none_or(|(live, _)| live != session), "its owner is free");
    }

    fn asked_of_both_legs(&self, session: SessionId, operation: Operation) -> Vec<Led> {
        let SessionSnapshot { scanner_leg, owner_leg, .. } = self.remembered(session);
        let legs = scanner_leg.into_iter().chain(owner_leg);
        legs.map(|leg| Led::Asked(session, operation, leg)).collect()
    }

    // Looking.

    /// What the holder of a session's id sees.
    pub(crate) fn view(&self, session: SessionId) -> SessionView {
        self.tag.view(session).expect("the session is in memory")
    }

    /// Where a session stands.
    pub(crate) fn state(&self, session: SessionId) -> State {
        self.view(session).state
    }

    /// What the tag remembers of a session.
    pub(crate) fn remembered(&self, session: SessionId) -> SessionSnapshot {
        let found = self.tag.snapshot().into_iter().find(|s| s.id == session);
        found.expect("the session is in memory")
    }

    // Effects.

    /// The last input led to exactly this, in this order.
    #[track_caller]
    pub(crate) fn led_to(&mut self, expected: impl IntoIterator<Item = Led>) {
        let led = self.led();
        assert_eq!(led, expected.into_iter().collect::<Vec<_>>());
    }

    /// The last input led to nothing.
    #[track_caller]
    pub(crate) fn led_to_nothing(&mut self) {
        self.led_to([]);
    }

    /// Takes what the last input led to. Each record of a session must tell what the tag itself remembers.
    pub(crate) fn led(&mut self) -> Vec<Led> {
        let sessions = self.tag.snapshot();
        let tells = |told: &SessionSnapshot| {
            if let Some(known) = sessions.iter().find(|s| s.id == told.id) {
                assert_eq!(told, known, "a record tells something else than the tag remembers");
            }
        };
        let codes = &self.codes;
        self.lane
            .drain()
            .map(|effect| match effect {
                Effect::Record(Record::ScanAdmitted(_)) => Led::ScanAdmitted,
                Effect::Record(Record::SessionOpened(s)) => {
                    tells(&s);
                    Led::Opened(s.id)
                }
                Effect::Record(Record::SessionAdvanced(s)) => {
                    tells(&s);
                    Led::Advanced(s.id, Session::restore(*s).state())
                }
                Effect::Record(Record::SessionEnded(s)) => {
                    tells(&s);
                    Led::Ended(s.id, s.ended.expect("an end has an outcome").0)
                }
                Effect::ReleaseCode { number, code, session } => {
                    assert_eq!(number, our_number(NUMBER));
                    assert_eq!(codes[&code], session, "a code is released by its own session");
                    Led::ReleasedCode(codes[&code])
                }
                Effect::ForgetLeg { leg, session: _ } => Led::ForgotLeg(leg),
                Effect::Ask(ProviderRequest { number, session, leg, is_scanner_leg, operation }) => {
                    assert_eq!(number, our_number(NUMBER));
                    let known = sessions.iter().find(|s| s.id == session).expect("asked of a known session");
                    let legs = if is_scanner_leg { &known.scanner_leg } else { &known.owner_leg };
                    assert_eq!(legs.as_ref(), Some(&leg), "asked of a leg of its own");
                    Led::Asked(session, operation, leg)
                }
                Effect::RememberCaller { number, caller, session, code, until } => {
                    let known = sessions.iter().find(|s| s.id == session).expect("a known session");
                    assert_eq!((number, code, until), (known.number, known.code, known.expires_at));
                    assert_eq!(known.bound_to, Some(caller));
                    Led::Remembered(session)
                }
            })
            .collect()
    }

    /// Takes the effects themselves.
    pub(crate) fn effects(&mut self) -> Vec<Effect> {
        self.lane.drain().collect()
    }

    #[track_caller]
    fn begin(&self) -> Timestamp {
        assert!(self.lane.as_slice().is_empty(), "nobody asserted {:?}", self.lane.as_slice());
        self.now
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.begin();
        }
    }
}

fn caller_cell(cells: &mut HashMap<DayToken, CallerCell>, caller: Caller) -> Option<&mut CallerCell> {
    match caller {
        Caller::Known(tokens) => Some(cells.entry(tokens.today).or_default()),
        Caller::Withheld => None,
    }
}

#[test]
#[should_panic(expected = "nobody asserted")]
fn an_effect_that_nobody_asserted_fails_at_the_next_input() {
    let mut w = World::new();
    w.scan();
    w.scan();
}

#[test]
#[should_panic(expected = "nobody asserted")]
fn an_effect_that_nobody_asserted_fails_at_the_end() {
    World::new().scan();
}
