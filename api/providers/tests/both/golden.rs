//! Documents byte for byte. `QNECT_BLESS=1` rewrites them: read the difference before you commit it.

use std::path::PathBuf;

use crate::shared::documents::{golden_instructions, instructions};
use crate::shared::{BASE_URL, PROVIDERS};

#[test]
fn documents_are_what_they_were() {
    let bless = std::env::var_os("QNECT_BLESS").is_some();
    let instructions = golden_instructions();
    for provider in PROVIDERS {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(provider.name());
        for (name, instruction) in &instructions {
            let path = folder.join(format!("{name}.xml"));
            let document = provider.render(instruction, BASE_URL).body;
            if bless {
                std::fs::write(&path, &document).unwrap();
            }
            let expected = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            assert_eq!(document, expected, "{} {name}", provider.name());
        }
        let files = std::fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, instructions.len(), "a document that nothing renders");
    }
}

/// Plivo takes documents of at most 100 kB (docs: xml/request), Twilio of 64 kB (docs: voice/twiml).
#[test]
fn documents_are_small_and_the_same_every_time() {
    for provider in PROVIDERS {
        for (name, instruction) in instructions() {
            let document = provider.render(&instruction, BASE_URL);
            assert!(document.body.len() < 4_096, "{name}");
            assert_eq!(document.content_type, "application/xml; charset=utf-8");
            assert_eq!(document, provider.render(&instruction, &format!("{BASE_URL}/")), "{name}");
        }
    }
}
