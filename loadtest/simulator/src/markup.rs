//! Strict reading of XML: which elements, attributes and nestings a vendor's builders can write, and their values.

use roxmltree::{Document, Node};

use crate::instruction::Element;
use crate::method::Method;

/// Most elements that one document may have at its top.
const ELEMENTS_MAX: usize = 64;
/// A number of seconds or times beyond this is a mistake.
const NUMBER_MAX: u64 = 86_400;

/// One element: what may stand in its tag, which elements in it, and whether text may.
pub(crate) struct Rule {
    name: &'static str,
    attributes: &'static [&'static str],
    /// The builders can write them, this simulator does nothing for them.
    unplayed: &'static [&'static str],
    children: &'static [&'static str],
    text: bool,
}

impl Rule {
    pub(crate) const fn new(
        name: &'static str,
        attributes: &'static [&'static str],
        children: &'static [&'static str],
    ) -> Rule {
        Rule { name, attributes, unplayed: &[], children, text: false }
    }

    /// Text may stand in it.
    pub(crate) const fn texted(self) -> Rule {
        Rule { text: true, ..self }
    }

    /// Attributes of the vendor's that are refused here.
    pub(crate) const fn unplayed(self, unplayed: &'static [&'static str]) -> Rule {
        Rule { unplayed, ..self }
    }
}

/// Reads a `Response` under `rules`, one element at the top after the other. Every problem is returned.
pub(crate) fn read(
    body: &str,
    rules: &[&[Rule]],
    mut element: impl FnMut(&mut Reader, Node<'_, '_>) -> Option<Element>,
) -> Result<Vec<Element>, Vec<String>> {
    let document = Document::parse(body).map_err(|cause| vec![format!("not XML: {cause}")])?;
    let root = document.root_element();
    let mut reader = Reader { problems: problems(root, rules) };
    let nodes: Vec<_> = root.children().filter(Node::is_element).collect();
    if nodes.len() > ELEMENTS_MAX {
        reader.problems.push(format!("more than {ELEMENTS_MAX} elements"));
    }
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    let elements = nodes.into_iter().filter_map(|node| element(&mut reader, node)).collect();
    if reader.problems.is_empty() { Ok(elements) } else { Err(reader.problems) }
}

/// Everything in `root` that the vendor's builders cannot write or that this simulator does not play.
fn problems(root: Node<'_, '_>, rules: &[&[Rule]]) -> Vec<String> {
    let mut problems = Vec::new();
    if !root.has_tag_name("Response") {
        problems.push(format!("the root element is <{}>, not <Response>", root.tag_name().name()));
        return problems;
    }
    check(root, rules, &mut problems);
    problems
}

// The depth of a document is bounded by the XML parser.
fn check(node: Node<'_, '_>, rules: &[&[Rule]], problems: &mut Vec<String>) {
    let name = node.tag_name().name();
    let Some(rule) = rules.iter().copied().flatten().find(|rule| rule.name == name) else {
        problems.push(format!("<{name}> is an element that this simulator does not play"));
        return;
    };
    for attribute in node.attributes() {
        let prefix = if attribute.namespace().is_some() { "xml:" } else { "" };
        let attribute = format!("{prefix}{}", attribute.name());
        if rule.unplayed.contains(&attribute.as_str()) {
            problems.push(format!("{attribute} of <{name}> is an attribute that this simulator does not play"));
        } else if !rule.attributes.contains(&attribute.as_str()) {
            problems.push(format!("<{name}> has no attribute {attribute:?}"));
        }
    }
    for child in node.children() {
        if child.is_text() && !rule.text && child.text().is_some_and(|text| !text.trim().is_empty()) {
            problems.push(format!("<{name}> holds text"));
        }
        if !child.is_element() {
            continue;
        }
        let inner = child.tag_name().name();
        if rule.children.contains(&inner) {
            check(child, rules, problems);
        } else {
            problems.push(format!("<{inner}> does not belong in <{name}>"));
        }
    }
}

/// Reads values, and notes those that are none.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) problems: Vec<String>,
}

