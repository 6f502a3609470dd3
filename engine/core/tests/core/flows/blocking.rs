//! A caller whom the owner has blocked.

use qnect_core::blocked::BlockedCallers;
use qnect_core::caller::{BlockToken, Caller};
use qnect_core::facts::Outcome;
use qnect_core::instruction::Announcement;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::preferences::{Pause, Preferences};
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{CallTurn, OwnerProfile, TagConfig};

use crate::dsl::{Led, World, asha, asha_tomorrow, bela, dialed, holds, leg, name, says, session_id};

fn owner(config: &mut TagConfig) -> &mut OwnerProfile {
    config.owner.as_mut().unwrap()
}

/// The owner blocks Asha.
fn block(config: &mut TagConfig) {
    let blocked = &mut owner(config).blocked;
    *blocked = blocked.with(name(1)).unwrap();
}

/// Nobody reaches the owner, for whatever reason.
fn pause(config: &mut TagConfig) {
    let (pause, night_reasons) = (Pause::Indefinite, ReasonSet::default());
    owner(config).preferences = Preferences { pause, night_reasons, ..Preferences::default() };
}

/// The caller cannot reach the owner; nobody is rung, and nobody has paid.
#[track_caller]
fn unreachable(w: &mut World, session: SessionId, line: u8, caller: Caller) {
    let spent = w.callers.clone();
    w.turned_away((session, &leg(line), caller), CallTurn::Code, &says(Announcement::OwnerUnavailable));
    for (token, cell) in &w.callers {
        assert_eq!(cell.rings, spent.get(token).map_or_else(Default::default, |cell| cell.rings));
    }
    assert!(w.tag.snapshot().iter().all(|s| s.id != session || s.dialed_at.is_none()));
}

#[test]
fn a_blocked_caller_reaches_nobody_not_even_in_an_emergency() {
    let mut w = World::new();
    w.configured(block);
    for (n, reason) in [(1, Reason::Blocking), (2, Reason::Emergency)] {
        let id = w.waiting(n, reason);
        unreachable(&mut w, id, n, asha());
        w.restart();
        unreachable(&mut w, id, n, asha());
        unreachable(&mut w, id, n, asha_tomorrow());
    }
    let id = w.waiting(3, Reason::Blocking);
    w.put_through(id, &leg(3), bela());
}

#[test]
fn a_block_ends_as_it_came() {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    w.configured(block);
    unreachable(&mut w, id, 1, asha());
    w.configured(|c| owner(c).blocked = owner(c).blocked.without(&name(1)));
    w.put_through(id, &leg(1), asha());
}

#[test]
fn a_caller_who_is_blocked_on_the_line_is_connected_still_and_never_again() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.configured(block);
    // The provider asks again for the same call: it is the one that the owner may have in the ear.
    dialed(w.call(id, &leg(1), asha()));
    w.led_to([Led::Advanced(id, State::Dialing)]);
    w.notes(id, LegEvent::DialEnded(LegEnd::NoAnswer));
    w.ends(id, Outcome::NoAnswer);
    w.not_followed(id, 2, asha(), Announcement::OwnerUnavailable);
}

#[test]
fn a_caller_without_a_number_cannot_be_blocked() {
    let mut w = World::new();
    w.configured(block);
    let id = w.waiting(1, Reason::Blocking);
    w.put_through(id, &leg(1), Caller::Withheld);
    let remembered = w.remembered(id);
    assert_eq!((remembered.bound_to, remembered.block_token), (None, None));
}

#[test]
fn a_session_remembers_what_its_owner_may_block() {
    let mut w = World::new();
    let first = w.called(1, Outcome::NoAnswer);
    assert_eq!(w.remembered(first).block_token, Some(name(1)));
    let second = w.follows(first, 2);
    assert_eq!(w.remembered(second).block_token, Some(name(1)));
    // Somebody else's try changes nothing.
    let bound = w.bound(3);
    w.refused(bound, &leg(4), bela());
    assert_eq!(w.remembered(bound).block_token, Some(name(1)));
}

#[test]
fn a_session_that_was_bound_before_callers_had_such_a_name_learns_it() {
    let mut w = World::new();
    let id = w.waiting(1, Reason::Blocking);
    w.owner.live = Some((session_id(200), w.now.plus(qnect_core::time::Span::HOUR)));
    w.turned_away((id, &leg(1), asha().named_for_owner(None)), CallTurn::Code, &holds(id, 1));
    assert_eq!(w.remembered(id).block_token, None);
    w.turned_away((id, &leg(1), asha()), CallTurn::Code, &holds(id, 1));
    assert_eq!(w.remembered(id).block_token, Some(name(1)));
}

/// Whoever is turned away must not find out that it is for good, and only them.
#[test]
fn a_block_looks_like_a_pause_from_outside() {
    let told = |change: fn(&mut TagConfig)| {
        let mut w = World::new();
        let (over, bound, fresh) = (w.called(1, Outcome::NoAnswer), w.bound(2), w.waiting(3, Reason::Emergency));
        w.configured(change);
        let mut story = Vec::new();
        for (session, line) in [(bound, 4), (fresh, 5)] {
            let heard = w.call(session, &leg(line), asha());
            story.push(format!("{heard:?} {:?} {:?}", w.led(), w.view(session)));
        }
        for (from, n) in [(over, 6), (bound, 7), (fresh, 8)] {
            let heard = w.redial(from, n, &leg(n), asha());
            story.push(format!("{heard:?} {:?} {:?}", w.led(), w.view(from)));
        }
        // While the owner talks to somebody else, both are held.
        w.owner.live = Some((session_id(200), w.now.plus(qnect_core::time::Span::HOUR)));
        let heard = w.call(fresh, &leg(9), asha());
        story.push(format!("{heard:?} {:?} {:?}", w.led(), w.view(fresh)));
        story.push(format!("{:?} {:?} {:?} {:?}", w.tag.snapshot(), w.owner, w.callers, w.tag.next_deadline()));
        story
    };
    assert_eq!(told(block), told(pause));
}

#[test]
fn blocks_are_the_owners_and_follow_no_tag_into_other_hands() {
    let mut w = World::new();
    w.configured(block);
    let id = w.waiting(1, Reason::Blocking);
    // The same number under the key of another owner has another name.
    let other_name = BlockToken::from_bytes([0xee; 16]);
    w.configured(|c| owner(c).blocked = BlockedCallers::of(vec![other_name]));
    w.put_through(id, &leg(1), asha());
}
