//! What bounds a scanner, an address, a caller and an owner.

mod gcra;
mod jumps;
mod lockout;
mod rings;
mod score;
