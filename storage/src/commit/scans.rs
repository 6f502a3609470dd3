//! Scans on their way to disk. There are many, nobody waits for one, and a wake-up of the commit thread for each would
//! cost more than the scan: they gather on shelves, and the commit thread clears those twice a second into packed rows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crossbeam_utils::CachePadded;
use qnect_core::record::ScanRecord;

use super::queue::QueueFull;

/// Shelves, so that workers do not wait for each other; nor for a cache line, which neighbours would share.
const SHELVES: usize = 8;
/// Scans that a shelf holds; more are dropped, and their dropper counts them.
pub(crate) const SHELF_SCANS_MAX: usize = 16_384;

/// The shelves.
#[derive(Debug, Default)]
pub(crate) struct ScanLog {
    shelves: [CachePadded<Mutex<Vec<ScanRecord>>>; SHELVES],
    /// Nobody clears the shelves any more.
    closed: AtomicBool,
}

impl ScanLog {
    /// Puts a scan on its tag's shelf. Never waits for a disk.
    pub(crate) fn push(&self, scan: ScanRecord) -> Result<(), QueueFull> {
        let shelf = &self.shelves[(scan.tag.as_u64() % SHELVES as u64) as usize];
        let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if shelf.len() >= SHELF_SCANS_MAX || self.closed.load(Ordering::Acquire) {
            return Err(QueueFull);
        }
        shelf.push(scan);
        Ok(())
    }

    /// Takes no more scans.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Clears the shelves.
    pub(crate) fn take(&self) -> Vec<ScanRecord> {
        let mut all = Vec::new();
        for shelf in &self.shelves {
            all.append(&mut shelf.lock().unwrap_or_else(PoisonError::into_inner));
        }
        all
    }
}
