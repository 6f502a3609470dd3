//! `kill -9` at the worst moments: what was promised is kept.

use http::Method;
use http::header::CONTENT_TYPE;
use qnect_simulator::Faults;
use serde_json::json;

use crate::calls::{call, network, owner_phone, scanner_phone};
use crate::client::Answer;
use crate::folder::{Folder, owner};
use crate::plivo::{arriving, dial_end, hanging_up, keying, owner_leg, whispering};
use crate::server::{Opened, Server};

const LEG: &str = "6d6ae5c0-0000-4000-8000-000000000003";

#[tokio::test]
async fn between_the_promise_and_the_call() {
    let folder = Folder::new();
    let code = folder.import(&[owner(&owner_phone(0))]).remove(0);
    let server = Server::start(&folder);
    let first = named_session(&server, &code).await;
    let opened = Opened::of(&first);
    server.kill();

    let server = Server::start(&folder);
    assert_eq!(server.metrics().await.sum("qnect_sessions_open"), 1.0, "counted again");
    assert_eq!(server.status(&opened.session).await, ("waiting".to_owned(), None));
    assert_eq!(named_session(&server, &code).await.json(), first.json(), "a repeated request gets the same session");
    let report = call(&network(&server, Faults::default()), 0, &opened).await;
    assert!(report.bridged, "{:?}", report.timeline);
    assert_eq!(report.leaks(&scanner_phone(0), &owner_phone(0)), Vec::<&str>::new());
    assert_eq!(server.outcome(&opened.session).await, "completed");
    server.kill();

    let server = Server::start(&folder);
    assert_eq!(server.status(&opened.session).await, ("ended".to_owned(), Some("completed".to_owned())));
    assert_eq!(server.metrics().await.sum("qnect_sessions_open"), 0.0);
}

#[tokio::test]
async fn between_the_dial_and_its_end() {
    let folder = Folder::new();
    let code = folder.import(&[owner(&owner_phone(0))]).remove(0);
    let server = Server::start(&folder);
    let opened = server.open(&code, "blocking").await;
    arriving(LEG).send(&server.public).await;
    let document = keying(LEG, &opened).send(&server.public).await;
    assert!(document.body.contains("<Dial"), "{document:?}");
    server.kill();

    let server = Server::start(&folder);
    assert_eq!(server.status(&opened.session).await.0, "dialing");
    let again = keying(LEG, &opened).send(&server.public).await;
    assert_eq!(again.body, document.body, "the same webhook of the same leg gets the same document");
    let other = keying("6d6ae5c0-0000-4000-8000-00000000000f", &opened).send(&server.public).await;
    assert!(!other.body.contains("<Dial"), "another leg does not: {}", other.body);
    assert!(whispering(LEG, &opened).send(&server.public).await.body.contains("<Speak"));
    assert_eq!(owner_leg(LEG, &opened, "connected").send(&server.public).await.status, 200);
    server.kill();

    let server = Server::start(&folder);
    assert_eq!(server.status(&opened.session).await.0, "connected", "a webhook answered with 200 is remembered");
    assert_eq!(owner_leg(LEG, &opened, "hangup").send(&server.public).await.status, 200);
    assert_eq!(dial_end(LEG, &opened, "completed").send(&server.public).await.status, 200);
    server.kill();

    // The clock that ends the session is set again without anybody visiting the tag.
    let server = Server::start(&folder);
    assert_eq!(server.outcome(&opened.session).await, "completed");
}

#[tokio::test]
async fn between_the_dial_and_the_strangers_hanging_up() {
    let folder = Folder::new();
    let code = folder.import(&[owner(&owner_phone(0))]).remove(0);
    let server = Server::start(&folder);
    let opened = server.open(&code, "blocking").await;
    assert!(keying(LEG, &opened).send(&server.public).await.body.contains("<Dial"));
    server.kill();

    // The one webhook that names no session: its leg is remembered.
    let server = Server::start(&folder);
    assert_eq!(hanging_up(LEG).send(&server.public).await.status, 200);
    assert_eq!(server.outcome(&opened.session).await, "cancelled");
}

async fn named_session(server: &Server, code: &str) -> Answer {
    let request = server.public.request(&Method::POST, &format!("/q/{code}/sessions"));
    let request = request.header(CONTENT_TYPE, "application/json").header("Idempotency-Key", "once");
    let answer = server.public.send(request, json!({"reason": "blocking"}).to_string()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer
}
