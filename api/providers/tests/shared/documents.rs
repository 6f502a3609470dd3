//! Every instruction there is, by the name of its document.

use std::collections::BTreeMap;

use qnect_core::instruction::{
    Announcement, CHALLENGE_ATTEMPTS_MAX, ChallengeDigits, HOLD_TURNS_MAX, Instruction, Question,
};
use qnect_core::language::{Language, Languages};
use qnect_core::leg::LegId;
use qnect_core::reason::Reason;

use super::routes::questions;
use super::{dial, session};

/// Every instruction there is. Its digits, times and numbers stand for all others.
pub(crate) fn instructions() -> BTreeMap<String, Instruction> {
    let session = session();
    let leg = LegId::new("97ceeb52-58b6-11e1-86da-77300b68f8bb").unwrap();
    let mut all = BTreeMap::from([
        ("dial".to_owned(), Instruction::Dial(dial())),
        ("connect".to_owned(), Instruction::Connect),
        ("acknowledge".to_owned(), Instruction::Acknowledge),
    ]);
    for (tag, languages) in [
        ("en", Languages::Only(Language::English)),
        ("hi", Languages::Only(Language::Hindi)),
        ("all", Languages::Every),
    ] {
        for question in questions() {
            let ask = Instruction::Ask { question, digits: 7, languages };
            all.insert(format!("ask_{}_{tag}", question_name(question)), ask);
        }
        for announcement in Announcement::ALL {
            let name = format!("say_{}_{tag}", announcement_name(announcement));
            all.insert(name, Instruction::Say { announcement, languages });
        }
    }
    for language in Language::ALL {
        let tag = language.tag();
        for reason in Reason::ALL {
            let name = format!("whisper_{}_{tag}", reason.id());
            all.insert(name, Instruction::Whisper { session, reason, language });
        }
        for attempt in 1..=CHALLENGE_ATTEMPTS_MAX {
            let spoken = ChallengeDigits::of(session, &leg, attempt);
            let challenge = Instruction::Challenge { session, attempt, spoken, language };
            all.insert(format!("challenge_{attempt}_{tag}"), challenge);
        }
        for turn in 1..=HOLD_TURNS_MAX {
            all.insert(format!("hold_{turn}_{tag}"), Instruction::Hold { session, turn, language });
        }
    }
    all
}

/// Those whose documents are checked in byte for byte: of texts in all languages one, of turns of holding two.
pub(crate) fn golden_instructions() -> BTreeMap<String, Instruction> {
    let mut golden = instructions();
    golden.retain(|_, instruction| match instruction {
        Instruction::Say { announcement, languages } => {
            *languages != Languages::Every || *announcement == Announcement::CodeRefused
        }
        Instruction::Ask { question: Question::Code { attempt }, .. } => *attempt <= 2,
        Instruction::Hold { turn, .. } => *turn <= 2,
        _ => true,
    });
    golden
}

fn question_name(question: Question) -> String {
    match question {
        Question::Code { attempt } => format!("code_{attempt}"),
        Question::CodeOrRedial => "redial".to_owned(),
        Question::CodeOrMenu => "menu".to_owned(),
    }
}

fn announcement_name(announcement: Announcement) -> &'static str {
    match announcement {
        Announcement::CodeRefused => "code_refused",
        Announcement::OwnerUnavailable => "owner_unavailable",
        Announcement::OwnerBusy => "owner_busy",
        Announcement::TryAgain => "try_again",
        Announcement::LinesBusy => "lines_busy",
        Announcement::NoAnswer => "no_answer",
        Announcement::OwnerComing => "owner_coming",
        Announcement::Goodbye => "goodbye",
        Announcement::Noted => "noted",
        Announcement::Muted => "muted",
        Announcement::Reported => "reported",
        Announcement::NothingToReport => "nothing_to_report",
        Announcement::Blocked => "blocked",
        Announcement::NothingToBlock => "nothing_to_block",
        Announcement::BlockedCallersFull => "blocked_callers_full",
    }
}
