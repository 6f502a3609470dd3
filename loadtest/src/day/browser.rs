//! The browser in somebody's hand: a tag's page and a session, and what the answers say.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use serde::Deserialize;

use crate::day::diary::Said;
use crate::door::{Answer, Door, NoAnswer};
use crate::draw::Dice;

/// How often a request is sent again when its connection breaks, as browsers do.
const RETRIES_MAX: u32 = 2;
/// Names of refusals that are told apart in a report.
const NAMES: [&str; 9] = [
    "tag_limit",
    "address_limit",
    "score",
    "owner_unavailable",
    "not_active",
    "overloaded",
    "numbers_exhausted",
    "unavailable",
    "not_found",
];
const OTHER_NAME: &str = "other";

/// A browser that is at one address for a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Browser<'a> {
    pub(crate) door: &'a Door,
    pub(crate) address: IpAddr,
}

/// A tag's page.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) said: Said,
    /// Why not, by a name of the interface.
    pub(crate) why: &'static str,
    offered: Vec<Reason>,
}

/// A session that can be called with.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    /// Allowed or challenged.
    pub(crate) said: Said,
    /// The session's id.
    pub(crate) session: String,
    pub(crate) number: String,
    pub(crate) access_code: String,
    /// How long the answer took.
    pub(crate) took: Duration,
}

/// An answer that lets nobody on, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TurnedAway {
    pub(crate) said: Said,
    pub(crate) why: &'static str,
}

/// How a browser asks for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Somebody opens it.
    Open,
    /// The browser expects that somebody will.
    Prefetch,
    /// Only whether it is there.
    Head,
}

#[derive(Deserialize)]
struct DecisionBody {
    decision: String,
    reason: Option<String>,
    reasons: Vec<Reason>,
}

#[derive(Clone, Debug, Deserialize)]
struct Reason {
    id: String,
}

#[derive(Deserialize)]
struct OpenedBody {
    session: String,
    number: String,
    access_code: Option<String>,
    challenge: Option<String>,
}

#[derive(Deserialize)]
struct StandsBody {
    state: String,
}

#[derive(Deserialize)]
struct ProblemBody {
    code: String,
}

impl Page {
    /// Whether a session for `reason` may be asked for.
    pub(crate) fn offers(&self, reason: &str) -> bool {
        self.offered.iter().any(|offered| offered.id == reason)
    }
}

impl Browser<'_> {
    /// `GET /q/{code}`, or a look ahead of it. A look that brings no document says only whether it was answered with 200.
    pub(crate) async fn look(&self, code: &str, look: Look) -> Page {
        let (method, purpose) = match look {
            Look::Open => (Method::GET, None),
            Look::Prefetch => (Method::GET, Some(("sec-purpose", "prefetch;prerender"))),
            Look::Head => (Method::HEAD, None),
        };
        let fields: Vec<(&str, &str)> = purpose.into_iter().collect();
        match self.ask(&method, &format!("/q/{code}"), Bytes::new(), &fields).await {
            Ok(answer) if look == Look::Head && answer.status == 200 => {
                Page { said: Said::Allowed, why: "", offered: Vec::new() }
            }
            Ok(answer) => page(&answer),
            Err(none) => Page { said: Said::Nothing, why: none.text(), offered: Vec::new() },
        }
    }

    /// `POST /q/{code}/sessions`, under a key of its own, so that one that is sent again opens one session.
    pub(crate) async fn open(&self, code: &str, reason: &str, dice: &mut Dice) -> Result<Ticket, TurnedAway> {
        let body = format!("{{\"reason\":\"{reason}\",\"language\":\"en\"}}");
        let key = format!("{:016x}{:016x}", dice.next(), dice.next());
        let path = format!("/q/{code}/sessions");
        match self.ask(&Method::POST, &path, Bytes::from(body), &[("idempotency-key", &key)]).await {
            Ok(answer) => ticket(&answer),
            Err(none) => Err(TurnedAway { said: Said::Nothing, why: none.text() }),
        }
    }

    /// Whether a session waits for its call still. One that nothing was heard of does.
    pub(crate) async fn waits(&self, session: &str) -> bool {
        let asked = self.ask(&Method::GET, &format!("/sessions/{session}"), Bytes::new(), &[]).await;
        let stands = asked.ok().filter(|answer| answer.status == 200);
        let stands = stands.and_then(|answer| serde_json::from_slice::<StandsBody>(&answer.body).ok());
        stands.is_none_or(|StandsBody { state }| state == "waiting")
    }

    async fn ask(&self, method: &Method, path: &str, body: Bytes, fields: &[(&str, &str)]) -> Result<Answer, NoAnswer> {
        let address = self.address.to_string();
        let mut all = vec![("x-forwarded-for", address.as_str())];
        all.extend_from_slice(fields);
        let mut tried = 0;
        loop {
            match self.door.ask(method.clone(), path, body.clone(), &all).await {
                Err(NoAnswer::Broken | NoAnswer::NoConnection) if tried < RETRIES_MAX => tried += 1,
                answered => return answered,
            }
        }
    }
}

