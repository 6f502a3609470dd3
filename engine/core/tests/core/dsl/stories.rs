//! Short stories: each tells something and asserts all that it led to.

use qnect_core::abuse::Signal;
use qnect_core::caller::Caller;
use qnect_core::facts::Outcome;
use qnect_core::instruction::{Announcement, Dial, Instruction};
use qnect_core::language::Languages;
use qnect_core::leg::{LegEnd, LegEvent, LegId};
use qnect_core::provider_request::Operation;
use qnect_core::reason::Reason;
use qnect_core::session::{Change, SessionSnapshot, State};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{CallTurn, OpenDecision, OpenSession, Redialled};
use qnect_core::time::Span;

use super::{Led, World, asha, change, dialed, holds, leg, refuses, request, request_from, session_id};

impl World {
    /// A session that waits for its call.
    #[track_caller]
    pub(crate) fn waiting(&mut self, n: u8, reason: Reason) -> SessionId {
        self.opened(&request(n, reason))
    }

    /// The same from this address.
    #[track_caller]
    pub(crate) fn waiting_from(&mut self, address: u8, n: u8, reason: Reason) -> SessionId {
        self.opened(&request_from(address, n, reason))
    }

    #[track_caller]
    fn opened(&mut self, request: &OpenSession) -> SessionId {
        let decision = self.open(request);
        assert!(matches!(decision, OpenDecision::Opened(_)), "{decision:?}");
        self.led_to([Led::Opened(request.id)]);
        request.id
    }

    /// A session whose owner is being dialled for Asha on leg `n`.
    #[track_caller]
    pub(crate) fn dialing(&mut self, n: u8, reason: Reason) -> SessionId {
        self.dialing_for(asha(), n, reason)
    }

    /// A session whose owner is being dialled for `caller` on leg `n`.
    #[track_caller]
    pub(crate) fn dialing_for(&mut self, caller: Caller, n: u8, reason: Reason) -> SessionId {
        let id = self.waiting(n, reason);
        self.put_through(id, &leg(n), caller);
        id
    }