impl Reader {
    pub(crate) fn wrong(&mut self, node: Node<'_, '_>, attribute: &str, wanted: &str) {
        self.problems.push(format!("{attribute} of <{}> is not {wanted}", node.tag_name().name()));
    }

    pub(crate) fn url(&mut self, node: Node<'_, '_>, attribute: &str) -> Option<String> {
        let url = node.attribute(attribute)?;
        if !is_url(url) {
            self.wrong(node, attribute, "a full URL");
        }
        Some(url.to_owned())
    }

    pub(crate) fn url_text(&mut self, node: Node<'_, '_>) -> String {
        let url = node.text().unwrap_or_default().trim();
        if !is_url(url) {
            self.wrong(node, "the text", "a full URL");
        }
        url.to_owned()
    }

    pub(crate) fn whole(&mut self, node: Node<'_, '_>, attribute: &str, least: u64) -> Option<u64> {
        self.whole_between(node, attribute, least, NUMBER_MAX)
    }

    pub(crate) fn whole_between(&mut self, node: Node<'_, '_>, attribute: &str, least: u64, most: u64) -> Option<u64> {
        let value = node.attribute(attribute)?.parse().ok().filter(|value| (least..=most).contains(value));
        if value.is_none() {
            self.wrong(node, attribute, "a whole number in its bounds");
        }
        value
    }

    pub(crate) fn flag(&mut self, node: Node<'_, '_>, attribute: &str, default: bool) -> bool {
        match node.attribute(attribute) {
            None => default,
            Some("true") => true,
            Some("false") => false,
            Some(_) => {
                self.wrong(node, attribute, "true or false");
                default
            }
        }
    }

    pub(crate) fn method(&mut self, node: Node<'_, '_>, attribute: &str) -> Method {
        match node.attribute(attribute) {
            None | Some("POST") => Method::Post,
            Some("GET") => Method::Get,
            Some(_) => {
                self.wrong(node, attribute, "GET or POST");
                Method::Post
            }
        }
    }

    pub(crate) fn key(&mut self, node: Node<'_, '_>, attribute: &str) -> Option<char> {
        let value = node.attribute(attribute)?;
        let mut keys = value.chars();
        match (keys.next(), keys.next()) {
            (Some(key @ ('0'..='9' | '*' | '#')), None) => Some(key),
            _ => {
                self.wrong(node, attribute, "one key");
                None
            }
        }
    }

    /// The words of an element and of the speech marks inside it, with single spaces.
    pub(crate) fn spoken(&mut self, node: Node<'_, '_>) -> String {
        let text: Vec<&str> = node.descendants().filter(Node::is_text).filter_map(|inner| inner.text()).collect();
        let text = text.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            self.problems.push(format!("<{}> says nothing", node.tag_name().name()));
        }
        text
    }
}

fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && rest.is_ascii() && !rest.contains(char::is_whitespace))
}

const INLINE: &[&str] = &["break", "emphasis", "lang", "phoneme", "prosody", "say-as", "sub", "w"];
const BLOCK: &[&str] = &["break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"];

/// What may stand in speech; the same at both vendors.
pub(crate) const SPOKEN: &[&str] = BLOCK;
/// The marks of speech (SSML) that both vendors' builders can write.
pub(crate) const SPEECH: &[Rule] = &[
    Rule::new("break", &["strength", "time"], &[]).texted(),
    Rule::new("emphasis", &["level"], INLINE).texted(),
    Rule::new("lang", &["xml:lang"], BLOCK).texted(),
    Rule::new("p", &[], &["break", "emphasis", "lang", "phoneme", "prosody", "say-as", "sub", "s", "w"]).texted(),
    Rule::new("phoneme", &["alphabet", "ph"], &[]).texted(),
    Rule::new("prosody", &["volume", "rate", "pitch"], BLOCK).texted(),
    Rule::new("s", &[], INLINE).texted(),
    Rule::new("say-as", &["interpret-as", "format"], &[]).texted(),
    Rule::new("sub", &["alias"], &[]).texted(),
    Rule::new("w", &["role"], &["break", "emphasis", "phoneme", "prosody", "say-as", "sub"]).texted(),
];
