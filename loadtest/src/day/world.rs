//! What everybody shares in a day: its time, the engine's door, the telephone network, the cars.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use qnect_simulator::Network;

use crate::day::clock::Clock;
use crate::door::Door;

/// The day's world. The crowds that it remembers are no more than the population has.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) door: Door,
    pub(crate) network: Network,
    pub(crate) codes: Vec<String>,
    pub(crate) seed: u64,
    /// Crowds whose car is moved.
    served: Mutex<HashSet<u32>>,
}

impl World {
    pub(crate) fn new(clock: Clock, door: Door, network: Network, codes: Vec<String>, seed: u64) -> World {
        World { clock, door, network, codes, seed, served: Mutex::default() }
    }

    /// The code of a tag, whatever its number.
    pub(crate) fn code(&self, tag: u32) -> &str {
        &self.codes[tag as usize % self.codes.len()]
    }

    /// Somebody of a crowd has talked to the owner.
    pub(crate) fn serve(&self, crowd: Option<u32>) {
        if let Some(crowd) = crowd {
            self.crowds().insert(crowd);
        }
    }

    /// Whether the car that a crowd waits for is moved.
    pub(crate) fn is_served(&self, crowd: Option<u32>) -> bool {
        crowd.is_some_and(|crowd| self.crowds().contains(&crowd))
    }

    // Nothing panics while it holds this lock, so a poisoned one is whole.
    fn crowds(&self) -> std::sync::MutexGuard<'_, HashSet<u32>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
