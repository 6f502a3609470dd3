//! The order in which providers tell, and how often, makes no difference: all 720 orders of six events, each told one
//! to three times, lead to one outcome.

use qnect_core::facts::Outcome;
use qnect_core::leg::LegEnd::{Busy, Cancelled, Completed, Failed, NoAnswer, Rejected};
use qnect_core::leg::LegEvent::{
    self, DialEnded, OwnerAccepted, OwnerAnswered, OwnerLegEnded, OwnerRang, OwnerRefused, ScannerLegEnded,
};
use qnect_core::reason::Reason;
use qnect_core::session::{Change, Stay};
use qnect_core::time::Span;

use crate::dsl::{LATE, World, change};

/// Between two events. Eighteen of them fit into the 5 s in which late news still count.
const STEP: Span = Span::from_millis(200);

/// Random repetitions of each order, besides the regular ones.
const SEEDS: u64 = 24;

#[test]
fn two_who_talked() {
    all_orders(
        [OwnerRang, OwnerAnswered, OwnerAccepted, OwnerLegEnded(Completed), DialEnded(Completed), ScannerLegEnded],
        Outcome::Completed,
    );
}

#[test]
fn an_owner_who_rejected_which_half_of_the_provider_calls_busy() {
    all_orders(
        [OwnerRang, OwnerAnswered, OwnerLegEnded(Rejected), OwnerLegEnded(Failed), DialEnded(Busy), ScannerLegEnded],
        Outcome::Declined,
    );
}

#[test]
fn an_owner_who_pressed_the_key_that_refuses() {
    all_orders(
        [OwnerRang, OwnerAnswered, OwnerRefused, OwnerLegEnded(Completed), DialEnded(NoAnswer), ScannerLegEnded],
        Outcome::Declined,
    );
}

#[test]
fn a_busy_line() {
    all_orders(
        [
            OwnerLegEnded(Busy),
            OwnerLegEnded(Failed),
            DialEnded(Busy),
            DialEnded(NoAnswer),
            DialEnded(Cancelled),
            ScannerLegEnded,
        ],
        Outcome::Busy,
    );
}

#[test]
fn a_telephone_that_rang_out() {
    all_orders(
        [
            OwnerRang,
            OwnerLegEnded(NoAnswer),
            OwnerLegEnded(Cancelled),
            DialEnded(NoAnswer),
            DialEnded(Failed),
            ScannerLegEnded,
        ],
        Outcome::NoAnswer,
    );
}

#[test]
fn a_voicemail_that_answered_and_never_pressed_a_key() {
    all_orders(
        [OwnerRang, OwnerAnswered, OwnerLegEnded(Completed), DialEnded(Completed), DialEnded(Failed), ScannerLegEnded],
        Outcome::NoAnswer,
    );
}

#[test]
fn a_scanner_who_gave_up() {
    all_orders(
        [
            OwnerRang,
            OwnerLegEnded(Cancelled),
            OwnerLegEnded(Failed),
            DialEnded(Cancelled),
            DialEnded(Failed),
            ScannerLegEnded,
        ],
        Outcome::Cancelled,
    );
}

fn all_orders(events: [LegEvent; 6], outcome: Outcome) {
    let mut orders = 0;
    permutations(&mut events.to_vec(), 0, &mut |order| {
        orders += 1;
        leads_to(order, outcome, "each once");
        let tripled: Vec<_> = order.iter().flat_map(|&e| [e, e, e]).collect();
        leads_to(&tripled, outcome, "each three times on the spot");
        leads_to(&order.repeat(3), outcome, "the whole order three times");
        for seed in 0..SEEDS {
            let seed = orders * SEEDS + seed;
            leads_to(&repeated(order, seed), outcome, &format!("seed {seed}"));
        }
    });
    assert_eq!(orders, 720);
}

/// Tells the events in this order, lets the session settle, and tells everything once more, too late.
fn leads_to(order: &[LegEvent], outcome: Outcome, how: &str) {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    let mut heard: Vec<LegEvent> = Vec::new();
    let mut rank = w.state(id);
    for &event in order {
        w.after(STEP);
        let did = change(w.told(id, event));
        w.led();
        let after = w.state(id);
        assert!(after >= rank, "{rank:?} fell to {after:?}: {order:?}, {how}");
        assert_eq!(after > rank, did == Change::Moved, "{order:?}, {how}");
        if heard.contains(&event) {
            assert_eq!(did, Change::Stay(Stay::Duplicate), "{order:?}, {how}");
        }
        assert_eq!(w.view(id).outcome, None, "published too early: {order:?}, {how}");
        assert_eq!(w.clock(), [], "ended too early: {order:?}, {how}");
        heard.push(event);
        rank = after;
    }
    w.now = w.tag.next_deadline().unwrap();
    assert_eq!(w.clock(), [outcome], "{order:?}, {how}");
    w.led();
    let published = w.remembered(id);
    for &event in order {
        assert_eq!(change(w.told(id, event)), LATE, "{order:?}, {how}");
        w.led_to_nothing();
    }
    assert_eq!(w.remembered(id), published, "{order:?}, {how}");
}

/// Tells each event one to three times: the first times in this order, each repetition somewhere after its first time.
fn repeated(order: &[LegEvent], seed: u64) -> Vec<LegEvent> {
    let mut bits = Bits(seed);
    let mut told = order.to_vec();
    for event in order {
        for _ in 0..bits.below(3) {
            let first = told.iter().position(|e| e == event).unwrap();
            let later = first + 1 + bits.below(told.len() - first);
            told.insert(later, *event);
        }
    }
    told
}

fn permutations(items: &mut Vec<LegEvent>, fixed: usize, each: &mut impl FnMut(&[LegEvent])) {
    if fixed == items.len() {
        return each(items);
    }
    for i in fixed..items.len() {
        items.swap(fixed, i);
        permutations(items, fixed + 1, each);
        items.swap(fixed, i);
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): pseudo-random bits that a printed seed brings back.
struct Bits(u64);

impl Bits {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}
