//! Lines: how many legs our accounts at providers carry at once, and how many calls they place in a second. They are what
//! runs out first at peak hour. An account fails calls over its limit without a word that a person would understand, so we
//! keep count and say it ourselves, before.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use metrics::Gauge;
use qnect_core::leg::LegId;
use qnect_core::limiter::{Cell, Quota};
use qnect_core::number::IntermediaryNumber;
use qnect_core::time::{Span, Timestamp};

/// Calls that are counted at most, whatever the limits of the accounts are. More are carried without being counted.
const CALLS_MAX: usize = 1_000_000;
/// A call needs two lines: its caller's, and the owner's.
const LINES_PER_CALL: u32 = 2;
/// How long a caller's line counts on after the call was over for us, unless its end is told: what is said to the caller then.
const PARTING: Span = Span::from_secs(30);

/// An account at a provider, as far as lines go.
#[derive(Debug, Clone)]
pub struct AccountPlan {
    /// Its name in metrics: one of a closed set.
    pub label: &'static str,
    /// Legs at once, both sides of a call counted; 0: no limit known.
    pub lines_max: u32,
    /// Calls placed in a second; 0: no limit known.
    pub calls_per_second: u32,
    /// The numbers that it carries.
    pub numbers: Vec<IntermediaryNumber>,
}

#[derive(Debug)]
struct Account {
    /// `u32::MAX` when no limit is known.
    lines_max: u32,
    pace: Option<Quota>,
    placed: Mutex<Cell>,
    in_use: AtomicU32,
    gauges: Gauges,
}

struct Gauges {
    in_use: Gauge,
    /// None: no limit is known.
    free: Option<Gauge>,
}

impl std::fmt::Debug for Gauges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gauges")
    }
}

/// A call that takes lines of an account.
#[derive(Debug)]
struct Call {
    account: usize,
    /// The owner's line is taken too.
    dials: bool,
    /// When the call is over at the latest, whether or not anybody tells.
    until: Timestamp,
}

impl Call {
    fn lines(&self) -> u32 {
        if self.dials { LINES_PER_CALL } else { 1 }
    }
}

/// Whether an owner's telephone may be rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// A line is taken for it. Whoever does not ring in the end gives it back by [`Lines::withdraw`].
    New,
    /// One was taken before: this is told again.
    Held,
    /// After so long one call more may be placed.
    After(Span),
    /// All lines are taken.
    Busy,
}

/// All accounts, and the calls on them.
#[derive(Debug)]
pub(crate) struct Lines {
    accounts: Vec<Account>,
    account_of: HashMap<IntermediaryNumber, usize>,
    calls: DashMap<LegId, Call>,
    /// A call is over after this at the latest.
    call_max: Span,
}

impl Lines {
    pub(crate) fn new(plans: &[AccountPlan], call_max: Span) -> Self {
        let account = |plan: &AccountPlan| {
            let gauge = |state| metrics::gauge!("qnect_lines", "provider" => plan.label, "state" => state);
            Account {
                lines_max: if plan.lines_max == 0 { u32::MAX } else { plan.lines_max },
                pace: Quota::new(plan.calls_per_second, Span::from_secs(1)),
                placed: Mutex::default(),
                in_use: AtomicU32::new(0),
                gauges: Gauges { in_use: gauge("in_use"), free: (plan.lines_max > 0).then(|| gauge("free")) },
            }
        };
        let carried = |(index, plan): (usize, &AccountPlan)| {
            plan.numbers.iter().map(|number| (*number, index)).collect::<Vec<_>>()
        };
        Self {
            accounts: plans.iter().map(account).collect(),
            account_of: plans.iter().enumerate().flat_map(carried).collect(),
            calls: DashMap::new(),
            call_max,
        }
    }

    /// Whether a whole call more fits on the account of this number.
    pub(crate) fn has_room(&self, number: IntermediaryNumber) -> bool {
        self.account(number).is_none_or(|(_, account)| {
            account.in_use.load(Ordering::Relaxed).saturating_add(LINES_PER_CALL) <= account.lines_max
        })
    }

