//! The whole table: what every input does to a session in every state, and how the session then ends if nothing else
//! happens. The expectations are literals; nothing here is computed by the code under test.
//!
//! A cell reads `what it does; how the session ends`. What it does:
//!
//! - `-> state`: the state rises, and that is recorded;
//! - `noted`: the state stands, but something new is known and recorded;
//! - `duplicate`: nothing new, but recorded again, since the first record may be on its way still;
//! - `not dialed`, `late`: nothing, and nothing is recorded;
//! - `dial`: the caller is put through, `same dial`: gets the same answer again, `code refused`: is turned away;
//! - `withheld`: waits again; `nothing`: nothing; `asked after`: the provider is asked how the call stands;
//! - `ended`: its time was up; `forgotten`: it is in memory no longer.

use qnect_core::caller::Caller;
use qnect_core::facts::Outcome;
use qnect_core::instruction::Instruction;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::provider_request::Operation;
use qnect_core::reason::Reason;
use qnect_core::session::{Change, State, Stay};
use qnect_core::session_id::SessionId;
use qnect_core::time::{Span, Timestamp};

use crate::dsl::{Led, World, asha, bela, change, leg, refuses};

const COLUMNS: [Situation; 6] = [
    Situation::Fresh,
    Situation::Bound,
    Situation::Dialing,
    Situation::Ringing,
    Situation::Connected,
    Situation::Ended,
];

#[rustfmt::skip]
const TABLE: &[(Input, [&str; 6])] = {
    use Input::*;
    use LegEnd::*;
    use LegEvent::*;
    &[
    //                                   waiting, fresh              waiting, bound to Asha      dialing                      ringing                      connected                    ended
    (Told(OwnerRang),                  ["not dialed; expired",      "not dialed; expired",      "-> ringing; failed",        "duplicate; failed",         "noted; completed",          "late; completed"]),
    (Told(OwnerAnswered),              ["not dialed; expired",      "not dialed; expired",      "-> ringing; failed",        "noted; failed",             "duplicate; completed",      "late; completed"]),
    (Told(OwnerAccepted),              ["not dialed; expired",      "not dialed; expired",      "-> connected; completed",   "-> connected; completed",   "duplicate; completed",      "late; completed"]),
    (Told(OwnerRefused),               ["not dialed; expired",      "not dialed; expired",      "-> ringing; declined",      "noted; declined",           "noted; declined",           "late; completed"]),
    (Told(OwnerComing),                ["not dialed; expired",      "not dialed; expired",      "-> ringing; declined",      "noted; declined",           "noted; completed",          "late; completed"]),
    (Told(ScannerLegEnded),            ["not dialed; expired",      "not dialed; expired",      "noted; cancelled",          "noted; cancelled",          "noted; completed",          "late; completed"]),
    (Told(OwnerLegEnded(Completed)),   ["not dialed; expired",      "not dialed; expired",      "noted; no_answer",          "noted; no_answer",          "noted; completed",          "late; completed"]),
    (Told(OwnerLegEnded(HungUp)),      ["not dialed; expired",      "not dialed; expired",      "noted; declined",           "noted; declined",           "noted; completed",          "late; completed"]),
    (Told(OwnerLegEnded(Busy)),        ["not dialed; expired",      "not dialed; expired",      "noted; busy",               "noted; busy",               "noted; completed",          "late; completed"]),
    (Told(OwnerLegEnded(NoAnswer)),    ["not dialed; expired",      "not dialed; expired",      "noted; no_answer",          "noted; no_answer",          "noted; completed",          "late; completed"]),
    (Told(OwnerLegEnded(Rejected)),    ["not dialed; expired",      "not dialed; expired",      "noted; declined",           "noted; declined",           "noted; declined",           "late; completed"]),
    (Told(OwnerLegEnded(Cancelled)),   ["not dialed; expired",      "not dialed; expired",      "noted; cancelled",          "noted; cancelled",          "noted; completed",          "late; completed"]),
    (Told(OwnerLegEnded(Failed)),      ["not dialed; expired",      "not dialed; expired",      "noted; failed",             "noted; failed",             "noted; completed",          "late; completed"]),
    (Told(DialEnded(Completed)),       ["not dialed; expired",      "not dialed; expired",      "noted; no_answer",          "noted; no_answer",          "noted; completed",          "late; completed"]),
    (Told(DialEnded(HungUp)),          ["not dialed; expired",      "not dialed; expired",      "noted; declined",           "noted; declined",           "noted; completed",          "late; completed"]),
    (Told(DialEnded(Busy)),            ["not dialed; expired",      "not dialed; expired",      "noted; busy",               "noted; busy",               "noted; completed",          "late; completed"]),
    (Told(DialEnded(NoAnswer)),        ["not dialed; expired",      "not dialed; expired",      "noted; no_answer",          "noted; no_answer",          "noted; completed",          "late; completed"]),
    (Told(DialEnded(Rejected)),        ["not dialed; expired",      "not dialed; expired",      "noted; declined",           "noted; declined",           "noted; declined",           "late; completed"]),
    (Told(DialEnded(Cancelled)),       ["not dialed; expired",      "not dialed; expired",      "noted; cancelled",          "noted; cancelled",          "noted; completed",          "late; completed"]),
    (Told(DialEnded(Failed)),          ["not dialed; expired",      "not dialed; expired",      "noted; failed",             "noted; failed",             "noted; completed",          "late; completed"]),
    (Calls(Who::Asha, Line::Same),     ["dial; failed",             "dial; failed",             "same dial; failed",         "same dial; failed",         "same dial; completed",      "code refused; completed"]),
    (Calls(Who::Asha, Line::Other),    ["dial; failed",             "dial; failed",             "code refused; failed",      "code refused; failed",      "code refused; completed",   "code refused; completed"]),
    (Calls(Who::Bela, Line::Same),     ["dial; failed",             "code refused; expired",    "same dial; failed",         "same dial; failed",         "same dial; completed",      "code refused; completed"]),
    (Calls(Who::Bela, Line::Other),    ["dial; failed",             "code refused; expired",    "code refused; failed",      "code refused; failed",      "code refused; completed",   "code refused; completed"]),
    (Calls(Who::Nameless, Line::Same), ["dial; failed",             "code refused; expired",    "same dial; failed",         "same dial; failed",         "same dial; completed",      "code refused; completed"]),
    (Calls(Who::Nameless, Line::Other),["dial; failed",             "code refused; expired",    "code refused; failed",      "code refused; failed",      "code refused; completed",   "code refused; completed"]),
    (DialWithheld,                     ["nothing; expired",         "nothing; expired",         "withheld; expired",         "nothing; failed",           "nothing; completed",        "nothing; completed"]),
    (ClockBeforeDeadline,              ["nothing; expired",         "nothing; expired",         "nothing; failed",           "nothing; failed",           "nothing; completed",        "nothing; completed"]),
    (ClockAtDeadline,                  ["ended; expired",           "ended; expired",           "asked after; failed",       "asked after; failed",       "asked after; completed",    "forgotten; none"]),
    ]
};

