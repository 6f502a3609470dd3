//! Documents, read back into nobody's words: the same instruction means the same at every provider, and where it does not,
//! a capability says so.

use proptest::prelude::*;
use qnect_core::instruction::{Dial, Instruction};
use qnect_core::time::Span;
use qnect_providers::{Provider, Route};
use roxmltree::{Document, Node};

use crate::shared::documents::instructions;
use crate::shared::strategies::any_instruction;
use crate::shared::{BASE_URL, PROVIDERS, dial, keys};

/// What a document does.
#[derive(Debug, PartialEq, Eq)]
enum Doing {
    /// Says words in a language.
    Speaks(String, String),
    /// Listens for digits.
    Listens { at: Route, digits: String, seconds: String, prompt: Vec<Doing>, posts_silence: bool },
    /// Rings a number.
    Rings { to: String, shows: String, ring: String, talk: String, leg: Route, whisper: Route, end: Route },
    /// Keeps silent.
    Waits(String),
    /// Asks for the next document.
    Fetches(Route),
    /// Ends the call.
    HangsUp,
}

/// What a document of `provider` does, by the vendor's documentation of its elements.
fn read(provider: &dyn Provider, document: &str) -> Vec<Doing> {
    let document = Document::parse(document).unwrap();
    let url = |url: &str| {
        let path = url.strip_prefix(&format!("{BASE_URL}/webhooks/{}/", provider.name())).unwrap();
        // Every URL asks for a retry, where that can be asked for.
        let path = if provider.capabilities().retries_on_request {
            path.strip_suffix("#rc=2&rp=ct,rt,5xx").unwrap()
        } else {
            path
        };
        Route::read(path, &keys()).unwrap()
    };
    let mut doings: Vec<Doing> = Vec::new();
    for element in document.root_element().children().filter(Node::is_element) {
        element.descendants().filter(Node::is_element).for_each(check_methods);
        let doing = match provider.name() {
            "plivo" => read_plivo(element, &url),
            "twilio" => read_twilio(element, &url),
            other => panic!("{other} has no reader"),
        };
        match (doings.last_mut(), doing) {
            // Where silence falls through to asking the same question, it is posted.
            (Some(Doing::Listens { at, posts_silence, .. }), Doing::Fetches(to)) if *at == to => *posts_silence = true,
            (_, doing) => doings.push(doing),
        }
    }
    doings
}

/// What is asked for by GET stands in logs.
fn check_methods(element: Node<'_, '_>) {
    let of = |attribute: &str| element.attribute(attribute).is_some();
    for (url, method) in [
        (of("action") || of("url") || element.has_tag_name("Redirect"), "method"),
        (of("callbackUrl"), "callbackMethod"),
        (of("statusCallback"), "statusCallbackMethod"),
    ] {
        assert_eq!(element.attribute(method), url.then_some("POST"), "{method} of {:?}", element.tag_name());
    }
}

fn read_plivo(element: Node<'_, '_>, url: &dyn Fn(&str) -> Route) -> Doing {
    let value = |name: &str| element.attribute(name).unwrap().to_owned();
    let text = || element.text().unwrap_or_default().to_owned();
    match element.tag_name().name() {
        "Speak" => Doing::Speaks(value("language"), text()),
        "GetDigits" => Doing::Listens {
            at: url(&value("action")),
            digits: value("numDigits"),
            seconds: value("timeout"),
            prompt: element.children().filter(Node::is_element).map(|e| read_plivo(e, url)).collect(),
            posts_silence: false,
        },
        "Dial" => {
            assert_eq!((value("callerName"), value("confirmKey")), ("QNect".to_owned(), "1".to_owned()));
            assert_eq!(value("confirmTimeout"), "15");
            Doing::Rings {
                to: number(element),
                shows: value("callerId"),
                ring: value("timeout"),
                talk: value("timeLimit"),
                leg: url(&value("callbackUrl")),
                whisper: url(&value("confirmSound")),
                end: url(&value("action")),
            }
        }
        "Wait" => Doing::Waits(value("length")),
        "Redirect" => Doing::Fetches(url(&text())),
        "Hangup" => Doing::HangsUp,
        other => panic!("{other}"),
    }
}