    /// A call came in. Its line is taken whether we like it or not.
    pub(crate) fn arrived(&self, leg: &LegId, number: IntermediaryNumber, now: Timestamp) {
        let Some((index, account)) = self.account(number) else { return };
        if self.calls.len() >= CALLS_MAX {
            return;
        }
        if let Entry::Vacant(free) = self.calls.entry(leg.clone()) {
            account.in_use.fetch_add(1, Ordering::Relaxed);
            free.insert(Call { account: index, dials: false, until: now.plus(self.call_max) });
        }
    }

    /// Takes a line to ring an owner for the caller on `leg`, if there is one and the pace allows it.
    pub(crate) fn take(&self, leg: &LegId, number: IntermediaryNumber, now: Timestamp) -> Grant {
        let Some((_, account)) = self.account(number) else { return Grant::Held };
        self.arrived(leg, number, now);
        let Some(mut call) = self.calls.get_mut(leg) else { return Grant::Held };
        if call.dials {
            return Grant::Held;
        }
        let mut placed = account.placed.lock().unwrap_or_else(PoisonError::into_inner);
        let allowance = match placed.ask(account.pace, now) {
            Ok(allowance) => allowance,
            Err(after) => return Grant::After(after),
        };
        let one_more = |in_use: u32| (in_use < account.lines_max).then_some(in_use + 1);
        if account.in_use.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_err() {
            return Grant::Busy;
        }
        placed.charge(allowance);
        call.dials = true;
        // It may have been over for us before.
        call.until = now.plus(self.call_max);
        Grant::New
    }

    /// A call that went on while the engine was not there.
    pub(crate) fn restore(&self, leg: &LegId, number: IntermediaryNumber, until: Timestamp) {
        let Some((index, account)) = self.account(number) else { return };
        let call = Call { account: index, dials: true, until };
        if let Entry::Vacant(free) = self.calls.entry(leg.clone()) {
            account.in_use.fetch_add(call.lines(), Ordering::Relaxed);
            free.insert(call);
        }
    }

    /// The owner is not rung in the end.
    pub(crate) fn withdraw(&self, leg: &LegId) {
        if let Some(index) = self.hang_up_owner(leg) {
            let account = &self.accounts[index];
            account.placed.lock().unwrap_or_else(PoisonError::into_inner).refund(account.pace);
        }
    }

    /// The call is over for us; its caller hears a parting word, perhaps.
    pub(crate) fn over(&self, leg: &LegId, now: Timestamp) {
        self.hang_up_owner(leg);
        if let Some(mut call) = self.calls.get_mut(leg) {
            call.until = call.until.min(now.plus(PARTING));
        }
    }

    /// The caller hung up, so the whole call is over.
    pub(crate) fn ended(&self, leg: &LegId) {
        if let Some((_, call)) = self.calls.remove(leg) {
            self.accounts[call.account].in_use.fetch_sub(call.lines(), Ordering::Relaxed);
        }
    }