/// The deadline of each situation, in seconds after its session was opened: its life, or ring + accept + watchdog, or
/// accepted + talk + watchdog, or a day after an end that was published 5 s after the hang-up.
const DEADLINE_SECONDS: [u64; 6] = [600, 600, 1 + 100, 1 + 100, 2 + 240, 3 + 5 + 86_400];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Situation {
    /// Waiting, and nobody has called yet.
    Fresh,
    /// Waiting again, because the dial for Asha was withheld: bound to her.
    Bound,
    Dialing,
    Ringing,
    Connected,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Told(LegEvent),
    Calls(Who, Line),
    DialWithheld,
    ClockBeforeDeadline,
    ClockAtDeadline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Asha,
    Bela,
    Nameless,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// The leg on which Asha called (if she did).
    Same,
    Other,
}

impl Situation {
    /// Opened at second 0, dialled at 1, accepted at 2, hung up at 3.
    fn given(self) -> (World, SessionId) {
        let mut w = World::new();
        let second = Span::from_secs(1);
        let id = w.waiting(1, Reason::Blocking);
        if self == Self::Fresh {
            return (w, id);
        }
        w.after(second).put_through(id, &leg(1), asha());
        if self == Self::Bound {
            w.withhold(id, asha());
            w.led_to([Led::ForgotLeg(leg(1)), Led::Advanced(id, State::Waiting)]);
        }
        if self == Self::Ringing {
            w.lifts(id, LegEvent::OwnerRang, State::Ringing);
        }
        if matches!(self, Self::Connected | Self::Ended) {
            w.after(second).lifts(id, LegEvent::OwnerAccepted, State::Connected);
        }
        if self == Self::Ended {
            w.after(second).notes(id, LegEvent::DialEnded(LegEnd::Completed));
            w.ends(id, Outcome::Completed);
        }
        (w, id)
    }

