//! The switchboard: which session an access code on an intermediary number leads to, and which one a leg belongs to.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use qnect_core::access_code::{AccessCode, CODES_PER_SESSION};
use qnect_core::caller::{CallerTokens, DayToken};
use qnect_core::leg::LegId;
use qnect_core::number::IntermediaryNumber;
use qnect_core::session::SessionSnapshot;
use qnect_core::session_id::SessionId;
use qnect_core::time::Timestamp;

/// Random codes that are tried for one lease. At most one code in [`CODES_PER_SESSION`] is taken, so even two failures
/// in a row are a rarity.
const DRAWS_MAX: u32 = 8;
/// Callers who may dial again without a code, at most. One more is asked for the code, like anybody.
const REDIALS_MAX: usize = 1_000_000;

/// An intermediary number as the operator configured it.
#[derive(Debug, Clone, Copy)]
pub struct NumberPlan {
    /// The number.
    pub number: IntermediaryNumber,
    /// How many digits its codes have, 6 to 9.
    pub digits: u8,
}

#[derive(Debug)]
struct Line {
    plan: NumberPlan,
    /// `None` while leased but not bound yet.
    sessions: DashMap<u32, Option<SessionId>>,
    open: AtomicU32,
}

impl Line {
    fn open_max(&self) -> u32 {
        AccessCode::count(self.plan.digits) / CODES_PER_SESSION
    }

    /// Millionths of the places on this number that are taken.
    fn load(&self) -> u64 {
        u64::from(self.open.load(Ordering::Relaxed)) * 1_000_000 / u64::from(self.open_max().max(1))
    }

    /// Takes a place on this number, if there is one.
    fn take_place(&self) -> bool {
        let room = |open| (open < self.open_max()).then_some(open + 1);
        self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }

    /// Frees a code if `holder` holds it: an end that is told twice must not free what somebody else leased meanwhile.
    fn free(&self, code: u32, holder: Option<SessionId>) {
        if self.sessions.remove_if(&code, |_, session| *session == holder).is_some() {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// What a caller may dial again on a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Redial {
    /// The session that the caller had.
    pub(crate) session: SessionId,
    /// Its code, which a telephone may send again by itself. By now it may lead to somebody else's session.
    pub(crate) code: AccessCode,
    /// Until when.
    pub(crate) until: Timestamp,
}

/// The switchboard.
#[derive(Debug)]
pub(crate) struct Switchboard {
    lines: Vec<Arc<Line>>,
    /// The same, by the calling code of their country.
    by_country: HashMap<u16, Vec<Arc<Line>>>,
    by_number: HashMap<IntermediaryNumber, Arc<Line>>,
    session_by_leg: DashMap<LegId, SessionId>,
    redials: DashMap<(IntermediaryNumber, DayToken), Redial>,
}

/// A number and a code that are taken for a session to be. Dropped without [`Lease::bind`], both are free again.
#[derive(Debug)]
pub(crate) struct Lease {
    line: Arc<Line>,
    code: AccessCode,
    bound: bool,
}

/// Why there is no lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoLease {
    /// All codes of the numbers are taken.
    AllTaken,
    /// No number is usable now.
    NoneUsable,
}

impl Lease {
    pub(crate) fn number(&self) -> IntermediaryNumber {
        self.line.plan.number
    }

    pub(crate) fn code(&self) -> AccessCode {
        self.code
    }

    /// From now on the code leads to `session`, until it is released.
    pub(crate) fn bind(mut self, session: SessionId) {
        self.line.sessions.insert(self.code.value(), Some(session));
        self.bound = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.bound {
            self.line.free(self.code.value(), None);
        }
    }
}

impl Switchboard {
    pub(crate) fn new(plans: &[NumberPlan]) -> Self {
        let line = |plan: &NumberPlan| {
            Arc::new(Line { plan: *plan, sessions: DashMap::with_shard_amount(4), open: AtomicU32::new(0) })
        };
        let lines: Vec<Arc<Line>> = plans.iter().map(line).collect();
        let by_number = lines.iter().map(|line| (line.plan.number, line.clone())).collect();
        let mut by_country: HashMap<u16, Vec<Arc<Line>>> = HashMap::new();
        for line in &lines {
            by_country.entry(line.plan.number.calling_code()).or_default().push(line.clone());
        }
        Self { lines, by_country, by_number, session_by_leg: DashMap::new(), redials: DashMap::new() }
    }

    /// Takes a code on a number with few open sessions for its size: of the owner's country, if we have any there that are
    /// `usable`. `random` is drawn from as needed.
    pub(crate) fn lease(
        &self,
        calling_code: Option<u16>,
        usable: impl Fn(IntermediaryNumber) -> bool,
        mut random: impl FnMut() -> u32,
    ) -> Result<Lease, NoLease> {
        let at_home = calling_code.and_then(|code| self.by_country.get(&code));
        at_home
            .and_then(|lines| Self::lease_among(lines, &usable, &mut random))
            .or_else(|| Self::lease_among(&self.lines, &usable, &mut random))
            .unwrap_or(Err(if self.lines.is_empty() { NoLease::AllTaken } else { NoLease::NoneUsable }))
    }

