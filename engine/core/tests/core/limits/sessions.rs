//! What an address pays for its sessions: nothing for those that ring an owner, once for all that nobody calls of one car, and
//! for urgent ones from a budget of their own.

use std::sync::Arc;

use proptest::prelude::*;
use qnect_core::desk::{AddressCell, Desk, OwnerCell};
use qnect_core::effects::{Effect, Effects};
use qnect_core::facts::Outcome;
use qnect_core::instruction::Instruction;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::limiter::{Cell, Quota};
use qnect_core::policy::Policy;
use qnect_core::reason::Reason;
use qnect_core::scan::{Refusal, Verdict};
use qnect_core::tag::{CallTurn, OnLine, OpenDecision, OpenSession, Tag, TagConfig};
use qnect_core::tag_code::TagId;
use qnect_core::time::{Span, Timestamp};

use crate::dsl::{
    Led, START, World, address_key, asha, default_config, default_policy, known, leg, one_of_many, per_hour, request,
    request_from, session_id, token,
};

/// People behind one address, each at another car, whom no score holds up.
struct Behind {
    policy: Arc<Policy>,
    now: Timestamp,
    address: AddressCell,
    cars: u64,
}

impl Behind {
    fn nobody_yet() -> Self {
        let policy = Policy { challenge_at: 0, refuse_at: 0, ..default_policy() };
        Self { policy: Arc::new(policy), now: START, address: AddressCell::default(), cars: 0 }
    }

    /// One more opens a session and, if `calls`, rings the owner. Returns whether it was opened.
    fn one_more(&mut self, reason: Reason, calls: bool) -> bool {
        self.cars += 1;
        let config = TagConfig { id: TagId::from_random(0, self.cars), ..default_config() };
        let mut car = Tag::restore(Arc::new(config), self.policy.clone(), Vec::new(), self.now);
        let (mut effects, mut owner) = (Effects::new(), OwnerCell::default());
        let mut desk = Desk { address: Some(&mut self.address), ..Desk::default() };
        let open = OpenSession { from: Some(address_key(1)), ..request(1, reason) };
        let refusal = match car.on_open_session(&open, self.now, &mut desk, &mut effects) {
            OpenDecision::Opened(_) => None,
            OpenDecision::Refused { refusal, .. } => Some(refusal),
            other => panic!("{other:?}"),
        };
        assert!(refusal.is_none_or(|refusal| refusal == Refusal::AddressLimit), "{refusal:?}");
        if calls && refusal.is_none() {
            let (mut desk, leg) = (Desk { owner: Some(&mut owner), ..Desk::default() }, leg(1));
            let on_line =
                OnLine { session: open.id, leg: &leg, caller: known(1), turn: CallTurn::Code, line_is_free: true };
            let answer = car.on_caller(&on_line, self.now, &mut desk, &mut effects);
            assert!(matches!(answer, Instruction::Dial(_)), "{answer:?}");
        }
        for effect in effects.drain() {
            if let Effect::CreditAddress { from, urgent, caller } = effect {
                assert_eq!((from, urgent), (address_key(1), reason.is_urgent()));
                self.address.credit_call(urgent, caller, &self.policy, self.now);
            }
        }
        refusal.is_none()
    }
}

#[test]
fn a_thousand_people_an_hour_behind_one_address_who_call_are_never_limited() {
    for reason in [Reason::LightsOn, Reason::Emergency] {
        let mut behind = Behind::nobody_yet();
        for n in 0..1_000 {
            assert!(behind.one_more(reason, true), "the {n}th");
            behind.now = behind.now.plus(Span::from_millis(3_600));
        }
        // All at once neither.
        assert!((0..1_000).all(|_| behind.one_more(reason, true)));
    }
}

#[test]
fn those_who_never_call_are_limited_at_the_next_after_two_hundred() {
    for reason in [Reason::LightsOn, Reason::Emergency] {
        let mut behind = Behind::nobody_yet();
        for n in 1..=200 {
            assert!(behind.one_more(reason, false), "the {n}th");
        }
        assert!(!behind.one_more(reason, false));
        assert!(!behind.one_more(reason, true), "nobody knows who would call");
        behind.now = behind.now.plus(Span::from_secs(18));
        assert!(behind.one_more(reason, false), "an hour has two hundred times eighteen seconds");
    }
}

#[test]
fn one_budget_used_up_leaves_the_other_whole() {
    for (used_up, other) in [(Reason::LightsOn, Reason::Emergency), (Reason::Emergency, Reason::LightsOn)] {
        let mut behind = Behind::nobody_yet();
        while behind.one_more(used_up, false) {}
        for n in 1..=200 {
            assert!(behind.one_more(other, false), "the {n}th");
        }
        assert!(!behind.one_more(other, false));
    }
}

