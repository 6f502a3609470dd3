//! Marked people, where things go wrong: what is refused, forged, repeated, cut off or told twice names nobody either.

use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, REFERER, USER_AGENT};
use qnect_simulator::{Dial, Faults, OwnerScript};
use serde_json::json;

use crate::calls::network;
use crate::canary::{EMAIL, NAME, OWNER, SCANNER, VEHICLE, assert_nobody, holds};
use crate::client::Client;
use crate::folder::{Folder, files};
use crate::plivo::{Webhook, keying};
use crate::server::{Opened, Server};

const LEG: &str = "6d6ae5c0-0000-4000-8000-000000000041";
/// A scanner's address, of which the first three bytes may be kept.
const ADDRESS: [u8; 4] = [203, 0, 113, 77];
const SCRIPTS: [OwnerScript; 6] = [
    OwnerScript::Answers,
    OwnerScript::Declines,
    OwnerScript::HangsUp,
    OwnerScript::Busy,
    OwnerScript::Silent,
    OwnerScript::Voicemail,
];

#[tokio::test]
async fn nothing_of_a_person_stands_anywhere_when_things_go_wrong() {
    let folder = Folder::new()
        .set("LOG__ACCESS", "all")
        .set("LIMITS__TAG_RINGS_PER_HOUR", "0")
        .set("LIMITS__CALLER_RINGS_PER_HOUR", "0")
        .edit("ops_listen", "trusted_proxies = [\"127.0.0.0/8\"]\nops_listen");
    let person = json!({"name": NAME, "email": EMAIL, "phone": OWNER, "vehicle": VEHICLE});
    let code = folder.import(&[person]).remove(0);
    let mut server = Server::start(&folder);
    odd_requests(&server.public, &code).await;

    let opened = server.open(&code, "towing").await;
    bad_webhooks(&server, &opened).await;
    let (mut documents, mut called) = (String::new(), Vec::new());
    for duplicate in [0, 2] {
        for script in SCRIPTS {
            let (given, opened) = call(&server, &code, script, Faults { duplicate, ..Faults::default() }).await;
            documents += &given;
            called.push(opened.session);
        }
    }
    for session in &called {
        server.outcome(session).await;
    }
    let other = folder.run(&["serve", "--config", &folder.text("qnect.toml")]);
    assert_eq!(other.status.code(), Some(2), "the folder is in use");
    let (before, metrics) = (server.stderr(), server.metrics().await.0);
    let told = server.public.heard() + &server.operations.heard() + &String::from_utf8_lossy(&other.stderr);
    server.kill();

    server = Server::start(&folder);
    assert_eq!(server.status(&opened.session).await.0, "waiting", "and it goes on after a crash");
    documents += &call(&server, &code, OwnerScript::Answers, Faults::default()).await.0;
    let metrics = metrics + &server.metrics().await.0;
    server.terminate();
    assert_eq!(server.ended(std::time::Duration::from_secs(15)).await.code(), Some(0));
    let log = before + &server.stderr();
    for template in ["/q/{code}", "/sessions/{session}", "/webhooks/{provider}", "could not be understood"] {
        assert!(log.contains(template), "it was logged: {template}");
    }
    // To the provider, and to nobody else, the owner's number goes: as the number to ring.
    let dialled = format!("<Number>{}</Number>", &OWNER[1..]);
    assert!(documents.matches(&dialled).count() >= SCRIPTS.len(), "calls were made");
    documents = documents.replace(&dialled, "");

    let stored = files(&folder.data());
    let network = [&[4][..], &ADDRESS[..3], &[0; 3]].concat();
    assert!(stored.iter().any(|(_, bytes)| holds(bytes, &network)), "scans are kept, with their network");
    let places = [("an answer", told), ("a document", documents), ("the log", log), ("the metrics", metrics)];
    let places = places.into_iter().map(|(place, text)| (place.to_owned(), text.into_bytes()));
    let stored = stored.into_iter().map(|(path, bytes)| (path.display().to_string(), bytes));
    let places: Vec<(String, Vec<u8>)> = places.chain(stored).collect();
    assert_nobody(&places);
    let text = ADDRESS.map(|byte| byte.to_string()).join(".");
    for (place, bytes) in &places {
        for address in [text.as_bytes(), &ADDRESS[..], &u32::from_be_bytes(ADDRESS).to_le_bytes()] {
            assert!(!holds(bytes, address), "a whole address stands in {place}");
        }
    }
}

