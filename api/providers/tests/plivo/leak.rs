//! Who may see which number: the owner's stands once, as the target of the dial; any other long run of digits is one of our
//! own numbers. And nothing is said that the vendor's builders do not know, or that we must never say.

use proptest::prelude::*;
use qnect_core::instruction::{Dial, Instruction};
use qnect_providers::plivo::Plivo;
use qnect_providers::{Provider, Route};
use roxmltree::{Document, Node};

use crate::shared::strategies::any_instruction;
use crate::shared::{BASE_URL, keys};

/// What the vendor's builders know (`plivo.xml` 4.63.0) of the elements that we may use: name, attributes, children.
/// Elements that record, stream, transcribe, message or confer are left out on purpose.
const KNOWN: [(&str, &[&str], &[&str]); 8] = [
    ("Response", &[], &["Dial", "GetDigits", "Hangup", "Redirect", "Speak", "Wait"]),
    ("Speak", &["voice", "language", "loop"], &[]),
    (
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
        &["Speak"],
    ),
    (
        // Without `sipHeaders`, `digitsMatch` and `digitsMatchBLeg`, which pass on or report what we do not want to know.
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
        ],
        &["Number"],
    ),
    ("Number", &["sendDigits", "sendOnPreanswer", "sendDigitsMode"], &[]),
    ("Hangup", &["reason", "schedule"], &[]),
    ("Redirect", &["method"], &[]),
    ("Wait", &["length", "silence", "minSilence", "beep"], &[]),
];

/// Runs of at least eight digits, in any script, outside of session ids.
fn long_runs(document: &str, instruction: &Instruction) -> Vec<String> {
    let text = match instruction {
        Instruction::Dial(Dial { session, .. })
        | Instruction::Challenge { session, .. }
        | Instruction::Hold { session, .. }
        | Instruction::Whisper { session, .. } => document.replace(&session.to_string(), "-"),
        Instruction::Ask { .. } | Instruction::Connect | Instruction::Say { .. } | Instruction::Acknowledge => {
            document.to_owned()
        }
    };
    let runs = text.split(|c: char| !c.is_numeric());
    runs.filter(|run| run.chars().count() >= 8).map(str::to_owned).collect()
}

fn check_known(node: Node<'_, '_>) {
    let name = node.tag_name().name();
    let (_, attributes, children) = KNOWN.iter().find(|(known, ..)| *known == name).expect(name);
    for attribute in node.attributes() {
        assert!(attributes.contains(&attribute.name()), "{name} {}", attribute.name());
    }
    for child in node.children().filter(Node::is_element) {
        assert!(children.contains(&child.tag_name().name()), "{} in {name}", child.tag_name().name());
        check_known(child);
    }
}

/// Every URL is one of ours, asks for retries, leads back to a route, and is fetched by POST.
fn check_urls(node: Node<'_, '_>) {
    let callbacks = [("action", "method"), ("callbackUrl", "callbackMethod"), ("confirmSound", "")];
    let mut urls: Vec<_> = callbacks.iter().filter_map(|(url, how)| Some((node.attribute(*url)?, *how))).collect();
    if node.has_tag_name("Redirect") {
        urls.push((node.text().unwrap(), "method"));
    }
    for (url, method) in urls {
        let path = url.strip_prefix("https://qnect.example/webhooks/plivo/").unwrap();
        let path = path.strip_suffix("#rc=2&rp=ct,rt,5xx").unwrap();
        assert!(Route::read(path, &keys()).is_some(), "{path}");
        assert!(method.is_empty() || node.attribute(method) == Some("POST"));
    }
}

fn check_dial(document: &Document<'_>, dial: &Dial) {
    let element = document.descendants().find(|n| n.has_tag_name("Dial")).unwrap();
    let caller_id = dial.caller_id.number().digits().to_string();
    assert_eq!(element.attribute("callerId"), Some(caller_id.as_str()));
    assert_eq!(element.attribute("callerName"), Some("QNect"));
    assert_eq!(element.attribute("confirmKey"), Some("1"));
    assert!(element.has_attribute("confirmSound"), "the key counts only with a sound");
    for attribute in ["timeLimit", "timeout", "confirmTimeout"] {
        assert!(element.attribute(attribute).unwrap().parse::<u64>().unwrap() > 0);
    }
    let numbers: Vec<_> = document.descendants().filter(|n| n.has_tag_name("Number")).collect();
    assert_eq!(numbers.len(), 1);
    assert_eq!(numbers[0].text().unwrap(), dial.to.reveal().to_string());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn no_number_goes_astray(instruction in any_instruction()) {
        let text = Plivo.render(&instruction, BASE_URL).body;
        let document = Document::parse(&text).unwrap();
        check_known(document.root_element());
        document.descendants().for_each(check_urls);
        let runs = long_runs(&text, &instruction);
        match &instruction {
            Instruction::Dial(dial) => {
                check_dial(&document, dial);
                let ours = dial.caller_id.number().digits().to_string();
                prop_assert_eq!(runs, [ours, dial.to.reveal().to_string()]);
            }
            _ => prop_assert!(runs.is_empty(), "{runs:?}"),
        }
    }
}
