//! A returned document: read strictly, as instructions.

use roxmltree::{Document, Node};

use super::grammar;
use super::signing::Method;

/// Most elements that one document may have at its top.
const ELEMENTS_MAX: usize = 64;
/// The longest name a display takes. \[D\]
const CALLER_NAME_CHARS_MAX: usize = 50;
/// A number of seconds or times beyond this is a mistake.
const NUMBER_MAX: u64 = 86_400;

/// One instruction, in the order of the document.
#[derive(Clone, Debug)]
pub(crate) enum Element {
    Sound(Sound),
    GetDigits(GetDigits),
    Dial(Box<DialElement>),
    Redirect { url: String, method: Method },
    Hangup { reason: Option<Refusal>, schedule_seconds: Option<u64> },
}

/// Something that is heard, or silence.
#[derive(Clone, Debug)]
pub(crate) enum Sound {
    /// `times` 0 repeats until the call ends.
    Speak {
        text: String,
        times: u64,
    },
    Play {
        url: String,
        times: u64,
    },
    Wait {
        seconds: u64,
    },
}

/// How an unanswered call is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    Rejected,
    Busy,
}

/// Asks the scanner for digits.
#[derive(Clone, Debug)]
pub(crate) struct GetDigits {
    pub(crate) action: Option<String>,
    pub(crate) method: Method,
    pub(crate) timeout_seconds: u64,
    pub(crate) digit_timeout_seconds: u64,
    pub(crate) finish_on_key: Option<char>,
    pub(crate) digits_max: u64,
    pub(crate) tries: u64,
    pub(crate) redirect: bool,
    pub(crate) valid: String,
    pub(crate) invalid_sound: Option<String>,
    pub(crate) prompts: Vec<Sound>,
}

/// Rings somebody and bridges.
#[derive(Clone, Debug)]
pub(crate) struct DialElement {
    pub(crate) number: String,
    pub(crate) action: Option<String>,
    pub(crate) method: Method,
    pub(crate) redirect: bool,
    pub(crate) caller_id: Option<String>,
    pub(crate) caller_name: Option<String>,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) time_limit_seconds: u64,
    pub(crate) callback: Option<(String, Method)>,
    pub(crate) confirm_sound: Option<String>,
    pub(crate) confirm_key: Option<char>,
    pub(crate) confirm_timeout_seconds: u64,
    /// A URL that returns sounds; the carrier's own ringing otherwise.
    pub(crate) music: Option<String>,
}

/// Reads a document. Every problem is returned, not only the first.
pub(crate) fn read(body: &str) -> Result<Vec<Element>, Vec<String>> {
    let document = Document::parse(body).map_err(|cause| vec![format!("not XML: {cause}")])?;
    let root = document.root_element();
    let mut reader = Reader { problems: grammar::problems(root) };
    let nodes: Vec<_> = root.children().filter(Node::is_element).collect();
    if nodes.len() > ELEMENTS_MAX {
        reader.problems.push(format!("more than {ELEMENTS_MAX} elements"));
    }
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    let elements = nodes.into_iter().filter_map(|node| reader.element(node)).collect();
    if reader.problems.is_empty() { Ok(elements) } else { Err(reader.problems) }
}

struct Reader {
    problems: Vec<String>,
}

impl Reader {
    fn element(&mut self, node: Node<'_, '_>) -> Option<Element> {
        match node.tag_name().name() {
            "GetDigits" => Some(Element::GetDigits(self.get_digits(node))),
            "Dial" => Some(Element::Dial(Box::new(self.dial(node)?))),
            "Redirect" => Some(Element::Redirect { url: self.url_text(node), method: self.method(node, "method") }),
            "Hangup" => {
                Some(Element::Hangup { reason: self.refusal(node), schedule_seconds: self.whole(node, "schedule", 1) })
            }
            _ => self.sound(node).map(Element::Sound).or_else(|| {
                self.problems.push(format!("<{}> is not played by this simulator", node.tag_name().name()));
                None
            }),
        }
    }

    fn sound(&mut self, node: Node<'_, '_>) -> Option<Sound> {
        let times = |reader: &mut Reader| reader.whole(node, "loop", 0).unwrap_or(1);
        match node.tag_name().name() {
            "Speak" => {
                let text = spoken(node);
                if text.is_empty() {
                    self.problems.push("<Speak> says nothing".to_owned());
                }
                Some(Sound::Speak { text, times: times(self) })
            }
            "Play" => Some(Sound::Play { url: self.url_text(node), times: times(self) }),
            "Wait" => Some(Sound::Wait { seconds: self.whole(node, "length", 1).unwrap_or(1) }),
            _ => None,
        }
    }

