//! What the core promises, from the outside: scenarios, the whole table of states and events, and laws.

mod dsl;
mod flows;
mod limits;
mod orders;
mod privacy;
mod restore;
mod table;
