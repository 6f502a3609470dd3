//! Every page that a scanner can meet, made by the functions that the doors call.

use http::StatusCode;
use qnect_api::pages::{self, Edition};
use qnect_api::problem::{Fault, Problem};
use qnect_core::abuse::SignalSet;
use qnect_core::access_code::AccessCode;
use qnect_core::check::CheckKeys;
use qnect_core::facts::Outcome;
use qnect_core::language::Language;
use qnect_core::number::IntermediaryNumber;
use qnect_core::reason::{Reason, ReasonSet};
use qnect_core::scan::{Refusal, ScanDecision, Verdict};
use qnect_core::session::State;
use qnect_core::session_id::SessionId;
use qnect_core::tag::SessionView;
use qnect_core::tag_code::{TagCode, TagId};
use qnect_core::time::{Span, Timestamp};

use crate::ORIGIN;

/// A page of the gallery.
pub(crate) struct Picture {
    /// What it shows, and its path.
    pub(crate) name: String,
    pub(crate) language: Language,
    pub(crate) status: StatusCode,
    pub(crate) html: String,
}

/// Every page in every language.
pub(crate) fn all() -> Vec<Picture> {
    Language::ALL.into_iter().flat_map(in_language).collect()
}

/// Every page in one language.
pub(crate) fn in_language(language: Language) -> Vec<Picture> {
    let edition = Edition { origin: ORIGIN, language };
    let picture = |name: &str, status: StatusCode, html: String| Picture {
        name: format!("{name}.{}", language.tag()),
        language,
        status,
        html,
    };
    let tags = decisions().into_iter().map(|(name, decision)| {
        let html = pages::tag(code(), &decision, "8ZH2M4S0QK7V1T3X9B6C5D2E4", edition);
        picture(&format!("tag-{name}"), StatusCode::OK, html)
    });
    let sessions = standings().into_iter().map(|(name, view)| {
        picture(&format!("session-{name}"), StatusCode::OK, pages::session(&view, NOW, Some(code()), edition))
    });
    let problems = problems().into_iter().map(|(problem, sticker)| {
        let name = format!("problem-{}", problem.code());
        picture(&name, problem.status(), pages::problem(&problem, sticker, edition))
    });
    tags.chain(sessions).chain(problems).collect()
}

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn keys() -> CheckKeys {
    CheckKeys::new(0, &[7; 32], &[9; 32])
}

fn code() -> TagCode {
    TagCode::of(TagId::from_random(0, 0x5e_ed0f_5eed), &keys()).expect("a key of version 0")
}

fn decisions() -> Vec<(String, ScanDecision)> {
    let everything: ReasonSet = Reason::ALL.into_iter().collect();
    let nothing = ReasonSet::default();
    let refused = |name: &str, refusal: Refusal, retry_after, offered| {
        let decision = ScanDecision {
            verdict: refusal.verdict(),
            refusal: Some(refusal),
            retry_after,
            offered,
            because: SignalSet::default(),
        };
        (name.to_owned(), decision)
    };
    let allow = ScanDecision {
        verdict: Verdict::Allow,
        refusal: None,
        retry_after: Span::ZERO,
        offered: everything,
        because: SignalSet::default(),
    };
    vec![
        ("allow".to_owned(), allow),
        ("challenge".to_owned(), ScanDecision { verdict: Verdict::Challenge, ..allow }),
        refused("tag_limit", Refusal::TagLimit, Span::from_secs(1_500), nothing),
        refused("tag_limit-urgent", Refusal::TagLimit, Span::from_secs(1_500), ReasonSet::URGENT),
        refused("address_limit", Refusal::AddressLimit, Span::from_secs(40), ReasonSet::URGENT),
        refused("score", Refusal::Score, Span::ZERO, nothing),
        refused("owner_unavailable", Refusal::OwnerUnavailable, Span::ZERO, nothing),
        refused("owner_unavailable-urgent", Refusal::OwnerUnavailable, Span::ZERO, ReasonSet::URGENT),
        refused("not_active", Refusal::NotActive, Span::ZERO, nothing),
    ]
}

fn standings() -> Vec<(String, SessionView)> {
    let view = |state, outcome| SessionView {
        id: SessionId::new(code().tag(), [0x5a; 17], &keys()).expect("a key of version 0"),
        state,
        outcome,
        expires_at: NOW.plus(Span::from_secs(600)),
        number: IntermediaryNumber::parse("+911140000001").expect("a number"),
        code: AccessCode::from_index(482_913, 7),
        reason: Reason::LightsOn,
        language: Language::English,
        talk: None,
        challenge: false,
        because: SignalSet::default(),
        coming: false,
    };
    let challenge = SessionView { challenge: true, ..view(State::Waiting, None) };
    let coming = SessionView { coming: true, ..view(State::Ended, Some(Outcome::Declined)) };
    let mut standings = vec![
        ("waiting".to_owned(), view(State::Waiting, None)),
        ("waiting-challenge".to_owned(), challenge),
        ("ended-declined-coming".to_owned(), coming),
    ];
    for state in [State::Dialing, State::Ringing, State::Connected] {
        standings.push((state.id().to_owned(), view(state, None)));
    }
    for outcome in Outcome::ALL {
        standings.push((format!("ended-{}", outcome.id()), view(State::Ended, Some(outcome))));
    }
    standings
}

fn problems() -> Vec<(Problem, Option<TagCode>)> {
    let at_a_form = [
        Problem::TooLarge,
        Problem::TooSlow,
        Problem::UnsupportedBody,
        Problem::Malformed,
        Problem::Unprocessable(Fault::Fields),
        Problem::IdempotencyConflict,
        Problem::Refused(Refusal::TagLimit, Span::from_secs(1_500), SignalSet::default()),
        Problem::Refused(Refusal::AddressLimit, Span::from_secs(3_000), SignalSet::default()),
        Problem::Refused(Refusal::Score, Span::ZERO, SignalSet::default()),
        Problem::Refused(Refusal::OwnerUnavailable, Span::ZERO, SignalSet::default()),
        Problem::Refused(Refusal::NotActive, Span::ZERO, SignalSet::default()),
        Problem::Overloaded,
        Problem::NumbersExhausted,
        Problem::Unavailable,
    ];
    let anywhere = [Problem::NotFound, Problem::MethodNotAllowed];
    let back = at_a_form.into_iter().map(|problem| (problem, Some(code())));
    back.chain(anywhere.into_iter().map(|problem| (problem, None))).collect()
}
