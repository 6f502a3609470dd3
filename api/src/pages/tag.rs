//! A sticker's page: why do you call?

use std::fmt::Display;

use askama::Template;
use qnect_core::scan::ScanDecision;

use super::{Edition, icons, render};
use crate::texts::{self, Texts};

struct Choice {
    id: &'static str,
    label: &'static str,
    icon: &'static str,
}

#[derive(Template)]
#[template(path = "tag.html")]
struct TagPage<'a> {
    t: &'static Texts,
    /// The page's own address, without a query.
    here: String,
    headline: &'static str,
    lead: &'static str,
    /// When to come back, for limits.
    when: Option<&'static str>,
    /// What stands above the headline of a refusal.
    sign: Option<&'static str>,
    calm: Vec<Choice>,
    urgent: Vec<Choice>,
    idempotency_key: &'a str,
}

/// The page of the sticker with this code. `idempotency_key` makes a form that is sent twice open one session.
pub fn tag(code: impl Display, decision: &ScanDecision, idempotency_key: &str, edition: Edition<'_>) -> String {
    let t = texts::of(edition.language);
    let choices = |urgent: bool| {
        let offered = decision.offered.iter().filter(|r| r.is_urgent() == urgent);
        offered.map(|r| Choice { id: r.id(), label: t.reason(r), icon: icons::reason(r) }).collect()
    };
    let refusal = decision.refusal.map(|refusal| t.refusal(refusal));
    let limited = decision.retry_after.as_millis() > 0;
    render(&TagPage {
        t,
        here: edition.sticker(code),
        headline: refusal.map_or(&t.tag_title, |notice| &notice.headline),
        lead: refusal.map_or(&t.tag_lead, |notice| &notice.text),
        when: limited.then(|| t.try_again.of(decision.retry_after)),
        sign: decision.refusal.map(icons::refusal),
        calm: choices(false),
        urgent: choices(true),
        idempotency_key,
    })
}
