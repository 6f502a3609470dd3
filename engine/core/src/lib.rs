//! The pure core of QNect: a QR tag is a small state machine that takes the time as an argument.
//!
//! Five invariants hold in this project; tests fail when one is broken.
//!
//! 1. **The core never asks what time it is.** Whatever depends on time takes `now`. Random bits are handed in too.
//! 2. **One input, then all its effects, then the next input.** Two lanes lead out: the *reply* is returned (someone
//!    waits for it), *consequences* are pushed to [`Effects`](effects::Effects) (someone else acts on them).
//! 3. **An actor is reachable only through a visit.** The engine's `Registry::enter` is the admission bound, the guard
//!    against retiring an actor that has a message on its way, and the gauge, in one number.
//! 4. **Memory decides, disk remembers.** No scan decision waits for disk. Nothing that was promised is acknowledged
//!    before it is on stable storage; [`Record::durability`](record::Record::durability) says which is which.
//! 5. **Words of the outside stop at the doors.** No JSON, no HTTP status and no provider's name lives in here.
//!
//! One promise outranks them: **a phone number leaves only to reach its own holder.** [`Phone`](phone::Phone) has no
//! `Display`; the scanner's number never enters the core at all, a [`CallerRoot`](caller::CallerRoot) does.

pub mod abuse;
pub mod access_code;
pub mod blocked;
pub mod caller;
pub mod check;
pub mod crockford;
pub mod desk;
pub mod effects;
pub mod facts;
pub mod instruction;
pub mod language;
pub mod leg;
pub mod limiter;
pub mod lockout;
mod mac;
pub mod number;
pub mod phone;
pub mod policy;
pub mod preferences;
pub mod provider_request;
pub mod reason;
pub mod record;
pub mod scan;
pub mod session;
pub mod session_id;
pub mod tag;
pub mod tag_code;
pub mod time;
