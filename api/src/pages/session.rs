//! A session's page: the number, the code and the button; then how the call stands; then how it ended.

use askama::Template;
use qnect_core::facts::Outcome;
use qnect_core::session::State;
use qnect_core::tag::SessionView;
use qnect_core::tag_code::TagCode;
use qnect_core::time::{Span, Timestamp};

use super::phone::{dial_uri, grouped_code, spaced_number};
use super::{Edition, icons, render};
use crate::texts::{self, Notice, Texts};

/// How long a page stands before the browser asks again; `None` when nothing will change any more. While the scanner
/// reads the number it stands longer, so that no tap falls into a reload.
pub fn refreshed_after(state: State) -> Option<Span> {
    match state {
        State::Waiting => Some(Span::from_secs(10)),
        State::Dialing | State::Ringing | State::Connected => Some(Span::from_secs(4)),
        State::Ended => None,
    }
}

#[derive(Template)]
#[template(path = "session.html")]
struct SessionPage {
    t: &'static Texts,
    /// The page's own address, without a query.
    here: String,
    headline: &'static str,
    text: &'static str,
    phase: Phase,
    /// Where to start again.
    sticker: Option<String>,
}

/// What stands below the headline.
enum Phase {
    Waiting(Call),
    Running(Vec<Step>),
    Ended(Ending),
}

struct Call {
    number: String,
    code: String,
    dial_uri: String,
    valid: &'static str,
    reason: &'static str,
    challenge: Option<&'static str>,
}

struct Ending {
    /// Whether the scanner has got what it came for.
    good: bool,
    /// Whether to start again is hardly what the scanner wants next.
    over: bool,
    icon: &'static str,
}

struct Step {
    label: &'static str,
    /// `done`, `now` or `next`.
    class: &'static str,
}

/// The page of a session at `now`; `sticker` is the page to start again from.
pub fn session(view: &SessionView, now: Timestamp, sticker: Option<TagCode>, edition: Edition<'_>) -> String {
    let t = texts::of(edition.language);
    let Notice { headline, text } = standing(view, t);
    render(&SessionPage {
        t,
        here: format!("{}/sessions/{}", edition.origin, view.id),
        headline,
        text,
        phase: match view.state {
            State::Waiting => Phase::Waiting(Call {
                number: spaced_number(&view.number.to_string()),
                code: grouped_code(&view.code.to_string()),
                dial_uri: dial_uri(view),
                reason: t.reason(view.reason),
                valid: t.valid.of(view.expires_at.since(now)),
                challenge: view.challenge.then_some(&*t.note_challenge),
            }),
            State::Dialing | State::Ringing | State::Connected => Phase::Running(steps(view.state, t)),
            State::Ended => Phase::Ended(ending(view)),
        },
        sticker: sticker.map(|code| edition.sticker(code)),
    })
}

fn standing(view: &SessionView, t: &'static Texts) -> &'static Notice {
    if view.coming {
        return &t.owner_coming;
    }
    match (view.state, view.outcome) {
        (State::Waiting, _) => &t.waiting,
        (State::Dialing, _) => &t.dialing,
        (State::Ringing, _) => &t.ringing,
        (State::Connected, _) => &t.connected,
        (State::Ended, Some(Outcome::Completed)) => &t.ended_completed,
        (State::Ended, Some(Outcome::NoAnswer)) => &t.ended_no_answer,
        (State::Ended, Some(Outcome::Busy)) => &t.ended_busy,
        (State::Ended, Some(Outcome::Declined)) => &t.ended_declined,
        (State::Ended, Some(Outcome::Expired)) => &t.ended_expired,
        (State::Ended, Some(Outcome::Cancelled)) => &t.ended_cancelled,
        (State::Ended, Some(Outcome::Failed) | None) => &t.ended_failed,
    }
}

fn ending(view: &SessionView) -> Ending {
    if view.coming {
        return Ending { good: true, over: true, icon: icons::DONE };
    }
    match view.outcome {
        Some(Outcome::Completed) => Ending { good: true, over: true, icon: icons::DONE },
        Some(Outcome::Expired) => Ending { good: false, over: false, icon: icons::CLOCK },
        Some(Outcome::Cancelled) => Ending { good: false, over: true, icon: icons::NO_CALL },
        Some(Outcome::NoAnswer | Outcome::Busy | Outcome::Declined | Outcome::Failed) | None => {
            Ending { good: false, over: false, icon: icons::NO_CALL }
        }
    }
}

/// The way of a call, and how far it has come.
fn steps(state: State, t: &'static Texts) -> Vec<Step> {
    let way = [
        (State::Dialing, &t.progress_dialing),
        (State::Ringing, &t.progress_ringing),
        (State::Connected, &t.progress_connected),
    ];
    let class = |step: State| match (step as u8).cmp(&(state as u8)) {
        std::cmp::Ordering::Less => "done",
        std::cmp::Ordering::Equal => "now",
        std::cmp::Ordering::Greater => "next",
    };
    way.into_iter().map(|(step, label)| Step { label, class: class(step) }).collect()
}
