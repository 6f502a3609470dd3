//! Limits: one limiter against a known one, and the budgets of a ring.

mod gcra;
mod rings;
