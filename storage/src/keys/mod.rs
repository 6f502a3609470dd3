//! Keys: the master key in its file, what is derived from it, how a personal field is sealed, and the key table.
//!
//! ```text
//! master key (own file) ──HKDF──> tag check, session check, index, caller root
//!        ├──────────────HKDF──> backup ──HKDF, the file's salt──> the key of one backup file
//!        └──────────────HKDF──> epoch seal ──seals──> epoch key (header of the key table)
//!                                                        └──seals──> data key of a person, day key of a day
//! data key of a person ──seals──> every personal field of that person in the database
//!        └──────────────HKDF──> block key, under which callers have names with that person
//! ```
//!
//! Erasure rests on this shape. An LSM keeps deleted rows in old tables, journals and backups for an unknown time, so
//! a data key never goes there: it lives only in the key table, a small file of its own. An erased person is left out
//! of the next epoch's table, and what is left of the fields is noise.
//!
//! Every format here is final and carries a version: [`master`] (the key file), [`mod@derive`] (info strings), [`seal`]
//! (a sealed field), [`mod@block`] (callers' names), [`layout`] (the key table).

pub mod block;
mod copy;
mod day;
pub mod derive;
mod entries;
mod error;
mod files;
pub mod layout;
pub mod master;
mod recover;
pub mod seal;
mod secret;
mod shelf;
mod table;

pub use copy::KeyCopy;
pub use day::DayKey;
pub use derive::{DerivedKey, Purpose};
pub use error::KeyError;
pub use master::MasterKey;
pub use seal::{DataKey, Place};
pub use table::{KeyCounts, KeyExtent, KeyTable};
