//! The room for open sessions: nobody fills it for others, however many sessions they open and however often they call.

use qnect_core::facts::Outcome;
use qnect_core::instruction::HOLD_TURN;
use qnect_core::reason::Reason;
use qnect_core::scan::Refusal;
use qnect_core::session::State;
use qnect_core::tag::{CallTurn, OpenDecision};
use qnect_core::time::Span;

use crate::dsl::{
    Led, World, address_key, asha, bela, holds, leg, neighbour_key, one_of_many, request_from, session_id, token,
};

/// The first of the addresses from which a tag is flooded, and that of somebody who needs it.
const FLOOD: u8 = 66;
const HONEST: u8 = 1;
/// So many addresses fill a room, each with its share.
const FILL: u8 = 8;
/// Sessions of that share.
const SHARE: u32 = 4;

/// A tag with the room that is usual, and no limit that would end a flood before.
fn tag() -> World {
    World::given(|p| p.address_sessions = None, |_| ())
}

/// One more session is asked for, from an address of which nothing is known. Returns whether it was opened, and how many gave way.
fn one_more(w: &mut World, n: u32, address: u8, reason: Reason) -> (bool, usize) {
    let decision = w.elsewhere().open(&one_of_many(n, address_key(address), reason));
    let gave_way = w.led().iter().filter(|led| **led == Led::GaveWay).count();
    (matches!(decision, OpenDecision::Opened(_)), gave_way)
}

/// So many sessions are asked for from so many addresses in turn: each gets its share and no more.
fn floods(w: &mut World, addresses: u8, count: u32, reason: Reason) {
    for n in 0..count {
        let address = FLOOD + (n % u32::from(addresses)) as u8;
        let is_in_share = n / u32::from(addresses) < SHARE;
        assert_eq!(one_more(w, n, address, reason).0, is_in_share, "the {n}th of {count} from {addresses}");
    }
}

/// Somebody who needs the owner gets a session and rings.
#[track_caller]
fn gets_in_and_rings(w: &mut World, n: u8, reason: Reason) {
    let id = session_id(n);
    let decision = w.elsewhere().open(&request_from(HONEST, n, reason));
    assert!(matches!(decision, OpenDecision::Opened(_)), "{decision:?}");
    w.led();
    assert!(!w.view(id).challenge, "held up for what others did");
    w.put_through(id, &leg(n), bela());
}

/// Sessions of the flood that are open.
fn open_of_flood(w: &World) -> usize {
    let flood: Vec<_> = (0..600).map(|n| one_of_many(n, address_key(FLOOD), Reason::Other).id).collect();
    w.tag.snapshot().iter().filter(|s| s.ended.is_none() && flood.contains(&s.id)).count()
}

#[test]
fn one_who_opens_any_number_of_sessions_keeps_nobody_out() {
    for (addresses, most) in [(1, 4), (2, 8), (FILL, 32)] {
        for count in [6, 60, 6_000] {
            for reason in [Reason::ChildOrPet, Reason::LightsOn] {
                let mut w = tag();
                floods(&mut w, addresses, count, reason);
                assert_eq!(w.tag.open_sessions(), most.min(count as usize), "{count} from {addresses}");
                gets_in_and_rings(&mut w, 1, reason);
            }
        }
    }
}

#[test]
fn who_is_in_stays_in_whatever_one_other_does() {
    for (addresses, open) in [(1, 3 + 4), (FILL, 32), (FILL + 3, 32)] {
        let mut w = tag();
        let honest: Vec<_> = (1..=3).map(|n| w.elsewhere().waiting_from(n, n, Reason::Emergency)).collect();
        for n in 0..600_u32 {
            let address = FLOOD + (n % u32::from(addresses)) as u8;
            one_more(&mut w, n, address, Reason::Emergency);
            assert!(honest.iter().all(|id| w.state(*id) == State::Waiting), "pushed out by the {n}th");
        }
        assert_eq!(w.tag.open_sessions(), open);
        w.put_through(honest[0], &leg(1), bela());
    }
}

