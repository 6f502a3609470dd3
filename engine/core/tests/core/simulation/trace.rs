//! What happened, in the order in which it did: a hash of it always, the lines themselves when they are asked for.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use qnect_core::time::Timestamp;

use crate::dsl::START;

/// The story of one world.
#[derive(Debug, Clone, Default)]
pub(super) struct Trace {
    hash: u64,
    line: String,
    /// Shared, so that it outlives a world that panicked.
    lines: Option<Rc<RefCell<Vec<String>>>>,
}

impl Trace {
    /// A trace that is hashed only.
    pub(super) fn quiet() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, ..Self::default() }
    }

    /// A trace that is kept in `lines` too.
    pub(super) fn into(lines: Rc<RefCell<Vec<String>>>) -> Self {
        Self { lines: Some(lines), ..Self::quiet() }
    }

    /// One thing that happened at `now`.
    pub(super) fn tell(&mut self, now: Timestamp, what: std::fmt::Arguments<'_>) {
        self.line.clear();
        let at = now.since(START).as_millis();
        write!(self.line, "{:>7}.{:03} {what}", at / 1_000, at % 1_000).unwrap();
        // FNV-1a (Fowler, Noll, Vo).
        for byte in self.line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if let Some(lines) = &self.lines {
            lines.borrow_mut().push(self.line.clone());
        }
    }

    /// The hash of all that happened.
    pub(super) fn hash(&self) -> u64 {
        self.hash
    }
}
