//! The score of a caller, over all tags: it challenges on the line, then refuses, and what is urgent is heard for longer.

use qnect_core::abuse::Signal;
use qnect_core::caller::Caller;
use qnect_core::desk::Desk;
use qnect_core::facts::Outcome;
use qnect_core::instruction::{Announcement, Instruction};
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::reason::Reason;
use qnect_core::scan::Verdict;
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::time::Span;

use crate::dsl::{Led, World, asha, bela, known, leg, says, token};

const NOON: Span = Span::from_secs(12 * 3_600);

fn at_noon() -> World {
    let mut w = World::new();
    w.after(NOON);
    w
}

/// Asha gave so many codes that led nowhere, of tags elsewhere.
fn wrong_codes(w: &mut World, count: usize) {
    let (now, policy) = (w.now, w.policy.clone());
    let cell = w.callers.entry(token(1)).or_default();
    (0..count).for_each(|_| cell.note(Signal::WrongCodes, None, &policy, now));
}

/// What Asha hears who calls for a new session.
fn hears(w: &mut World, n: u8, reason: Reason) -> (SessionId, Instruction) {
    let id = w.elsewhere().waiting(n, reason);
    let instruction = w.call(id, &leg(n), asha());
    w.led();
    (id, instruction)
}

#[test]
fn codes_that_lead_nowhere_challenge_and_then_refuse_what_is_urgent_too() {
    for (codes, calm, urgent) in [
        (0, "dial", "dial"),
        (4, "dial", "dial"),
        (5, "challenge", "challenge"),
        (9, "challenge", "challenge"),
        (10, "refused", "refused"),
        (20, "refused", "refused"),
    ] {
        for (reason, expected) in [(Reason::Blocking, calm), (Reason::ChildOrPet, urgent)] {
            let mut w = at_noon();
            wrong_codes(&mut w, codes);
            let (id, instruction) = hears(&mut w, 1, reason);
            let got = match instruction {
                Instruction::Dial(_) => "dial",
                Instruction::Challenge { .. } => "challenge",
                said => {
                    assert_eq!(said, says(Announcement::OwnerUnavailable));
                    "refused"
                }
            };
            assert_eq!(got, expected, "{codes} wrong codes, {reason:?}");
            let because: Vec<_> = w.remembered(id).because.iter().collect();
            assert_eq!(because, if codes < 5 { vec![] } else { vec![Signal::WrongCodes] });
            assert_eq!(w.owner.live.is_some(), expected == "dial");
        }
    }
}

#[test]
fn why_somebody_is_challenged_survives_a_restart() {
    let mut w = at_noon();
    wrong_codes(&mut w, 5);
    let (id, _) = hears(&mut w, 1, Reason::Blocking);
    w.restart();
    assert!(w.view(id).challenge);
    assert_eq!(w.view(id).because.iter().collect::<Vec<_>>(), [Signal::WrongCodes]);
}

#[test]
fn half_of_it_is_forgotten_in_six_hours_and_what_is_urgent_is_heard_before() {
    let mut w = World::new();
    w.after(Span::from_secs(6 * 3_600));
    wrong_codes(&mut w, 10);
    let unavailable = says(Announcement::OwnerUnavailable);
    for (n, secs, is_calm_heard, is_urgent_heard) in [
        (1, 0, false, false),
        (3, 10_740, false, false),
        (5, 120, false, true),
        (7, 10_680, false, true),
        (9, 120, true, true),
    ] {
        w.after(Span::from_secs(secs));
        w.clock();
        w.led();
        for (n, reason, is_heard) in
            [(n, Reason::Blocking, is_calm_heard), (n + 1, Reason::ChildOrPet, is_urgent_heard)]
        {
            let heard = hears(&mut w, n, reason).1;
            assert!(matches!(heard, Instruction::Challenge { .. }) == is_heard, "{n}: {heard:?}");
            assert!(is_heard || heard == unavailable, "{n}: {heard:?}");
        }
    }
}

#[test]
fn others_are_not_concerned_and_a_caller_without_a_number_has_no_score() {
    let mut w = at_noon();
    wrong_codes(&mut w, 20);
    for (n, caller) in [(1, bela()), (2, Caller::Withheld)] {
        let id = w.dialing_for(caller, n, Reason::Blocking);
        w.notes(id, LegEvent::DialEnded(LegEnd::NoAnswer));
    }
}

