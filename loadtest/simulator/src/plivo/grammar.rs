//! Which elements, attributes and nestings the vendor's builders can write. Whatever they cannot write is an error.

use roxmltree::Node;

/// One element: what may stand in its tag, which elements in it, and whether text may.
struct Rule {
    name: &'static str,
    attributes: &'static [&'static str],
    children: &'static [&'static str],
    text: bool,
}

const fn rule(name: &'static str, attributes: &'static [&'static str], children: &'static [&'static str]) -> Rule {
    Rule { name, attributes, children, text: false }
}

const fn texted(name: &'static str, attributes: &'static [&'static str], children: &'static [&'static str]) -> Rule {
    Rule { name, attributes, children, text: true }
}

const SPOKEN: &[&str] = &["break", "cont", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"];
const INLINE: &[&str] = &["break", "emphasis", "lang", "phoneme", "prosody", "say-as", "sub", "w"];

/// The elements that this simulator plays, and those of speech inside them.
const RULES: &[Rule] = &[
    rule(
        "Response",
        &[],
        &[
            "Conference",
            "Dial",
            "DTMF",
            "GetDigits",
            "GetInput",
            "Hangup",
            "Message",
            "Play",
            "PreAnswer",
            "Record",
            "Redirect",
            "Speak",
            "Wait",
            "MultiPartyCall",
            "Stream",
        ],
    ),
    rule(
        "GetDigits",
        &[
            "action",
            "method",
            "timeout",
            "digitTimeout",
            "finishOnKey",
            "numDigits",
            "retries",
            "redirect",
            "playBeep",
            "validDigits",
            "invalidDigitsSound",
            "log",
        ],
        &["Speak", "Play", "Wait"],
    ),
    rule(
        "Dial",
        &[
            "action",
            "method",
            "hangupOnStar",
            "timeLimit",
            "timeout",
            "callerId",
            "callerName",
            "confirmSound",
            "confirmTimeout",
            "confirmKey",
            "dialMusic",
            "callbackUrl",
            "callbackMethod",
            "redirect",
            "digitsMatch",
            "digitsMatchBLeg",
            "sipHeaders",
        ],
        &["User", "Number"],
    ),
    texted("Number", &["sendDigits", "sendOnPreanswer", "sendDigitsMode"], &[]),
    texted("User", &["sendDigits", "sendOnPreanswer", "sipHeaders"], &[]),
    texted("Speak", &["voice", "language", "loop"], SPOKEN),
    texted("Play", &["loop"], &[]),
    rule("Wait", &["length", "silence", "minSilence", "beep"], &[]),
    rule("Hangup", &["reason", "schedule"], &[]),
    texted("Redirect", &["method"], &[]),
    texted("break", &["strength", "time"], &[]),
    texted("cont", &[], SPOKEN),
    texted("emphasis", &["level"], INLINE),
    texted("lang", &["xml:lang"], &["break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"]),
    texted("p", &[], &["break", "emphasis", "lang", "phoneme", "prosody", "say-as", "sub", "s", "w"]),
    texted("phoneme", &["alphabet", "ph"], &[]),
    texted(
        "prosody",
        &["volume", "rate", "pitch"],
        &["break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"],
    ),
    texted("s", &[], INLINE),
    texted("say-as", &["interpret-as", "format"], &[]),
    texted("sub", &["alias"], &[]),
    texted("w", &["role"], &["break", "emphasis", "phoneme", "prosody", "say-as", "sub"]),
];

/// Everything in `root` that the vendor's builders cannot write or that this simulator does not play.
pub(crate) fn problems(root: Node<'_, '_>) -> Vec<String> {
    let mut problems = Vec::new();
    if !root.has_tag_name("Response") {
        problems.push(format!("the root element is <{}>, not <Response>", root.tag_name().name()));
        return problems;
    }
    check(root, &mut problems);
    problems
}

// The depth of a document is bounded by the XML parser.
fn check(node: Node<'_, '_>, problems: &mut Vec<String>) {
    let name = node.tag_name().name();
    let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
        problems.push(format!("<{name}> is an element that this simulator does not play"));
        return;
    };
    for attribute in node.attributes() {
        let prefix = if attribute.namespace().is_some() { "xml:" } else { "" };
        let attribute = format!("{prefix}{}", attribute.name());
        if !rule.attributes.contains(&attribute.as_str()) {
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
            check(child, problems);
        } else {
            problems.push(format!("<{inner}> does not belong in <{name}>"));
        }
    }
}
