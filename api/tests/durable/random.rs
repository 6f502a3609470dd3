//! Chance that can be repeated: each run prints its seed, and `QNECT_SEED` repeats it. What the machine schedules differs
//! all the same, so a seed repeats the plan of a run and not its every byte.

/// A stream of numbers (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    /// The stream of this run for one purpose.
    pub(crate) fn of(seed: u64, purpose: u64) -> Self {
        let mut random = Self(seed ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03));
        random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// A number between the two, each order of magnitude as likely as another: short times are the common ones.
    pub(crate) fn short_rather_than_long(&mut self, least: f64, most: f64) -> f64 {
        let share = self.next() as f64 / u64::MAX as f64;
        least * (most / least).powf(share)
    }
}

/// The seed of this run, which is printed: `QNECT_SEED`, or a new one.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("QNECT_SEED").map_or_else(
        |_| {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).expect("random bits");
            u64::from_le_bytes(bytes)
        },
        |text| text.parse().expect("QNECT_SEED is a whole number"),
    );
    println!("QNECT_SEED={seed}");
    seed
}

/// How much a test does: what the variable says, for the long form, or what is enough for each change.
pub(crate) fn amount(variable: &str, usually: usize) -> usize {
    std::env::var(variable).map_or(usually, |text| text.parse().unwrap_or_else(|e| panic!("{variable}: {e}")))
}
