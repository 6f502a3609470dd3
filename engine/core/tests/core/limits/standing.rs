//! One caller and one tag: a share of its rings, and time to cool down after calls that were not wanted.

use qnect_core::caller::Caller;
use qnect_core::facts::Outcome;
use qnect_core::instruction::Announcement;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::limiter::Quota;
use qnect_core::reason::Reason;
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::tag::CallTurn;
use qnect_core::time::Span;

use crate::dsl::{World, asha, asha_tomorrow, bela, known, leg, per_hour, says};

/// The caller rings, and nobody takes the call.
#[track_caller]
fn rings(w: &mut World, n: u8, caller: Caller, reason: Reason) -> SessionId {
    let id = w.elsewhere().dialing_for(caller, n, reason);
    w.notes(id, LegEvent::DialEnded(LegEnd::NoAnswer));
    id
}

/// The caller is told that the owner cannot be reached, and nobody pays.
#[track_caller]
fn is_turned_away(w: &mut World, n: u8, caller: Caller, reason: Reason) {
    let id = w.elsewhere().waiting(n, reason);
    w.turned_away((id, &leg(n), caller), CallTurn::Code, &says(Announcement::OwnerUnavailable));
    // And goes away.
    w.cancel(id);
    w.led();
}

#[test]
fn one_caller_rings_half_of_what_a_tag_has() {
    for (limit, share) in [(3, 1), (4, 2), (5, 2), (6, 3), (9, 4)] {
        for reason in [Reason::Blocking, Reason::Emergency] {
            let mut w = World::given(
                |p| {
                    (p.tag_rings, p.tag_urgent_rings) = (per_hour(limit), per_hour(limit));
                    (p.caller_rings, p.owner_rings) = (None, None);
                },
                |_| (),
            );
            for n in 1..=share {
                rings(&mut w, n, asha(), reason);
            }
            is_turned_away(&mut w, 50, asha(), reason);
            w.restart();
            is_turned_away(&mut w, 51, asha(), reason);
            // The rest is for others.
            for n in share + 1..=limit as u8 {
                rings(&mut w, n, known(n + 10), reason);
            }
        }
    }
}

#[test]
fn of_one_or_two_rings_there_is_nothing_to_share() {
    for limit in [1, 2] {
        let mut w = World::given(|p| p.tag_rings = per_hour(limit), |_| ());
        for n in 1..=limit as u8 {
            rings(&mut w, n, asha(), Reason::Blocking);
        }
    }
}

#[test]
fn a_share_is_there_again_six_hours_later_and_not_before() {
    let mut w = World::new();
    for n in 1..=3 {
        rings(&mut w, n, asha(), Reason::Blocking);
    }
    w.after(Span::from_millis(6 * 3_600_000 - 1));
    w.clock();
    w.led();
    is_turned_away(&mut w, 4, asha(), Reason::Blocking);
    w.after(Span::from_millis(1));
    rings(&mut w, 5, asha(), Reason::Blocking);
}

#[test]
fn callers_without_a_number_have_one_hours_rings_in_six() {
    let mut w = World::new();
    for n in 1..=2 {
        rings(&mut w, n, Caller::Withheld, Reason::Blocking);
    }
    w.after(Span::from_millis(6 * 3_600_000 - 1));
    w.clock();
    w.led();
    is_turned_away(&mut w, 3, Caller::Withheld, Reason::Blocking);
    w.after(Span::from_millis(1));
    rings(&mut w, 4, Caller::Withheld, Reason::Blocking);
}

#[test]
fn what_is_urgent_has_a_share_of_its_own() {
    let mut w = World::new();
    for n in 1..=3 {
        rings(&mut w, n, asha(), Reason::Blocking);
    }
    is_turned_away(&mut w, 4, asha(), Reason::Blocking);
    rings(&mut w, 5, asha(), Reason::Emergency);
    rings(&mut w, 6, asha(), Reason::Towing);
    is_turned_away(&mut w, 7, asha(), Reason::ChildOrPet);
    rings(&mut w, 8, bela(), Reason::ChildOrPet);
}

