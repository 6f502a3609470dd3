//! Places for connections: so many in all and from one source, and who gives way when they are taken.
//!
//! Nobody can be told from an attacker before having asked for anything, so nobody is turned away for being late: whoever
//! took the last step longest ago gives way to who comes. Slow connections take no steps; an honest client takes its next
//! one within a round trip.

use std::collections::{BinaryHeap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use metrics::{Counter, Gauge};
use qnect_core::scan::AddressKey;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::config::Network;

/// One source (an IPv4 address or an IPv6 /64) has one of so many parts of the places: carriers put thousands of people
/// behind one address.
const SOURCE_PART: usize = 4;
/// Connections that have a request in hand at once: each holds a head, a body and an answer, some 20 KiB.
const BUSY_MAX: usize = 2_048;
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
    busy: AtomicUsize,
    /// One for each place.
    slots: Box<[Slot]>,
    book: Mutex<Book>,
    taken: Gauge,
    refused: Counter,
    gave_way: Counter,
}

/// What a connection tells of itself, without a lock.
#[derive(Default)]
struct Slot {
    /// Milliseconds from [`Places::started`] to its last step.
    stepped: AtomicU64,
    is_busy: AtomicBool,
    leave: Notify,
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
            busy: AtomicUsize::new(0),
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
        let _ = self.slots[slot].leave.notified().now_or_never();
        drop(book);
        self.taken.increment(1.0);
        let place = Place { places: self.clone(), slot, _permit: permit };
        place.step();
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
                self.slots[at].leave.notify_one();
                self.gave_way.increment(1);
            }
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The client did what it was waited for.
    pub(super) fn step(&self) {
        let since = self.places.started.elapsed().as_millis();
        self.slot().stepped.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Says whether a request is in hand. When too many are, those whose last step is the longest ago give way.
    pub(super) fn set_busy(&self, is_busy: bool) {
        if self.slot().is_busy.swap(is_busy, Ordering::Relaxed) == is_busy {
            return;
        }
        if !is_busy {
            self.places.busy.fetch_sub(1, Ordering::Relaxed);
        } else if self.places.busy.fetch_add(1, Ordering::Relaxed) >= BUSY_MAX {
            let mut book = self.places.book();
            // Those who leave already make room, once they are gone.
            if self.places.busy.load(Ordering::Relaxed) > BUSY_MAX + book.leaving {
                self.places.give_way(&mut book, |_, slot| slot.is_busy.load(Ordering::Relaxed));
            }
        }
    }

    /// Resolves when this one is to give way.
    pub(super) async fn asked_to_leave(&self) {
        self.slot().leave.notified().await;
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
