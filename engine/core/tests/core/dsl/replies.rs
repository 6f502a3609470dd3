//! What replies are, said shortly.

use qnect_core::instruction::{Announcement, Dial, Instruction};
use qnect_core::language::Language;
use qnect_core::session::{Change, Stay};
use qnect_core::tag::LegReaction;

/// The instruction is to dial.
#[track_caller]
pub(crate) fn dialed(instruction: Instruction) -> Dial {
    match instruction {
        Instruction::Dial(dial) => dial,
        Instruction::AskForCode { .. }
        | Instruction::Whisper { .. }
        | Instruction::Say { .. }
        | Instruction::Acknowledge => panic!("not a dial: {instruction:?}"),
    }
}

/// The instruction is to say something in English and hang up.
pub(crate) fn says(announcement: Announcement) -> Instruction {
    Instruction::Say { announcement, language: Language::English }
}

/// What an event did.
#[track_caller]
pub(crate) fn change(reaction: LegReaction) -> Change {
    match reaction {
        LegReaction::Changed { change, .. } => change,
        LegReaction::UnknownSession => panic!("the session is unknown"),
    }
}

/// The event came too late.
pub(crate) const LATE: Change = Change::Stay(Stay::Late);
