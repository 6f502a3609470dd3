//! Webhooks that a liar or a clumsy network sends: changed in one byte, told again, packed, without end.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use http::header::CONTENT_TYPE;

use crate::folder::{Folder, NUMBER, ORIGIN, owner};
use crate::metrics::Metrics;
use crate::plivo::{SCANNER, Webhook, arriving, dial_end, hanging_up, keying, owner_leg, whispering};
use crate::raw;
use crate::server::{Opened, Server};

const LEG: &str = "6d6ae5c0-0000-4000-8000-000000000031";
const OTHER_LEG: &str = "6d6ae5c0-0000-4000-8000-000000000032";
const OWNER: &str = "+919800000017";
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a line may take from the server into this test on a busy machine.
const LOG_TIME_MAX: Duration = Duration::from_secs(60);

#[tokio::test]
async fn no_byte_of_a_webhook_may_be_another() {
    let Waiting { server, opened, .. } = &waiting().await;
    let genuine = keying(LEG, opened);
    let body = genuine.body();
    let mut forged = 0.0;
    for at in 0..body.len() {
        for by in [1, 0x20, 0x80] {
            let mut changed = body.clone().into_bytes();
            changed[at] ^= by;
            // `%2b` says what `%2B` says: whoever changes that has changed nothing.
            if meaning(&changed) != meaning(body.as_bytes()) {
                let answer = genuine.send_body(&server.public, &[], changed).await;
                assert_eq!((answer.status, answer.body.as_str()), (401, ""), "byte {at} of the body by {by:#x}");
                forged += 1.0;
            }
        }
    }
    for at in 0..genuine.nonce.len() {
        let other = genuine.clone().spoilt(|w| w.nonce.replace_range(at..=at, "x"));
        assert_eq!(other.send(&server.public).await.status, 401, "character {at} of the nonce");
        forged += 1.0;
    }
    let signature = genuine.signature.clone().expect("one");
    for at in 0..signature.len() {
        let other = if &signature[at..=at] == "A" { "B" } else { "A" };
        let other = genuine.clone().spoilt(|w| w.signature.as_mut().expect("one").replace_range(at..=at, other));
        assert_eq!(other.send(&server.public).await.status, 401, "character {at} of the signature");
        forged += 1.0;
    }
    let webhooks = "/webhooks/plivo/".len();
    for at in webhooks..genuine.path.len() {
        let other = genuine.clone().spoilt(|w| w.path.replace_range(at..=at, "x"));
        assert_eq!(other.send(&server.public).await.status, 401, "character {at} of the path");
        forged += 1.0;
    }
    let metrics = server.metrics().await;
    assert_eq!(results(&metrics), [("forged", forged)]);
    assert_eq!(metrics.sum("qnect_tag_actors"), 1.0);
    assert_eq!(server.status(&opened.session).await.0, "waiting", "and nothing else happened");
    assert!(genuine.send(&server.public).await.body.contains("<Dial"), "the genuine one was right all along");
}

#[tokio::test]
async fn a_webhook_that_is_told_again_at_any_time_moves_nothing() {
    let Waiting { server, code, opened, .. } = &waiting().await;
    let told = [
        arriving(LEG),
        keying(LEG, opened),
        whispering(LEG, opened),
        owner_leg(LEG, opened, "answer"),
        owner_leg(LEG, opened, "connected"),
        owner_leg(LEG, opened, "hangup"),
        dial_end(LEG, opened, "completed"),
        hanging_up(LEG),
    ];
    // The webhook that rings the owner, and the first that says that the call is over.
    const KEYED: usize = 1;
    const OVER: usize = 5;
    let mut answers: Vec<String> = Vec::new();
    for (at, webhook) in told.iter().enumerate() {
        let answer = webhook.send(&server.public).await;
        assert_eq!(answer.status, 200, "{at}");
        answers.push(answer.body);
        let state = server.status(&opened.session).await;
        // Everything so far once more, the newest first.
        for (earlier, webhook) in told[..=at].iter().enumerate().rev() {
            let again = webhook.send(&server.public).await;
            if at >= OVER && earlier == KEYED {
                assert!(!again.body.contains("<Dial"), "a call that is over is not made again");
                continue;
            }
            assert_eq!((again.status, &again.body), (200, &answers[earlier]), "{earlier} again after {at}");
        }
        assert_eq!(server.status(&opened.session).await.0, state.0, "after {at}");
    }
    assert_eq!(server.outcome(&opened.session).await, "completed");
    let ended = server.status(&opened.session).await;
    for (at, webhook) in told.iter().enumerate() {
        let again = webhook.send(&server.public).await;
        assert_eq!(again.status, 200, "{at} after the end");
    }
    // The code of a call that is over leads nowhere, on this leg and on any other.
    let reused = keying(OTHER_LEG, opened).send(&server.public).await;
    assert!(!reused.body.contains("<Dial") && !reused.body.contains(&OWNER[1..]), "{}", reused.body);
    assert_eq!(server.status(&opened.session).await, ended);
    let metrics = server.metrics().await;
    assert_eq!(metrics.sum("qnect_session_outcomes_total"), 1.0, "one call, one outcome");
    assert_eq!(metrics.value("qnect_session_outcomes_total", &[("outcome", "completed")]), 1.0);
    assert_eq!(metrics.sum("qnect_sessions_open"), 0.0);
    let scan = server.public.get(&format!("/q/{code}")).await.json();
    assert_eq!(scan["decision"], "limited", "one ring was charged, of one that was allowed: {scan}");
}