#[test]
fn the_oldest_of_the_largest_share_gives_way_is_over_at_once_and_leads_nowhere() {
    // Sixteen places, of which one address has two: that is its share.
    let mut w = World::given(|p| p.tag_open_sessions_max = 16, |_| ());
    let [first, second] = [1, 2].map(|n| w.elsewhere().waiting_from(FLOOD, n, Reason::Blocking));
    let others: Vec<_> = (3..=16).map(|n| w.elsewhere().waiting_from(n, n, Reason::Blocking)).collect();
    w.after(Span::from_secs(1));
    assert!(matches!(w.elsewhere().open(&request_from(17, 17, Reason::Blocking)), OpenDecision::Opened(_)));
    w.led_to([Led::ReleasedCode(first), Led::Advanced(first, State::Ended), Led::GaveWay, Led::Opened(session_id(17))]);
    assert_eq!(w.remembered(first).ended, Some((Outcome::Expired, w.now)));
    w.refused(first, &leg(17), asha());
    assert!(others.iter().chain([&second]).all(|id| w.state(*id) == State::Waiting));
    // Sixteen of sixteen addresses: none of them has to.
    let decision = w.elsewhere().open(&request_from(18, 18, Reason::Blocking));
    assert!(matches!(decision, OpenDecision::Refused { refusal: Refusal::TagLimit, .. }), "{decision:?}");
    w.led_to_nothing();
}

#[test]
fn an_address_that_people_share_turns_its_share_over_and_is_not_refused() {
    for reason in [Reason::Emergency, Reason::Other] {
        let mut w = tag();
        (1..=3).for_each(|n| w.address.crowd.note(token(n), w.now));
        // The cells of one address all the time.
        let mut open = |n| {
            let decision = w.open(&one_of_many(n, address_key(FLOOD), reason));
            let gave_way = w.led().contains(&Led::GaveWay);
            (matches!(decision, OpenDecision::Opened(_)), gave_way)
        };
        assert!((1..5).all(|n| open(n) == (true, false)));
        assert!((5..200).all(|n| open(n) == (true, true)));
        assert_eq!(w.tag.open_sessions(), 4);
    }
}

#[test]
fn who_has_a_share_already_is_told_when_there_is_more() {
    let mut w = tag();
    floods(&mut w, 1, SHARE, Reason::Other);
    w.after(Span::from_secs(60));
    let OpenDecision::Refused { refusal, retry_after, .. } =
        w.elsewhere().open(&one_of_many(100, address_key(FLOOD), Reason::Other))
    else {
        panic!("more than a share")
    };
    w.led_to_nothing();
    assert_eq!((refusal, retry_after), (Refusal::AddressLimit, Span::from_secs(30 * 60 - 60)));
    // Those that expire meanwhile nobody called either.
    let more_at = w.now.plus(retry_after);
    while let Some(at) = w.tag.next_deadline().filter(|at| *at < more_at) {
        w.now = at;
        w.clock();
        w.led();
        assert_eq!(one_more(&mut w, 100, FLOOD, Reason::Other), (false, 0));
    }
    w.now = more_at;
    assert_eq!(one_more(&mut w, 100, FLOOD, Reason::Other), (true, 0));
}

#[test]
fn who_changes_their_mind_has_a_place_again() {
    let mut w = tag();
    for n in 0..20 {
        let open = one_of_many(n, address_key(FLOOD), Reason::Other);
        assert!(matches!(w.elsewhere().open(&open), OpenDecision::Opened(_)), "{n}");
        w.led();
        w.cancel(open.id);
        w.led();
    }
}

#[test]
fn one_who_calls_for_every_session_holds_no_more_places_than_one_who_does_not() {
    let mut w = tag();
    // The owner talks to somebody all the time, so that each of these calls is held, and ends there.
    w.owner.live = Some((session_id(200), w.now.plus(Span::DAY)));
    for n in 0..600 {
        let open = one_of_many(n, address_key(FLOOD), Reason::Emergency);
        w.elsewhere().open(&open);
        w.led();
        assert_eq!(w.call(open.id, &leg((n % 200) as u8), asha()), holds(open.id, 1));
        w.led();
    }
    w.owner.live = None;
    gets_in_and_rings(&mut w, 1, Reason::Emergency);
}

#[test]
fn a_caller_who_waits_for_an_engaged_owner_does_not_lose_the_place() {
    let mut w = tag();
    w.owner.live = Some((session_id(200), w.now.plus(Span::DAY)));
    let held = w.waiting_from(HONEST, 1, Reason::Emergency);
    w.turned_away((held, &leg(1), bela()), CallTurn::Code, &holds(held, 1));
    for n in 0..100 {
        one_more(&mut w, n, FLOOD + (n % u32::from(FILL)) as u8, Reason::Emergency);
    }
    w.after(HOLD_TURN).owner.live = None;
    assert!(matches!(
        w.take_turn(held, &leg(1), bela(), CallTurn::Held { turn: 1 }),
        qnect_core::instruction::Instruction::Dial(_)
    ));
    w.led_to([Led::Credited, Led::Advanced(held, State::Dialing)]);
}

