//! Places for connections: so many in all and from one source, and who gives way when they are taken.
//!
//! Nobody can be told from an attacker before having asked for anything, so nobody is turned away for being late: whoever
//! took the last step longest ago gives way to who comes. Slow connections take no steps; an honest client takes its next
//! one within a round trip.

use std::collections::{BinaryHeap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use metrics::{Counter, Gauge};
use qnect_core::scan::AddressKey;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::config::Network;
use crate::sharded::{SHARDS, Sharded};

/// One source (an IPv4 address or an IPv6 /64) has one of so many parts of the places: carriers put thousands of people
/// behind one address.
const SOURCE_PART: usize = 4;
/// Connections that have a request in hand at once: each holds a head, a body and an answer, some 20 to 30 KiB.
const BUSY_MAX: usize = 1_280;
/// A thread with no more of them does not ask how many others have. So there may be a fourth more than [`BUSY_MAX`]: one thread
/// has more than these by then and asks, and each of the others may add as many unasked.
const BUSY_FEW: usize = BUSY_MAX / SHARDS / 4;
/// So many give way at once, because looking for them costs a walk over all places.
const GIVE_WAY: usize = 16;
/// So many places are free or on their way to it, so that nobody has to wait until somebody is gone; of few places a part.
const SPARE: usize = 64;
const SPARE_PART: usize = 16;
/// How long one who comes waits until those who give way are gone.
const ROOM_WAIT_MAX: Duration = Duration::from_millis(40);

/// The places of one listener.
pub struct Places {
    max: usize,
    /// Sources without a bound of their own: proxies bring everybody's connections.
    trusted: Vec<Network>,
    started: Instant,
    permits: Arc<Semaphore>,
    busy: Sharded,
    /// One for each place.
    slots: Box<[Slot]>,
    book: Mutex<Book>,
    taken: Gauge,
    refused: Counter,
    gave_way: Counter,
}

/// What a connection tells of itself, without a lock. Alone on its cache line: its neighbours are served by other workers.
#[derive(Default)]
#[repr(align(64))]
struct Slot {
    /// Milliseconds from [`Places::started`] to its last step.
    stepped: AtomicU64,
    is_busy: AtomicBool,
    /// Asked to leave; and whom to wake for it.
    must_leave: AtomicBool,
    tenant: AtomicWaker,
}

#[derive(Default)]
struct Book {
    free: Vec<usize>,
    tenants: Vec<Option<Tenant>>,
    by_source: HashMap<AddressKey, usize>,
    leaving: usize,
}

struct Tenant {
    /// None: a trusted proxy.
    source: Option<AddressKey>,
    is_leaving: bool,
}

/// One place, taken until this is dropped.
pub struct Place {
    places: Arc<Places>,
    slot: usize,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// `max` free places.
    pub fn new(max: usize, trusted: Vec<Network>) -> Arc<Self> {
        let book = Book { free: (0..max).collect(), tenants: (0..max).map(|_| None).collect(), ..Book::default() };
        Arc::new(Self {
            max,
            trusted,
            started: Instant::now(),
            permits: Arc::new(Semaphore::new(max)),
            busy: Sharded::default(),
            slots: (0..max).map(|_| Slot::default()).collect(),
            book: Mutex::new(book),
            taken: metrics::gauge!("qnect_connections"),
            refused: metrics::counter!("qnect_connections_refused_total"),
            gave_way: metrics::counter!("qnect_connections_gave_way_total"),
        })
    }

    /// A place for a connection from `peer`; those who have waited longest make room. None, and counted, when even then there
    /// is none in time.
    pub async fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let is_trusted = self.trusted.iter().any(|network| network.contains(peer));
        let source = (!is_trusted).then(|| AddressKey::of(peer));
        self.make_room(source);
        let room = tokio::time::timeout(ROOM_WAIT_MAX, self.permits.clone().acquire_owned());
        let Ok(Ok(permit)) = room.await else {
            self.refused.increment(1);
            return None;
        };
        let mut book = self.book();
        // There are as many slots as permits.
        let slot = book.free.pop()?;
        book.tenants[slot] = Some(Tenant { source, is_leaving: false });
        if let Some(source) = source {
            *book.by_source.entry(source).or_default() += 1;
        }
        // What the last tenant was told is not for this one.
        self.slots[slot].must_leave.store(false, Ordering::Relaxed);
        drop(book);
        self.taken.increment(1.0);
        let place = Place { places: self.clone(), slot, _permit: permit };
        place.step(Instant::now());
        Some(place)
    }

    /// Waits until no place is taken, `time_max` at most. Returns whether all are free.
    pub async fn emptied(&self, time_max: Duration) -> bool {
        let all = u32::try_from(self.max).unwrap_or(u32::MAX);
        tokio::time::timeout(time_max, self.permits.acquire_many(all)).await.is_ok()
    }

    fn make_room(&self, source: Option<AddressKey>) {
        let mut book = self.book();
        if self.permits.available_permits() + book.leaving < SPARE.min(self.max / SPARE_PART) {
            self.give_way(&mut book, |_, _| true);
        }
        let of_source = |source| book.by_source.get(&source).copied().unwrap_or_default();
        if let Some(source) = source
            && of_source(source) >= self.max.div_ceil(SOURCE_PART) + book.leaving
        {
            self.give_way(&mut book, |tenant, _| tenant.source == Some(source));
        }
    }

    /// Asks those of `among` to leave whose last step is the longest ago.
    fn give_way(&self, book: &mut Book, among: impl Fn(&Tenant, &Slot) -> bool) {
        let mut longest = BinaryHeap::with_capacity(GIVE_WAY + 1);
        for (at, tenant) in book.tenants.iter().enumerate() {
            let slot = &self.slots[at];
            if tenant.as_ref().is_some_and(|tenant| !tenant.is_leaving && among(tenant, slot)) {
                longest.push((slot.stepped.load(Ordering::Relaxed), at));
                if longest.len() > GIVE_WAY {
                    longest.pop();
                }
            }
        }
        for (_, at) in longest {
            if let Some(tenant) = &mut book.tenants[at] {
                tenant.is_leaving = true;
                book.leaving += 1;
                self.slots[at].must_leave.store(true, Ordering::Release);
                self.slots[at].tenant.wake();
                self.gave_way.increment(1);
            }
        }
    }

    fn busy(&self) -> usize {
        // A place that turns idle elsewhere than it turned busy may be counted first where it goes.
        self.busy.sum().cast_signed().max(0) as usize
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The client did `now` what it was waited for.
    pub(super) fn step(&self, now: Instant) {
        let since = now.duration_since(self.places.started).as_millis();
        self.slot().stepped.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Says whether a request is in hand. When too many are, those whose last step is the longest ago give way.
    pub(super) fn set_busy(&self, is_busy: bool) {
        if self.slot().is_busy.swap(is_busy, Ordering::Relaxed) == is_busy {
            return;
        }
        if !is_busy {
            self.places.busy.subtract(1);
        } else if self.places.busy.add(1) > BUSY_FEW as u64 && self.places.busy() > BUSY_MAX {
            let mut book = self.places.book();
            // Those who leave already make room, once they are gone.
            if self.places.busy() > BUSY_MAX + book.leaving {
                self.places.give_way(&mut book, |_, slot| slot.is_busy.load(Ordering::Relaxed));
            }
        }
    }

    /// Whom to wake when this one is to give way.
    pub(super) fn woken_by(&self, tenant: &Waker) {
        self.slot().tenant.register(tenant);
    }

    /// Whether this one is to give way.
    pub(super) fn must_leave(&self) -> bool {
        self.slot().must_leave.load(Ordering::Acquire)
    }

    fn slot(&self) -> &Slot {
        &self.places.slots[self.slot]
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.set_busy(false);
        let mut book = self.places.book();
        let Some(tenant) = book.tenants[self.slot].take() else { return };
        book.leaving -= usize::from(tenant.is_leaving);
        if let Some(source) = tenant.source
            && let Some(count) = book.by_source.get_mut(&source)
        {
            *count -= 1;
            if *count == 0 {
                book.by_source.remove(&source);
            }
        }
        book.free.push(self.slot);
        self.places.taken.decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 64;

    fn source(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    async fn enter(places: &Arc<Places>, from: IpAddr, count: usize) -> Vec<Place> {
        let mut taken = Vec::new();
        for _ in 0..count {
            taken.push(places.enter(from).await.expect("a place"));
        }
        taken
    }

    /// Which of these are asked to leave, since this was asked last.
    fn leaving(taken: &[Place]) -> Vec<usize> {
        let is_asked = |at: &usize| taken[*at].slot().must_leave.swap(false, Ordering::Relaxed);
        (0..taken.len()).filter(is_asked).collect()
    }

    #[tokio::test]
    async fn a_source_with_more_than_its_part_gives_way_to_itself() {
        let places = Places::new(MAX, Vec::new());
        let others = enter(&places, source(1), 4).await;
        let crowd = enter(&places, source(2), MAX / SOURCE_PART).await;
        assert_eq!(leaving(&crowd), [0; 0], "its part is taken");
        let more = enter(&places, source(2), 1).await;
        assert_eq!(leaving(&crowd).len() + leaving(&more).len(), GIVE_WAY);
        assert_eq!(leaving(&others), [0; 0], "nobody else leaves for it");
    }

    #[tokio::test]
    async fn an_address_and_its_network_of_version_6_are_one_source() {
        let places = Places::new(MAX, Vec::new());
        let mut asked = 0;
        let mut taken = Vec::new();
        for host in 0..=MAX / SOURCE_PART {
            let host = IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host as u16]);
            taken.extend(enter(&places, host, 1).await);
            asked += leaving(&taken).len();
        }
        assert_eq!(asked, GIVE_WAY);
    }

    #[tokio::test]
    async fn a_trusted_proxy_may_bring_everybody() {
        let places = Places::new(MAX, vec!["192.0.2.0/30".parse().expect("a network")]);
        let proxied = enter(&places, source(2), MAX - MAX / SPARE_PART).await;
        assert_eq!(leaving(&proxied), [0; 0], "there are places left, and no part of them");
        let more = enter(&places, source(2), 2).await;
        assert_eq!(leaving(&proxied).len() + leaving(&more).len(), GIVE_WAY, "of all places there are no more");
    }

    #[tokio::test]
    async fn whoever_took_a_step_last_stays() {
        let places = Places::new(MAX, Vec::new());
        let early = enter(&places, source(1), MAX / 8).await;
        std::iter::repeat_with(|| places.started.elapsed().as_millis()).find(|ms| *ms > 1);
        let mut late = Vec::new();
        for last in 2..9 {
            late.extend(enter(&places, source(last), MAX / 8).await);
        }
        // All but the spare ones are taken by now, and the early ones were asked.
        assert_eq!(leaving(&early).len(), early.len());
        drop((early, late));
        assert!(places.emptied(Duration::ZERO).await);
        assert_eq!(places.book().leaving, 0, "who left is leaving no more");
    }

    #[tokio::test]
    async fn more_requests_in_hand_than_may_be_give_way() {
        let places = Places::new(4 * BUSY_MAX, vec!["192.0.2.0/30".parse().expect("a network")]);
        let taken = enter(&places, source(2), BUSY_MAX + GIVE_WAY + 2).await;
        taken[..BUSY_MAX].iter().for_each(|place| place.set_busy(true));
        assert_eq!(leaving(&taken), [0; 0]);
        taken[BUSY_MAX..BUSY_MAX + GIVE_WAY].iter().for_each(|place| place.set_busy(true));
        let asked = leaving(&taken);
        assert_eq!(asked.len(), GIVE_WAY, "those on their way out make room for as many");
        assert!(asked.iter().all(|at| taken[*at].slot().is_busy.load(Ordering::Relaxed)));
        taken[BUSY_MAX + GIVE_WAY].set_busy(true);
        assert_eq!(leaving(&taken).len(), GIVE_WAY);
    }

    #[tokio::test]
    async fn those_of_other_threads_count() {
        let places = Places::new(4 * BUSY_MAX, vec!["192.0.2.0/30".parse().expect("a network")]);
        let taken = enter(&places, source(2), BUSY_MAX + 1).await;
        let (elsewhere, here) = taken.split_at(BUSY_FEW * (SHARDS - 1));
        for of_one in elsewhere.chunks(BUSY_FEW) {
            std::thread::scope(|scope| scope.spawn(|| of_one.iter().for_each(|place| place.set_busy(true))).join())
                .expect("no panic");
        }
        let (last, here) = here.split_last().expect("some");
        here.iter().for_each(|place| place.set_busy(true));
        assert_eq!(leaving(&taken), [0; 0]);
        last.set_busy(true);
        assert_eq!(leaving(&taken).len(), GIVE_WAY);
    }
}