    fn state(self) -> State {
        match self {
            Self::Fresh | Self::Bound => State::Waiting,
            Self::Dialing => State::Dialing,
            Self::Ringing => State::Ringing,
            Self::Connected => State::Connected,
            Self::Ended => State::Ended,
        }
    }
}

/// Feeds one input and names, in the words of the table, what it did.
fn feed(w: &mut World, id: SessionId, input: Input, deadline: Timestamp) -> &'static str {
    let before = w.state(id);
    match input {
        Input::Told(event) => {
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
        Input::Calls(who, line) => {
            let caller = match who {
                Who::Asha => asha(),
                Who::Bela => bela(),
                Who::Nameless => Caller::Withheld,
            };
            let leg = match line {
                Line::Same => leg(1),
                Line::Other => leg(2),
            };
            let remembered =
                (w.remembered(id).bound_to.is_none() && caller != Caller::Withheld).then_some(Led::Remembered(id));
            let instruction = w.call(id, &leg, caller);
            match (instruction, before, w.state(id)) {
                (Instruction::Dial(_), State::Waiting, State::Dialing) => {
                    w.led_to(remembered.into_iter().chain([Led::Advanced(id, State::Dialing)]));
                    assert_eq!(w.remembered(id).scanner_leg, Some(leg));
                    "dial"
                }
                (Instruction::Dial(_), _, after) if before == after => {
                    w.led_to([Led::Advanced(id, after)]);
                    "same dial"
                }
                (refused, _, after) if before == after => {
                    assert_eq!(refused, refuses());
                    w.led_to_nothing();
                    "code refused"
                }
                (instruction, _, after) => panic!("{instruction:?} in {before:?} led to {after:?}"),
            }
        }
        Input::DialWithheld => {
            w.withhold(id, asha());
            if w.state(id) == before {
                w.led_to_nothing();
                return "nothing";
            }
            w.led_to([Led::ForgotLeg(leg(1)), Led::Advanced(id, State::Waiting)]);
            "withheld"
        }
        Input::ClockBeforeDeadline | Input::ClockAtDeadline => {
            w.now = match input {
                Input::ClockBeforeDeadline => Timestamp::from_millis(deadline.as_millis() - 1),
                _ => deadline,
            };
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
                    assert_eq!(led[0], Led::ReleasedCode(id));
                    assert_eq!(led.last(), Some(&Led::Ended(id, *outcome)));
                    "ended"
                }
                (view, outcomes) => panic!("{view:?} {outcomes:?}"),
            }
        }
    }
}

/// Lets the clock run until the session has ended, and names its outcome.
fn end(w: &mut World, id: SessionId) -> &'static str {
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

#[test]
fn every_input_in_every_state_does_what_the_table_says() {
    for (input, cells) in TABLE {
        for ((situation, cell), seconds) in COLUMNS.into_iter().zip(cells).zip(DEADLINE_SECONDS) {
            let (mut w, id) = situation.given();
            assert_eq!(w.state(id), situation.state());
            let deadline = w.remembered(id).opened_at.plus(Span::from_secs(seconds));
            assert_eq!(w.tag.next_deadline(), Some(deadline), "the deadline of {situation:?}");
            let did = feed(&mut w, id, *input, deadline);
            let got = format!("{did}; {}", end(&mut w, id));
            assert_eq!(&got, cell, "{input:?} in {situation:?}");
        }
    }
}

#[test]
fn the_table_is_complete() {
    for state in State::ALL {
        assert!(COLUMNS.iter().any(|c| c.state() == state), "no column for {state:?}");
    }
    let legs = LegEvent::all().map(Input::Told);
    let callers = [Who::Asha, Who::Bela, Who::Nameless]
        .into_iter()
        .flat_map(|who| [Line::Same, Line::Other].map(|line| Input::Calls(who, line)));
    let ours = [Input::DialWithheld, Input::ClockBeforeDeadline, Input::ClockAtDeadline];
    let inputs: Vec<_> = legs.chain(callers).chain(ours).collect();
    assert_eq!(inputs.len(), 20 + 6 + 3);
    assert_eq!(TABLE.len(), inputs.len(), "a row too many or too few");
    for input in inputs {
        let rows = TABLE.iter().filter(|(row, _)| *row == input).count();
        assert_eq!(rows, 1, "rows for {input:?}");
    }
}