fn page(answer: &Answer) -> Page {
    let closed = |TurnedAway { said, why }| Page { said, why, offered: Vec::new() };
    if answer.status != 200 {
        return closed(turned_away(answer));
    }
    let Ok(DecisionBody { decision, reason, reasons: offered }) = serde_json::from_slice(&answer.body) else {
        return closed(TurnedAway { said: Said::Nothing, why: "200 without a decision" });
    };
    let why = reason.as_deref().map_or("", known);
    let said = match decision.as_str() {
        "allow" => Said::Allowed,
        "challenge" => Said::Challenged,
        "limited" => Said::Limited,
        "refused" if is_away(why) => Said::Away,
        "refused" => Said::Refused,
        _ => Said::Nothing,
    };
    Page { said, why, offered }
}

fn ticket(answer: &Answer) -> Result<Ticket, TurnedAway> {
    if answer.status != 201 {
        return Err(turned_away(answer));
    }
    match serde_json::from_slice(&answer.body) {
        Ok(OpenedBody { session, number, access_code: Some(access_code), challenge }) => {
            let said = if challenge.is_some() { Said::Challenged } else { Said::Allowed };
            Ok(Ticket { said, session, number, access_code, took: answer.took })
        }
        Ok(OpenedBody { access_code: None, .. }) | Err(_) => {
            Err(TurnedAway { said: Said::Nothing, why: "201 without a code" })
        }
    }
}

/// What an answer that is neither 200 nor 201 says.
fn turned_away(answer: &Answer) -> TurnedAway {
    let body = serde_json::from_slice::<ProblemBody>(&answer.body);
    let why = body.as_ref().map_or(OTHER_NAME, |problem| known(&problem.code));
    let said = match answer.status {
        404 => Said::Unknown,
        429 => Said::Limited,
        403 if is_away(why) => Said::Away,
        403 => Said::Refused,
        503 => Said::Shed,
        _ => Said::Nothing,
    };
    TurnedAway { said, why }
}

fn is_away(why: &str) -> bool {
    matches!(why, "owner_unavailable" | "not_active")
}

/// A name of the interface, and nothing that merely stands where one should.
fn known(name: &str) -> &'static str {
    NAMES.into_iter().find(|known| *known == name).unwrap_or(OTHER_NAME)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Answer, Bytes, Said, page, ticket};

    fn answer(status: u16, body: &'static str) -> Answer {
        Answer { status, body: Bytes::from_static(body.as_bytes()), took: Duration::ZERO }
    }

    #[test]
    fn a_page_is_read() {
        let offers = r#"{"decision":"limited","reason":"tag_limit","retry_after_seconds":9,"reasons":[{"id":"towing","label":"x"}]}"#;
        let limited = page(&answer(200, offers));
        assert_eq!((limited.said, limited.why), (Said::Limited, "tag_limit"));
        assert!(limited.offers("towing") && !limited.offers("blocking"));
        for (status, body, said, why) in [
            (200, r#"{"decision":"allow","reason":null,"reasons":[]}"#, Said::Allowed, ""),
            (
                200,
                r#"{"decision":"refused","reason":"owner_unavailable","reasons":[]}"#,
                Said::Away,
                "owner_unavailable",
            ),
            (200, r#"{"decision":"refused","reason":"score","reasons":[]}"#, Said::Refused, "score"),
            (200, "<p>", Said::Nothing, "200 without a decision"),
            (404, r#"{"code":"not_found"}"#, Said::Unknown, "not_found"),
            (503, r#"{"code":"overloaded"}"#, Said::Shed, "overloaded"),
            (500, "", Said::Nothing, "other"),
        ] {
            let page = page(&answer(status, body));
            assert_eq!((page.said, page.why), (said, why), "{body}");
        }
    }

    #[test]
    fn a_session_is_read() {
        let opened = r#"{"session":"s","number":"+911140000001","access_code":"1234","challenge":"keypad"}"#;
        let opened = ticket(&answer(201, opened)).expect("a session");
        assert_eq!((opened.said, opened.number.as_str()), (Said::Challenged, "+911140000001"));
        for (status, body, said, why) in [
            (429, r#"{"code":"address_limit"}"#, Said::Limited, "address_limit"),
            (403, r#"{"code":"score"}"#, Said::Refused, "score"),
            (403, r#"{"code":"owner_unavailable"}"#, Said::Away, "owner_unavailable"),
            (503, r#"{"code":"numbers_exhausted"}"#, Said::Shed, "numbers_exhausted"),
            (201, r#"{"session":"s","number":"n"}"#, Said::Nothing, "201 without a code"),
            (201, "{}", Said::Nothing, "201 without a code"),
        ] {
            let away = ticket(&answer(status, body)).expect_err("no session");
            assert_eq!((away.said, away.why), (said, why), "{body}");
        }
    }
}