#[tokio::test]
async fn a_packed_webhook_is_not_unpacked() {
    let Waiting { server, opened, .. } = &waiting().await;
    let genuine = keying(LEG, opened);
    let packed = gzip(genuine.body().as_bytes());
    for coding in ["gzip", "x-gzip", "deflate"] {
        let answer = genuine.send_body(&server.public, &[("Content-Encoding", coding)], packed.clone()).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (401, ""),
            "the bytes are not those that were signed: {coding}"
        );
    }
    let metrics = server.metrics().await;
    assert_eq!(results(&metrics), [("forged", 3.0)]);
    assert_eq!(server.status(&opened.session).await.0, "waiting");
}

#[tokio::test]
async fn a_webhook_over_the_cap_or_in_another_form_moves_nothing() {
    let Waiting { server, opened, .. } = &waiting().await;
    let genuine = keying(LEG, opened);
    let signature = genuine.signature.clone().expect("one");
    let fields = |more: &'static [(&'static str, &'static str)]| -> Vec<(&str, &str)> {
        let signed = [("X-Plivo-Signature-V3-Nonce", genuine.nonce.as_str()), ("X-Plivo-Signature-V3", &signature)];
        [&signed, &[("Content-Type", "application/x-www-form-urlencoded")][..], more].concat()
    };
    let line = format!("POST {}", genuine.path);
    let padded = format!("{}&Padding={}", genuine.body(), "1".repeat(BODY_BYTES_MAX));
    let chunks = raw::chunked(padded.as_bytes());
    let over = raw::request(&line, &fields(&[("Transfer-Encoding", "chunked")]), &chunks);
    assert_eq!(raw::status(&raw::exchange(server.address, &over).await), 413);

    let json = format!("{{\"CallUUID\":\"{LEG}\",\"From\":\"{SCANNER}\",\"To\":\"{NUMBER}\"}}");
    for (kind, body) in
        [("application/json", json), ("multipart/form-data; boundary=x", "--x--".into()), ("", String::new())]
    {
        let request = server.public.request(&Method::POST, &genuine.path).header(CONTENT_TYPE, kind);
        let request = request.header("X-Plivo-Signature-V3", &signature);
        let answer = server.public.send(request.header("X-Plivo-Signature-V3-Nonce", &genuine.nonce), body).await;
        assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{kind}");
    }
    // In the query instead of the body, by GET as by POST.
    let in_query = format!("{}?{}", genuine.path, genuine.body());
    for (method, status) in [(Method::GET, 405), (Method::POST, 401), (Method::PUT, 405)] {
        let request = server.public.request(&method, &in_query).header("X-Plivo-Signature-V3", &signature);
        let answer = server.public.send(request.header("X-Plivo-Signature-V3-Nonce", &genuine.nonce), "").await;
        assert_eq!(answer.status, status, "{method}");
        assert!(!answer.body.contains(SCANNER.trim_start_matches('+')), "{method}: nothing is repeated");
    }
    let metrics = server.metrics().await;
    assert_eq!(results(&metrics), [("forged", 4.0), ("unreadable", 1.0)]);
    assert_eq!(server.status(&opened.session).await.0, "waiting");

    // In chunks and under the cap it is what it is otherwise.
    let chunks = raw::chunked(genuine.body().as_bytes());
    let right = raw::request(&line, &fields(&[("Transfer-Encoding", "chunked")]), &chunks);
    let answer = raw::exchange(server.address, &right).await;
    assert!(raw::status(&answer) == 200 && answer.contains("<Dial"), "{answer}");
}