/// Requests that say more than they are asked for, in every place where something can be said.
async fn odd_requests(client: &Client, code: &str) {
    let sessions = format!("/q/{code}/sessions");
    let query = format!("?phone={SCANNER}&email={EMAIL}&name={}", NAME.replace(' ', "+"));
    let talkative = |method: Method, path: &str| {
        let request = client.request(&method, path).header(ACCEPT, "application/json");
        request
            .header(USER_AGENT, format!("Serinus/1.0 ({SCANNER}; {EMAIL}) Mobile"))
            .header(REFERER, format!("https://mail.example/{EMAIL}"))
            .header(COOKIE, format!("name={NAME}; phone={SCANNER}"))
            .header("From", EMAIL)
            .header("X-Forwarded-For", ADDRESS.map(|byte| byte.to_string()).join("."))
            .header("Forwarded", format!("for=\"{SCANNER}\""))
            .header("Authorization", format!("Bearer {SCANNER}"))
            .header("Idempotency-Key", SCANNER)
            .header("X-Request-Id", SCANNER)
            .header("Accept-Language", format!("en, x-{SCANNER}"))
    };
    let mut statuses = Vec::new();
    for path in [
        format!("/q/{code}{query}"),
        format!("/q/{SCANNER}"),
        format!("/q/{EMAIL}{query}"),
        format!("/sessions/{SCANNER}{query}"),
        format!("/webhooks/{SCANNER}/voice{query}"),
        format!("/{OWNER}/{EMAIL}{query}"),
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            statuses.push(client.send(talkative(method, &path), SCANNER).await.status);
        }
    }
    let json = |body: String| ("application/json", body);
    let form = |body: String| ("application/x-www-form-urlencoded", body);
    for (kind, body) in [
        json(format!("{{\"reason\":\"blocking\",\"phone\":\"{SCANNER}\"}}")),
        json(format!("{{\"reason\":\"{NAME}\"}}")),
        json(format!("{{\"reason\":\"blocking\",\"language\":\"{EMAIL}\"}}")),
        json(format!("{{\"{SCANNER}\":\"blocking\"}}")),
        json(format!("{{\"reason\":\"blocking\",\"name\":\"{NAME}\"")),
        json(format!("{{\"reason\":\"blocking\"}}{SCANNER}")),
        json(format!("{{\"reason\":\"blocking\",\"name\":\"{}\"}}", NAME.repeat(4_370))),
        form(format!("reason=blocking&email={EMAIL}")),
        form(format!("reason={SCANNER}")),
        form(format!("reason=blocking&language={VEHICLE}")),
        ("text/plain", format!("call me: {SCANNER}")),
        ("application/json", "{\"reason\":\"blocking\"}".to_owned()),
    ] {
        let request = talkative(Method::POST, &format!("{sessions}{query}")).header(CONTENT_TYPE, kind);
        statuses.push(client.send(request, body).await.status);
    }
    for status in [200, 201, 400, 404, 405, 413, 415, 422] {
        assert!(statuses.contains(&status), "no request was answered by {status}");
    }
}

/// Webhooks that are forged, malformed, of tomorrow, of a recording: all name the caller.
async fn bad_webhooks(server: &Server, opened: &Opened) {
    let name = format!("{NAME} {SCANNER}");
    let with = |more: &[(&'static str, &'static str)]| {
        let people = [("From", SCANNER), ("CallerName", name.as_str()), ("ForwardedFrom", OWNER), ("SIP-H-To", EMAIL)];
        [&people, more].concat()
    };
    let voice = "/webhooks/plivo/voice";
    let leg = format!("/webhooks/plivo/leg/{}", opened.session);
    let line = ("To", "911140000001");
    let named = Webhook::to(voice, &with(&[("CallUUID", LEG), line]));
    for (webhook, status) in [
        (named.clone().spoilt(|w| w.signature = None), 401),
        (named.clone().spoilt(|w| w.nonce = SCANNER.to_owned()), 401),
        (Webhook::to(&format!("{voice}?From={SCANNER}"), &with(&[("CallUUID", LEG), line])), 200),
        (Webhook::to(voice, &with(&[line])), 400),
        (Webhook::to(voice, &with(&[("CallUUID", "not an id"), line])), 400),
        (Webhook::to(voice, &with(&[("CallUUID", LEG), ("To", SCANNER)])), 200),
        (Webhook::to(voice, &with(&[("CallUUID", LEG), ("To", EMAIL)])), 400),
        (Webhook::to(voice, &with(&[("CallUUID", LEG), line, ("Event", NAME)])), 200),
        (Webhook::to("/webhooks/plivo/code/1", &with(&[("CallUUID", LEG), line, ("Digits", SCANNER)])), 200),
        (Webhook::to(&leg, &with(&[("CallUUID", LEG), ("DialAction", SCANNER)])), 200),
        (Webhook::to(&leg, &with(&[("CallUUID", LEG), ("RecordUrl", EMAIL)])), 200),
        (Webhook::to(&format!("/webhooks/plivo/leg/{SCANNER}"), &with(&[("CallUUID", LEG)])), 404),
        (Webhook::to("/webhooks/twilio/voice", &with(&[("CallSid", LEG)])), 404),
        (keying(LEG, opened).spoilt(|w| w.params.push(("Extra".to_owned(), OWNER.to_owned()))), 401),
    ] {
        let answer = webhook.send(&server.public).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

/// Calls by a marked person to a marked person, with a wrong code and with the right one: the documents that the
/// provider was given, and the session.
async fn call(server: &Server, code: &str, script: OwnerScript, faults: Faults) -> (String, Opened) {
    let network = network(server, faults);
    network.set_telephone(OWNER, script);
    let opened = server.open(code, "blocking").await;
    let right = Dial {
        from: SCANNER.to_owned(),
        number: opened.number.clone(),
        post_dial: Some(opened.access_code.clone()),
        talk_seconds: 20,
        ..Dial::default()
    };
    // A number where the code is asked for: the wrong code that is most often given.
    let wrong = Dial { post_dial: Some(SCANNER[3..].to_owned()), ..right.clone() };
    let withheld = Dial { withheld: true, ..wrong.clone() };
    let mut documents = String::new();
    for dial in [wrong, withheld, right] {
        let report = network.dial(dial).await;
        assert!(report.protocol_errors.is_empty() && !report.bridged_to_machine, "{script:?}: {report:?}");
        documents.extend(report.exchanges.into_iter().map(|exchange| exchange.body));
    }
    (documents, opened)
}