fn read_twilio(element: Node<'_, '_>, url: &dyn Fn(&str) -> Route) -> Doing {
    let value = |name: &str| element.attribute(name).unwrap().to_owned();
    let text = || element.text().unwrap_or_default().to_owned();
    match element.tag_name().name() {
        "Say" => Doing::Speaks(value("language"), text()),
        "Gather" => Doing::Listens {
            at: url(&value("action")),
            digits: value("numDigits"),
            seconds: value("timeout"),
            prompt: element.children().filter(Node::is_element).map(|e| read_twilio(e, url)).collect(),
            posts_silence: value("actionOnEmptyResult") == "true",
        },
        "Dial" => {
            assert_eq!(value("answerOnBridge"), "true");
            let owner = element.first_element_child().unwrap();
            Doing::Rings {
                to: number(element).strip_prefix('+').unwrap().to_owned(),
                shows: value("callerId").strip_prefix('+').unwrap().to_owned(),
                ring: value("timeout"),
                talk: value("timeLimit"),
                leg: url(owner.attribute("statusCallback").unwrap()),
                whisper: url(owner.attribute("url").unwrap()),
                end: url(&value("action")),
            }
        }
        "Pause" => Doing::Waits(value("length")),
        "Redirect" => Doing::Fetches(url(&text())),
        "Hangup" => Doing::HangsUp,
        other => panic!("{other}"),
    }
}

fn number(dial: Node<'_, '_>) -> String {
    let targets: Vec<_> = dial.children().filter(Node::is_element).collect();
    assert_eq!(targets.len(), 1, "one number is rung");
    assert!(targets[0].has_tag_name("Number"));
    targets[0].text().unwrap().to_owned()
}

/// Except the whisper and what is only noted, about which see below.
fn check_meaning(instruction: &Instruction) {
    let [first, others @ ..] = PROVIDERS;
    if matches!(instruction, Instruction::Whisper { .. } | Instruction::Acknowledge) {
        return;
    }
    let meaning = read(first, &first.render(instruction, BASE_URL).body);
    for other in others {
        assert_eq!(read(other, &other.render(instruction, BASE_URL).body), meaning, "{} {instruction:?}", other.name());
    }
}

#[test]
fn an_instruction_means_the_same_everywhere() {
    instructions().values().for_each(check_meaning);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_instruction_means_the_same_everywhere(instruction in any_instruction()) {
        check_meaning(&instruction);
    }
}

/// Zero is no allowed value at any provider.
#[test]
fn no_time_is_zero() {
    let zero = Dial { ring: Span::from_millis(0), talk: Span::from_millis(1), ..dial() };
    for provider in PROVIDERS {
        let doings = read(provider, &provider.render(&Instruction::Dial(zero.clone()), BASE_URL).body);
        let [Doing::Rings { ring, talk, .. }] = doings.as_slice() else { panic!("{doings:?}") };
        assert_eq!((ring.as_str(), talk.as_str()), ("1", "1"), "{}", provider.name());
    }
}

#[test]
fn the_dial_rings_the_owner_and_shows_our_number() {
    let dial = dial();
    let session = dial.session;
    for provider in PROVIDERS {
        let rings = Doing::Rings {
            to: dial.to.reveal().to_string(),
            shows: dial.caller_id.number().digits().to_string(),
            ring: "25".to_owned(),
            talk: "180".to_owned(),
            leg: Route::Leg { session },
            whisper: Route::Whisper { session },
            end: Route::DialEnd { session },
        };
        let document = provider.render(&Instruction::Dial(dial.clone()), BASE_URL).body;
        assert_eq!(read(provider, &document), [rings], "{}", provider.name());
    }
}

/// Where the owner can press more than one key, the whisper names them and listens, and hangs up on silence. Where not, the
/// provider takes the one key, and the whisper only sounds.
#[test]
fn the_whisper_listens_where_keys_are_taken() {
    let whispers = instructions().into_iter().filter(|(_, i)| matches!(i, Instruction::Whisper { .. }));
    for (name, whisper) in whispers {
        for provider in PROVIDERS {
            let doings = read(provider, &provider.render(&whisper, BASE_URL).body);
            let (keys, said) = match doings.as_slice() {
                [Doing::Speaks(_, said)] => (false, said),
                [
                    Doing::Listens { at: Route::OwnerKey { .. }, digits, prompt, posts_silence: true, .. },
                    Doing::HangsUp,
                ] if digits == "1" => {
                    let [Doing::Speaks(_, said)] = prompt.as_slice() else { panic!("{name}: {prompt:?}") };
                    (true, said)
                }
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(keys, provider.capabilities().owner_keys, "{} {name}", provider.name());
            assert!(said.contains('1') && said.contains('2') == keys && said.contains('3') == keys, "{said}");
        }
    }
}

/// A noted webhook connects nobody: where documents run on the owner's leg, an empty one would.
#[test]
fn a_noted_webhook_is_answered_with_nothing_or_the_end() {
    for provider in PROVIDERS {
        let doings = read(provider, &provider.render(&Instruction::Acknowledge, BASE_URL).body);
        let ends = if provider.capabilities().owner_keys { vec![Doing::HangsUp] } else { Vec::new() };
        assert_eq!(doings, ends, "{}", provider.name());
    }
}
