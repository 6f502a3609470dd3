//! The order in which providers tell, and how often, makes no difference: all 720 orders of six events, each told one
//! to ten times, lead to one outcome. So do all orders of every small set of events (`sets`), whatever is lost or an hour
//! late (`losses`).

mod losses;
mod sets;

use qnect_core::facts::Outcome;
use qnect_core::leg::LegEnd::{Busy, Cancelled, Completed, Failed, NoAnswer, Rejected};
use qnect_core::leg::LegEvent::{
    self, DialEnded, OwnerAccepted, OwnerAnswered, OwnerComing, OwnerLegEnded, OwnerRang, OwnerRefused, ScannerLegEnded,
};
use qnect_core::reason::Reason;
use qnect_core::session::{Change, Stay};
use qnect_core::time::Span;

use crate::bits::Bits;
use crate::dsl::{LATE, World, change};

/// Between two events. Sixty of them fit into the 5 s in which late news still count.
const STEP: Span = Span::from_millis(80);

/// Random repetitions of each order, besides the regular ones.
const SEEDS: u64 = 8;

/// How often a provider tells a thing, at most.
const TIMES_MAX: usize = 10;

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
fn an_owner_who_comes_instead_of_talking() {
    all_orders(
        [OwnerRang, OwnerAnswered, OwnerComing, OwnerLegEnded(Completed), DialEnded(Completed), ScannerLegEnded],
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
        let on_the_spot: Vec<_> = order.iter().flat_map(|&e| [e; TIMES_MAX]).collect();
        leads_to(&on_the_spot, outcome, "each ten times on the spot");
        leads_to(&order.repeat(TIMES_MAX), outcome, "the whole order ten times");
        for seed in 0..SEEDS {
            let seed = orders * SEEDS + seed;
            leads_to(&repeated(order, &mut Bits::of(seed)), outcome, &format!("seed {seed}"));
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

/// Tells each event one to ten times: the first times in this order, each repetition somewhere after its first time.
fn repeated(order: &[LegEvent], bits: &mut Bits) -> Vec<LegEvent> {
    let mut told = order.to_vec();
    for event in order {
        for _ in 0..bits.below(TIMES_MAX) {
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
