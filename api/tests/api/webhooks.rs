//! The providers' door: who is believed, and what a wrong word costs.

use http::Method;

use crate::folder::{Folder, ORIGIN, TOKEN, owner};
use crate::plivo::{Webhook, arriving, keying};
use crate::server::Server;

const LEG: &str = "6d6ae5c0-0000-4000-8000-000000000002";
const OLD_TOKEN: &str = "T0xEVE9LRU5PTERUT0tF";

#[tokio::test]
async fn nothing_unsigned_is_believed() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let opened = server.open(&code, "blocking").await;
    let genuine = keying(LEG, &opened);
    let spoilt = [
        ("no signature", genuine.clone().spoilt(|w| w.signature = None)),
        ("an empty signature", genuine.clone().spoilt(|w| w.signature = Some(String::new()))),
        ("a cut signature", genuine.clone().spoilt(|w| w.signature.as_mut().expect("one").truncate(27))),
        ("another nonce", genuine.clone().spoilt(|w| w.nonce.push('1'))),
        ("no nonce", genuine.clone().spoilt(|w| w.nonce.clear())),
        ("another path", genuine.clone().spoilt(|w| w.path = "/webhooks/plivo/code/2".to_owned())),
        ("a query", genuine.clone().spoilt(|w| w.path.push_str("?a=1"))),
        ("another value", genuine.clone().spoilt(|w| w.params[4].1.push('1'))),
        ("a parameter more", genuine.clone().spoilt(|w| w.params.push(("Extra".to_owned(), "1".to_owned())))),
        ("a parameter less", genuine.clone().spoilt(|w| drop(w.params.remove(1)))),
        ("another secret", Webhook::signed_with("x", ORIGIN, &genuine.path, &borrowed(&genuine))),
        ("another origin", Webhook::signed_with(TOKEN, "https://evil.example", &genuine.path, &borrowed(&genuine))),
        ("a path that is no text", genuine.clone().spoilt(|w| w.path = "/webhooks/plivo/%FF".to_owned())),
        ("a path of nobody", genuine.clone().spoilt(|w| w.path = "/webhooks/plivo/nothing".to_owned())),
    ];
    for (how, webhook) in &spoilt {
        let answer = webhook.send(&server.public).await;
        assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{how}");
    }
    let evil = Webhook::signed_with(TOKEN, "https://evil.example", &genuine.path, &borrowed(&genuine));
    let answer = evil.spoilt(|w| w.host = "evil.example").send(&server.public).await;
    assert_eq!(answer.status, 401, "a sender chooses its Host, and not what is verified");
    assert_eq!(server.status(&opened.session).await.0, "waiting", "and nothing else happened");

    let metrics = server.metrics().await;
    let forged = metrics.value("qnect_webhooks_total", &[("provider", "plivo"), ("result", "forged")]);
    assert_eq!(forged, spoilt.len() as f64 + 1.0);
    assert!(genuine.send(&server.public).await.body.contains("<Dial"), "the genuine one was right all along");
}

#[tokio::test]
async fn believed_webhooks_are_read_with_care() {
    let folder = Folder::new().edit(&format!("\"{TOKEN}\""), &format!("[\"{TOKEN}\", \"{OLD_TOKEN}\"]"));
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let opened = server.open(&code, "blocking").await;
    let client = &server.public;

    let old = Webhook::signed_with(OLD_TOKEN, ORIGIN, "/webhooks/plivo/voice", &borrowed(&arriving(LEG)));
    let answer = old.send(client).await;
    assert_eq!(answer.status, 200, "the second of two secrets");
    assert_eq!(answer.header("content-type"), "application/xml; charset=utf-8");
    assert!(answer.body.contains("<GetDigits") && answer.body.contains(ORIGIN), "{}", answer.body);
    for host in ["qnect.example", "127.0.0.1", "evil.example"] {
        let answer = arriving(LEG).spoilt(|w| w.host = host).send(client).await;
        assert_eq!(answer.status, 200, "verified by our own public URL, whatever Host says: {host}");
        assert!(!answer.body.contains("evil"), "no URL of ours is built from Host");
    }

    let voice = "/webhooks/plivo/voice";
    let leg = format!("/webhooks/plivo/leg/{}", opened.session);
    let many: Vec<(String, String)> = (0..65).map(|n| (format!("P{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let no_call = [("Event", "StartApp"), ("From", "919700000042"), ("To", "911140000001")];
    let no_number = [("Event", "StartApp"), ("CallUUID", LEG), ("To", "nobody")];
    for (what, webhook) in [
        ("no call id", Webhook::to(voice, &no_call)),
        ("no dialled number", Webhook::to(voice, &no_number)),
        ("too many parameters", Webhook::to(voice, &many)),
        ("nothing", Webhook::to(voice, &[])),
    ] {
        let answer = webhook.send(client).await;
        assert_eq!((answer.status, answer.body.as_str()), (400, ""), "{what}");
    }
    for (what, webhook) in [
        ("an event of the future", Webhook::to(&leg, &[("CallUUID", LEG), ("DialAction", "teleported")])),
        ("a recording that we never asked for", Webhook::to(voice, &[("CallUUID", LEG), ("Event", "RecordStop")])),
        ("a call that we never placed", Webhook::to(voice, &[("CallUUID", LEG), ("Direction", "outbound")])),
    ] {
        let answer = webhook.send(client).await;
        assert_eq!(answer.status, 200, "{what}: {answer:?}");
        assert!(!answer.body.contains("<Dial") && !answer.body.contains("<GetDigits"), "{what}");
    }
    let forged = format!("/webhooks/plivo/leg/{}", "0".repeat(46));
    assert_eq!(Webhook::to(&forged, &[("CallUUID", LEG)]).send(client).await.status, 404);
    let large = "1".repeat(64 * 1024 + 1);
    assert_eq!(Webhook::to(voice, &[("CallUUID", &large)]).send(client).await.status, 413);
    assert_eq!(server.status(&opened.session).await.0, "waiting");

    let metrics = server.metrics().await;
    for (result, count) in
        [("accepted", 4.0), ("malformed", 4.0), ("unknown_event", 3.0), ("unknown_route", 1.0), ("unreadable", 1.0)]
    {
        assert_eq!(metrics.value("qnect_webhooks_total", &[("result", result)]), count, "{result}");
    }
}

#[tokio::test]
async fn a_provider_that_is_not_configured_has_no_door() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    for provider in ["twilio", "exotel", "vonage", "telnyx", "jambonz", "plivo"] {
        let path = format!("/webhooks/{provider}/voice");
        let answer = server.public.send(server.public.request(&Method::POST, &path), "").await;
        assert_eq!(answer.status, if provider == "plivo" { 401 } else { 404 }, "{provider}");
    }
}

fn borrowed(webhook: &Webhook) -> Vec<(&str, &str)> {
    webhook.params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