    /// The same on one of these; `None` when none is usable. Of two drawn at random it is the emptier one, which spreads
    /// sessions almost as evenly as a look at all of them (Azar, Broder, Karlin and Upfal, "Balanced allocations", 1994).
    /// All are looked at when those two are of no use.
    fn lease_among(
        lines: &[Arc<Line>],
        usable: impl Fn(IntermediaryNumber) -> bool,
        mut random: impl FnMut() -> u32,
    ) -> Option<Result<Lease, NoLease>> {
        let usable = |line: &&Arc<Line>| usable(line.plan.number);
        let at = |draw: u32| lines.get(((u64::from(draw) * lines.len() as u64) >> 32) as usize);
        let draw = random();
        let drawn = [at(draw), at(draw.rotate_left(16))].into_iter().flatten();
        let emptier = drawn.filter(usable).min_by_key(|line| line.load());
        if let Some(lease) = emptier.and_then(|line| Self::lease_on(line, &mut random)) {
            return Some(Ok(lease));
        }
        let emptiest = lines.iter().filter(usable).min_by_key(|line| line.load())?;
        Some(Self::lease_on(emptiest, random).ok_or(NoLease::AllTaken))
    }

    /// Takes a code on this very number.
    pub(crate) fn lease_at(&self, number: IntermediaryNumber, random: impl FnMut() -> u32) -> Option<Lease> {
        Self::lease_on(self.by_number.get(&number)?, random)
    }

    fn lease_on(line: &Arc<Line>, mut random: impl FnMut() -> u32) -> Option<Lease> {
        if !line.take_place() {
            return None;
        }
        for _ in 0..DRAWS_MAX {
            let code = AccessCode::from_index(random(), line.plan.digits);
            if let Entry::Vacant(free) = line.sessions.entry(code.value()) {
                free.insert(None);
                return Some(Lease { line: line.clone(), code, bound: false });
            }
        }
        line.open.fetch_sub(1, Ordering::Relaxed);
        None
    }

    /// The codes of a remembered session are taken again: once at start. A number that is configured no more is passed over.
    pub(crate) fn restore(&self, session: &SessionSnapshot) {
        if let Some(line) = self.by_number.get(&session.number)
            && line.sessions.insert(session.code.value(), Some(session.id)).is_none()
        {
            line.open.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(leg) = &session.scanner_leg {
            self.session_by_leg.insert(leg.clone(), session.id);
        }
    }

    /// The caller may dial `number` again without a code, until then.
    pub(crate) fn remember_caller(&self, number: IntermediaryNumber, caller: DayToken, redial: Redial) {
        if self.redials.len() < REDIALS_MAX || self.redials.contains_key(&(number, caller)) {
            self.redials.insert((number, caller), redial);
        }
    }

    /// What a caller may dial again on `number`.
    pub(crate) fn redial(&self, number: IntermediaryNumber, caller: CallerTokens, now: Timestamp) -> Option<Redial> {
        let named = |token| self.redials.get(&(number, token)).map(|redial| *redial);
        let redial = named(caller.today).or_else(|| named(caller.yesterday?))?;
        (now < redial.until).then_some(redial)
    }

    /// Forgets whom nobody needs to remember any more.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.redials.retain(|_, redial| now < redial.until);
    }

    /// The digits that codes on `number` have; `None` for a number that is not ours.
    pub(crate) fn digits(&self, number: IntermediaryNumber) -> Option<u8> {
        self.by_number.get(&number).map(|line| line.plan.digits)
    }

    /// The session behind a code.
    pub(crate) fn session(&self, number: IntermediaryNumber, code: AccessCode) -> Option<SessionId> {
        self.by_number.get(&number)?.sessions.get(&code.value()).and_then(|session| *session)
    }

    /// The code of `session` is free again.
    pub(crate) fn release(&self, number: IntermediaryNumber, code: AccessCode, session: SessionId) {
        if let Some(line) = self.by_number.get(&number) {
            line.free(code.value(), Some(session));
        }
    }

    /// A leg belongs to a session until it ends. One entry a session at most, so sessions bound this map.
    pub(crate) fn connect_leg(&self, leg: LegId, session: SessionId) {
        self.session_by_leg.insert(leg, session);
    }

    /// A leg belongs to `session` no more.
    pub(crate) fn forget_leg(&self, leg: &LegId, session: SessionId) {
        self.session_by_leg.remove_if(leg, |_, holder| *holder == session);
    }

    pub(crate) fn session_of_leg(&self, leg: &LegId) -> Option<SessionId> {
        self.session_by_leg.get(leg).map(|session| *session)
    }

