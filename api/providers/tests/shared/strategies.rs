//! Routes and instructions at random.

use proptest::prelude::*;
use qnect_core::instruction::{
    Announcement, CHALLENGE_ATTEMPTS_MAX, ChallengeDigits, Dial, HOLD_TURNS_MAX, Instruction,
};
use qnect_core::language::{Language, Languages};
use qnect_core::leg::LegId;
use qnect_core::number::{CallerId, IntermediaryNumber};
use qnect_core::phone::Phone;
use qnect_core::reason::Reason;
use qnect_core::session_id::SessionId;
use qnect_core::time::Span;
use qnect_providers::Route;

use super::routes::{questions, routes};
use super::{session, session_of};

pub(crate) fn any_route() -> impl Strategy<Value = Route> {
    prop::sample::select(routes(session()))
}

pub(crate) fn any_session() -> impl Strategy<Value = SessionId> {
    any::<[u8; 17]>().prop_map(session_of)
}

/// Numbers of every length that there is.
pub(crate) fn any_number() -> impl Strategy<Value = u64> {
    (8u32..=15).prop_flat_map(|digits| 10u64.pow(digits - 1)..10u64.pow(digits))
}

pub(crate) fn any_dial() -> impl Strategy<Value = Dial> {
    let parts = (any_session(), any_number(), any_number(), 0u64..600_000, 0u64..86_400_000);
    let two_numbers = parts.prop_filter("one number", |(_, to, shown, ..)| to != shown);
    two_numbers.prop_map(|(session, to, shown, ring, talk)| Dial {
        session,
        to: Phone::from_digits(to).unwrap(),
        caller_id: CallerId::new(IntermediaryNumber::parse(&shown.to_string()).unwrap()),
        ring: Span::from_millis(ring),
        talk: Span::from_millis(talk),
    })
}

pub(crate) fn any_instruction() -> impl Strategy<Value = Instruction> {
    let language = || prop::sample::select(Language::ALL.to_vec());
    let languages = || prop_oneof![language().prop_map(Languages::Only), Just(Languages::Every)];
    let reason = prop::sample::select(Reason::ALL.to_vec());
    let announcement = prop::sample::select(Announcement::ALL.to_vec());
    prop_oneof![
        3 => any_dial().prop_map(Instruction::Dial),
        2 => (prop::sample::select(questions()), any::<u8>(), languages())
            .prop_map(|(question, digits, languages)| Instruction::Ask { question, digits, languages }),
        1 => (any_session(), "[!-~]{1,64}", 1..=CHALLENGE_ATTEMPTS_MAX, language())
            .prop_map(|(session, leg, attempt, language)| {
                let spoken = ChallengeDigits::of(session, &LegId::new(&leg).unwrap(), attempt);
                Instruction::Challenge { session, attempt, spoken, language }
            }),
        1 => (any_session(), 1..=HOLD_TURNS_MAX, language())
            .prop_map(|(session, turn, language)| Instruction::Hold { session, turn, language }),
        1 => (any_session(), reason, language())
            .prop_map(|(session, reason, language)| Instruction::Whisper { session, reason, language }),
        1 => (announcement, languages())
            .prop_map(|(announcement, languages)| Instruction::Say { announcement, languages }),
        1 => prop_oneof![Just(Instruction::Connect), Just(Instruction::Acknowledge)],
    ]
}
