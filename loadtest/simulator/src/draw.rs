//! Call ids, nonces and what goes wrong: one hash of a seed and a counter.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::config::SimulatorError;

/// Random at first, countable after: no draw can fail once a network exists.
#[derive(Debug)]
pub(crate) struct Draw {
    seed: [u8; 16],
    count: AtomicU64,
}

impl Draw {
    pub(crate) fn random() -> Result<Draw, SimulatorError> {
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).map_err(|cause| SimulatorError::Randomness(cause.to_string()))?;
        Ok(Draw { seed, count: AtomicU64::new(0) })
    }

    #[cfg(test)]
    pub(crate) fn seeded(seed: u64) -> Draw {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        Draw { seed: bytes, count: AtomicU64::new(0) }
    }

    /// What goes wrong in the `nth` call of a caller: the same for the same seed, whatever other calls do.
    pub(crate) fn of_call(seed: u64, caller: &str, nth: u64) -> Draw {
        let hash = Sha256::new()
            .chain_update(seed.to_be_bytes())
            .chain_update(nth.to_be_bytes())
            .chain_update(caller.as_bytes())
            .finalize();
        let mut seed = [0; 16];
        seed.copy_from_slice(&hash[..16]);
        Draw { seed, count: AtomicU64::new(0) }
    }

    /// A call id: a version 4 UUID.
    pub(crate) fn uuid(&self) -> String {
        let bits = self.bits();
        let (high, low) = ((bits >> 64) as u64, bits as u64);
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }

    /// A nonce: twenty digits.
    pub(crate) fn nonce(&self) -> String {
        format!("{:020}", self.bits() % 10u128.pow(20))
    }

    /// A call id's random part: 32 hexadecimal digits.
    pub(crate) fn hex(&self) -> String {
        format!("{:032x}", self.bits())
    }

    /// A whole number below `end`, which is not 0.
    pub(crate) fn below(&self, end: u64) -> u64 {
        (self.bits() % u128::from(end.max(1))) as u64
    }

    /// Another order.
    pub(crate) fn shuffle<T>(&self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// True in this fraction of the draws.
    pub(crate) fn happens(&self, fraction: f64) -> bool {
        let unit = (self.bits() >> 75) as f64 / (1u64 << 53) as f64;
        unit < fraction
    }

    fn bits(&self) -> u128 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let hash = Sha256::new().chain_update(self.seed).chain_update(count.to_be_bytes()).finalize();
        let mut bits = [0; 16];
        bits.copy_from_slice(&hash[..16]);
        u128::from_be_bytes(bits)
    }
}
