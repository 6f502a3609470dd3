//! Random bits for the core, which draws none itself.

use std::cell::RefCell;

/// Bytes that are asked of the operating system at once: a system call for each number would cost more than the number.
const LOT_BYTES: usize = 512;

thread_local! {
    static LOT: RefCell<Lot> = const { RefCell::new(Lot { bytes: [0; LOT_BYTES], left: 0 }) };
}

/// Random bytes that nobody has had yet: the first `left`. Those behind are zeros again.
struct Lot {
    bytes: [u8; LOT_BYTES],
    left: usize,
}

impl Lot {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        const { assert!(N <= LOT_BYTES) }
        if self.left < N {
            getrandom::fill(&mut self.bytes).expect("the operating system gives random bytes");
            self.left = LOT_BYTES;
        }
        let from = self.left - N;
        let mut taken = [0; N];
        taken.swap_with_slice(&mut self.bytes[from..self.left]);
        self.left = from;
        taken
    }
}

/// Random bytes of the operating system. Without them nothing can be kept secret, so there is no going on.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    LOT.with_borrow_mut(Lot::take)
}

/// A random number.
pub(crate) fn random_u32() -> u32 {
    u32::from_be_bytes(random_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nobody_gets_bytes_that_somebody_has_had() {
        let mut lot = Lot { bytes: [0; LOT_BYTES], left: 0 };
        // A number of bytes that does not fit into a lot evenly, over many lots.
        let taken: HashSet<[u8; 17]> = (0..10 * LOT_BYTES).map(|_| lot.take()).collect();
        assert_eq!(taken.len(), 10 * LOT_BYTES);
        assert!(lot.bytes[lot.left..].iter().all(|byte| *byte == 0), "what was taken is nowhere else");
    }
}
