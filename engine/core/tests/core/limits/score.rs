//! The abuse score of a tag: points for calls that the owner did not want, which fade within a day. Each call comes from an
//! address of its own, so that nothing else adds up, and where nothing else is said its caller is nameless: of such a call the
//! tag bears all.

use proptest::prelude::*;
use qnect_core::caller::Caller;
use qnect_core::desk::Desk;
use qnect_core::facts::Outcome;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::reason::Reason;
use qnect_core::scan::Verdict;
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::tag::ENDED_SESSIONS_MAX;
use qnect_core::time::Span;

use crate::dsl::{Led, World, known, leg, request, session_id, token};

/// A tag that challenges from so many points on, without limits that could end the annoyance before. It is eight in the
/// morning, so that no question of these tests falls into the night.
fn world(challenge_at: u32) -> World {
    let mut w = World::given(
        |p| {
            p.challenge_at = challenge_at;
            (p.tag_rings, p.caller_rings, p.owner_rings, p.address_scans) = (None, None, None, None);
            // Nor does a caller's past.
            (p.withheld_rings, p.refuse_at) = (None, 0);
        },
        |_| (),
    );
    w.after(Span::from_secs(8 * 3_600));
    w
}

/// Whether somebody of whom nothing is known, not even this look, is challenged.
fn challenges(w: &mut World) -> bool {
    let verdict = w.tag.offer(&Desk::default(), w.now).verdict;
    assert!(matches!(verdict, Verdict::Allow | Verdict::Challenge), "{verdict:?}");
    verdict == Verdict::Challenge
}

/// The owner is rung for a nameless caller, which ends in this way.
fn ends_with(w: &mut World, n: u8, keys: &[LegEvent], outcome: Outcome) -> SessionId {
    ends_for(w, Caller::Withheld, n, keys, outcome)
}

/// The same for any caller.
fn ends_for(w: &mut World, caller: Caller, n: u8, keys: &[LegEvent], outcome: Outcome) -> SessionId {
    let id = w.elsewhere().dialing_for(caller, n, Reason::Blocking);
    for key in keys {
        w.told(id, *key);
        w.led();
    }
    w.told(id, LegEvent::DialEnded(LegEnd::Completed));
    w.led();
    // Others may be forgotten at the same time.
    while w.state(id) != State::Ended {
        w.now = w.tag.next_deadline().unwrap();
        w.clock();
        w.led();
    }
    assert_eq!(w.view(id).outcome, Some(outcome));
    id
}

fn declined(w: &mut World, n: u8) -> SessionId {
    declined_for(w, Caller::Withheld, n)
}

fn declined_for(w: &mut World, caller: Caller, n: u8) -> SessionId {
    ends_for(w, caller, n, &[LegEvent::OwnerRefused], Outcome::Declined)
}

#[test]
fn of_a_call_whose_caller_is_known_the_tag_bears_a_quarter_and_the_caller_all() {
    for (caller, declined, reported) in [(Caller::Withheld, 20, 60), (known(1), 5, 15)] {
        for (more, is_challenged) in [(0, true), (1, false)] {
            let mut w = world(declined + more);
            declined_for(&mut w, caller, 1);
            assert_eq!(challenges(&mut w), is_challenged, "{declined} points of the tag's own, and not {more} more");

            let mut w = world(reported + more);
            let id = ends_for(&mut w, caller, 1, &[LegEvent::OwnerAccepted], Outcome::Completed);
            w.reported(id);
            assert_eq!(challenges(&mut w), is_challenged, "{reported} points of the tag's own, and not {more} more");
        }
    }
    let mut w = world(50);
    let id = declined_for(&mut w, known(1), 1);
    w.reported(id);
    let mut cell = w.callers[&token(1)].clone();
    let against = Desk { caller: Some(&mut cell), ..Desk::default() }.assess_caller(w.now);
    assert!(against.points() >= 60, "{against:?}");
}

#[test]
fn one_whom_the_owner_reports_again_and_again_is_not_what_a_stranger_is_challenged_for() {
    // Ten declined calls of people whose number is known are no more than fifty points; of the nameless three are.
    let mut w = world(50);
    for n in 1..=9 {
        declined_for(&mut w, known(n), n);
        assert!(!challenges(&mut w), "after {n} declined calls");
    }
    // What is left of the first nine is less than 45: each fades while the next one is made.
    declined_for(&mut w, known(10), 10);
    assert!(!challenges(&mut w));
    declined_for(&mut w, known(11), 11);
    assert!(challenges(&mut w));
}

#[test]
fn three_declined_calls_or_one_report_challenge() {
    let mut w = world(50);
    for n in 1..=3 {
        assert!(!challenges(&mut w), "after {} declined calls", n - 1);
        declined(&mut w, n);
    }
    assert!(challenges(&mut w));

    let mut w = world(50);
    let id = ends_with(&mut w, 1, &[LegEvent::OwnerAccepted], Outcome::Completed);
    assert!(!challenges(&mut w));
    w.reported(id);
    assert!(challenges(&mut w));
}

