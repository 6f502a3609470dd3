//! What is special about Twilio's documents.

use qnect_core::instruction::Instruction;
use qnect_providers::Provider;
use qnect_providers::twilio::Twilio;

use crate::shared::BASE_URL;
use crate::shared::documents::instructions;

/// An empty document on the owner's leg connects the two (docs: voice/twiml/number): whatever else may be answered there
/// must not be one, a webhook that was only noted least of all.
#[test]
fn only_connect_connects() {
    for (name, instruction) in instructions() {
        let document = Twilio.render(&instruction, BASE_URL).body;
        let tree = roxmltree::Document::parse(&document).unwrap();
        let verbs = tree.root_element().children().filter(roxmltree::Node::is_element).count();
        assert_eq!(verbs == 0, instruction == Instruction::Connect, "{name}");
    }
}

/// No key, no bridge: the last verb of a whisper hangs up, should silence ever fall through.
#[test]
fn a_whisper_ends_with_a_hang_up() {
    let whispers = instructions().into_iter().filter(|(_, i)| matches!(i, Instruction::Whisper { .. }));
    for (name, whisper) in whispers {
        let document = Twilio.render(&whisper, BASE_URL).body;
        let tree = roxmltree::Document::parse(&document).unwrap();
        let verbs: Vec<_> = tree.root_element().children().filter(roxmltree::Node::is_element).collect();
        let names: Vec<_> = verbs.iter().map(|verb| verb.tag_name().name()).collect();
        assert_eq!(names, ["Gather", "Hangup"], "{name}");
        assert_eq!(verbs[0].attribute("numDigits"), Some("1"));
        assert_eq!(verbs[0].attribute("actionOnEmptyResult"), Some("true"));
        let said = verbs[0].first_element_child().unwrap().text().unwrap();
        assert!(["1", "2", "3"].iter().all(|key| said.contains(key)), "{said}");
    }
}
