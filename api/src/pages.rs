//! What a person in the street sees. No script, no cookie, no request to anyone else.

use askama::Template;
use qnect_core::reason::Reason;
use qnect_core::scan::{Refusal, ScanDecision};
use qnect_core::session::State;
use qnect_core::tag::SessionView;
use qnect_core::tag_code::TagCode;

use crate::problem::Problem;

/// How a reason is called on a page.
pub fn reason_label(reason: Reason) -> &'static str {
    match reason {
        Reason::Blocking => "This car blocks me",
        Reason::LightsOn => "Lights are on",
        Reason::WindowOpen => "A window is open",
        Reason::Damage => "The car is damaged",
        Reason::Other => "Something else",
        Reason::Towing => "It is about to be towed",
        Reason::ChildOrPet => "A child or pet is inside",
        Reason::Emergency => "Emergency",
    }
}

struct Choice {
    id: &'static str,
    label: &'static str,
}

#[derive(Template)]
#[template(path = "tag.html")]
struct TagPage {
    action: String,
    idempotency_key: String,
    calm: Vec<Choice>,
    urgent: Vec<Choice>,
    notice: Option<&'static str>,
}

/// The page of a sticker.
pub fn tag(code: TagCode, decision: &ScanDecision, origin: &str, idempotency_key: String) -> String {
    let choices = |urgent: bool| {
        let offered = decision.offered.iter().filter(|r| r.is_urgent() == urgent);
        offered.map(|r| Choice { id: r.id(), label: reason_label(r) }).collect()
    };
    render(&TagPage {
        action: format!("{origin}/q/{code}/sessions"),
        idempotency_key,
        calm: choices(false),
        urgent: choices(true),
        notice: decision.refusal.map(refusal_text),
    })
}

fn refusal_text(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::TagLimit => "This owner was called several times just now. Please try again later.",
        Refusal::AddressLimit => "Too many requests came from your connection. Please try again in a minute.",
        Refusal::Score => "Calls from here are refused for now. Please try again later.",
        Refusal::OwnerUnavailable => "The owner does not take calls at the moment.",
        Refusal::NotActive => "This sticker is not in use yet. If it is yours, claim it first.",
    }
}

#[derive(Template)]
#[template(path = "session.html")]
struct SessionPage {
    waiting: bool,
    running: bool,
    headline: &'static str,
    text: &'static str,
    number: String,
    code: String,
    dial_uri: String,
}

/// The page of a session.
pub fn session(view: &SessionView) -> String {
    let (headline, text) = match (view.state, view.outcome.map(qnect_core::facts::Outcome::id)) {
        (State::Waiting, _) => ("Call the owner", "Tap the button. Your phone dials the number and then the code."),
        (State::Dialing, _) => ("Connecting", "We are calling the owner. Stay on the line."),
        (State::Ringing, _) => ("Ringing", "The owner's phone rings. Stay on the line."),
        (State::Connected, _) => ("Connected", "You are talking to the owner."),
        (State::Ended, Some("completed")) => ("Call finished", "You talked to the owner. Thank you for telling them."),
        (State::Ended, Some("busy")) => ("Owner is busy", "Their line was engaged. Scan the sticker to try again."),
        (State::Ended, Some("declined")) => ("Not now", "The owner could not take the call."),
        (State::Ended, Some("expired")) => ("Code expired", "Scan the sticker again to get a new code."),
        (State::Ended, Some("cancelled")) => ("Call ended", "You hung up first. Scan the sticker to try again."),
        (State::Ended, Some("no_answer")) => ("No answer", "The owner did not pick up. Scan the sticker to try again."),
        (State::Ended, _) => ("Call failed", "The call could not be put through. Scan the sticker to try again."),
    };
    render(&SessionPage {
        waiting: view.state == State::Waiting,
        running: view.state != State::Ended,
        headline,
        text,
        number: spaced_number(&view.number.to_string()),
        code: grouped_code(&view.code.to_string()),
        dial_uri: dial_uri(view),
    })
}

/// What a telephone dials: the number, a pause of one comma, the code. No `#`: many diallers drop it.
pub fn dial_uri(view: &SessionView) -> String {
    format!("tel:{},{}", view.number, view.code)
}

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage {
    headline: &'static str,
    text: &'static str,
}

/// The page of a problem.
pub fn notice(problem: &Problem) -> String {
    let (headline, text) = match problem {
        Problem::NotFound => ("Nothing here", "This code is not in use. Check the sticker and scan it again."),
        Problem::NumbersExhausted => ("All lines are busy", "Please try again in half a minute."),
        Problem::Overloaded | Problem::Unavailable => ("Very busy", "Please try again in a moment."),
        Problem::Refused(refusal, _) => ("Not possible now", refusal_text(*refusal)),
        other => ("That did not work", other.detail()),
    };
    render(&NoticePage { headline, text })
}

fn render(page: &impl Template) -> String {
    // Rendering writes into memory and asks nothing that can fail.
    page.render().unwrap_or_default()
}

/// `4829137` as `482 9137`: groups of three or four, the longer ones last, as people read digits aloud.
fn grouped_code(code: &str) -> String {
    let first = match code.len() {
        6..=7 => 3,
        8 => 4,
        _ => return code.as_bytes().chunks(3).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" "),
    };
    format!("{} {}", &code[..first], &code[first..])
}

fn spaced_number(number: &str) -> String {
    match number.strip_prefix("+91") {
        Some(national) if national.len() == 10 => format!("+91 {} {}", &national[..5], &national[5..]),
        _ => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_grouped_for_reading_aloud() {
        let grouped = ["482913", "4829137", "48291376", "482913765"].map(grouped_code);
        assert_eq!(grouped, ["482 913", "482 9137", "4829 1376", "482 913 765"]);
    }
}
