//! One random world: what is in it, and its time.

use std::collections::{HashMap, HashSet};

use qnect_core::caller::DayToken;
use qnect_core::desk::{AddressCell, CallerCell, NetworkCell, OwnerCell};
use qnect_core::tag::{Tag, TagStatus};
use qnect_core::time::{Span, Timestamp};

use super::agenda::{Agenda, Item};
use super::cast::{ADDRESSES, Owner, config};
use super::census::Census;
use super::hands::Pending;
use super::judge::Judge;
use super::network::{Network, WebhookId};
use super::rules::Rules;
use super::store::Store;
use super::switchboard::Switchboard;
use super::trace::Trace;
use crate::bits::Bits;
use crate::dsl::START;

/// More steps than any world takes: one that takes more would never end.
const STEPS_MAX: usize = 100_000;

/// A tag in memory, and what it is.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) tag: Tag,
    pub(super) status: TagStatus,
    /// Which of the owners, if any.
    pub(super) owner: Option<usize>,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) bits: Bits,
    pub(super) rules: Rules,
    pub(super) owners: Vec<Owner>,
    pub(super) places: Vec<Place>,
    pub(super) owner_cells: Vec<OwnerCell>,
    pub(super) caller_cells: HashMap<DayToken, CallerCell>,
    pub(super) addresses: Vec<AddressCell>,
    pub(super) networks: Vec<NetworkCell>,
    pub(super) board: Switchboard,
    pub(super) store: Store,
    pub(super) network: Network,
    pub(super) agenda: Agenda,
    pub(super) judge: Judge,
    pub(super) trace: Trace,
    /// Who waits for a commit.
    pub(super) pending: Vec<Pending>,
    pub(super) pendings: u64,
    /// Webhooks that brought a wrong code.
    pub(super) guesses: HashSet<WebhookId>,
    /// Some tag has another owner than at first.
    pub(super) changed_hands: bool,
}

impl World {
    /// The world of a seed.
    pub(super) fn new(seed: u64, trace: Trace) -> Self {
        let mut bits = Bits::of(seed);
        let rules = Rules::random(&mut bits);
        // Half of the worlds see midnight go by.
        let from_midnight = if bits.percent(50) { bits.millis(0, 1_200_000) } else { Span::from_secs(40_000) };
        let now = Timestamp::from_millis(START.plus(Span::DAY).as_millis() - from_midnight.as_millis());
        let owners: Vec<_> = (0..bits.between(1, 3) as usize).map(Owner::new).collect();
        let places = (0..bits.between(1, 4) as usize)
            .map(|n| {
                let owner = bits.below(owners.len());
                let config = config(n, TagStatus::Active, Some(&owners[owner]));
                let tag = Tag::restore(config, rules.policy.clone(), Vec::new(), now);
                Place { tag, status: TagStatus::Active, owner: Some(owner) }
            })
            .collect();
        let mut agenda = Agenda::default();
        let mut at = now;
        for _ in 0..bits.between(10, 80) {
            at = at.plus(if bits.percent(10) { bits.millis(0, 600_000) } else { bits.millis(0, 30_000) });
            agenda.add(at, Item::Wish);
        }
        Self {
            now,
            owner_cells: vec![OwnerCell::default(); owners.len()],
            caller_cells: HashMap::new(),
            addresses: vec![AddressCell::default(); ADDRESSES],
            networks: vec![NetworkCell::default(); ADDRESSES],
            board: Switchboard::new(rules.codes),
            store: Store::made_at(now),
            network: Network::new(rules.lies),
            judge: Judge::new(rules.clone()),
            agenda,
            owners,
            places,
            rules,
            trace,
            bits,
            pending: Vec::new(),
            pendings: 0,
            guesses: HashSet::new(),
            changed_hands: false,
        }
    }

    /// Lives through all that happens, and to the end of every session. Returns the hash of the story, and what was seen.
    pub(super) fn live(mut self) -> (u64, Census) {
        let mut steps = 0;
        while self.step() {
            self.look_at_lines();
            steps += 1;
            assert!(steps < STEPS_MAX, "a world without an end");
        }
        self.ends();
        (self.trace.hash(), self.judge.census)
    }

    /// The next thing that happens, if there is one. The clock is looked at first, give or take the lateness of timers.
    fn step(&mut self) -> bool {
        let deadline = self.next_deadline().map(|at| at.plus(self.lateness()));
        match (self.agenda.next_at(), deadline) {
            (None, None) => false,
            (next, Some(deadline)) if next.is_none_or(|next| deadline < next) => {
                self.now = self.now.max(deadline);
                self.clock();
                true
            }
            _ => {
                let Some((at, item)) = self.agenda.take() else { return false };
                self.now = self.now.max(at);
                self.happens(item);
                true
            }
        }
    }

    fn happens(&mut self, item: Item) {
        match item {
            Item::Wish => self.wish(),
            Item::Crash => self.crash(),
            Item::Jump => self.jump(),
            Item::Arrives(id, webhook) => self.arrives(id, webhook),
            Item::Call(call, truth) => {
                self.network.happens(call, truth, self.now, (&mut self.agenda, &mut self.bits));
            }
            Item::Commit => self.commit(),
            Item::TooLate(pending) => self.too_late(pending),
        }
    }

    /// How late a timer fires: mostly it does not.
    fn lateness(&mut self) -> Span {
        if self.bits.percent(5) { self.bits.millis(0, 3_000) } else { Span::ZERO }
    }

    /// When some tag wants its clock next: to end a session. To forget one can wait for the end of the world.
    fn next_deadline(&self) -> Option<Timestamp> {
        let open = self.places.iter().filter(|place| place.tag.open_sessions() > 0);
        open.filter_map(|place| place.tag.next_deadline()).min()
    }

    /// All is told that will be; time passes, and nothing is left.
    fn ends(&mut self) {
        self.trace.tell(self.now, format_args!("the end"));
        self.judge.at_end();
        assert!(self.board.is_empty(), "a code or a leg is taken for good");
        // A tag that changed hands leaves its former owner's line to run out.
        let is_free = |cell: &OwnerCell| cell.live.is_none();
        assert!(self.changed_hands || self.owner_cells.iter().all(is_free), "an owner is engaged though nobody calls");
        self.now = self.now.plus(Span::from_secs(86_399));
        for n in 0..self.places.len() {
            self.look_at_clock(n);
        }
        self.now = self.now.plus(Span::HOUR);
        for n in 0..self.places.len() {
            self.look_at_clock(n);
            let tag = &self.places[n].tag;
            assert_eq!((tag.snapshot().len(), tag.next_deadline()), (0, None), "a session is remembered for good");
        }
        let is_free = |cell: &OwnerCell| cell.live.is_none_or(|(_, until)| until <= self.now);
        assert!(self.owner_cells.iter().all(is_free), "an owner is engaged for good");
    }
}
