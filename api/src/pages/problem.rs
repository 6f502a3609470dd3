//! The page of a problem: what happened, when to come back, and the way back.

use askama::Template;
use qnect_core::tag_code::TagCode;

use super::{Edition, icons, render};
use crate::problem::Problem;
use crate::texts::{self, Notice, Texts};

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    t: &'static Texts,
    /// Where the language links lead; empty for the address that was asked for, so that all these have the same bytes.
    here: String,
    sign: &'static str,
    headline: &'static str,
    text: &'static str,
    when: Option<&'static str>,
    sticker: Option<String>,
}

/// The page of a problem; `sticker` is the page to go back to, where one is known. What answers a form has no address
/// of its own, so there the language links lead back too.
pub fn problem(problem: &Problem, sticker: Option<TagCode>, edition: Edition<'_>) -> String {
    let t = texts::of(edition.language);
    let (sign, Notice { headline, text }) = notice(problem, t);
    let sticker = sticker.map(|code| edition.sticker(code));
    render(&ProblemPage {
        t,
        here: sticker.clone().unwrap_or_default(),
        sign,
        headline,
        text,
        when: problem.retry_after().map(|after| t.try_again.of(after)),
        sticker,
    })
}

fn notice(problem: &Problem, t: &'static Texts) -> (&'static str, &'static Notice) {
    match problem {
        Problem::NotFound => (icons::NOTE, &t.problem_not_found),
        Problem::MethodNotAllowed => (icons::NOTE, &t.problem_wrong_way),
        Problem::TooLarge | Problem::UnsupportedBody | Problem::Malformed | Problem::Unprocessable(_) => {
            (icons::NOTE, &t.problem_unreadable)
        }
        Problem::TooSlow => (icons::CLOCK, &t.problem_too_slow),
        Problem::IdempotencyConflict => (icons::NOTE, &t.problem_used_before),
        Problem::Refused(refusal, ..) => (icons::refusal(*refusal), t.refusal(*refusal)),
        Problem::NumbersExhausted | Problem::LinesBusy => (icons::PAUSE, &t.problem_lines_busy),
        Problem::Overloaded | Problem::Unavailable => (icons::PAUSE, &t.problem_very_busy),
    }
}
