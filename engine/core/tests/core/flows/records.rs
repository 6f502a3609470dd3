//! The provider's own records name two telephone numbers: when they are to be deleted.

use qnect_core::facts::Outcome;
use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::reason::Reason;
use qnect_core::time::Span;

use crate::dsl::{World, asha, leg};

#[test]
fn they_are_deleted_so_long_after_the_end_of_a_call() {
    use Outcome::{Busy, Cancelled, Completed, Declined, Failed, NoAnswer};
    for outcome in [Completed, NoAnswer, Busy, Declined, Failed, Cancelled] {
        let kept = Span::from_secs(3_600 * 7);
        let mut w = World::given(|p| p.provider_records_kept = kept, |_| ());
        let id = w.called(1, outcome);
        assert_eq!(w.remembered(id).records_due_at, Some(w.now.plus(kept)), "{outcome:?}");
        w.restart();
        assert_eq!(w.remembered(id).records_due_at, Some(w.now.plus(kept)), "{outcome:?}");
    }
}

#[test]
fn not_before_the_end_is_known() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    assert_eq!(w.remembered(id).records_due_at, None);
    w.notes(id, LegEvent::DialEnded(LegEnd::Completed));
    assert_eq!(w.remembered(id).records_due_at, None);
    w.ends(id, Outcome::NoAnswer);
    assert_eq!(w.remembered(id).records_due_at, Some(w.now.plus(Span::DAY)));
}

#[test]
fn a_call_that_was_lost_has_records_too() {
    let mut w = World::new();
    let id = w.dialing(1, Reason::Blocking);
    w.is_lost(id, Outcome::Failed);
    assert_eq!(w.remembered(id).records_due_at, Some(w.now.plus(Span::DAY)));
}

#[test]
fn where_nobody_was_rung_there_are_none() {
    let mut w = World::new();
    let fresh = w.waiting(1, Reason::Blocking);
    w.ends(fresh, Outcome::Expired);
    let bound = w.bound(2);
    w.ends(bound, Outcome::Expired);
    let withheld = w.waiting(3, Reason::Blocking);
    w.put_through(withheld, &leg(3), asha());
    w.withhold(withheld, asha());
    w.led();
    w.ends(withheld, Outcome::Expired);
    for id in [fresh, bound, withheld] {
        assert_eq!(w.remembered(id).records_due_at, None);
    }
}
