//! Documents byte for byte. `QNECT_BLESS=1` rewrites them: read the difference before you commit it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use qnect_core::instruction::{Announcement, Instruction};
use qnect_core::language::Language;
use qnect_core::reason::Reason;
use qnect_providers::plivo::render;

use crate::world::{BASE_URL, dial};

const ANNOUNCEMENTS: [(&str, Announcement); 6] = [
    ("code_refused", Announcement::CodeRefused),
    ("owner_unavailable", Announcement::OwnerUnavailable),
    ("owner_busy", Announcement::OwnerBusy),
    ("try_again", Announcement::TryAgain),
    ("no_answer", Announcement::NoAnswer),
    ("goodbye", Announcement::Goodbye),
];

/// Every instruction there is, by the name of its file.
fn instructions() -> BTreeMap<String, Instruction> {
    let mut all = BTreeMap::from([
        ("dial".to_owned(), Instruction::Dial(dial())),
        ("acknowledge".to_owned(), Instruction::Acknowledge),
    ]);
    for language in Language::ALL {
        let tag = language.tag();
        for (name, announcement) in ANNOUNCEMENTS {
            all.insert(format!("say_{name}_{tag}"), Instruction::Say { announcement, language });
        }
        for reason in Reason::ALL {
            all.insert(format!("whisper_{}_{tag}", reason.id()), Instruction::Whisper { reason, language });
        }
        for attempt in 1..=2 {
            let ask = Instruction::AskForCode { digits: 7, attempt, language };
            all.insert(format!("ask_for_code_{attempt}_{tag}"), ask);
        }
    }
    all
}

#[test]
fn documents_are_what_they_were() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let bless = std::env::var_os("QNECT_BLESS").is_some();
    let instructions = instructions();
    for (name, instruction) in &instructions {
        let path = folder.join(format!("{name}.xml"));
        let document = render(instruction, BASE_URL);
        if bless {
            std::fs::write(&path, &document).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(document, expected, "{name}");
    }
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, instructions.len(), "a document that nothing renders");
}

/// The vendor takes documents of at most 100 kB (docs: xml/request).
#[test]
fn documents_are_small_and_the_same_every_time() {
    for (name, instruction) in instructions() {
        let document = render(&instruction, BASE_URL);
        assert!(document.len() < 4_096, "{name}");
        assert_eq!(document, render(&instruction, &format!("{BASE_URL}/")), "{name}");
    }
}