#[test]
fn points_fade_evenly_and_are_gone_after_a_day() {
    // Of 60 points 50 are left after four hours.
    let mut w = world(50);
    let id = ends_with(&mut w, 1, &[], Outcome::NoAnswer);
    w.reported(id);
    assert!(challenges(w.after(Span::from_secs(4 * 3_600))));
    assert!(!challenges(w.after(Span::from_millis(1))));

    // Of 20 points 1 is left after 19 of 20 parts of a day.
    let mut w = world(1);
    declined(&mut w, 1);
    assert!(challenges(w.after(Span::from_secs(86_400 / 20 * 19))));
    assert!(!challenges(w.after(Span::from_millis(1))));
}

#[test]
fn points_of_different_calls_fade_each_from_its_own_time() {
    let mut w = world(30);
    declined(&mut w, 1);
    w.after(Span::from_secs(12 * 3_600));
    declined(&mut w, 2);
    // Ten are left of the first, and twenty of the second, less what fades in the five seconds to its end.
    assert!(!challenges(&mut w));
    let mut w = world(29);
    declined(&mut w, 1);
    w.after(Span::from_secs(12 * 3_600));
    declined(&mut w, 2);
    assert!(challenges(&mut w));
}

#[test]
fn a_report_counts_instead_of_the_refusal_and_from_its_own_time() {
    let mut w = world(61);
    let id = declined(&mut w, 1);
    w.reported(id);
    assert!(!challenges(&mut w), "60, not 80");

    let mut w = world(60);
    let id = declined(&mut w, 1);
    w.after(Span::from_secs(12 * 3_600));
    w.reported(id);
    assert!(challenges(&mut w));
}

#[test]
fn an_owner_who_comes_was_not_annoyed() {
    let mut w = world(1);
    ends_with(&mut w, 1, &[LegEvent::OwnerComing], Outcome::Declined);
    assert!(!challenges(&mut w));
    ends_with(&mut w, 2, &[LegEvent::OwnerAccepted], Outcome::Completed);
    ends_with(&mut w, 3, &[], Outcome::NoAnswer);
    assert!(!challenges(&mut w));
    ends_with(&mut w, 4, &[LegEvent::OwnerRefused], Outcome::Declined);
    assert!(challenges(&mut w));
}

#[test]
fn a_score_of_zero_never_challenges() {
    let mut w = world(0);
    for n in 1..=10 {
        let id = declined(&mut w, n);
        w.reported(id);
    }
    assert!(!challenges(&mut w));
}

#[test]
fn sessions_that_nobody_calls_do_not_wash_the_score_away() {
    let mut w = world(20);
    declined(&mut w, 1);
    for n in 0..100 {
        w.elsewhere().open(&request(100 + n, Reason::Blocking));
        w.led();
        w.ends(session_id(100 + n), Outcome::Expired);
        if n % 10 == 0 {
            w.restart();
        }
    }
    assert_eq!(w.tag.snapshot().len(), ENDED_SESSIONS_MAX);
    w.now = w.remembered(session_id(1)).ended.unwrap().1;
    assert!(challenges(&mut w));
}

#[test]
fn points_only_challenge_and_refuse_nobody() {
    let mut w = world(50);
    // They wait before the first is declined, so that none is challenged.
    let opened: Vec<_> = (1..=20).map(|n| w.elsewhere().waiting(n, Reason::Blocking)).collect();
    for (n, id) in (1..).zip(opened) {
        w.put_through(id, &leg(n), known(n));
        w.notes(id, LegEvent::DialEnded(LegEnd::Rejected));
        while w.state(id) != State::Ended {
            w.now = w.tag.next_deadline().unwrap();
            w.clock();
            w.led();
        }
    }
    let decision = w.elsewhere().scan();
    w.led_to([Led::ScanAdmitted]);
    assert_eq!((decision.verdict, decision.refusal), (Verdict::Challenge, None));
    w.waiting(50, Reason::Blocking);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// After any unwanted calls at any times, a restart changes no answer, now or later.
    #[test]
    fn a_restart_keeps_the_score(
        challenge_at in 1u32..120,
        calls in prop::collection::vec((0u64..20_000, any::<bool>(), any::<bool>(), any::<bool>()), 1..20),
        probes in prop::collection::vec(0u64..20_000, 1..10),
    ) {
        let mut w = world(challenge_at);
        // A session that is opened while the score is high would be challenged: the score alone is looked at.
        let probed = |w: &mut World, probes: &[u64]| -> Vec<bool> {
            probes.iter().map(|gap| challenges(w.after(Span::from_secs(*gap)))).collect()
        };
        for (n, (gap, refused, abuse, is_nameless)) in (0..).zip(calls) {
            let caller = if is_nameless { Caller::Withheld } else { known(n) };
            w.after(Span::from_secs(gap));
            if challenges(&mut w) {
                continue;
            }
            let id = if refused {
                declined_for(&mut w, caller, n)
            } else {
                ends_for(&mut w, caller, n, &[], Outcome::NoAnswer)
            };
            if abuse {
                w.reported(id);
            }
        }
        let restarted_at = w.now;
        let answers = probed(&mut w, &probes);
        w.now = restarted_at;
        w.restart();
        prop_assert_eq!(answers, probed(&mut w, &probes));
    }
}