    /// Frees the lines of calls whose end nobody told, and shows how many are in use.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.calls.retain(|_, call| {
            let is_on = now < call.until;
            if !is_on {
                self.accounts[call.account].in_use.fetch_sub(call.lines(), Ordering::Relaxed);
            }
            is_on
        });
        for account in &self.accounts {
            let in_use = account.in_use.load(Ordering::Relaxed);
            account.gauges.in_use.set(f64::from(in_use));
            if let Some(free) = &account.gauges.free {
                free.set(f64::from(account.lines_max.saturating_sub(in_use)));
            }
        }
    }

    fn hang_up_owner(&self, leg: &LegId) -> Option<usize> {
        let mut call = self.calls.get_mut(leg)?;
        let was_taken = std::mem::replace(&mut call.dials, false);
        was_taken.then(|| {
            self.accounts[call.account].in_use.fetch_sub(1, Ordering::Relaxed);
            call.account
        })
    }

    fn account(&self, number: IntermediaryNumber) -> Option<(usize, &Account)> {
        let index = *self.account_of.get(&number)?;
        Some((index, self.accounts.get(index)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_763_683_200_000);
    const CALL_MAX: Span = Span::from_secs(400);

    fn number() -> IntermediaryNumber {
        IntermediaryNumber::parse("+911140000001").unwrap()
    }

    fn leg(n: u32) -> LegId {
        LegId::new(&format!("leg-{n}")).unwrap()
    }

    fn lines(lines_max: u32, calls_per_second: u32) -> Lines {
        let plan = AccountPlan { label: "test", lines_max, calls_per_second, numbers: vec![number()] };
        Lines::new(&[plan], CALL_MAX)
    }

    fn in_use(lines: &Lines) -> u32 {
        lines.accounts[0].in_use.load(Ordering::Relaxed)
    }

    #[test]
    fn both_legs_count_and_are_free_again_however_often_their_end_is_told() {
        let lines = lines(4, 0);
        assert!(lines.has_room(number()));
        for _ in 0..3 {
            lines.arrived(&leg(1), number(), NOW);
        }
        assert_eq!(lines.take(&leg(1), number(), NOW), Grant::New);
        assert_eq!(lines.take(&leg(1), number(), NOW), Grant::Held);
        lines.arrived(&leg(2), number(), NOW);
        assert_eq!((in_use(&lines), lines.has_room(number())), (3, false));
        // A caller whose arrival was not told has a line all the same.
        assert_eq!(lines.take(&leg(3), number(), NOW), Grant::Busy);
        assert_eq!(in_use(&lines), 4);
        for _ in 0..3 {
            lines.over(&leg(1), NOW);
            assert_eq!(in_use(&lines), 3);
        }
        assert_eq!(lines.take(&leg(3), number(), NOW), Grant::New);
        for _ in 0..3 {
            (1..=3).for_each(|n| lines.ended(&leg(n)));
            assert_eq!(in_use(&lines), 0);
        }
    }

    #[test]
    fn a_call_whose_end_nobody_tells_is_over_some_time() {
        let lines = lines(2, 0);
        assert_eq!(lines.take(&leg(1), number(), NOW), Grant::New);
        lines.sweep(NOW.plus(Span::from_secs(399)));
        assert_eq!(in_use(&lines), 2);
        lines.sweep(NOW.plus(CALL_MAX));
        assert_eq!((in_use(&lines), lines.calls.len()), (0, 0));

        assert_eq!(lines.take(&leg(2), number(), NOW), Grant::New);
        lines.over(&leg(2), NOW);
        lines.sweep(NOW.plus(PARTING));
        assert_eq!(in_use(&lines), 0);
    }

    #[test]
    fn calls_are_placed_at_the_pace_of_the_account() {
        let lines = lines(0, 2);
        let take = |n, ms| lines.take(&leg(n), number(), NOW.plus(Span::from_millis(ms)));
        assert_eq!([take(1, 0), take(2, 0)], [Grant::New; 2]);
        assert_eq!(take(3, 0), Grant::After(Span::from_millis(500)));
        assert_eq!(take(1, 0), Grant::Held, "what is told again waits for nothing");
        assert_eq!(take(3, 500), Grant::New);
        // Whoever does not ring in the end has used up nothing.
        lines.withdraw(&leg(3));
        lines.withdraw(&leg(3));
        assert_eq!([take(4, 500), take(5, 500)], [Grant::New, Grant::After(Span::from_millis(500))]);
    }

    #[test]
    fn without_limits_everything_gets_a_line_and_a_foreign_number_is_none_of_ours() {
        let lines = lines(0, 0);
        assert!((0..10_000).all(|n| lines.take(&leg(n), number(), NOW) == Grant::New));
        assert!(lines.has_room(number()));
        let foreign = IntermediaryNumber::parse("+12025550101").unwrap();
        assert_eq!(lines.take(&leg(1), foreign, NOW), Grant::Held);
        assert!(lines.has_room(foreign));
    }

    #[test]
    fn no_two_callers_get_the_last_line() {
        let lines = lines(100, 0);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let lines = &lines;
                scope.spawn(move || {
                    for n in 0..1_000 {
                        let leg = leg(thread * 1_000 + n);
                        lines.arrived(&leg, number(), NOW);
                        if lines.take(&leg, number(), NOW) == Grant::New {
                            assert!(in_use(lines) <= 100 + 4, "the callers' own lines are taken anyway");
                        }
                        lines.ended(&leg);
                    }
                });
            }
        });
        assert_eq!(in_use(&lines), 0);
    }
}
