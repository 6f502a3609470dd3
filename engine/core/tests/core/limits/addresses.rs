//! The scores of addresses and networks: one who collects codes is stopped, and many who share an address are not.

use std::sync::Arc;

use qnect_core::abuse::Signal;
use qnect_core::desk::{AddressCell, Desk, NetworkCell, OwnerCell};
use qnect_core::effects::{Effect, Effects};
use qnect_core::instruction::Instruction;
use qnect_core::policy::Policy;
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::scan::{Refusal, ScanDecision, Verdict};
use qnect_core::tag::{CallTurn, OnLine, OpenDecision, OpenSession, Tag, TagConfig};
use qnect_core::tag_code::TagId;
use qnect_core::time::{Span, Timestamp};

use crate::dsl::{
    START, World, address_key, default_config, default_policy, known, leg, request, scan, session_id, token, unopened,
};

/// Somebody at one address who goes from car to car, at noon.
struct Walk {
    policy: Arc<Policy>,
    now: Timestamp,
    address: AddressCell,
    network: NetworkCell,
    cars: u64,
}

impl Walk {
    fn begins() -> Self {
        let now = START.plus(Span::from_secs(12 * 3_600));
        let (address, network) = (AddressCell::default(), NetworkCell::default());
        Self { policy: Arc::new(default_policy()), now, address, network, cars: 0 }
    }

    fn next_car(&mut self, after: Span) -> Tag {
        self.now = self.now.plus(after);
        self.cars += 1;
        let config = TagConfig { id: TagId::from_random(0, self.cars), ..default_config() };
        Tag::restore(Arc::new(config), self.policy.clone(), Vec::new(), self.now)
    }

    fn looks_at(&mut self, car: &mut Tag) -> ScanDecision {
        let mut desk = Desk { address: Some(&mut self.address), network: Some(&mut self.network), ..Desk::default() };
        car.on_scan(&scan(), self.now, &mut desk, &mut Effects::new())
    }

    /// Looks at one car after the other; returns the first answer that is not simply yes, and of how many looks it was.
    fn held_up(&mut self, gap: Span, looks: u64) -> Option<(u64, ScanDecision)> {
        let mut answers = (1..=looks).map(|n| {
            let mut car = self.next_car(gap);
            (n, self.looks_at(&mut car))
        });
        answers.find(|(_, decision)| decision.verdict != Verdict::Allow)
    }

    /// Somebody behind this address looks at a car, opens a session and, if `calls`, rings its owner.
    fn visit(&mut self, after: Span, calls: bool) -> Verdict {
        let mut car = self.next_car(after);
        let verdict = self.looks_at(&mut car).verdict;
        let mut effects = Effects::new();
        let mut desk = Desk { address: Some(&mut self.address), network: Some(&mut self.network), ..Desk::default() };
        let open = OpenSession { from: Some(address_key(1)), ..request(1, Reason::LightsOn) };
        let opened = car.on_open_session(&open, self.now, &mut desk, &mut effects);
        assert!(matches!(opened, OpenDecision::Opened(_)), "{opened:?}");
        if calls {
            let mut owner = OwnerCell::default();
            let mut desk = Desk { owner: Some(&mut owner), ..Desk::default() };
            let leg = leg(1);
            let on_line = OnLine {
                session: session_id(1),
                leg: &leg,
                caller: known(1),
                turn: CallTurn::Code,
                line_is_free: true,
            };
            let answer = car.on_caller(&on_line, self.now, &mut desk, &mut effects);
            assert!(matches!(answer, Instruction::Dial(_)), "{answer:?}");
        }
        for effect in effects.drain() {
            if let Effect::CreditAddress { from, urgent, caller } = effect {
                assert_eq!((from, urgent), (address_key(1), false));
                self.address.credit_call(urgent, caller, &self.policy, self.now);
                self.network.credit_call(caller, self.now);
            }
        }
        verdict
    }
}

fn signals(decision: &ScanDecision) -> Vec<Signal> {
    decision.because.iter().collect()
}

#[test]
fn one_who_runs_past_the_cars_is_challenged_and_then_refused_all_but_urgent_reasons() {
    let mut walk = Walk::begins();
    let (look, decision) = walk.held_up(Span::from_secs(1), 10).unwrap();
    assert_eq!((decision.verdict, decision.offered), (Verdict::Challenge, Reason::ALL.into_iter().collect()));
    assert!((4..=6).contains(&look), "the look that counts itself is the {look}th");
    assert_eq!(signals(&decision), [Signal::ManyTags, Signal::FastScans]);

    let mut car = walk.next_car(Span::from_secs(1));
    while walk.looks_at(&mut car).refusal.is_none() {
        car = walk.next_car(Span::from_secs(1));
    }
    assert!(walk.cars <= 10, "refused only after {} cars", walk.cars);
    let refused = walk.looks_at(&mut car);
    assert_eq!((refused.verdict, refused.refusal), (Verdict::Refused, Some(Refusal::Score)));
    assert_eq!(refused.offered, ReasonSet::URGENT);
    assert_eq!(signals(&refused), [Signal::ManyTags, Signal::FastScans]);
}

#[test]
fn one_who_walks_and_collects_codes_is_stopped_too() {
    let mut walk = Walk::begins();
    let stopped = (1..=60).find(|_| {
        let mut car = walk.next_car(Span::from_secs(60));
        walk.looks_at(&mut car).refusal == Some(Refusal::Score)
    });
    assert!(stopped.is_some_and(|look| (8..=10).contains(&look)), "{stopped:?}");
}

