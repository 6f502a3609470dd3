//! A small language for scenarios: given a world, it is told something, it decides, effects follow, and nothing else.
//!
//! Every input returns its reply. What an input led to is asserted with [`World::led_to`]; effects that nobody asserted
//! fail the test at the next input, or at the end of the world.

mod cast;
mod inputs;
mod replies;
mod stories;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub(crate) use cast::*;
use qnect_core::abuse::Signal;
use qnect_core::access_code::AccessCode;
use qnect_core::caller::DayToken;
use qnect_core::desk::{AddressCell, CallerCell, NetworkCell, OwnerCell};
use qnect_core::effects::{Effect, Effects};
use qnect_core::facts::Outcome;
use qnect_core::leg::LegId;
use qnect_core::policy::Policy;
use qnect_core::provider_request::{Operation, ProviderRequest};
use qnect_core::record::Record;
use qnect_core::session::{Session, SessionSnapshot, State};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{SessionView, Tag, TagConfig};
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
    /// A sign of abuse by a caller is noted.
    Noted(Signal),
    /// Somebody calls for a session, which is no unused one of its address then.
    Used,
    /// A call does credit to the address that its session came from.
    Credited,
    /// One session less is open, because it gave way.
    GaveWay,
}

/// One tag with all that is lent to it, at one point in time.
pub(crate) struct World {
    pub(crate) tag: Tag,
    pub(crate) config: Arc<TagConfig>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) now: Timestamp,
    pub(crate) owner: OwnerCell,
    pub(crate) address: AddressCell,
    pub(crate) network: NetworkCell,
    pub(crate) callers: HashMap<DayToken, CallerCell>,
    /// Whether the provider has a line left to ring the owner with.
    pub(crate) line_is_free: bool,
    lane: Effects,
    codes: HashMap<AccessCode, SessionId>,
    /// Sessions of which it is known still where they were opened from.
    located: HashSet<SessionId>,
    /// Those of them that somebody has called for.
    used: HashSet<SessionId>,
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
            network: NetworkCell::default(),
            callers: HashMap::new(),
            line_is_free: true,
            lane: Effects::new(),
            codes: HashMap::new(),
            located: HashSet::new(),
            used: HashSet::new(),
        }
    }

    /// Time passes and nobody is told.
    pub(crate) fn after(&mut self, span: Span) -> &mut Self {
        self.now = self.now.plus(span);
        self
    }

    /// Whoever comes next to the page comes from an address that nobody has heard of, in a network of its own.
    pub(crate) fn elsewhere(&mut self) -> &mut Self {
        (self.address, self.network) = (AddressCell::default(), NetworkCell::default());
        self
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

    /// Takes what the last input led to. The last record of each session must tell what the tag itself remembers.
    pub(crate) fn led(&mut self) -> Vec<Led> {
        let sessions = self.tag.snapshot();
        let last_told: HashMap<_, _> = self.lane.as_slice().iter().filter_map(session_told).collect();
        for told in last_told.values() {
            if let Some(known) = sessions.iter().find(|s| s.id == told.id) {
                assert_eq!(*told, known, "a record tells something else than the tag remembers");
            }
        }
        let (policy, codes, callers, now) = (&self.policy, &self.codes, &mut self.callers, self.now);
        let (address, network) = (&mut self.address, &mut self.network);
        self.lane
            .drain()
            .map(|effect| match effect {
                Effect::Record(Record::ScanAdmitted(_)) => Led::ScanAdmitted,
                Effect::Record(Record::SessionOpened(s)) => Led::Opened(s.id),
                Effect::Record(Record::SessionAdvanced(s)) => Led::Advanced(s.id, Session::restore(*s).state()),
                Effect::Record(Record::SessionEnded(s)) => Led::Ended(s.id, s.ended.expect("an end has an outcome").0),
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
                Effect::NoteCaller { caller, signal, owner } => {
                    callers.entry(caller).or_default().note(signal, Some(owner), policy, now);
                    Led::Noted(signal)
                }
                Effect::UsedSession { from: _ } => {
                    address.session_is_used(Some(network), now);
                    Led::Used
                }
                Effect::CreditAddress { from: _, urgent, caller } => {
                    address.credit_call(urgent, caller, policy, now);
                    network.credit_call(caller, now);
                    Led::Credited
                }
                Effect::GaveWay => Led::GaveWay,
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

fn session_told(effect: &Effect) -> Option<(SessionId, &SessionSnapshot)> {
    match effect {
        Effect::Record(Record::SessionOpened(s) | Record::SessionAdvanced(s) | Record::SessionEnded(s)) => {
            Some((s.id, s))
        }
        _ => None,
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