    /// The owner is rung for `caller`. A session binds to the first caller that has a number, who may dial again.
    #[track_caller]
    pub(crate) fn put_through(&mut self, session: SessionId, leg: &LegId, caller: Caller) -> Dial {
        let (remembered, used) = (self.binds(session, caller), self.uses(session));
        let dial = dialed(self.call(session, leg, caller));
        let credited = self.located.contains(&session).then_some(Led::Credited);
        let before = remembered.into_iter().chain(used).chain(credited);
        self.led_to(before.chain([Led::Advanced(session, State::Dialing)]));
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
        let (remembered, used, owner) = (self.binds(session, caller), self.uses(session), self.owner.clone());
        assert_eq!(&self.take_turn(session, leg, caller, turn), instruction);
        self.led_to(remembered.into_iter().chain(used).chain([Led::Advanced(session, State::Waiting)]));
        assert_eq!((self.owner.live, self.owner.rings), (owner.live, owner.rings));
        assert_eq!(self.owner.last_rung(self.now), owner.last_rung(self.now));
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

    fn uses(&mut self, session: SessionId) -> Option<Led> {
        (self.located.contains(&session) && self.used.insert(session)).then_some(Led::Used)
    }

    /// A session whose owner was rung for Asha on leg `n`, and how that ended.
    #[track_caller]
    pub(crate) fn called(&mut self, n: u8, outcome: Outcome) -> SessionId {
        self.called_by(asha(), n, outcome)
    }

    /// The same for `caller`.
    #[track_caller]
    pub(crate) fn called_by(&mut self, caller: Caller, n: u8, outcome: Outcome) -> SessionId {
        let id = self.dialing_for(caller, n, Reason::Blocking);
        let over = match outcome {
            Outcome::Completed => {
                self.lifts(id, LegEvent::OwnerAccepted, State::Connected);
                LegEvent::DialEnded(LegEnd::Completed)
            }
            Outcome::NoAnswer => LegEvent::DialEnded(LegEnd::NoAnswer),
            Outcome::Busy => LegEvent::DialEnded(LegEnd::Busy),
            Outcome::Declined => LegEvent::DialEnded(LegEnd::Rejected),
            Outcome::Failed => LegEvent::DialEnded(LegEnd::Failed),
            Outcome::Cancelled => LegEvent::ScannerLegEnded,
            Outcome::Expired => panic!("nobody is rung for a session that expires"),
        };
        self.notes(id, over);
        self.ends(id, outcome);
        id
    }

    /// A session that Asha gave the code of while the owner was engaged; it waits for her, and the owner is free again.
    #[track_caller]
    pub(crate) fn bound(&mut self, n: u8) -> SessionId {
        let id = self.waiting(n, Reason::Blocking);
        self.owner.live = Some((session_id(200), self.now.plus(Span::HOUR)));
        self.turned_away((id, &leg(n), asha()), CallTurn::Code, &holds(id, 1));
        self.owner.live = None;
        id
    }

    /// Asha dials again on leg `n` and is put through by a session that follows `from`.
    #[track_caller]
    pub(crate) fn follows(&mut self, from: SessionId, n: u8) -> SessionId {
        let id = session_id(n);
        let answer = self.redial(from, n, &leg(n), asha());
        assert_eq!((answer.session, dialed(answer.instruction).session), (id, id));
        self.led_to([Led::Opened(id), Led::Remembered(id), Led::Advanced(id, State::Dialing)]);
        id
    }

    /// A caller who dials again hears `announcement`, and nothing else happens.
    #[track_caller]
    pub(crate) fn not_followed(&mut self, from: SessionId, n: u8, caller: Caller, announcement: Announcement) {
        let owner = self.owner.live;
        let instruction = Instruction::Say { announcement, languages: Languages::Every };
        assert_eq!(self.redial(from, n, &leg(n), caller), Redialled { session: from, instruction });
        self.led_to_nothing();
        assert_eq!(self.tag.view(session_id(n)), None);
        assert_eq!(self.owner.live, owner);
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
        led.extend(self.sign_of(session, outcome).map(Led::Noted));
        led.push(Led::Ended(session, outcome));
        self.led_to(led);
        assert_eq!(self.state(session), State::Ended);
        assert_eq!(self.view(session).outcome, Some(outcome));
        assert!(self.owner.live.is_none_or(|(live, _)| live != session), "its owner is free");
    }

    /// The sign of abuse that the end of a session is, of a caller who is known.
    pub(crate) fn sign_of(&self, session: SessionId, outcome: Outcome) -> Option<Signal> {
        let SessionSnapshot { bound_to, facts, .. } = self.remembered(session);
        let talk = self.view(session).talk.map_or(0, Span::as_millis);
        bound_to?;
        match outcome {
            Outcome::Declined if !facts.coming() => Some(Signal::DeclinedCalls),
            Outcome::Completed if (1..4_000).contains(&talk) => Some(Signal::ShortCalls),
            _ => None,
        }
    }

    /// The owner reports the call of a session, which is a sign of abuse by its caller if that is known.
    #[track_caller]
    pub(crate) fn reported(&mut self, session: SessionId) {
        let state = self.state(session);
        let noted = self.remembered(session).bound_to.map(|_| Led::Noted(Signal::ReportedCalls));
        assert!(self.report(session));
        self.led_to(noted.into_iter().chain([Led::Advanced(session, state)]));
    }

    fn asked_of_both_legs(&self, session: SessionId, operation: Operation) -> Vec<Led> {
        let SessionSnapshot { scanner_leg, owner_leg, .. } = self.remembered(session);
        let legs = scanner_leg.into_iter().chain(owner_leg);
        legs.map(|leg| Led::Asked(session, operation, leg)).collect()
    }
}
