//! A returned document (TwiML): read strictly, as instructions.

use roxmltree::Node;

use super::grammar;
use crate::instruction::{DialElement, Element, Gather, LegCallback, Refusal, Screening, Sound, Told};
use crate::markup::{self, Reader};

/// The longest text that is spoken. \[D\]
const SAY_CHARS_MAX: usize = 4_096;
/// The longest ring. \[D\]
const RING_SECONDS_MAX: u64 = 600;
/// The longest dial, and what it is without a limit. \[D\]
const DIAL_SECONDS_MAX: u64 = 14_400;
/// Tones that the scanner can be made to hear while it rings. \[D\]
const RING_TONES: &str = "at au be bg br ch cl cn cz de dk ee es fi fr gr hu il in it jp lt mx my nl no nz ph pl pt ru se \
     sg th tw uk us us-old ve za";

/// Reads a document that came from `url`. Every problem is returned, not only the first.
pub(crate) fn read(body: &str, url: &str) -> Result<Vec<Element>, Vec<String>> {
    markup::read(body, &[grammar::RULES, markup::SPEECH], |reader, node| element(reader, node, url))
}

fn element(reader: &mut Reader, node: Node<'_, '_>, url: &str) -> Option<Element> {
    match node.tag_name().name() {
        "Gather" => Some(Element::Gather(gather(reader, node, url))),
        "Dial" => Some(Element::Dial(Box::new(dial(reader, node)?))),
        "Redirect" => Some(Element::Redirect { url: reader.url_text(node), method: reader.method(node, "method") }),
        "Hangup" => Some(Element::Hangup { refusal: None, schedule_seconds: None }),
        "Reject" => Some(Element::Hangup { refusal: Some(refusal(reader, node)), schedule_seconds: None }),
        _ => sound(reader, node).map(Element::Sound),
    }
}

fn sound(reader: &mut Reader, node: Node<'_, '_>) -> Option<Sound> {
    let times = |reader: &mut Reader| reader.whole(node, "loop", 0).unwrap_or(1);
    match node.tag_name().name() {
        "Say" => {
            let text = reader.spoken(node);
            if text.chars().count() > SAY_CHARS_MAX {
                reader.wrong(node, "the text", &format!("at most {SAY_CHARS_MAX} characters"));
            }
            if node.attribute("language").is_some_and(|language| !is_language(language)) {
                reader.wrong(node, "language", "a language like en-IN");
            }
            if node.attribute("voice").is_some_and(|voice| !is_voice(voice)) {
                reader.wrong(node, "voice", "man, woman, alice, Polly.* or Google.*");
            }
            Some(Sound::Speak { text, times: times(reader) })
        }
        "Play" => Some(Sound::Play { url: reader.url_text(node), times: times(reader) }),
        "Pause" => Some(Sound::Wait { seconds: reader.whole(node, "length", 1).unwrap_or(1) }),
        _ => None,
    }
}

fn gather(reader: &mut Reader, node: Node<'_, '_>, url: &str) -> Gather {
    if node.attribute("input").is_some_and(|input| input != "dtmf") {
        reader.wrong(node, "input", "dtmf, the only one that this simulator plays");
    }
    let timeout_seconds = reader.whole(node, "timeout", 1).unwrap_or(5);
    Gather {
        // Without an action the document's own address is asked again. [D]
        action: reader.url(node, "action").or_else(|| Some(url.to_owned())),
        method: reader.method(node, "method"),
        timeout_seconds,
        digit_timeout_seconds: timeout_seconds,
        finish_on_key: match node.attribute("finishOnKey") {
            None => Some('#'),
            Some("") => None,
            Some(_) => reader.key(node, "finishOnKey"),
        },
        digits_max: reader.whole(node, "numDigits", 1),
        tries: 1,
        redirect: true,
        on_empty: reader.flag(node, "actionOnEmptyResult", false),
        valid: "1234567890*#".to_owned(),
        invalid_sound: None,
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
    if !is_e164(&number) {
        reader.wrong(target, "the text", "a telephone number with + and country code");
    }
    if node.attribute("callerId").is_some_and(|id| !is_e164(id)) {
        reader.wrong(node, "callerId", "a telephone number with + and country code");
    }
    if node.attribute("ringTone").is_some_and(|tone| !RING_TONES.split_whitespace().any(|known| known == tone)) {
        reader.wrong(node, "ringTone", "a tone that the vendor has");
    }
    reader.flag(node, "hangupOnStar", false);
    let (url_method, callback_method) =
        (reader.method(target, "method"), reader.method(target, "statusCallbackMethod"));
    let told = events(reader, target);
    Some(DialElement {
        number,
        action: reader.url(node, "action"),
        method: reader.method(node, "method"),
        redirect: true,
        caller_id: node.attribute("callerId").map(str::to_owned),
        caller_name: None,
        timeout_seconds: Some(reader.whole_between(node, "timeout", 1, RING_SECONDS_MAX).unwrap_or(30)),
        time_limit_seconds: reader.whole_between(node, "timeLimit", 1, DIAL_SECONDS_MAX).unwrap_or(DIAL_SECONDS_MAX),
        answer_on_bridge: reader.flag(node, "answerOnBridge", false),
        callback: reader.url(target, "statusCallback").map(|url| LegCallback { url, method: callback_method, told }),
        screening: match reader.url(target, "url") {
            Some(url) => Screening::Document { url, method: url_method },
            None => Screening::Nothing,
        },
        music: None,
    })
}

/// The events that are subscribed to: names with spaces between them, `completed` if there are none. \[D\]
fn events(reader: &mut Reader, number: Node<'_, '_>) -> Vec<Told> {
    let names = number.attribute("statusCallbackEvent").unwrap_or("completed");
    let mut told = Vec::new();
    for name in names.split_whitespace() {
        match name {
            "initiated" => told.push(Told::Initiated),
            "ringing" => told.push(Told::Ringing),
            "answered" => told.push(Told::Answered),
            "completed" => told.push(Told::Over),
            _ => reader.wrong(number, "statusCallbackEvent", "a list of initiated, ringing, answered, completed"),
        }
    }
    told
}

fn refusal(reader: &mut Reader, node: Node<'_, '_>) -> Refusal {
    match node.attribute("reason") {
        None | Some("rejected") => Refusal::Rejected,
        Some("busy") => Refusal::Busy,
        Some(other) => {
            reader.problems.push(format!("reason of <Reject> is {other:?}, not rejected or busy"));
            Refusal::Rejected
        }
    }
}

/// `en`, `en-IN`, `cmn-CN`, `es-419`.
fn is_language(text: &str) -> bool {
    let (language, region) = text.split_once('-').unwrap_or((text, "IN"));
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && (region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_uppercase()) || region == "419")
}

fn is_voice(text: &str) -> bool {
    let named = ["Polly.", "Google."].iter().find_map(|vendor| text.strip_prefix(vendor));
    matches!(text, "man" | "woman" | "alice") || named.is_some_and(|name| !name.is_empty())
}

fn is_e164(text: &str) -> bool {
    text.strip_prefix('+')
        .is_some_and(|digits| (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
}
