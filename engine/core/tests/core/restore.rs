//! A restart changes nothing that anyone can see: whatever a tag was told, and wherever the process ended in between,
//! the same answers, effects, states, outcomes and deadlines follow.

use proptest::prelude::*;
use qnect_core::caller::Caller;
use qnect_core::effects::Effect;
use qnect_core::facts::Outcome;
use qnect_core::instruction::Instruction;
use qnect_core::leg::LegEvent;
use qnect_core::limiter::Quota;
use qnect_core::reason::Reason;
use qnect_core::scan::ScanDecision;
use qnect_core::session::{Cancelled, Session, SessionSnapshot, State};
use qnect_core::tag::{CallTurn, LegReaction, OpenDecision, Redialled, SessionView};
use qnect_core::time::{Span, Timestamp};

use crate::dsl::{World, asha, bela, leg, named, per_hour, request, session_id};

/// One thing that happens; sessions are named by the order in which they were asked for.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Time passes; every deadline is kept to the millisecond.
    Wait(Span),
    /// Time passes, and only then does the clock look in: a machine that slept.
    Sleep(Span),
    Scan,
    Open {
        reason: Reason,
        name: Option<u8>,
    },
    Call {
        session: u8,
        leg: u8,
        caller: Caller,
        /// After how long the instruction to dial is withheld, if it is.
        withheld: Option<Span>,
    },
    /// A turn of holding is over, or a challenge was answered in vain.
    Turn {
        session: u8,
        leg: u8,
        caller: Caller,
        held: bool,
        turn: u8,
    },
    Redial {
        session: u8,
        leg: u8,
        caller: Caller,
    },
    Cancel {
        session: u8,
    },
    Report {
        session: u8,
    },
    /// Another tag's caller has the owner's line for a while.
    Engage(Span),
    Told {
        session: u8,
        event: LegEvent,
        owner_leg: Option<u8>,
    },
    Whisper {
        session: u8,
    },
}

/// What anyone can see of one step.
#[derive(Debug, PartialEq)]
struct Seen {
    reply: Reply,
    effects: Vec<Effect>,
    views: Vec<Option<SessionView>>,
    sessions: Vec<SessionSnapshot>,
    next_deadline: Option<Timestamp>,
}

#[derive(Debug, PartialEq)]
enum Reply {
    Ended(Vec<Outcome>),
    Scanned(ScanDecision),
    Opened(OpenDecision),
    Called(Instruction),
    Redialled(Redialled),
    Cancelled(Option<Cancelled>),
    Reported(bool),
    Withheld,
    Told(LegReaction),
    Whispered(Option<Instruction>),
}

/// Tells the steps one after the other, with a restart before each one for which `restarts` says so.
struct Run {
    w: World,
    asked: u8,
    seen: Vec<Seen>,
}

impl Run {
    fn of(steps: &[Step], restarts: &[bool]) -> Vec<Seen> {
        let mut run = Self {
            w: World::given(
                |p| {
                    p.tag_rings = per_hour(3);
                    p.tag_urgent_rings = per_hour(1);
                    p.caller_rings = per_hour(2);
                    p.owner_rings = Quota::new(8, Span::DAY);
                    p.tag_open_sessions_max = 4;
                    p.challenge_at = 30;
                    p.withheld_rings = per_hour(1);
                },
                |_| (),
            ),
            asked: 0,
            seen: Vec::new(),
        };
        for (step, restart) in steps.iter().zip(restarts) {
            if let Step::Sleep(span) = step {
                run.w.after(*span);
            }
            if *restart && !run.waits_for_the_provider() {
                run.w.restart();
            }
            run.take(*step);
        }
        run.seen
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Wait(span) => self.wait_until(self.w.now.plus(span)),
            Step::Sleep(_) => self.clock(),
            Step::Scan => {
                let decision = self.w.scan();
                self.see(Reply::Scanned(decision));
            }
            Step::Open { reason, name } => {
                let n = self.asked;
                self.asked += 1;
                let open = name.map_or_else(|| request(n, reason), |name| named(n, reason, name, reason as u8));
                let decision = self.w.open(&open);
                self.see(Reply::Opened(decision));
            }
            Step::Call { session, leg: line, caller, withheld } => {
                let id = session_id(session);
                let waited = self.w.tag.view(id).is_some_and(|v| v.state == State::Waiting);
                let instruction = self.w.call(id, &leg(line), caller);
                let dialed = waited && matches!(instruction, Instruction::Dial(_));
                self.see(Reply::Called(instruction));
                if let (true, Some(after)) = (dialed, withheld) {
                    self.wait_until(self.w.now.plus(after));
                    self.w.withhold(id, caller);
                    self.see(Reply::Withheld);
                }
            }
            Step::Turn { session, leg: line, caller, held, turn } => {
                // A right answer to a challenge is not remembered, so none is given: a scenario says what it does.
                let turn =
                    if held { CallTurn::Held { turn } } else { CallTurn::Challenge { keyed: "", attempt: turn } };
                let instruction = self.w.take_turn(session_id(session), &leg(line), caller, turn);
                self.see(Reply::Called(instruction));
            }
            Step::Redial { session, leg: line, caller } => {
                let answer = self.w.redial(session_id(session), self.asked, &leg(line), caller);
                self.asked += u8::from(answer.session == session_id(self.asked));
                self.see(Reply::Redialled(answer));
            }
            Step::Cancel { session } => {
                let cancelled = self.w.cancel(session_id(session));
                self.see(Reply::Cancelled(cancelled));
            }
            Step::Report { session } => {
                let is_new = self.w.report(session_id(session));
                self.see(Reply::Reported(is_new));
            }
            Step::Engage(span) => {
                if self.w.owner.live.is_none() {
                    self.w.owner.live = Some((session_id(255), self.w.now.plus(span)));
                }
            }
            Step::Told { session, event, owner_leg } => {
                let id = session_id(session);
                let reaction = match owner_leg {
                    Some(owner_leg) => self.w.told_with_leg(id, event, leg(100 + owner_leg)),
                    None => self.w.told(id, event),
                };
                self.see(Reply::Told(reaction));
            }
            Step::Whisper { session } => {
                let whisper = self.w.tag.whisper(session_id(session));
                self.see(Reply::Whispered(whisper));
            }
        }
    }

    /// That a provider was asked after a call is not remembered, so after a restart it is asked again: a scenario of its
    /// own says how.
    fn waits_for_the_provider(&self) -> bool {
        let asked = |effect: &Effect| match effect {
            Effect::Ask(request) => Some(request.session),
            _ => None,
        };
        let mut asked = self.seen.iter().flat_map(|seen| &seen.effects).filter_map(asked);
        asked.any(|id| self.w.tag.view(id).is_some_and(|v| v.state != State::Ended))
    }

    fn wait_until(&mut self, until: Timestamp) {
        while let Some(deadline) = self.w.tag.next_deadline().filter(|at| *at <= until) {
            self.w.now = deadline.max(self.w.now);
            self.clock();
        }
        self.w.now = until;
    }

    fn clock(&mut self) {
        let outcomes = self.w.clock();
        self.see(Reply::Ended(outcomes));
    }

    fn see(&mut self, reply: Reply) {
        let seen = Seen {
            effects: self.w.effects(),
            views: (0..self.asked).map(|n| self.w.tag.view(session_id(n))).collect(),
            sessions: self.w.tag.snapshot(),
            next_deadline: self.w.tag.next_deadline(),
            reply,
        };
        if let Some(before) = self.seen.last() {
            rises(before, &seen);
        }
        self.seen.push(seen);
    }
}

