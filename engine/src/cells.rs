//! Shared cells: what spans tags. Bounded maps; a cell is cloned out in one expression and locked afterwards, never
//! across an await.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;
use metrics::Counter;
use qnect_core::caller::{Caller, DayToken};
use qnect_core::desk::{AddressCell, CallerCell, NetworkCell, OwnerCell};
use qnect_core::scan::{AddressKey, AddressPrefix};
use qnect_core::tag::OwnerId;
use qnect_core::time::Timestamp;

/// Cells of one kind at most. Above it, a newcomer gets a cell of its own that nobody shares: its limit is not enforced,
/// which is counted, and people are still served.
const CELLS_MAX: usize = 1_000_000;

/// A map of shared cells.
pub(crate) struct Cells<K, V> {
    cells: DashMap<K, Arc<Mutex<V>>>,
    refused: Counter,
}

impl<K: Eq + Hash + Copy, V: Default> Cells<K, V> {
    fn new() -> Self {
        Self { cells: DashMap::new(), refused: metrics::counter!("qnect_shared_cells_refused_total") }
    }

    /// The cell of `key`, made if it is new.
    pub(crate) fn of(&self, key: K) -> Arc<Mutex<V>> {
        if let Some(cell) = self.known(key) {
            return cell;
        }
        if self.cells.len() >= CELLS_MAX {
            self.refused.increment(1);
            return Arc::default();
        }
        self.cells.entry(key).or_default().clone()
    }

    fn has(&self, key: K) -> bool {
        self.cells.contains_key(&key)
    }

    fn known(&self, key: K) -> Option<Arc<Mutex<V>>> {
        self.cells.get(&key).map(|cell| cell.clone())
    }

    /// Lets a key share a cell, unless it has one of its own by now.
    fn share(&self, key: K, cell: Arc<Mutex<V>>) {
        if self.cells.len() < CELLS_MAX {
            self.cells.entry(key).or_insert(cell);
        }
    }

    /// Forgets cells that nobody holds and that `idle` says hold nothing.
    fn sweep(&self, idle: impl Fn(&V) -> bool) {
        self.cells.retain(|_, cell| Arc::strong_count(cell) > 1 || !idle(&lock(cell)));
    }
}

/// Locks a cell. A panic elsewhere while it was held left plain numbers in it, which are as good as any.
pub(crate) fn lock<V>(cell: &Mutex<V>) -> MutexGuard<'_, V> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A caller, and what all of the engine knows of that caller; no cell where the number was withheld. Looked up once for all
/// that comes of one webhook.
#[derive(Clone)]
pub(crate) struct Calling {
    pub(crate) caller: Caller,
    pub(crate) cell: Option<Arc<Mutex<CallerCell>>>,
}

impl Calling {
    /// The cell, locked.
    pub(crate) fn locked(&self) -> Option<MutexGuard<'_, CallerCell>> {
        self.cell.as_deref().map(lock)
    }
}

/// All shared cells, to be locked in the order of the fields.
pub(crate) struct SharedCells {
    pub(crate) owners: Cells<OwnerId, OwnerCell>,
    pub(crate) addresses: Cells<AddressKey, AddressCell>,
    pub(crate) networks: Cells<AddressPrefix, NetworkCell>,
    pub(crate) callers: Cells<DayToken, CallerCell>,
}

impl SharedCells {
    pub(crate) fn new() -> Self {
        Self { owners: Cells::new(), addresses: Cells::new(), networks: Cells::new(), callers: Cells::new() }
    }

    /// The cells of an address and of its network.
    pub(crate) fn address(&self, address: AddressKey) -> (Arc<Mutex<AddressCell>>, Arc<Mutex<NetworkCell>>) {
        (self.addresses.of(address), self.networks.of(address.prefix()))
    }

    /// A caller with the cell. Soon after midnight it is that of yesterday's name: nobody is a stranger because the day is
    /// new.
    pub(crate) fn calling(&self, caller: Caller) -> Calling {
        Calling { caller, cell: self.caller(caller) }
    }

    fn caller(&self, caller: Caller) -> Option<Arc<Mutex<CallerCell>>> {
        let Caller::Known(tokens) = caller else { return None };
        if let Some(yesterday) = tokens.yesterday
            && !self.callers.has(tokens.today)
            && let Some(cell) = self.callers.known(yesterday)
        {
            self.callers.share(tokens.today, cell);
        }
        Some(self.callers.of(tokens.today))
    }

    /// Forgets what holds nothing any more.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.owners.sweep(|o| o.is_idle(now));
        self.addresses.sweep(|a| a.is_idle(now));
        self.networks.sweep(|n| n.is_idle(now));
        self.callers.sweep(|c| c.is_idle(now));
    }
}