#[test]
fn what_an_owner_thinks_of_a_call_is_held_against_its_caller() {
    let mut w = at_noon();
    w.called(1, Outcome::Declined);
    let declined = w.callers[&token(1)].score;
    let asked =
        |w: &World| Desk { caller: Some(&mut w.callers[&token(1)].clone()), ..Desk::default() }.assess_caller(w.now);
    assert_eq!((asked(&w).points(), asked(&w).because.iter().collect::<Vec<_>>()), (30, vec![Signal::DeclinedCalls]));
    // A talk of three seconds is none; one of four is one.
    for (n, millis, points) in [(2, 4_000, 0), (3, 3_999, 30)] {
        let caller = known(n);
        let id = w.elsewhere().dialing_for(caller, n, Reason::Blocking);
        w.lifts(id, LegEvent::OwnerAccepted, State::Connected);
        w.after(Span::from_millis(millis)).notes(id, LegEvent::DialEnded(LegEnd::Completed));
        w.ends(id, Outcome::Completed);
        let mut cell = w.callers[&token(n)].clone();
        let against = Desk { caller: Some(&mut cell), ..Desk::default() }.assess_caller(w.now);
        assert_eq!(against.points(), points, "{millis} ms");
    }
    assert_ne!(w.callers[&token(2)].score, declined);
}

#[test]
fn the_night_adds_to_what_there_is_and_is_nothing_by_itself() {
    for (hour, is_night) in [(0, true), (5, true), (6, false), (12, false), (21, false), (22, true)] {
        let mut w = World::new();
        w.after(Span::from_secs(hour * 3_600));
        assert!(matches!(hears(&mut w, 1, Reason::Blocking).1, Instruction::Dial(_)), "at {hour}");
        let mut w = World::new();
        w.after(Span::from_secs(hour * 3_600));
        wrong_codes(&mut w, 4);
        let (id, instruction) = hears(&mut w, 1, Reason::Blocking);
        assert_eq!(matches!(instruction, Instruction::Challenge { .. }), is_night, "at {hour}");
        let named = w.view(id).because.iter().any(|signal| signal == Signal::Night);
        assert_eq!(named, is_night, "at {hour}");
    }
}

#[test]
fn an_appeal_ends_what_stands_against_a_tag_and_what_comes_later_counts() {
    let mut w = at_noon();
    // Of a call by one who is known the tag bears too little to challenge a stranger for; of a nameless one it bears all.
    for (n, caller) in [(1, known(9)), (3, Caller::Withheld)] {
        let id = w.elsewhere().called_by(caller, n, Outcome::Completed);
        w.after(Span::from_secs(1)).reported(id);
    }
    let stranger = |w: &World| w.tag.offer(&Desk::default(), w.now);
    assert_eq!(stranger(&w).verdict, Verdict::Challenge);
    assert_eq!(stranger(&w).because.iter().collect::<Vec<_>>(), [Signal::ReportedCalls]);
    w.after(Span::from_secs(60));
    let heard_at = w.now;
    w.configured(|c| c.appealed_at = Some(heard_at));
    assert_eq!(stranger(&w).verdict, Verdict::Allow);
    w.restart();
    assert_eq!(stranger(&w).verdict, Verdict::Allow, "for good");
    // The tag's score is heard of again, and so is that of the caller, who did not appeal.
    w.after(Span::from_secs(6 * 3_600)).clock();
    w.led();
    let id = w.elsewhere().called_by(Caller::Withheld, 2, Outcome::Completed);
    w.after(Span::from_secs(1)).reported(id);
    assert_eq!(stranger(&w).verdict, Verdict::Challenge);
    assert!(w.callers[&token(9)].score != Default::default());
}

#[test]
fn a_call_that_was_not_wanted_is_noted_once_of_its_caller_only() {
    let mut w = at_noon();
    let id = w.called_by(Caller::Withheld, 1, Outcome::Declined);
    assert!(w.report(id));
    w.led_to([Led::Advanced(id, State::Ended)]);
    assert!(w.callers.is_empty(), "nobody is known to have called");
}
