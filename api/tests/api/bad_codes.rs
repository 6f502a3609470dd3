//! Codes and session ids: read kindly where a person slipped, and otherwise nothing at all.

use http::Method;
use http::header::ACCEPT;
use qnect_core::check::CheckKeys;
use qnect_core::session_id::SessionId;
use qnect_core::tag_code::TagCode;
use serde_json::json;

use crate::folder::{Folder, owner};
use crate::plivo::{Webhook, keying};
use crate::scan::with_another_character;
use crate::server::Server;
use crate::sessions::assert_problem;

const LEG: &str = "6d6ae5c0-0000-4000-8000-000000000021";
const GUESSES: u64 = 1_000_000;

#[tokio::test]
async fn a_code_is_read_in_every_dress() {
    let folder = Folder::new();
    let owners: Vec<_> = (100..140).map(|n| owner(&format!("+919800000{n}"))).collect();
    let codes = folder.import(&owners);
    // A code begins with its key's version, which is 0.
    let code = codes.iter().find(|code| code[1..].contains('1')).expect("one of forty codes has a 1");
    let server = Server::start(&folder);
    let escaped: String = code.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let hyphens = format!("{}{}", code[..10].chars().map(|c| format!("{c}-")).collect::<String>(), &code[10..]);
    let dresses = [
        code.clone(),
        code.to_lowercase(),
        format!("-{}--{}-", &code[..5], &code[5..]),
        hyphens,
        code.replace('0', "O"),
        code.replace('0', "o"),
        code.replace('1', "I"),
        code.replace('1', "i"),
        code.replace('1', "L"),
        code.replace('1', "l"),
        code.replace('0', "o").replace('1', "L").to_lowercase(),
        escaped,
    ];
    for (scans, dress) in (1..).zip(&dresses) {
        for path in [format!("/q/{dress}"), format!("/Q/{dress}")] {
            let request = server.public.request(&Method::HEAD, &path);
            assert_eq!(server.public.send(request, "").await.status, 200, "{path}");
        }
        assert_eq!(server.public.get(&format!("/q/{dress}")).await.status, 200, "{dress}");
        let metrics = server.metrics().await;
        assert_eq!(metrics.sum("qnect_scans_total"), f64::from(scans), "{dress}");
        assert_eq!(metrics.sum("qnect_tag_actors"), 1.0, "the same tag: {dress}");
    }
}

#[tokio::test]
async fn a_code_that_is_none_is_nothing_and_opens_nothing() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let in_script = |zero: char| -> String {
        let digit = |c: char| c.to_digit(10).and_then(|d| char::from_u32(zero as u32 + d)).unwrap_or(c);
        let text: String = code.chars().map(digit).collect();
        text.bytes()
            .map(|byte| if byte.is_ascii() { char::from(byte).into() } else { format!("%{byte:02X}") })
            .collect()
    };
    let bad = [
        format!("%20{code}"),
        format!("{code}%20"),
        format!("{}%20{}", &code[..10], &code[10..]),
        format!("{}+{}", &code[..10], &code[10..]),
        format!("{}_{}", &code[..10], &code[10..]),
        format!("{}.{}", &code[..10], &code[10..]),
        format!("{code}%00"),
        format!("{code}%0A"),
        format!("{code}%0D%0ASet-Cookie:%20a=b"),
        format!("{code}%2F"),
        format!("{code};v=1"),
        format!("{code}%3F"),
        format!("{code}%"),
        format!("{code}%4"),
        format!("%25{:02X}{}", code.as_bytes()[0], &code[1..]),
        format!("{}%E2%80%8B{}", &code[..10], &code[10..]),
        format!("{}{}", code[..11].chars().map(|c| format!("{c}-")).collect::<String>(), &code[11..]),
        in_script('\u{ff10}'),
        in_script('\u{966}'),
        in_script('\u{660}'),
        code.replace('0', "U"),
        code.replace('0', "*"),
        format!("{code}*"),
        code[..19].to_owned(),
        format!("{code}{code}"),
        "-".repeat(20),
        "0".repeat(10_000),
        "%41".repeat(3_333),
        "..".to_owned(),
        "%2E%2E%2Fmetrics".to_owned(),
        "919876501234".to_owned(),
        "someone@example.in".to_owned(),
        "null".to_owned(),
    ];
    let nothing = (server.public.get("/nothing").await, server.public.page("/nothing").await);
    let refused = server.public.post("/nothing", &json!({"reason": "blocking"})).await;
    assert_problem(&refused, 404, "not_found", "/nothing");
    assert!(refused.body.contains("scan the sticker again"), "what to do: {}", refused.body);
    let before = server.metrics().await;
    for code in &bad {
        let path = format!("/q/{code}");
        assert_eq!(server.public.get(&path).await.bytes(), nothing.0.bytes(), "{path}");
        assert_eq!(server.public.page(&path).await.bytes(), nothing.1.bytes(), "{path}");
        let answer = server.public.post(&format!("{path}/sessions"), &json!({"reason": "blocking"})).await;
        assert_eq!(answer.bytes(), refused.bytes(), "{path}/sessions");
    }
    let after = server.metrics().await;
    for metric in ["qnect_store_reads_total", "qnect_tag_actors", "qnect_scans_total", "qnect_sessions_opened_total"] {
        assert_eq!(after.sum(metric), before.sum(metric), "{metric}");
    }
    assert_eq!(after.sum("qnect_sessions_open"), 0.0);
}

