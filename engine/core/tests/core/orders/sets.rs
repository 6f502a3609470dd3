//! Every set of events: the outcome is a function of the set, and nothing else of how it was told.

use qnect_core::facts::Outcome;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::reason::Reason;
use qnect_core::session::{Asked, Due, Session, State};
use qnect_core::tag::OwnerId;
use qnect_core::time::Span;

use super::{permutations, repeated};
use crate::bits::Bits;
use crate::dsl::{NUMBER, START, code, default_policy, leg, our_number, session_id};

/// Larger sets are drawn at random.
const EVERY_SET_UP_TO: usize = 4;
const RANDOM_SETS: u64 = 4_000;

/// What a set of events means, said once more and in other words than the core does.
pub(super) fn meaning(told: &[LegEvent]) -> Outcome {
    use LegEvent::{DialEnded, OwnerAccepted, OwnerComing, OwnerLegEnded, OwnerRefused, ScannerLegEnded};
    let has = |event: LegEvent| told.contains(&event);
    let ended = |end: LegEnd| has(OwnerLegEnded(end)) || has(DialEnded(end));
    if has(OwnerRefused) || ended(LegEnd::Rejected) {
        return Outcome::Declined;
    }
    if has(OwnerAccepted) {
        return Outcome::Completed;
    }
    if has(OwnerComing) || ended(LegEnd::HungUp) {
        return Outcome::Declined;
    }
    if ended(LegEnd::Busy) {
        return Outcome::Busy;
    }
    if ended(LegEnd::NoAnswer) || ended(LegEnd::Completed) {
        return Outcome::NoAnswer;
    }
    if ended(LegEnd::Cancelled) || has(ScannerLegEnded) {
        return Outcome::Cancelled;
    }
    Outcome::Failed
}

/// The rank that a set lifts a session to, at least.
fn rank(told: &[LegEvent]) -> State {
    use LegEvent::{OwnerAccepted, OwnerAnswered, OwnerComing, OwnerRang, OwnerRefused};
    if told.contains(&OwnerAccepted) {
        return State::Connected;
    }
    let rang = [OwnerRang, OwnerAnswered, OwnerRefused, OwnerComing].iter().any(|event| told.contains(event));
    if rang { State::Ringing } else { State::Dialing }
}

/// Tells a session that was dialled these events, one a hundredth of a second, and lets its clock run out.
fn leads_to(order: &[LegEvent]) {
    let policy = default_policy();
    let mut now = START;
    let asked = Asked {
        reason: Reason::Blocking,
        language: Default::default(),
        idempotency: None,
        challenge: None,
        from: None,
    };
    let life = (now, now.plus(policy.session_life));
    let mut session = Session::open(session_id(1), asked, (our_number(NUMBER), code(1)), OwnerId(7), life);
    session.dial(leg(1), now);
    for (n, event) in order.iter().enumerate() {
        now = now.plus(Span::from_millis(10));
        session.apply(*event, now);
        assert_eq!(session.state(), rank(&order[..=n]), "{order:?}");
        assert_eq!(session.on_time(&policy, now), None, "ended too early: {order:?}");
    }
    let is_over = order.iter().any(|event| event.is_terminal());
    now = session.deadline(&policy).unwrap();
    let due = session.on_time(&policy, now);
    if is_over {
        assert_eq!(due, Some(Due::Ended { outcome: meaning(order), lost: false }), "{order:?}");
        return;
    }
    assert_eq!(due, Some(Due::Overdue), "{order:?}");
    now = session.deadline(&policy).unwrap();
    let due = session.on_time(&policy, now);
    assert_eq!(due, Some(Due::Ended { outcome: meaning(order), lost: true }), "{order:?}");
    assert_eq!(session.state(), State::Ended);
}

#[test]
fn every_small_set_in_every_order() {
    let all: Vec<_> = LegEvent::all().collect();
    let mut sets = 0;
    subsets(&all, EVERY_SET_UP_TO, &mut Vec::new(), &mut |set| {
        sets += 1;
        permutations(&mut set.to_vec(), 0, &mut |order| leads_to(order));
    });
    assert_eq!(sets, 1 + 20 + 190 + 1_140 + 4_845, "none of them, and so many of twenty");
}

#[test]
fn random_sets_in_random_orders_each_told_up_to_ten_times() {
    for seed in 0..RANDOM_SETS {
        let mut bits = Bits::of(seed);
        let mut set: Vec<_> = LegEvent::all().collect();
        for last in (1..set.len()).rev() {
            set.swap(last, bits.below(last + 1));
        }
        set.truncate(1 + bits.below(set.len()));
        leads_to(&repeated(&set, &mut bits));
    }
}

fn subsets(left: &[LegEvent], room: usize, set: &mut Vec<LegEvent>, each: &mut impl FnMut(&[LegEvent])) {
    each(set);
    if room == 0 {
        return;
    }
    for (n, event) in left.iter().enumerate() {
        set.push(*event);
        subsets(&left[n + 1..], room - 1, set, each);
        set.pop();
    }
}
