//! What bounds a scanner, an address, a caller and an owner.

mod addresses;
mod callers;
mod gcra;
mod jumps;
mod lockout;
mod phases;
mod points;
mod rings;
mod room;
mod score;
mod sessions;
mod siege;
mod standing;
