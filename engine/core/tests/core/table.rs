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
//! - `follows`: the caller is put through by a session of its own that follows this one;
//! - `hung up`: the provider is asked to end the call; `cancelled`: ended at once; `too late`: nothing;
//! - `reported`: noted and recorded;
//! - `withheld`: waits again; `nothing`: nothing; `asked after`: the provider is asked how the call stands;
//! - `ended`: its time was up; `hung up, ended`: and its call was lost; `forgotten`: it is in memory no longer.

mod feeding;
mod situations;

use feeding::{Input, Line, Who, end, feed};
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::session::State;
use qnect_core::time::Span;
use situations::Situation;

/// Each situation with its deadline, in seconds after its session was opened: its life, or ring + accept + watchdog, or
/// accepted + talk + watchdog, or a day after an end that was published 5 s after the hang-up.
const COLUMNS: [(Situation, u64); 6] = [
    (Situation::Fresh, 600),
    (Situation::Bound, 600),
    (Situation::Dialing, 1 + 100),
    (Situation::Ringing, 1 + 100),
    (Situation::Connected, 2 + 240),
    (Situation::Ended, 3 + 5 + 86_400),
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
    (Redials(Who::Asha, Line::Same),   ["code refused; expired",    "dial; failed",             "same dial; failed",         "same dial; failed",         "same dial; completed",      "code refused; completed"]),
    (Redials(Who::Asha, Line::Other),  ["code refused; expired",    "dial; failed",             "code refused; failed",      "code refused; failed",      "code refused; completed",   "follows; completed"]),
    (Redials(Who::Bela, Line::Same),   ["code refused; expired",    "code refused; expired",    "same dial; failed",         "same dial; failed",         "same dial; completed",      "code refused; completed"]),
    (Redials(Who::Bela, Line::Other),  ["code refused; expired",    "code refused; expired",    "code refused; failed",      "code refused; failed",      "code refused; completed",   "code refused; completed"]),
    (Redials(Who::Nameless, Line::Same),  ["code refused; expired", "code refused; expired",    "same dial; failed",         "same dial; failed",         "same dial; completed",      "code refused; completed"]),
    (Redials(Who::Nameless, Line::Other), ["code refused; expired", "code refused; expired",    "code refused; failed",      "code refused; failed",      "code refused; completed",   "code refused; completed"]),
    (Cancels,                          ["cancelled; cancelled",     "cancelled; cancelled",     "hung up; failed",           "hung up; failed",           "hung up; completed",        "too late; completed"]),
    (Reports,                          ["nothing; expired",         "nothing; expired",         "reported; failed",          "reported; failed",          "reported; completed",       "reported; completed"]),
    (DialWithheld,                     ["nothing; expired",         "nothing; expired",         "withheld; expired",         "nothing; failed",           "nothing; completed",        "nothing; completed"]),
    (ClockBeforeDeadline,              ["nothing; expired",         "nothing; expired",         "nothing; failed",           "nothing; failed",           "nothing; completed",        "nothing; completed"]),
    (ClockAtDeadline,                  ["ended; expired",           "ended; expired",           "asked after; failed",       "asked after; failed",       "asked after; completed",    "forgotten; none"]),
    ]
};

/// What is told of a call that was over, or that the provider was asked after.
const LATER_COLUMNS: [(Situation, u64); 2] = [(Situation::Over, 3 + 5), (Situation::AskedAfter, 1 + 100 + 10)];

