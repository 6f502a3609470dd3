//! A returned document: read strictly, as instructions.

use roxmltree::Node;

use super::grammar;
use crate::instruction::{DialElement, Element, Gather, LegCallback, Refusal, Screening, Sound, Told};
use crate::markup::{self, Reader};

/// The longest name a display takes. \[D\]
const CALLER_NAME_CHARS_MAX: usize = 50;

/// Reads a document. Every problem is returned, not only the first.
pub(crate) fn read(body: &str) -> Result<Vec<Element>, Vec<String>> {
    markup::read(body, &[grammar::RULES, markup::SPEECH], element)
}

fn element(reader: &mut Reader, node: Node<'_, '_>) -> Option<Element> {
    match node.tag_name().name() {
        "GetDigits" => Some(Element::Gather(get_digits(reader, node))),
        "Dial" => Some(Element::Dial(Box::new(dial(reader, node)?))),
        "Redirect" => Some(Element::Redirect { url: reader.url_text(node), method: reader.method(node, "method") }),
        "Hangup" => Some(Element::Hangup {
            refusal: refusal(reader, node),
            schedule_seconds: reader.whole(node, "schedule", 1),
        }),
        _ => sound(reader, node).map(Element::Sound).or_else(|| {
            reader.problems.push(format!("<{}> is not played by this simulator", node.tag_name().name()));
            None
        }),
    }
}

fn sound(reader: &mut Reader, node: Node<'_, '_>) -> Option<Sound> {
    let times = |reader: &mut Reader| reader.whole(node, "loop", 0).unwrap_or(1);
    match node.tag_name().name() {
        "Speak" => Some(Sound::Speak { text: reader.spoken(node), times: times(reader) }),
        "Play" => Some(Sound::Play { url: reader.url_text(node), times: times(reader) }),
        "Wait" => Some(Sound::Wait { seconds: reader.whole(node, "length", 1).unwrap_or(1) }),
        _ => None,
    }
}

fn get_digits(reader: &mut Reader, node: Node<'_, '_>) -> Gather {
    reader.flag(node, "playBeep", false);
    reader.flag(node, "log", true);
    Gather {
        action: reader.url(node, "action"),
        method: reader.method(node, "method"),
        timeout_seconds: reader.whole(node, "timeout", 1).unwrap_or(5),
        digit_timeout_seconds: reader.whole(node, "digitTimeout", 1).unwrap_or(2),
        finish_on_key: match node.attribute("finishOnKey") {
            None => Some('#'),
            Some("" | "none") => None,
            Some(_) => reader.key(node, "finishOnKey"),
        },
        digits_max: reader.whole(node, "numDigits", 1),
        tries: reader.whole(node, "retries", 1).unwrap_or(1),
        redirect: reader.flag(node, "redirect", true),
        on_empty: false,
        valid: node.attribute("validDigits").unwrap_or("1234567890*#").to_owned(),
        invalid_sound: reader.url(node, "invalidDigitsSound"),
        prompts: node.children().filter(Node::is_element).filter_map(|prompt| sound(reader, prompt)).collect(),
    }
}

fn dial(reader: &mut Reader, node: Node<'_, '_>) -> Option<DialElement> {
    let targets: Vec<_> = node.children().filter(Node::is_element).collect();
    let [target] = targets[..] else {
        reader.problems.push(format!("<Dial> has {} targets; this simulator rings one <Number>", targets.len()));
        return None;
    };
    let number = target.text().unwrap_or_default().trim().to_owned();
    if !target.has_tag_name("Number") || !is_number(&number) {
        reader.problems.push("<Dial> needs a <Number> that is a telephone number".to_owned());
    }
    if node.attribute("callerId").is_some_and(|id| !is_number(id)) {
        reader.problems.push("callerId of <Dial> is not a telephone number".to_owned());
    }
    if node.attribute("callerName").is_some_and(|name| name.chars().count() > CALLER_NAME_CHARS_MAX) {
        reader.problems.push(format!("callerName of <Dial> is longer than {CALLER_NAME_CHARS_MAX} characters"));
    }
    reader.flag(node, "hangupOnStar", false);
    let callback_method = reader.method(node, "callbackMethod");
    let told = vec![Told::Answered, Told::Bridged, Told::Over];
    Some(DialElement {
        number,
        action: reader.url(node, "action"),
        method: reader.method(node, "method"),
        redirect: reader.flag(node, "redirect", true),
        caller_id: node.attribute("callerId").map(str::to_owned),
        caller_name: node.attribute("callerName").map(str::to_owned),
        timeout_seconds: reader.whole(node, "timeout", 1),
        time_limit_seconds: reader.whole(node, "timeLimit", 1).unwrap_or(14_400),
        answer_on_bridge: false,
        callback: reader.url(node, "callbackUrl").map(|url| LegCallback { url, method: callback_method, told }),
        screening: Screening::Key {
            sound: reader.url(node, "confirmSound"),
            key: reader.key(node, "confirmKey"),
            timeout_seconds: reader.whole(node, "confirmTimeout", 1).unwrap_or(120),
        },
        music: if node.attribute("dialMusic") == Some("real") { None } else { reader.url(node, "dialMusic") },
    })
}

fn refusal(reader: &mut Reader, node: Node<'_, '_>) -> Option<Refusal> {
    match node.attribute("reason")? {
        "rejected" => Some(Refusal::Rejected),
        "busy" => Some(Refusal::Busy),
        other => {
            reader.problems.push(format!("reason of <Hangup> is {other:?}, not rejected or busy"));
            None
        }
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
