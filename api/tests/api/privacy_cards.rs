//! Ten thousand card numbers, in every place where one could be written down.

use std::collections::HashSet;

use http::Method;
use http::header::{ACCEPT, COOKIE};
use serde_json::json;

use crate::folder::{Folder, files, owner};
use crate::server::Server;
use crate::sessions::assert_problem;

const CARDS: u64 = 10_000;

/// There is no field for a card's number, and none in which one could be written down: a reason and a language are words
/// of ours, and of an idempotency key only a hash is kept.
#[tokio::test]
async fn ten_thousand_card_numbers_are_stored_nowhere() {
    let folder = Folder::new()
        .edit("access_code_digits = 7", "access_code_digits = 9")
        .set("LOG__ACCESS", "all")
        .set("ABUSE__CHALLENGE_AT", "0")
        .set("ABUSE__REFUSE_AT", "0")
        .set("LIMITS__TAG_OPEN_SESSIONS_MAX", "0")
        .set("LIMITS__ADDRESS_SESSIONS_PER_HOUR", "0")
        .set("LIMITS__ADDRESS_SCANS_PER_MINUTE", "0");
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let mut server = Server::start(&folder);
    let cards: Vec<u64> = (0..CARDS).map(card).collect();
    assert!(cards.contains(&4_000_000_000_000_002), "the Luhn digit of a known test card");
    let path = format!("/q/{code}/sessions");
    let mut opened = 0.0;
    for (at, card) in cards.iter().enumerate() {
        let card = card.to_string();
        let (body, query) = match at % 8 {
            0 => (json!({"reason": card}), ""),
            1 => (json!({"reason": "blocking", "language": card}), ""),
            2 => (json!({"reason": "blocking", "card_number": card}), ""),
            3 => (json!({"reason": "blocking", card.as_str(): "x"}), ""),
            4 => (json!({"reason": card.parse::<u64>().expect("digits")}), ""),
            5 => (json!(card), ""),
            6 => (json!({"reason": "boredom"}), card.as_str()),
            _ => (json!({"reason": "blocking", "idempotency_key": card}), ""),
        };
        // One session in ten is enough: each waits for the disk.
        let body = if at % 8 == 7 && at % 80 != 7 { json!({"reason": "", "idempotency_key": card}) } else { body };
        let answer = server.public.post(&format!("{path}?card={query}"), &body).await;
        if at % 80 == 7 {
            assert_eq!(answer.status, 201, "{answer:?}");
            opened += 1.0;
        } else {
            assert_problem(&answer, 422, "invalid_request", "a card");
        }
        assert!(!answer.body.contains(&card), "{answer:?}");
        if at % 10 == 0 {
            let request = server.public.request(&Method::GET, &format!("/q/{code}?{card}")).header(COOKIE, &card);
            let request = request.header("User-Agent", &card).header(ACCEPT, "application/json");
            assert_eq!(server.public.send(request, "").await.status, 200);
        }
    }
    let metrics = server.metrics().await;
    assert_eq!(metrics.sum("qnect_sessions_open"), opened);
    server.terminate();
    server.ended(std::time::Duration::from_secs(15)).await;
    let cards: HashSet<u64> = cards.into_iter().collect();
    let stored = files(&folder.data()).into_iter().map(|(path, bytes)| (path.display().to_string(), bytes));
    let places = [("the log".to_owned(), server.stderr().into_bytes()), ("the metrics".to_owned(), metrics.0.into())];
    for (place, bytes) in stored.chain(places) {
        assert_eq!(cards_in(&bytes, &cards), 0, "cards stand in {place}");
    }
    let seen = [b"x4000000000000002y".as_slice(), &4_000_000_000_000_002_u64.to_be_bytes()];
    assert_eq!(seen.map(|bytes| cards_in(bytes, &cards)), [1, 1], "they are found where they stand");
}

/// The card of 16 digits that begins with 4 and ends, before its Luhn digit, with `n`.
fn card(n: u64) -> u64 {
    let payload = 400_000_000_000_000 + n;
    let mut sum = 0;
    for (place, digit) in payload.to_string().bytes().rev().enumerate() {
        let digit = u64::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
        sum += digit / 10 + digit % 10;
    }
    payload * 10 + (10 - sum % 10) % 10
}

/// How many of `cards` stand in `bytes`: in digits, or as a number of eight bytes.
fn cards_in(bytes: &[u8], cards: &HashSet<u64>) -> usize {
    let in_digits = |w: &&[u8]| {
        w.iter().all(u8::is_ascii_digit)
            && std::str::from_utf8(w).is_ok_and(|text| text.parse().is_ok_and(|card| cards.contains(&card)))
    };
    let as_number = |w: &&[u8]| {
        let eight: [u8; 8] = (*w).try_into().expect("eight bytes");
        cards.contains(&u64::from_be_bytes(eight)) || cards.contains(&u64::from_le_bytes(eight))
    };
    bytes.windows(16).filter(in_digits).count() + bytes.windows(8).filter(as_number).count()
}