#[test]
fn in_a_flood_from_many_addresses_an_urgent_newcomer_gets_in_after_a_minute() {
    let mut w = tag();
    for n in 0..32 {
        assert_eq!(one_more(&mut w, n, 100 + n as u8, Reason::Emergency), (true, 0));
    }
    let newcomer = request_from(HONEST, 1, Reason::ChildOrPet);
    for secs in [0, 30, 30] {
        w.after(Span::from_secs(secs));
        let decision = w.open(&newcomer);
        assert!(matches!(decision, OpenDecision::Refused { refusal: Refusal::TagLimit, .. }), "{decision:?}");
        w.led_to_nothing();
    }
    w.after(Span::from_millis(1));
    gets_in_and_rings(&mut w, 1, Reason::ChildOrPet);
    // The calm room knows no such hurry.
    for n in 0..32 {
        assert_eq!(one_more(&mut w, 100 + n, 100 + n as u8, Reason::Other), (true, 0));
    }
    w.after(Span::from_secs(61));
    assert_eq!(one_more(&mut w, 200, HONEST, Reason::Other), (false, 0));
}

#[test]
fn one_who_has_all_addresses_of_a_network_keeps_nobody_out() {
    for reason in [Reason::Emergency, Reason::Other] {
        let mut w = tag();
        let honest: Vec<_> = (1..=3).map(|n| w.elsewhere().waiting_from(n, n, reason)).collect();
        for n in 0..200 {
            let decision = w.elsewhere().open(&one_of_many(n, neighbour_key(n as u8), reason));
            assert!(matches!(decision, OpenDecision::Opened(_)), "{decision:?}");
            w.led();
        }
        assert_eq!(w.tag.open_sessions(), 32);
        assert!(honest.iter().all(|id| w.state(*id) == State::Waiting), "pushed out");
        // At once, and nobody's place but one of theirs.
        gets_in_and_rings(&mut w, 4, reason);
        assert!(honest.iter().all(|id| w.state(*id) == State::Waiting), "pushed out");
    }
}

#[test]
fn of_a_network_the_address_that_holds_most_gives_way() {
    let mut w = World::given(|p| p.tag_open_sessions_max = 16, |_| ());
    let mut open = |n: u32, from| {
        let asked = one_of_many(n, from, Reason::Blocking);
        assert!(matches!(w.elsewhere().open(&asked), OpenDecision::Opened(_)));
        w.led();
        w.after(Span::from_secs(1));
        asked.id
    };
    let alone = open(0, neighbour_key(1));
    let two = [1, 2].map(|n| open(n, neighbour_key(2)));
    // Two of a network that holds less than theirs.
    for n in 3..16 {
        open(n, address_key(n.max(4) as u8));
    }
    open(16, address_key(100));
    assert_eq!(w.state(two[0]), State::Ended);
    assert_eq!([alone, two[1]].map(|id| w.state(id)), [State::Waiting; 2]);
}

#[test]
fn no_calm_flood_touches_what_is_urgent_and_no_urgent_flood_what_is_calm() {
    for (flood, other) in [(Reason::Other, Reason::Emergency), (Reason::Emergency, Reason::Other)] {
        let mut w = tag();
        // Each from an address of its own.
        let others: Vec<_> = (0..32).map(|n| w.elsewhere().waiting_from(n, n, other)).collect();
        floods(&mut w, FILL, 600, flood);
        assert!(others.iter().all(|id| w.state(*id) == State::Waiting));
        assert_eq!(w.tag.open_sessions(), 64);
        assert_eq!(open_of_flood(&w), 32);
    }
}

#[test]
fn a_follow_up_takes_the_place_of_one_of_a_flood_too() {
    let mut w = tag();
    let over = w.called(1, Outcome::NoAnswer);
    floods(&mut w, FILL, 60, Reason::Blocking);
    let follow_up = w.redial(over, 2, &leg(2), asha());
    assert_eq!(follow_up.session, session_id(2));
    assert!(w.led().contains(&Led::GaveWay));
    assert_eq!(w.state(session_id(2)), State::Dialing);
}

#[test]
fn zero_is_room_for_all() {
    let mut w = World::given(|p| (p.tag_open_sessions_max, p.address_sessions) = (0, None), |_| ());
    for n in 0..600 {
        assert_eq!(one_more(&mut w, n, FLOOD, Reason::Emergency), (true, 0));
    }
}