#[rustfmt::skip]
const LATER: &[(Input, [&str; 2])] = {
    use Input::*;
    use LegEnd::*;
    use LegEvent::*;
    &[
    //                                      rang out, not published      asked after
    (Told(OwnerRang),                     ["-> ringing; no_answer",      "-> ringing; failed"]),
    (Told(OwnerAnswered),                 ["-> ringing; no_answer",      "-> ringing; failed"]),
    (Told(OwnerAccepted),                 ["-> connected; completed",    "-> connected; completed"]),
    (Told(OwnerRefused),                  ["-> ringing; declined",       "-> ringing; declined"]),
    (Told(OwnerComing),                   ["-> ringing; declined",       "-> ringing; declined"]),
    (Told(ScannerLegEnded),               ["noted; no_answer",           "noted; cancelled"]),
    (Told(OwnerLegEnded(Completed)),      ["noted; no_answer",           "noted; no_answer"]),
    (Told(OwnerLegEnded(HungUp)),         ["noted; declined",            "noted; declined"]),
    (Told(OwnerLegEnded(Busy)),           ["noted; busy",                "noted; busy"]),
    (Told(OwnerLegEnded(NoAnswer)),       ["noted; no_answer",           "noted; no_answer"]),
    (Told(OwnerLegEnded(Rejected)),       ["noted; declined",            "noted; declined"]),
    (Told(OwnerLegEnded(Cancelled)),      ["noted; no_answer",           "noted; cancelled"]),
    (Told(OwnerLegEnded(Failed)),         ["noted; no_answer",           "noted; failed"]),
    (Told(DialEnded(Completed)),          ["noted; no_answer",           "noted; no_answer"]),
    (Told(DialEnded(HungUp)),             ["noted; declined",            "noted; declined"]),
    (Told(DialEnded(Busy)),               ["noted; busy",                "noted; busy"]),
    (Told(DialEnded(NoAnswer)),           ["duplicate; no_answer",       "noted; no_answer"]),
    (Told(DialEnded(Rejected)),           ["noted; declined",            "noted; declined"]),
    (Told(DialEnded(Cancelled)),          ["noted; no_answer",           "noted; cancelled"]),
    (Told(DialEnded(Failed)),             ["noted; no_answer",           "noted; failed"]),
    (Calls(Who::Asha, Line::Same),        ["code refused; no_answer",    "same dial; failed"]),
    (Calls(Who::Asha, Line::Other),       ["code refused; no_answer",    "code refused; failed"]),
    (Calls(Who::Bela, Line::Same),        ["code refused; no_answer",    "same dial; failed"]),
    (Calls(Who::Bela, Line::Other),       ["code refused; no_answer",    "code refused; failed"]),
    (Calls(Who::Nameless, Line::Same),    ["code refused; no_answer",    "same dial; failed"]),
    (Calls(Who::Nameless, Line::Other),   ["code refused; no_answer",    "code refused; failed"]),
    (Redials(Who::Asha, Line::Same),      ["code refused; no_answer",    "same dial; failed"]),
    (Redials(Who::Asha, Line::Other),     ["code refused; no_answer",    "code refused; failed"]),
    (Redials(Who::Bela, Line::Same),      ["code refused; no_answer",    "same dial; failed"]),
    (Redials(Who::Bela, Line::Other),     ["code refused; no_answer",    "code refused; failed"]),
    (Redials(Who::Nameless, Line::Same),  ["code refused; no_answer",    "same dial; failed"]),
    (Redials(Who::Nameless, Line::Other), ["code refused; no_answer",    "code refused; failed"]),
    (Cancels,                             ["hung up; no_answer",         "hung up; failed"]),
    (Reports,                             ["reported; no_answer",        "reported; failed"]),
    (DialWithheld,                        ["nothing; no_answer",         "withheld; expired"]),
    (ClockBeforeDeadline,                 ["nothing; no_answer",         "nothing; failed"]),
    (ClockAtDeadline,                     ["ended; no_answer",           "hung up, ended; failed"]),
    ]
};

#[test]
fn every_input_in_every_state_does_what_the_table_says() {
    holds(COLUMNS, TABLE);
}

#[test]
fn every_input_when_a_call_is_over_or_lost_does_what_the_table_says() {
    holds(LATER_COLUMNS, LATER);
}

fn holds<const N: usize>(columns: [(Situation, u64); N], table: &[(Input, [&str; N])]) {
    for (input, cells) in table {
        for ((situation, seconds), cell) in columns.into_iter().zip(cells) {
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
fn the_tables_are_complete() {
    for state in State::ALL {
        assert!(COLUMNS.iter().any(|(column, _)| column.state() == state), "no column for {state:?}");
    }
    let lines = || {
        [Who::Asha, Who::Bela, Who::Nameless]
            .into_iter()
            .flat_map(|who| [Line::Same, Line::Other].map(|line| (who, line)))
    };
    let legs = LegEvent::all().map(Input::Told);
    let calls = lines().map(|(who, line)| Input::Calls(who, line));
    let redials = lines().map(|(who, line)| Input::Redials(who, line));
    let wishes = [Input::Cancels, Input::Reports];
    let ours = [Input::DialWithheld, Input::ClockBeforeDeadline, Input::ClockAtDeadline];
    let inputs: Vec<_> = legs.chain(calls).chain(redials).chain(wishes).chain(ours).collect();
    assert_eq!(inputs.len(), 20 + 6 + 6 + 2 + 3);
    let rows = [TABLE.iter().map(|(row, _)| *row).collect::<Vec<_>>(), LATER.iter().map(|(row, _)| *row).collect()];
    for rows in rows {
        assert_eq!(rows.len(), inputs.len(), "a row too many or too few");
        for input in &inputs {
            assert_eq!(rows.iter().filter(|row| *row == input).count(), 1, "rows for {input:?}");
        }
    }
}
