//! What is fed to a session, and what that did, in the words of the table.

use qnect_core::abuse::Signal;
use qnect_core::caller::Caller;
use qnect_core::instruction::Instruction;
use qnect_core::leg::{LegEvent, LegId};
use qnect_core::provider_request::Operation;
use qnect_core::session::{Cancelled, Change, SessionSnapshot, State, Stay};
use qnect_core::session_id::SessionId;
use qnect_core::time::Timestamp;

use crate::dsl::{Led, World, asha, bela, change, leg, refuses, session_id};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    Told(LegEvent),
    Calls(Who, Line),
    /// The same without a code.
    Redials(Who, Line),
    Cancels,
    Reports,
    DialWithheld,
    ClockBeforeDeadline,
    ClockAtDeadline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Asha,
    Bela,
    Nameless,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// The leg on which Asha called (if she did).
    Same,
    Other,
}

impl Who {
    fn caller(self) -> Caller {
        match self {
            Self::Asha => asha(),
            Self::Bela => bela(),
            Self::Nameless => Caller::Withheld,
        }
    }
}

impl Line {
    fn leg(self) -> LegId {
        match self {
            Self::Same => leg(1),
            Self::Other => leg(2),
        }
    }
}

/// Feeds one input and names, in the words of the table, what it did.
pub(super) fn feed(w: &mut World, id: SessionId, input: Input, deadline: Timestamp) -> &'static str {
    match input {
        Input::Told(event) => told(w, id, event),
        Input::Calls(who, line) => {
            let before = w.remembered(id);
            let binds = before.bound_to.is_none() && who != Who::Nameless;
            let instruction = w.call(id, &line.leg(), who.caller());
            let bound = binds.then_some(Led::Remembered(id));
            answered(w, id, &instruction, (before, line), bound.into_iter().collect())
        }
        Input::Redials(who, line) => {
            let before = w.remembered(id);
            let answer = w.redial(id, 2, &line.leg(), who.caller());
            if answer.session == session_id(2) {
                let follow_up = answer.session;
                assert!(matches!(answer.instruction, Instruction::Dial(dial) if dial.session == follow_up));
                w.led_to([
                    Led::Opened(follow_up),
                    Led::Remembered(follow_up),
                    Led::Advanced(follow_up, State::Dialing),
                ]);
                assert_eq!(w.remembered(id), before);
                return "follows";
            }
            assert_eq!(answer.session, id);
            answered(w, id, &answer.instruction, (before, line), Vec::new())
        }
        Input::Cancels => match w.cancel(id) {
            Some(Cancelled::Now) => {
                w.led_to([Led::ReleasedCode(id), Led::Advanced(id, State::Ended)]);
                "cancelled"
            }
            Some(Cancelled::HangUp) => {
                w.led_to([Led::Asked(id, Operation::HangUp, leg(1))]);
                "hung up"
            }
            Some(Cancelled::TooLate) => {
                w.led_to_nothing();
                "too late"
            }
            None => panic!("the session is known"),
        },
        Input::Reports => {
            let is_new = w.report(id);
            let of_caller = w.remembered(id).bound_to.map(|_| Led::Noted(Signal::ReportedCalls));
            let led = is_new.then(|| of_caller.into_iter().chain([Led::Advanced(id, w.state(id))]));
            w.led_to(led.into_iter().flatten());
            if is_new { "reported" } else { "nothing" }
        }
        Input::DialWithheld => withheld(w, id),
        Input::ClockBeforeDeadline => clock(w, id, Timestamp::from_millis(deadline.as_millis() - 1)),
        Input::ClockAtDeadline => clock(w, id, deadline),
    }
}

fn told(w: &mut World, id: SessionId, event: LegEvent) -> &'static str {
    let before = w.state(id);
    let change = change(w.told(id, event));
    let (what, recorded) = match (change, w.state(id)) {
        (Change::Moved, State::Ringing) => ("-> ringing", true),
        (Change::Moved, State::Connected) => ("-> connected", true),
        (Change::Moved, state) => panic!("no event lifts a session to {state:?}"),
        (Change::Noted, _) => ("noted", true),
        (Change::Stay(Stay::Duplicate), _) => ("duplicate", true),
        (Change::Stay(Stay::NotDialed), _) => ("not dialed", false),
        (Change::Stay(Stay::Late), _) => ("late", false),
    };
    w.led_to(recorded.then_some(Led::Advanced(id, w.state(id))));
    assert_eq!(w.state(id) != before, change == Change::Moved);
    what
}

/// What a caller was answered, after these effects.
fn answered(
    w: &mut World,
    id: SessionId,
    instruction: &Instruction,
    (before, line): (SessionSnapshot, Line),
    mut led: Vec<Led>,
) -> &'static str {
    if !matches!(instruction, Instruction::Dial(_)) {
        assert_eq!(instruction, &refuses());
        w.led_to_nothing();
        assert_eq!(w.remembered(id), before);
        return "code refused";
    }
    assert_eq!(w.remembered(id).scanner_leg, Some(line.leg()));
    led.push(Led::Advanced(id, w.state(id)));
    w.led_to(led);
    if before.dialed_at.is_some() {
        assert_eq!(w.remembered(id), before);
        return "same dial";
    }
    assert_eq!(w.state(id), State::Dialing);
    "dial"
}

fn withheld(w: &mut World, id: SessionId) -> &'static str {
    let before = w.state(id);
    w.withhold(id, asha());
    if w.state(id) == before {
        w.led_to_nothing();
        return "nothing";
    }
    w.led_to([Led::ForgotLeg(leg(1)), Led::Advanced(id, State::Waiting)]);
    "withheld"
}

fn clock(w: &mut World, id: SessionId, now: Timestamp) -> &'static str {
    let before = w.state(id);
    w.now = now;
    let outcomes = w.clock();
    let led = w.led();
    match (w.tag.view(id), outcomes.as_slice()) {
        (None, []) => {
            assert_eq!(led, []);
            "forgotten"
        }
        (Some(view), []) if led.is_empty() => {
            assert_eq!(view.state, before);
            "nothing"
        }
        (Some(view), []) => {
            assert_eq!((view.state, led), (before, vec![Led::Asked(id, Operation::FetchCall, leg(1))]));
            "asked after"
        }
        (Some(view), [outcome]) => {
            assert_eq!((view.state, view.outcome), (State::Ended, Some(*outcome)));
            let call = w.remembered(id).scanner_leg;
            let let_go = call.iter().cloned().map(Led::ForgotLeg);
            let mut expected: Vec<_> = [Led::ReleasedCode(id)].into_iter().chain(let_go).collect();
            expected.extend(w.sign_of(id, *outcome).map(Led::Noted));
            expected.push(Led::Ended(id, *outcome));
            if led == expected {
                return "ended";
            }
            expected.insert(0, Led::Asked(id, Operation::HangUp, leg(1)));
            assert_eq!(led, expected);
            "hung up, ended"
        }
        (view, outcomes) => panic!("{view:?} {outcomes:?}"),
    }
}

/// Lets the clock run until the session has ended, and names its outcome.
pub(super) fn end(w: &mut World, id: SessionId) -> &'static str {
    while let Some(view) = w.tag.view(id) {
        if let Some(outcome) = view.outcome {
            return outcome.id();
        }
        w.now = w.tag.next_deadline().unwrap();
        w.clock();
        w.led();
    }
    "none"
}