#[test]
fn all_callers_without_a_number_are_one_and_have_a_quarter_of_what_is_urgent() {
    let mut w = World::new();
    rings(&mut w, 1, Caller::Withheld, Reason::Emergency);
    is_turned_away(&mut w, 2, Caller::Withheld, Reason::Emergency);
    rings(&mut w, 3, Caller::Withheld, Reason::Blocking);
    rings(&mut w, 4, asha(), Reason::Emergency);
}

#[test]
fn one_caller_rings_half_of_what_an_owner_has_in_a_day() {
    let mut w = World::given(
        |p| {
            (p.tag_rings, p.tag_urgent_rings, p.caller_rings) = (None, None, None);
            p.owner_rings = Quota::new(10, Span::DAY);
        },
        |_| (),
    );
    for n in 1..=5 {
        let reason = if n % 2 == 0 { Reason::Blocking } else { Reason::Emergency };
        rings(&mut w, n, asha(), reason);
        w.after(Span::HOUR);
        w.clock();
        w.led();
    }
    is_turned_away(&mut w, 6, asha(), Reason::Emergency);
    w.restart();
    is_turned_away(&mut w, 7, asha(), Reason::Blocking);
    rings(&mut w, 8, bela(), Reason::Emergency);
}

#[test]
fn of_an_owners_day_a_fifth_is_kept_for_what_is_urgent() {
    let mut w = World::given(
        |p| {
            (p.tag_rings, p.tag_urgent_rings, p.caller_rings) = (None, None, None);
            p.owner_rings = Quota::new(30, Span::DAY);
        },
        |_| (),
    );
    for n in 1..=24 {
        rings(&mut w, n, known(n), Reason::Blocking);
    }
    is_turned_away(&mut w, 25, known(25), Reason::Blocking);
    for n in 26..=31 {
        rings(&mut w, n, known(n), Reason::Emergency);
    }
    is_turned_away(&mut w, 32, known(32), Reason::Emergency);
    // What drains goes to the reserve first.
    w.after(Span::from_secs(86_400 / 30));
    w.clock();
    w.led();
    is_turned_away(&mut w, 33, known(33), Reason::Blocking);
    rings(&mut w, 34, known(34), Reason::Emergency);
}

/// A tag where only a caller's past holds anybody up.
fn tag() -> World {
    World::given(
        |p| {
            p.challenge_at = 0;
            p.refuse_at = 1_000_000;
            (p.tag_rings, p.tag_urgent_rings, p.caller_rings, p.owner_rings) = (None, None, None, None);
        },
        |_| (),
    )
}

fn passes(w: &mut World, span: Span) {
    w.after(span);
    while w.tag.next_deadline().is_some_and(|at| at <= w.now) {
        w.clock();
        w.led();
    }
}

#[test]
fn one_unwanted_call_may_be_repeated_two_end_it_for_six_hours_and_three_for_a_day() {
    for caller in [asha(), Caller::Withheld] {
        let mut w = tag();
        let mut n = 0;
        let mut next = || {
            n += 1;
            n
        };
        w.elsewhere().called_by(caller, next(), Outcome::Declined);
        for secs in [21_600, 86_400] {
            w.elsewhere().called_by(caller, next(), Outcome::Declined);
            is_turned_away(&mut w, next(), caller, Reason::Blocking);
            w.restart();
            is_turned_away(&mut w, next(), caller, Reason::Blocking);
            // Of the day that a session is remembered nothing is left to look back from the end of a cooldown of a day.
            passes(&mut w, Span::from_millis(secs * 1_000 - 1));
            if secs < 86_400 {
                is_turned_away(&mut w, next(), caller, Reason::Blocking);
            }
            w.after(Span::from_millis(1));
        }
        rings(&mut w, next(), caller, Reason::Blocking);
    }
}

