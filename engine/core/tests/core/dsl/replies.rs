//! What replies are, said shortly.

use qnect_core::abuse::SignalSet;
use qnect_core::instruction::{Announcement, Dial, Instruction};
use qnect_core::language::{Language, Languages};
use qnect_core::scan::Refusal;
use qnect_core::session::{Change, Stay};
use qnect_core::session_id::SessionId;
use qnect_core::tag::{LegReaction, OpenDecision};
use qnect_core::time::Span;

/// The instruction is to dial.
#[track_caller]
pub(crate) fn dialed(instruction: Instruction) -> Dial {
    match instruction {
        Instruction::Dial(dial) => dial,
        Instruction::Ask { .. }
        | Instruction::Challenge { .. }
        | Instruction::Hold { .. }
        | Instruction::Whisper { .. }
        | Instruction::Connect
        | Instruction::Say { .. }
        | Instruction::Acknowledge => panic!("not a dial: {instruction:?}"),
    }
}

/// The instruction is to say something in the scanner's language and hang up.
pub(crate) fn says(announcement: Announcement) -> Instruction {
    Instruction::Say { announcement, languages: Languages::Only(Language::English) }
}

/// A session is not opened, and not for the score.
pub(crate) fn unopened(refusal: Refusal, retry_after: Span) -> OpenDecision {
    OpenDecision::Refused { refusal, retry_after, because: SignalSet::default() }
}

/// The code leads nowhere, which is said in all languages: whose it might have been shows in none.
pub(crate) fn refuses() -> Instruction {
    Instruction::Say { announcement: Announcement::CodeRefused, languages: Languages::Every }
}

/// The caller is held for an engaged owner, for the first time.
pub(crate) fn holds(session: SessionId, turn: u8) -> Instruction {
    Instruction::Hold { session, turn, language: Language::English }
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
