//! fjall's journals, read by ourselves; written only over themselves, or cut off at their end.
//!
//! fjall opens a damaged journal by cutting off everything behind the damage (fjall#311), or not at all. So before it may
//! touch a folder, this module says what stands in the journals: the commits, without a gap, chained by their hashes, and
//! what follows the last of them.

mod again;
mod batch;
mod files;
mod survey;
mod tail;

pub(crate) use files::{list, read_all, read_journal};
pub(crate) use survey::{End, Names, Survey, Tail};
