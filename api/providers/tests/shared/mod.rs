//! Fictional people, numbers and keys, and every route and instruction there is: the same for all providers.

#![allow(dead_code, reason = "no test binary needs all of it")]

pub(crate) mod documents;
pub(crate) mod forms;
pub(crate) mod routes;
pub(crate) mod strategies;

use qnect_core::caller::{CallerRoot, RootKey};
use qnect_core::check::CheckKeys;
use qnect_core::instruction::Dial;
use qnect_core::number::{CallerId, IntermediaryNumber};
use qnect_core::phone::Phone;
use qnect_core::session_id::SessionId;
use qnect_core::tag_code::TagId;
use qnect_core::time::Span;
use qnect_providers::Provider;
use qnect_providers::plivo::Plivo;
use qnect_providers::twilio::Twilio;

/// Every provider there is.
pub(crate) const PROVIDERS: [&dyn Provider; 2] = [&Plivo, &Twilio];

pub(crate) const BASE_URL: &str = "https://qnect.example";
pub(crate) const SCANNER: &str = "919800000042";
pub(crate) const OWNER: &str = "919800000017";
pub(crate) const LINE: &str = "911140000001";

pub(crate) fn keys() -> CheckKeys {
    CheckKeys::new(0, &[1; 32], &[2; 32])
}

pub(crate) fn root() -> RootKey {
    RootKey::new(&[3; 32])
}

pub(crate) fn root_of(number: &str) -> CallerRoot {
    root().caller(number).unwrap()
}

pub(crate) fn session_of(random: [u8; 17]) -> SessionId {
    SessionId::new(TagId::from_random(0, 0x0012_3456_789a_bcde), random, &keys()).unwrap()
}

pub(crate) fn session() -> SessionId {
    session_of([7; 17])
}

pub(crate) fn dial() -> Dial {
    Dial {
        session: session(),
        to: Phone::parse(OWNER).unwrap(),
        caller_id: CallerId::new(IntermediaryNumber::parse(LINE).unwrap()),
        ring: Span::from_secs(25),
        talk: Span::from_secs(180),
    }
}
