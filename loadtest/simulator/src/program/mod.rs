//! The program's own parts: what it is asked for, what it says about a call, what it writes down.

pub(crate) mod capture;
pub(crate) mod usage;
pub(crate) mod verdict;