#[test]
fn a_flood_of_one_car_costs_its_address_its_share_of_the_room_and_no_more() {
    for (room, share) in [(32, 4), (16, 2), (8, 1), (1, 1)] {
        for is_crowd in [false, true] {
            let mut w = World::given(|p| (p.tag_open_sessions_max, p.refuse_at) = (room, 0), |_| ());
            if is_crowd {
                (1..=3).for_each(|n| w.address.crowd.note(token(n), w.now));
            }
            for n in 0..1_000 {
                let decision = w.open(&one_of_many(n, address_key(66), Reason::LightsOn));
                let (is_opened, gave_way) =
                    (matches!(decision, OpenDecision::Opened(_)), w.led().contains(&Led::GaveWay));
                let is_in_share = n < share;
                assert_eq!((is_opened, gave_way), (is_in_share || is_crowd, !is_in_share && is_crowd), "{decision:?}");
                assert_eq!(w.tag.open_sessions(), share.min(n + 1) as usize);
                let quota = if is_crowd { 2_000 } else { 200 };
                let left = w.address.sessions.remaining(per_hour(quota).unwrap(), w.now).left;
                assert_eq!(left, quota - share.min(n + 1), "after {n} in a room of {room}");
            }
        }
    }
}

/// No score ends it where people share an address, and each is written to the disk.
#[test]
fn a_flood_of_a_shared_address_for_an_urgent_reason_is_paid_for_one_by_one() {
    let mut w = World::new();
    (1..=3).for_each(|n| w.address.crowd.note(token(n), w.now));
    // One that people share has ten times of what others have.
    for n in 0..2_100 {
        let decision = w.open(&one_of_many(n, address_key(66), Reason::Emergency));
        w.led();
        assert_eq!(matches!(decision, OpenDecision::Opened(_)), n < 2_000, "{n}: {decision:?}");
        assert_eq!(w.tag.open_sessions(), 4.min(n as usize + 1));
    }
}

#[test]
fn a_call_is_given_back_once_and_the_call_that_follows_gives_nothing_more() {
    let quota = per_hour(200).unwrap();
    let mut w = World::new();
    let left = |w: &World| w.address.sessions.remaining(quota, w.now).left;
    let over = w.waiting_from(1, 1, Reason::Blocking);
    w.waiting_from(1, 3, Reason::Blocking);
    assert_eq!(left(&w), 198);
    w.put_through(over, &leg(1), asha());
    assert_eq!(left(&w), 199);
    w.notes(over, LegEvent::DialEnded(LegEnd::NoAnswer));
    w.ends(over, Outcome::NoAnswer);
    let (before, score) = (w.address.sessions, w.address.score);
    w.follows(over, 2);
    assert_eq!((w.address.sessions, w.address.score), (before, score));
}

#[test]
fn a_dial_that_was_withheld_and_comes_again_is_given_back_once() {
    let mut w = World::new();
    let id = w.waiting_from(1, 1, Reason::Blocking);
    w.put_through(id, &leg(1), asha());
    w.withhold(id, asha());
    w.led();
    let again = w.call(id, &leg(2), asha());
    assert!(matches!(again, Instruction::Dial(_)), "{again:?}");
    assert!(!w.led().contains(&Led::Credited));
}

#[test]
fn a_look_is_judged_by_what_was_before_it() {
    let mut w = World::given(|p| p.challenge_at = 1, |_| ());
    for verdict in [Verdict::Allow, Verdict::Challenge] {
        assert_eq!(w.scan().verdict, verdict);
        w.led_to([Led::ScanAdmitted]);
    }
    let mut w = World::given(|p| p.challenge_at = 1, |_| ());
    w.scan();
    w.led();
    w.open(&request_from(1, 1, Reason::Blocking));
    w.led();
    assert!(w.view(session_id(1)).challenge, "for the look");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever is charged and given back: in no window is more admitted than the bound of the quota and what was given back
    /// within it, and never is there more than the quota.
    #[test]
    fn what_is_given_back_never_makes_more_than_the_quota(
        limit in 1u32..20,
        interval_ms in 1u64..2_000,
        steps in prop::collection::vec((0u64..500, any::<bool>()), 1..200),
    ) {
        let quota = Quota::new(limit, Span::from_millis(interval_ms * u64::from(limit)));
        let (mut cell, mut now, mut told) = (Cell::default(), START, Vec::new());
        for (gap, is_refund) in steps {
            now = now.plus(Span::from_millis(gap));
            if is_refund {
                cell.refund(quota);
                told.push((now, -1_i64));
            } else if let Ok(allowance) = cell.ask(quota, now) {
                cell.charge(allowance);
                told.push((now, 1));
            }
            prop_assert!(cell.remaining(quota.unwrap(), now).left <= limit);
        }
        for (first, (from, _)) in told.iter().enumerate() {
            let mut admitted = 0;
            for (until, change) in &told[first..] {
                admitted += change;
                let refilled = until.since(*from).as_millis() / interval_ms;
                prop_assert!(admitted <= i64::from(limit) + refilled as i64, "from {:?} until {:?}", from, until);
            }
        }
    }
}
