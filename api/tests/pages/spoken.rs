//! Languages over HTTP: who is answered in which, and what stays the same in all of them.

use http::Method;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::folder::{Folder, owner};
use crate::server::Server;

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn labels_and_details_are_translated_and_machine_fields_are_not() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let client = &server.public;
    let [english, hindi] = both(client, &Method::GET, &format!("/q/{code}"), "").await;
    let labels = |answer: &Value| -> Vec<String> {
        answer["reasons"].as_array().expect("a list").iter().map(|r| r["label"].to_string()).collect()
    };
    assert_eq!(labels(&english)[1], "\"Lights are on\"");
    assert_eq!(labels(&hindi)[1], "\"लाइट जल रही है\"");
    assert_eq!(without(english, &["label"]), without(hindi, &["label"]));

    let sessions = format!("/q/{code}/sessions");
    let problems = [
        (Method::GET, "/nothing".to_owned(), ""),
        (Method::GET, format!("/q/{}", "0".repeat(20)), ""),
        (Method::GET, format!("/sessions/{}", "0".repeat(46)), ""),
        (Method::DELETE, format!("/q/{code}"), ""),
        (Method::POST, sessions.clone(), "{"),
        (Method::POST, sessions.clone(), "{}"),
        (Method::POST, sessions.clone(), r#"{"reason":"boredom"}"#),
        (Method::POST, sessions.clone(), r#"{"reason":"other","language":"fr"}"#),
        (Method::POST, sessions, r#"{"reason":"other","idempotency_key":""}"#),
    ];
    for (method, path, body) in problems {
        let [english, hindi] = both(client, &method, &path, body).await;
        for text in ["title", "detail"] {
            assert!(english[text].as_str().is_some_and(str::is_ascii), "{path}: {english}");
            assert!(hindi[text].as_str().is_some_and(|text| !text.is_ascii()), "{path}: {hindi}");
        }
        assert_eq!(without(english, &["title", "detail"]), without(hindi, &["title", "detail"]), "{path}");
    }
}

#[tokio::test]
async fn a_pages_language_is_the_links_then_the_sessions_then_the_browsers() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let client = &server.public;
    let sticker = format!("/q/{code}");
    let opened =
        client.post(&format!("{sticker}/sessions"), &json!({"reason": "other", "language": "hi"})).await.json();
    let session = format!("/sessions/{}", opened["session"].as_str().expect("a session"));
    for (path, accepted, language) in [
        (sticker.clone(), "", "en"),
        (sticker.clone(), "hi-IN,hi;q=0.9,en;q=0.8", "hi"),
        (sticker.clone(), "hi;q=0.1,en;q=0.2", "en"),
        (format!("{sticker}?lang=hi"), "en", "hi"),
        (format!("{sticker}?lang=en"), "hi", "en"),
        (format!("{sticker}?lang=xx"), "hi", "hi"),
        (session.clone(), "en", "hi"),
        (format!("{session}?lang=en"), "hi", "en"),
        ("/nothing".to_owned(), "hi", "hi"),
        ("/nothing?lang=en".to_owned(), "hi", "en"),
    ] {
        let request = client.request(&Method::GET, &path).header(ACCEPT, "text/html").header(ACCEPT_LANGUAGE, accepted);
        assert_page_in(&client.send(request, "").await, language);
    }
    let page = client.send(client.request(&Method::GET, &session).header(ACCEPT, "text/html"), "").await;
    assert_eq!(page.header("refresh"), "10", "a page that waits is asked for again");
}

#[tokio::test]
async fn a_form_is_refused_in_its_own_language() {
    let folder = Folder::new().set("LIMITS__ADDRESS_SESSIONS_PER_HOUR", "1");
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let path = format!("/q/{code}/sessions");
    let submit = async |body: &str, accepted: &str| {
        let request = server.public.request(&Method::POST, &path).header(ACCEPT, "text/html");
        let request = request.header(CONTENT_TYPE, FORM).header(ACCEPT_LANGUAGE, accepted);
        server.public.send(request, body.to_owned()).await
    };
    assert_eq!(submit("reason=other&language=hi", "en").await.status, 303);
    for (body, accepted, status, language) in [
        ("reason=other&language=hi", "en", 429, "hi"),
        ("reason=other&language=en", "hi", 429, "en"),
        ("reason=boredom&language=hi", "en", 422, "hi"),
        ("language=hi", "en", 422, "hi"),
        ("reason=other&language=xx", "hi", 422, "hi"),
        ("", "en", 422, "en"),
    ] {
        let page = submit(body, accepted).await;
        assert_eq!(page.status, status, "{body}");
        assert_page_in(&page, language);
        let back = format!("/q/{code}?lang={language}\"");
        assert!(page.body.contains(&back), "{body}: the way back keeps the language");
        assert!(page.headers.get("refresh").is_none(), "a form is not sent again by itself");
    }
}

/// A request in both languages; headers say which, and both have the same status.
async fn both(client: &Client, method: &Method, path: &str, body: &'static str) -> [Value; 2] {
    let ask = async |language: &str| {
        let request = client.request(method, path).header(ACCEPT, "application/json").header(ACCEPT_LANGUAGE, language);
        let answer = client.send(request.header(CONTENT_TYPE, "application/json"), body).await;
        assert_eq!(answer.header("content-language"), language, "{path}");
        assert_eq!(answer.header("vary"), "Accept, Accept-Language");
        (answer.status, answer.json())
    };
    let (english, hindi) = (ask("en").await, ask("hi").await);
    assert_eq!(english.0, hindi.0, "{path}");
    [english.1, hindi.1]
}

/// What is left of a JSON value without members of these names.
fn without(mut value: Value, names: &[&str]) -> Value {
    match &mut value {
        Value::Object(members) => {
            members.retain(|name, _| !names.contains(&name.as_str()));
            members.values_mut().for_each(|member| *member = without(member.take(), names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without(item.take(), names)),
        _ => {}
    }
    value
}

fn assert_page_in(page: &Answer, language: &str) {
    assert_eq!(page.header("content-language"), language, "{page:?}");
    assert_eq!(page.header("vary"), "Accept, Accept-Language");
    assert!(page.body.contains(&format!("<html lang=\"{language}\">")), "{page:?}");
}
