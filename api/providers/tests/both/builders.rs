//! Documents against what the vendors' own builders know (see `ops/vectors/builders.py`): no element or attribute that they
//! do not have, none where they do not put it.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use qnect_providers::Provider;
use roxmltree::{Document, Node};

use crate::shared::documents::instructions;
use crate::shared::{BASE_URL, PROVIDERS};

/// Parts of names that no element and no attribute may have: what records, sends messages, or passes on who calls.
const NEVER: [&str; 21] = [
    "record",
    "transcri",
    "stream",
    "siprec",
    "conference",
    "multiparty",
    "message",
    "sms",
    "pay",
    "queue",
    "sip",
    "refer",
    "passport",
    "token",
    "diversion",
    "forward",
    "machine",
    "amd",
    "speech",
    "digitsmatch",
    "param",
];

/// What a vendor's builders know of one element.
struct Element {
    attributes: BTreeSet<String>,
    children: BTreeSet<String>,
}

/// The elements of each vendor.
pub(crate) struct Builders(HashMap<String, HashMap<String, Element>>);

impl Builders {
    /// Reads the table that is checked in.
    pub(crate) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/builders.jsonl");
        let lines = std::fs::read_to_string(path).unwrap();
        let mut vendors = HashMap::<_, HashMap<_, _>>::new();
        for line in lines.lines() {
            let json: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| json[name].as_str().unwrap().to_owned();
            let names = |name: &str| {
                let names = json[name].as_array().unwrap().iter();
                names.map(|name| name.as_str().unwrap().to_owned()).collect()
            };
            let element = Element { attributes: names("attributes"), children: names("children") };
            vendors.entry(text("package")).or_default().insert(text("element"), element);
        }
        Self(vendors)
    }

    /// Panics if `document` is nothing that the vendor could have built.
    pub(crate) fn check(&self, provider: &dyn Provider, document: &Document<'_>) {
        let root = document.root_element();
        assert_eq!(root.tag_name().name(), "Response");
        check(&self.0[provider.name()], root);
    }
}

fn check(builders: &HashMap<String, Element>, node: Node<'_, '_>) {
    let name = node.tag_name().name();
    let known = builders.get(name).unwrap_or_else(|| panic!("{name}"));
    for attribute in node.attributes() {
        assert!(known.attributes.contains(attribute.name()), "{name} {}", attribute.name());
    }
    for child in node.children().filter(Node::is_element) {
        assert!(known.children.contains(child.tag_name().name()), "{} in {name}", child.tag_name().name());
        check(builders, child);
    }
}

#[test]
fn documents_are_what_the_vendors_could_have_built() {
    let builders = Builders::read();
    for provider in PROVIDERS {
        for (name, instruction) in instructions() {
            let body = provider.render(&instruction, BASE_URL).body;
            let document = Document::parse(&body).unwrap_or_else(|e| panic!("{name}: {e}"));
            builders.check(provider, &document);
        }
    }
}

#[test]
fn nothing_is_said_that_we_must_never_say() {
    for provider in PROVIDERS {
        for instruction in instructions().values() {
            let body = provider.render(instruction, BASE_URL).body;
            Document::parse(&body).unwrap().descendants().filter(Node::is_element).for_each(check_names);
        }
    }
}

fn check_names(node: Node<'_, '_>) {
    for name in [node.tag_name().name()].into_iter().chain(node.attributes().map(|a| a.name())) {
        let name = name.to_ascii_lowercase();
        assert!(!NEVER.iter().any(|never| name.contains(never)), "{name}");
    }
}

#[test]
#[should_panic(expected = "Dial callerID")]
fn an_unknown_attribute_is_seen() {
    let document = Document::parse("<Response><Dial callerID=\"1\"/></Response>").unwrap();
    Builders::read().check(PROVIDERS[1], &document);
}

#[test]
#[should_panic(expected = "Hangup in Gather")]
fn an_element_in_the_wrong_place_is_seen() {
    let document = Document::parse("<Response><Gather><Hangup/></Gather></Response>").unwrap();
    Builders::read().check(PROVIDERS[1], &document);
}
