//! Limits by a machine's clock that jumps: it is set back and forth, stands still, and time goes on from it at each start.
//!
//! `QNECT_JUMPS` says how many scripts; `QNECT_SEED` names a single one.

use qnect_core::limiter::{Cell, Quota};
use qnect_core::lockout::{LOCKED, Lockout, WRONG_CODES_MAX};
use qnect_core::time::{Span, Timestamp};

use crate::bits::Bits;
use crate::dsl::START;
use crate::setting;

/// Scripts of a run that is not told otherwise.
const SCRIPTS: u64 = 5_000;
/// Steps of a script.
const STEPS: usize = 120;

/// How far off a machine's clock may be, in milliseconds: seconds, an hour, a day, back to 1970, ahead to 2038 and 2262.
const OFF: [i64; 10] = [
    0,
    5_000,
    -5_000,
    3_600_000,
    -3_600_000,
    86_400_000,
    -86_400_000,
    -1_763_000_000_000,
    383_000_000_000,
    7_459_000_000_000,
];

/// Real time, and the time that the process makes of the machine's clock: what it showed at the start, but not less than
/// the last commit, and what really passed since.
struct Machine {
    real_ms: u64,
    last_commit: Timestamp,
    began: (u64, Timestamp),
}

impl Machine {
    fn now(&self) -> Timestamp {
        let (real_ms, start) = self.began;
        start.plus(Span::from_millis(self.real_ms - real_ms))
    }

    fn starts(&mut self, off_ms: i64) {
        let right = START.as_millis() + self.real_ms;
        let wall = Timestamp::from_millis(right.saturating_add_signed(off_ms));
        self.began = (self.real_ms, wall.max(self.last_commit));
    }
}

/// One script: a thing that is limited, and a caller who guesses.
struct Script {
    bits: Bits,
    limit: u32,
    period_ms: u64,
    quota: Option<Quota>,
    machine: Machine,
    cell: Cell,
    lockout: Lockout,
    /// When each charge was, by the process's time: they are committed, and a start rebuilds the budget from them.
    charged: Vec<Timestamp>,
    /// The same in real time, since the clock last leapt forward: a leap cannot be told from time that passed.
    charged_really: Vec<u64>,
    /// When wrong codes were heard in real time, since the last start: a lock-out does not survive that.
    heard: Vec<u64>,
}

impl Script {
    fn new(seed: u64) -> Self {
        let mut bits = Bits::of(seed);
        let (limit, period_ms) = (1 + bits.below(8) as u32, 1_000 * (1 + bits.below(7_200) as u64));
        Self {
            bits,
            limit,
            period_ms,
            quota: Quota::new(limit, Span::from_millis(period_ms)),
            machine: Machine { real_ms: 0, last_commit: START, began: (0, START) },
            cell: Cell::default(),
            lockout: Lockout::default(),
            charged: Vec::new(),
            charged_really: Vec::new(),
            heard: Vec::new(),
        }
    }

    fn interval_ms(&self) -> u64 {
        self.period_ms.div_ceil(u64::from(self.limit))
    }

    fn step(&mut self) {
        match self.bits.below(10) {
            // A clock that stands still, and one that moves by less, or more, than what it takes to refill.
            0..=3 => {}
            4..=6 => self.machine.real_ms += self.bits.next() % self.interval_ms(),
            7 | 8 => self.machine.real_ms += self.bits.next() % (3 * self.period_ms),
            _ => self.starts_again(),
        }
        self.asks();
        self.guesses();
    }

    fn starts_again(&mut self) {
        self.machine.real_ms += self.bits.below(10_000) as u64;
        let expected = self.machine.now();
        let off_ms = OFF[self.bits.below(OFF.len())];
        self.machine.starts(off_ms);
        assert!(self.machine.now() >= self.machine.last_commit, "time begins before the last commit");
        if self.machine.now() > expected {
            self.charged_really.clear();
        }
        self.cell = Cell::default();
        for at in &self.charged {
            self.cell.replay(self.quota, *at);
        }
        (self.lockout, self.heard) = (Lockout::default(), Vec::new());
    }

    fn asks(&mut self) {
        let now = self.machine.now();
        match self.cell.ask(self.quota, now) {
            Ok(allowance) => {
                self.cell.charge(allowance);
                self.charged.push(now);
                self.charged_really.push(self.machine.real_ms);
                self.machine.last_commit = now;
                self.bound_is_kept();
            }
            Err(wait) => {
                let wait_ms = wait.as_millis();
                assert!(
                    wait_ms <= self.interval_ms(),
                    "locked for {wait_ms} ms, of which {} refill",
                    self.interval_ms()
                );
                assert!(self.cell.ask(self.quota, now.plus(wait)).is_ok(), "a wait that was told is too short");
            }
        }
    }

    /// In no window of real time more than the limit, and what is refilled in it.
    fn bound_is_kept(&self) {
        let last = self.machine.real_ms;
        let interval_ns = self.period_ms * 1_000_000 / u64::from(self.limit);
        for (count, first) in (1..).zip(self.charged_really.iter().rev()) {
            let bound = u64::from(self.limit) + (last - first) * 1_000_000 / interval_ns;
            assert!(count <= bound, "{count} within {} ms, where {bound} may be", last - first);
        }
    }

    /// Whoever is not locked gives a wrong code: within any fifteen minutes three are heard and no more.
    fn guesses(&mut self) {
        let now = self.machine.now();
        if self.lockout.is_locked(now) {
            assert!(!self.lockout.is_locked(now.plus(LOCKED)), "locked for longer than fifteen minutes");
            return;
        }
        self.lockout.on_wrong_code(self.bits.next(), now);
        self.heard.push(self.machine.real_ms);
        if let [.., first, _, _, last] = self.heard[..] {
            assert!(last - first >= LOCKED.as_millis(), "{WRONG_CODES_MAX} wrong codes and one more are heard");
        }
    }
}

#[test]
fn no_jump_refills_or_locks() {
    let seeds = setting("QNECT_SEED").map_or(0..setting("QNECT_JUMPS").unwrap_or(SCRIPTS), |seed| seed..seed + 1);
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let script = std::panic::catch_unwind(|| {
            let mut script = Script::new(seed);
            (0..STEPS).for_each(|_| script.step());
            script.charged.len()
        });
        assert!(script.is_ok_and(|charged| charged > 0), "QNECT_SEED={seed} repeats this script");
    }
    println!("counted: {count} scripts of {STEPS} steps");
}