    fn get_digits(&mut self, node: Node<'_, '_>) -> GetDigits {
        self.flag(node, "playBeep", false);
        self.flag(node, "log", true);
        GetDigits {
            action: self.url(node, "action"),
            method: self.method(node, "method"),
            timeout_seconds: self.whole(node, "timeout", 1).unwrap_or(5),
            digit_timeout_seconds: self.whole(node, "digitTimeout", 1).unwrap_or(2),
            finish_on_key: match node.attribute("finishOnKey") {
                None => Some('#'),
                Some("" | "none") => None,
                Some(_) => self.key(node, "finishOnKey"),
            },
            digits_max: self.whole(node, "numDigits", 1).unwrap_or(99),
            tries: self.whole(node, "retries", 1).unwrap_or(1),
            redirect: self.flag(node, "redirect", true),
            valid: node.attribute("validDigits").unwrap_or("1234567890*#").to_owned(),
            invalid_sound: self.url(node, "invalidDigitsSound"),
            prompts: node.children().filter(Node::is_element).filter_map(|prompt| self.sound(prompt)).collect(),
        }
    }

    fn dial(&mut self, node: Node<'_, '_>) -> Option<DialElement> {
        let targets: Vec<_> = node.children().filter(Node::is_element).collect();
        let [target] = targets[..] else {
            self.problems.push(format!("<Dial> has {} targets; this simulator rings one <Number>", targets.len()));
            return None;
        };
        let number = target.text().unwrap_or_default().trim().to_owned();
        if !target.has_tag_name("Number") || !is_number(&number) {
            self.problems.push("<Dial> needs a <Number> that is a telephone number".to_owned());
        }
        if node.attribute("callerId").is_some_and(|id| !is_number(id)) {
            self.problems.push("callerId of <Dial> is not a telephone number".to_owned());
        }
        if node.attribute("callerName").is_some_and(|name| name.chars().count() > CALLER_NAME_CHARS_MAX) {
            self.problems.push(format!("callerName of <Dial> is longer than {CALLER_NAME_CHARS_MAX} characters"));
        }
        self.flag(node, "hangupOnStar", false);
        let callback_method = self.method(node, "callbackMethod");
        Some(DialElement {
            number,
            action: self.url(node, "action"),
            method: self.method(node, "method"),
            redirect: self.flag(node, "redirect", true),
            caller_id: node.attribute("callerId").map(str::to_owned),
            caller_name: node.attribute("callerName").map(str::to_owned),
            timeout_seconds: self.whole(node, "timeout", 1),
            time_limit_seconds: self.whole(node, "timeLimit", 1).unwrap_or(14_400),
            callback: self.url(node, "callbackUrl").map(|url| (url, callback_method)),
            confirm_sound: self.url(node, "confirmSound"),
            confirm_key: self.key(node, "confirmKey"),
            confirm_timeout_seconds: self.whole(node, "confirmTimeout", 1).unwrap_or(120),
            music: if node.attribute("dialMusic") == Some("real") { None } else { self.url(node, "dialMusic") },
        })
    }

    fn refusal(&mut self, node: Node<'_, '_>) -> Option<Refusal> {
        match node.attribute("reason")? {
            "rejected" => Some(Refusal::Rejected),
            "busy" => Some(Refusal::Busy),
            other => {
                self.problems.push(format!("reason of <Hangup> is {other:?}, not rejected or busy"));
                None
            }
        }
    }

    fn wrong(&mut self, node: Node<'_, '_>, attribute: &str, wanted: &str) {
        self.problems.push(format!("{attribute} of <{}> is not {wanted}", node.tag_name().name()));
    }

    fn url(&mut self, node: Node<'_, '_>, attribute: &str) -> Option<String> {
        let url = node.attribute(attribute)?;
        if !is_url(url) {
            self.wrong(node, attribute, "a full URL");
        }
        Some(url.to_owned())
    }

    fn url_text(&mut self, node: Node<'_, '_>) -> String {
        let url = node.text().unwrap_or_default().trim();
        if !is_url(url) {
            self.wrong(node, "the text", "a full URL");
        }
        url.to_owned()
    }

    fn whole(&mut self, node: Node<'_, '_>, attribute: &str, least: u64) -> Option<u64> {
        let value = node.attribute(attribute)?.parse().ok().filter(|value| (least..=NUMBER_MAX).contains(value));
        if value.is_none() {
            self.wrong(node, attribute, "a whole number in its bounds");
        }
        value
    }

    fn flag(&mut self, node: Node<'_, '_>, attribute: &str, default: bool) -> bool {
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

    fn method(&mut self, node: Node<'_, '_>, attribute: &str) -> Method {
        match node.attribute(attribute) {
            None | Some("POST") => Method::Post,
            Some("GET") => Method::Get,
            Some(_) => {
                self.wrong(node, attribute, "GET or POST");
                Method::Post
            }
        }
    }

    fn key(&mut self, node: Node<'_, '_>, attribute: &str) -> Option<char> {
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
}

/// The words of an element and of the speech marks inside it, with single spaces.
fn spoken(node: Node<'_, '_>) -> String {
    let text: Vec<&str> = node.descendants().filter(Node::is_text).filter_map(|inner| inner.text()).collect();
    text.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && rest.is_ascii() && !rest.contains(char::is_whitespace))
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
