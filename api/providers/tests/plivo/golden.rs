//! Documents byte for byte. `QNECT_BLESS=1` rewrites them: read the difference before you commit it.

use std::path::PathBuf;

use qnect_providers::Provider;
use qnect_providers::plivo::Plivo;

use crate::shared::BASE_URL;
use crate::shared::documents::{golden_instructions, instructions};

#[test]
fn documents_are_what_they_were() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/plivo");
    let bless = std::env::var_os("QNECT_BLESS").is_some();
    let instructions = golden_instructions();
    for (name, instruction) in &instructions {
        let path = folder.join(format!("{name}.xml"));
        let document = Plivo.render(instruction, BASE_URL).body;
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
        let document = Plivo.render(&instruction, BASE_URL);
        assert!(document.body.len() < 4_096, "{name}");
        assert_eq!(document.content_type, "application/xml; charset=utf-8");
        assert_eq!(document, Plivo.render(&instruction, &format!("{BASE_URL}/")), "{name}");
    }
}