#[tokio::test]
async fn a_session_id_that_is_none_opens_no_page_and_moves_no_call() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let opened = server.open(&code, "blocking").await;
    let id = &opened.session;
    let escaped: String = id.bytes().map(|byte| format!("%{byte:02X}")).collect();
    assert_eq!(
        server.public.get(&format!("/sessions/{escaped}")).await.status,
        200,
        "an escaped letter is that letter"
    );

    let mut bad: Vec<String> = (0..id.len()).map(|at| with_another_character(id, at)).collect();
    bad.extend([
        format!("{}-{}", &id[..23], &id[23..]),
        format!("{}-{}", &id[..22], &id[23..]),
        format!("%20{}", &id[1..]),
        format!("{id}%00"),
        format!("{id}/"),
        format!("{id}{id}"),
        id[..45].to_owned(),
        format!("{code}{}", &id[20..]),
        code.clone(),
        "0".repeat(10_000),
        "%FF".repeat(46),
    ]);
    let nothing = (server.public.get("/nothing").await, server.public.page("/nothing").await);
    let before = server.metrics().await;
    for bad in &bad {
        let path = format!("/sessions/{bad}");
        assert_eq!(server.public.get(&path).await.bytes(), nothing.0.bytes(), "{path}");
        assert_eq!(server.public.page(&path).await.bytes(), nothing.1.bytes(), "{path}");
    }
    // Signed rightly, so that only the id's own check stands in the way.
    let mut told = 0.0;
    for bad in bad.iter().filter(|bad| bad.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')) {
        for step in ["leg", "whisper", "dial-end"] {
            let webhook = Webhook::to(&format!("/webhooks/plivo/{step}/{bad}"), &[("CallUUID", LEG)]);
            let answer = webhook.send(&server.public).await;
            assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{step}/{bad}");
            told += 1.0;
        }
    }
    let after = server.metrics().await;
    for metric in ["qnect_store_reads_total", "qnect_tag_actors", "qnect_sessions_open"] {
        assert_eq!(after.sum(metric), before.sum(metric), "{metric}");
    }
    assert_eq!(after.value("qnect_webhooks_total", &[("result", "unknown_route")]), told);
    assert_eq!(server.status(id).await.0, "waiting");
    assert!(keying(LEG, &opened).send(&server.public).await.body.contains("<Dial"), "and the right one still works");
}

#[tokio::test]
async fn a_sticker_that_is_read_with_a_query_is_that_sticker() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let plain = server.public.get(&format!("/q/{code}")).await;
    for query in ["?", "?a=b", "?reason=emergency&from=919876501234", "?%00", &format!("?{}", "a".repeat(10_000))] {
        let request = server.public.request(&Method::GET, &format!("/q/{code}{query}"));
        let answer = server.public.send(request.header(ACCEPT, "application/json"), "").await;
        assert_eq!(answer.bytes(), plain.bytes(), "{query}");
    }
}

/// In this process, because a million requests would only test the sockets: the doors read codes and ids with these
/// functions and with nothing before them.
#[test]
fn a_million_guesses_open_nothing() {
    let keys = CheckKeys::new(0, &[0x5a; 32], &[0xa5; 32]);
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    println!("seed {state:#x}");
    let mut symbol = || {
        // SplitMix64 by its published constants.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[((z ^ (z >> 31)) >> 59) as usize])
    };
    for guess in 0..GUESSES {
        // Under the key's right version, so that every guess comes to the check.
        let code: String = std::iter::once('0').chain((1..20).map(|_| symbol())).collect();
        assert!(TagCode::read(&code, &keys).is_none(), "guess {guess} is a code");
        if guess % 10 == 0 {
            let id: String = std::iter::once('0').chain((1..46).map(|_| symbol())).collect();
            assert!(SessionId::read(&id, &keys).is_none(), "guess {guess} is a session's id");
        }
    }
}