#[test]
fn a_warden_who_looks_at_a_car_every_quarter_of_an_hour_is_not_held_up() {
    assert_eq!(Walk::begins().held_up(Span::from_secs(900), 38), None);
}

#[test]
fn the_same_few_cars_again_and_again_are_no_collection() {
    let mut w = World::new();
    for _ in 0..500 {
        assert_eq!(w.scan().verdict, Verdict::Allow);
        w.led();
    }
}

#[test]
fn many_who_share_an_address_and_call_are_not_held_up() {
    let mut walk = Walk::begins();
    for n in 0..600_u32 {
        // Two of three do call; the third finds the car gone.
        assert_eq!(walk.visit(Span::from_secs(20), n % 3 != 2), Verdict::Allow, "visit {n}");
    }
}

#[test]
fn many_who_share_an_address_and_never_call_are() {
    let mut walk = Walk::begins();
    let held_up = (0..20_u32).find(|_| walk.visit(Span::from_secs(20), false) != Verdict::Allow);
    assert!(held_up.is_some());
}

#[test]
fn one_who_comes_from_another_address_of_a_network_for_each_car_is_found_there() {
    let mut walk = Walk::begins();
    let stopped = (1..=60).find(|_| {
        walk.address = AddressCell::default();
        let mut car = walk.next_car(Span::from_secs(2));
        let decision = walk.looks_at(&mut car);
        assert!(decision.because.is_empty() || signals(&decision) == [Signal::Network]);
        decision.refusal == Some(Refusal::Score)
    });
    assert!(stopped.is_some_and(|look| (8..=10).contains(&look)), "{stopped:?}");
}

#[test]
fn one_address_does_not_speak_for_its_neighbours() {
    let mut walk = Walk::begins();
    assert!(walk.held_up(Span::from_secs(1), 60).is_some());
    walk.address = AddressCell::default();
    let mut car = walk.next_car(Span::from_secs(3));
    assert_eq!(walk.looks_at(&mut car).verdict, Verdict::Allow);
}

#[test]
fn neighbours_who_look_at_one_car_collect_nothing() {
    let mut walk = Walk::begins();
    let mut car = walk.next_car(Span::from_secs(1));
    for _ in 0..64 {
        walk.address = AddressCell::default();
        assert_eq!(walk.looks_at(&mut car).verdict, Verdict::Allow);
    }
}

#[test]
fn a_network_from_which_people_call_has_no_score() {
    let mut walk = Walk::begins();
    (1..=3).for_each(|n| walk.network.crowd.note(token(n), walk.now));
    for _ in 0..64 {
        walk.address = AddressCell::default();
        let mut car = walk.next_car(Span::from_secs(2));
        assert_eq!(walk.looks_at(&mut car).verdict, Verdict::Allow);
    }
}

/// An address against which so much stands that it is refused, at noon.
fn refused_address() -> World {
    let mut w = World::new();
    w.after(Span::from_secs(12 * 3_600));
    for _ in 0..13 {
        w.address.note(Signal::ManyTags, None, &w.policy, w.now);
    }
    w
}

#[test]
fn a_refused_address_is_offered_what_is_urgent_behind_a_challenge() {
    let mut w = refused_address();
    let decision = w.scan();
    w.led_to_nothing();
    assert_eq!((decision.verdict, decision.refusal), (Verdict::Refused, Some(Refusal::Score)));
    assert_eq!((decision.offered, signals(&decision)), (ReasonSet::URGENT, vec![Signal::ManyTags]));
    for (n, reason) in (1..).zip(decision.offered.iter()) {
        let id = w.waiting(n, reason);
        let view = w.view(id);
        assert!(view.challenge, "{reason:?} without a challenge");
        assert!(view.because.iter().any(|signal| signal == Signal::ManyTags));
    }
}

#[test]
fn a_refused_address_is_told_when_and_not_refused_then() {
    let mut w = refused_address();
    let OpenDecision::Refused { refusal, retry_after, because } = w.open(&request(1, Reason::Blocking)) else {
        panic!("a session is opened")
    };
    w.led_to_nothing();
    assert_eq!((refusal, because.iter().collect::<Vec<_>>()), (Refusal::Score, vec![Signal::ManyTags]));
    assert_eq!(w.scan().retry_after, retry_after, "the page and the session say the same");
    w.led_to_nothing();
    w.after(retry_after);
    assert_eq!(w.scan().refusal, None);
    w.led();
}

#[test]
fn others_at_the_same_car_are_not_concerned() {
    let mut w = refused_address();
    assert_eq!(w.scan().refusal, Some(Refusal::Score));
    w.led_to_nothing();
    assert_eq!(w.elsewhere().scan().verdict, Verdict::Allow);
    w.led();
    let id = w.waiting(1, Reason::Blocking);
    assert!(!w.view(id).challenge);
}

#[test]
fn where_no_score_is_asked_for_nobody_is_refused() {
    let mut w = World::given(|p| (p.refuse_at, p.challenge_at) = (0, 0), |_| ());
    for _ in 0..100 {
        w.address.note(Signal::ManyTags, Some(&mut w.network), &w.policy, w.now);
    }
    assert_eq!(w.scan().verdict, Verdict::Allow);
    w.led();
    w.waiting(1, Reason::Blocking);
    assert_ne!(w.open(&request(2, Reason::Blocking)), unopened(Refusal::Score, Span::ZERO));
    w.led();
}