#[tokio::test]
async fn a_secret_opens_the_door_of_its_own_provider_only() {
    let Waiting { server, opened, .. } = &waiting().await;
    let plivo = keying(LEG, opened);
    let params: Vec<(&str, &str)> = plivo.params.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    for path in [
        "/webhooks/twilio/voice",
        "/webhooks/exotel/NjU4ZjA3ZmE5ZTI0/voice",
        "/webhooks/vonage/voice",
        "/webhooks/telnyx/voice",
        "/webhooks/jambonz/voice",
        "/webhooks/PLIVO/voice",
        "/webhooks/plivo",
        "/webhooks/plivo/",
        "/webhooks//plivo/code/1",
    ] {
        let answer = Webhook::to(path, &params).send(&server.public).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert!(!answer.body.contains("<Response"), "{path}");
    }
    assert_eq!(server.status(&opened.session).await.0, "waiting");
}

#[tokio::test]
async fn a_recording_that_nobody_asked_for_is_an_alarm() {
    let Waiting { server, opened, .. } = &waiting().await;
    let url = "https://media.plivo.com/v1/Account/recording.mp3";
    let mut params: Vec<(String, String)> = dial_end(LEG, opened, "completed").params;
    params.push(("RecordUrl".to_owned(), url.to_owned()));
    let params: Vec<(&str, &str)> = params.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let path = format!("/webhooks/plivo/dial-end/{}", opened.session);
    assert_eq!(Webhook::to(&path, &params).send(&server.public).await.status, 200);
    assert_eq!(server.metrics().await.sum("qnect_recording_alarms_total"), 1.0);
    let alarmed = async {
        while !server.stderr().contains("check the account") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server.stderr()
    };
    let told = tokio::time::timeout(LOG_TIME_MAX, alarmed).await.expect("an alarm that says what to do");
    assert!(told.contains("\"ERROR\""), "{told}");
    assert!(!told.contains("media.plivo.com"), "not where it is: {told}");
}

/// A server with a session that waits for its call, and a tag that may ring once an hour.
struct Waiting {
    server: Server,
    code: String,
    opened: Opened,
    /// Last, so that it is there as long as the server.
    _folder: Folder,
}

async fn waiting() -> Waiting {
    let folder = Folder::new().set("LIMITS__TAG_RINGS_PER_HOUR", "1");
    let code = folder.import(&[owner(OWNER)]).remove(0);
    let server = Server::start(&folder);
    let opened = server.open(&code, "blocking").await;
    Waiting { server, code, opened, _folder: folder }
}

/// What came of the webhooks so far, the results that never happened left out.
fn results(metrics: &Metrics) -> Vec<(&'static str, f64)> {
    let all = ["accepted", "failed", "forged", "malformed", "not_configured", "try_again", "unknown_event"];
    let results = all.into_iter().chain(["unknown_route", "unreadable"]);
    let counted = results.map(|result| (result, metrics.value("qnect_webhooks_total", &[("result", result)])));
    counted.filter(|(_, count)| *count > 0.0).collect()
}

/// What a form says, as the provider signs it: its pairs, in no order.
fn meaning(form: &[u8]) -> BTreeSet<(Vec<u8>, Vec<u8>)> {
    let unescaped = |part: &[u8]| form_urlencoded::parse(part).next().map(|(name, _)| name.into_owned().into_bytes());
    let pairs = form.split(|b| *b == b'&').map(|pair| {
        let mut halves = pair.splitn(2, |b| *b == b'=');
        let half = |half: Option<&[u8]>| half.and_then(unescaped).unwrap_or_default();
        (half(halves.next()), half(halves.next()))
    });
    pairs.collect()
}

/// RFC 1952 around one stored block of RFC 1951.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a short body");
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    packed.extend(length.to_le_bytes());
    packed.extend((!length).to_le_bytes());
    packed.extend(bytes);
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    packed.extend((!crc).to_le_bytes());
    packed.extend(u32::from(length).to_le_bytes());
    packed
}

#[test]
fn what_is_packed_here_is_gzip() {
    // As `printf a | gzip -1` would store it: the checksum is the published one of "a".
    assert_eq!(gzip(b"a")[16..20], 0xe8b7_be43_u32.to_le_bytes());
    assert_eq!(ORIGIN.len(), meaning(ORIGIN.as_bytes()).iter().next().expect("a pair").0.len());
}