/// No state falls, but for a dial that was withheld; what is published never changes; no session comes back.
fn rises(before: &Seen, after: &Seen) {
    for now in &after.sessions {
        let Some(then) = before.sessions.iter().find(|s| s.id == now.id) else {
            assert!(matches!(after.reply, Reply::Opened(OpenDecision::Opened(_)) | Reply::Redialled(_)));
            continue;
        };
        let (from, to) = (state(then), state(now));
        let withheld = after.reply == Reply::Withheld && (from, to) == (State::Dialing, State::Waiting);
        assert!(to >= from || withheld, "{from:?} fell to {to:?} by {:?}", after.reply);
        let reported = SessionSnapshot { reported_at: now.reported_at, ..then.clone() };
        assert!(then.ended.is_none() || &reported == now, "an ended session changed");
        assert!(then == now || then.ended.is_none() || after.reply == Reply::Reported(true));
    }
}

fn state(snapshot: &SessionSnapshot) -> State {
    Session::restore(snapshot.clone()).state()
}

fn spans() -> impl Strategy<Value = Span> {
    prop_oneof![
        4 => 0u64..10_000,
        4 => 10_000u64..300_000,
        2 => 300_000u64..7_200_000,
        1 => 7_200_000u64..200_000_000,
    ]
    .prop_map(Span::from_millis)
}

fn callers() -> impl Strategy<Value = Caller> {
    prop_oneof![3 => Just(asha()), 2 => Just(bela()), 1 => Just(Caller::Withheld)]
}

fn steps() -> impl Strategy<Value = Step> {
    let reasons = prop::sample::select(Reason::ALL.to_vec());
    let events = prop::sample::select(LegEvent::all().collect::<Vec<_>>());
    let withheld = prop::option::weighted(0.2, (0u64..2_500).prop_map(Span::from_millis));
    prop_oneof![
        4 => spans().prop_map(Step::Wait),
        1 => spans().prop_map(Step::Sleep),
        1 => Just(Step::Scan),
        4 => (reasons, prop::option::weighted(0.3, 0u8..4)).prop_map(|(reason, name)| Step::Open { reason, name }),
        6 => (0u8..12, 0u8..3, callers(), withheld)
            .prop_map(|(session, leg, caller, withheld)| Step::Call { session, leg, caller, withheld }),
        6 => (0u8..12, events, prop::option::weighted(0.3, 0u8..3))
            .prop_map(|(session, event, owner_leg)| Step::Told { session, event, owner_leg }),
        2 => (0u8..12, 0u8..3, callers(), any::<bool>(), 1u8..8)
            .prop_map(|(session, leg, caller, held, turn)| Step::Turn { session, leg, caller, held, turn }),
        3 => (0u8..12, 0u8..12, callers())
            .prop_map(|(session, leg, caller)| Step::Redial { session, leg, caller }),
        1 => (0u8..12).prop_map(|session| Step::Cancel { session }),
        1 => (0u8..12).prop_map(|session| Step::Report { session }),
        1 => (0u64..120_000).prop_map(|ms| Step::Engage(Span::from_millis(ms))),
        1 => (0u8..12).prop_map(|session| Step::Whisper { session }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_restart_at_any_step_changes_nothing(
        steps in prop::collection::vec((steps(), prop::bool::weighted(0.3)), 1..80),
    ) {
        let (steps, restarts): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
        let never = vec![false; steps.len()];
        let always = vec![true; steps.len()];
        let plain = Run::of(&steps, &never);
        prop_assert_eq!(&plain, &Run::of(&steps, &restarts));
        prop_assert_eq!(&plain, &Run::of(&steps, &always));
    }
}