/// The two talk for less than anybody needs who has something to say.
fn talks_shortly(w: &mut World, n: u8) {
    let id = w.elsewhere().dialing(n, Reason::Blocking);
    w.lifts(id, LegEvent::OwnerAccepted, State::Connected);
    w.after(Span::from_secs(2)).notes(id, LegEvent::DialEnded(LegEnd::Completed));
    w.ends(id, Outcome::Completed);
}

#[test]
fn four_talks_that_were_over_at_once_are_two_unwanted_calls() {
    let mut w = tag();
    for n in 1..=4 {
        talks_shortly(&mut w, n);
    }
    is_turned_away(&mut w, 5, asha(), Reason::Blocking);
    rings(&mut w, 6, bela(), Reason::Blocking);
}

#[test]
fn whoever_was_not_wanted_is_heard_once_for_what_is_urgent() {
    let mut w = tag();
    for n in [1, 2] {
        w.called(n, Outcome::Declined);
    }
    // Declined too: it was heard.
    let urgent = w.dialing(3, Reason::Emergency);
    w.notes(urgent, LegEvent::DialEnded(LegEnd::Rejected));
    w.ends(urgent, Outcome::Declined);
    is_turned_away(&mut w, 4, asha(), Reason::Emergency);
    w.restart();
    is_turned_away(&mut w, 5, asha(), Reason::ChildOrPet);
    is_turned_away(&mut w, 6, asha(), Reason::Blocking);
    rings(&mut w, 7, bela(), Reason::Blocking);
    rings(&mut w, 8, Caller::Withheld, Reason::Emergency);
}

#[test]
fn one_without_a_number_does_not_silence_what_is_urgent_for_all_of_them() {
    let mut w = tag();
    for n in [1, 2] {
        w.elsewhere().called_by(Caller::Withheld, n, Outcome::Declined);
    }
    // As soon as the budget that all of them have together has something again.
    passes(&mut w, Span::HOUR);
    is_turned_away(&mut w, 3, Caller::Withheld, Reason::Blocking);
    rings(&mut w, 4, Caller::Withheld, Reason::Emergency);
    rings(&mut w, 5, Caller::Withheld, Reason::ChildOrPet);
}

#[test]
fn a_report_keeps_its_caller_away_from_the_moment_of_the_report() {
    let mut w = tag();
    let id = w.called(1, Outcome::Completed);
    rings(&mut w, 2, asha(), Reason::Blocking);
    passes(&mut w, Span::from_secs(3_000));
    w.reported(id);
    is_turned_away(&mut w, 3, asha(), Reason::Blocking);
    passes(&mut w, Span::from_secs(21_600));
    rings(&mut w, 4, asha(), Reason::Blocking);
}

#[test]
fn an_owner_who_comes_keeps_nobody_away() {
    let mut w = tag();
    let id = w.dialing(1, Reason::Blocking);
    w.told(id, LegEvent::OwnerComing);
    w.led();
    w.notes(id, LegEvent::DialEnded(LegEnd::Completed));
    w.ends(id, Outcome::Declined);
    rings(&mut w, 2, asha(), Reason::Blocking);
}

#[test]
fn midnight_forgives_nothing() {
    let mut w = tag();
    w.after(Span::from_secs(86_400 - 60));
    for n in [5, 6] {
        w.elsewhere().called(n, Outcome::Declined);
    }
    w.after(Span::from_secs(60));
    is_turned_away(&mut w, 2, asha_tomorrow(), Reason::Blocking);

    let mut w = World::given(|p| p.owner_rings = None, |_| ());
    w.after(Span::from_secs(86_400 - 60));
    for n in 1..=3 {
        rings(&mut w, n, asha(), Reason::Blocking);
    }
    w.after(Span::from_secs(60));
    is_turned_away(&mut w, 4, asha_tomorrow(), Reason::Blocking);
}

#[test]
fn where_no_score_is_asked_for_nobody_is_kept_away() {
    let mut w = World::given(|p| (p.refuse_at, p.challenge_at) = (0, 0), |_| ());
    for n in [1, 2] {
        w.elsewhere().called(n, Outcome::Declined);
    }
    rings(&mut w, 3, asha(), Reason::Blocking);
}