    /// Open sessions on all numbers, and how many there may be.
    pub(crate) fn load(&self) -> (u64, u64) {
        self.lines.iter().fold((0, 0), |(open, max), line| {
            (open + u64::from(line.open.load(Ordering::Relaxed)), max + u64::from(line.open_max()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(digits: u8) -> (Switchboard, IntermediaryNumber) {
        let number = IntermediaryNumber::parse("+911140000001").unwrap();
        (Switchboard::new(&[NumberPlan { number, digits }]), number)
    }

    fn counting() -> impl FnMut() -> u32 {
        let mut next = 0;
        move || {
            next += 1;
            next
        }
    }

    #[test]
    fn a_number_carries_one_session_for_ten_thousand_codes() {
        let (board, _) = board(6);
        let mut random = counting();
        let leases: Vec<_> = (0..10).map(|_| board.lease(None, |_| true, &mut random).unwrap()).collect();
        assert!(board.lease(None, |_| true, &mut random).is_err(), "100,000 codes carry 10 sessions");
        drop(leases);
        assert!(board.lease(None, |_| true, &mut random).is_ok(), "a dropped lease is free again");
    }

    #[test]
    fn a_number_whose_account_has_no_line_left_is_passed_over() {
        let plans = ["+911140000001", "+911140000002"]
            .map(|number| NumberPlan { number: IntermediaryNumber::parse(number).unwrap(), digits: 7 });
        let [first, second] = plans.map(|plan| plan.number);
        let board = Switchboard::new(&plans);
        let leased = |usable: &dyn Fn(IntermediaryNumber) -> bool| board.lease(Some(91), usable, counting());
        assert_eq!(leased(&|number| number == first).unwrap().number(), first);
        assert_eq!(leased(&|number| number == second).unwrap().number(), second);
        assert_eq!(leased(&|_| false).err(), Some(NoLease::NoneUsable));
    }

    #[test]
    fn sessions_are_spread_over_the_numbers_and_the_last_place_is_found() {
        let plan =
            |n: u32| NumberPlan { number: IntermediaryNumber::parse(&format!("+9111400{n:05}")).unwrap(), digits: 7 };
        let board = Switchboard::new(&(0..64).map(plan).collect::<Vec<_>>());
        // Any generator will do; this one is Marsaglia's xorshift.
        let mut state = 2_463_534_242u32;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state
        };
        let places = 64 * board.lines[0].open_max();
        let mut leases: Vec<_> =
            (0..places / 2).map(|_| board.lease(Some(91), |_| true, &mut random).unwrap()).collect();
        let open: Vec<_> = board.lines.iter().map(|line| line.open.load(Ordering::Relaxed)).collect();
        let (least, most) = (open.iter().min().unwrap(), open.iter().max().unwrap());
        assert!(most - least <= 8, "{least} to {most} sessions on each of 64 numbers, 50 if all had the same");
        leases.extend((places / 2..places).map(|_| board.lease(Some(91), |_| true, &mut random).unwrap()));
        assert_eq!(board.lease(Some(91), |_| true, &mut random).err(), Some(NoLease::AllTaken));
        assert_eq!(board.load(), (u64::from(places), u64::from(places)));
    }

    #[test]
    fn no_number_means_no_lease() {
        assert_eq!(Switchboard::new(&[]).lease(None, |_| true, counting()).err(), Some(NoLease::AllTaken));
    }

    #[test]
    fn an_end_that_is_told_twice_frees_nobody_elses_code() {
        let (board, number) = board(6);
        let keys = qnect_core::check::CheckKeys::new(0, &[1; 32], &[2; 32]);
        let session = |n| SessionId::new(qnect_core::tag_code::TagId::from_random(0, n), [n as u8; 17], &keys).unwrap();
        let code = {
            let lease = board.lease(None, |_| true, || 7).unwrap();
            let code = lease.code();
            lease.bind(session(1));
            code
        };
        board.release(number, code, session(1));
        board.lease(None, |_| true, || 7).unwrap().bind(session(2));
        board.release(number, code, session(1));
        assert_eq!(board.session(number, code), Some(session(2)));
        assert_eq!(board.load().0, 1);
    }

    #[test]
    fn a_leased_code_leads_nowhere_until_it_is_bound() {
        let (board, number) = board(7);
        let lease = board.lease(None, |_| true, counting()).unwrap();
        assert_eq!(board.session(number, lease.code()), None);
    }

    #[test]
    fn an_owner_is_reached_within_the_country() {
        let numbers = ["+15557122661", "+911140000001", "+911140000002"].map(|n| IntermediaryNumber::parse(n).unwrap());
        let board = Switchboard::new(&numbers.map(|number| NumberPlan { number, digits: 6 }));
        let mut random = counting();
        let at_home: Vec<_> = (0..20).map(|_| board.lease(Some(91), |_| true, &mut random).unwrap()).collect();
        assert!(at_home.iter().all(|lease| lease.number() != numbers[0]));
        assert!(board.lease(Some(91), |_| true, &mut random).is_err(), "a number abroad would not be a cheap call");
        assert!(board.lease(Some(44), |_| true, &mut random).is_ok(), "without a number at home any will do");
    }
}
