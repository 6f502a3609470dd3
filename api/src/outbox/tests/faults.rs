//! A provider that refuses, hangs, is slow, babbles or has enough.

use std::time::Duration;

use qnect_core::provider_request::Operation;
use qnect_providers::rest::{Plivo, Twilio};
use tokio::net::TcpListener;

use super::super::REQUESTS_MAX;
use super::super::courier::UNDER_WAY_MAX;
use super::super::wire::TRY_MAX;
use super::server::{Reply, Server, nobody};
use super::{Outcome, PLIVO_NUMBER, TWILIO_NUMBER, World, account, freeze, pass, request, settle, while_time_passes};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// A server that does `reply` after ten requests that were done, and a world that has saved up for a second try.
async fn saved_up(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Server, World) {
    let mut server = Server::start(move |n| if n < 10 { Reply::status(204) } else { reply(n - 10) }).await;
    let world = World::plivo(&server.origin);
    world.save_up(10).await;
    assert_eq!(server.waiting(), 10);
    (server, world)
}

#[tokio::test]
async fn a_failure_is_tried_a_second_time_and_no_third() {
    let _frozen = freeze();
    let (mut server, world) = saved_up(|n| Reply::status(if n == 0 { 500 } else { 204 })).await;
    assert_eq!(while_time_passes(world.deliver(Operation::HangUp)).await, Outcome::Done);
    assert_eq!(server.waiting(), 2);

    let (mut server, world) = saved_up(|_| Reply::status(500)).await;
    assert_eq!(while_time_passes(world.deliver(Operation::HangUp)).await, Outcome::Failed);
    assert_eq!(server.waiting(), 2);
    assert_eq!(world.deliver(Operation::HangUp).await, Outcome::Failed);
    assert_eq!(server.waiting(), 1, "what was saved up is spent");
}

#[tokio::test]
async fn whatever_is_no_answer_is_a_failure() {
    let _frozen = freeze();
    for reply in [
        Reply::Bytes(""),
        Reply::Bytes("\u{0}\u{1}what?"),
        Reply::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it"),
        Reply::Bytes("HTTP/1.1 99999 X\r\n\r\n"),
        Reply::json(&format!(r#"{{"call_uuid":"{}","end_time":null}}"#, "x".repeat(100_000))),
        Reply::json("[1,2"),
    ] {
        let what = format!("{reply:.60?}");
        let server = Server::start(move |_| reply.clone()).await;
        let world = World::plivo(&server.origin);
        assert_eq!(world.deliver(Operation::FetchCall).await, Outcome::Failed, "{what}");
    }
    let world = World::plivo(&nobody().await);
    assert_eq!(world.deliver(Operation::HangUp).await, Outcome::Failed, "nobody listens");
}

#[tokio::test]
async fn a_provider_that_keeps_silent_has_its_time() {
    let _frozen = freeze();
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let half_open = format!("http://{}", deaf.local_addr().unwrap());
    let silent = Server::start(|_| Reply::Nothing).await;
    let slow = Server::start(|_| Reply::Stops("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")).await;
    let slow_head = Server::start(|_| Reply::Stops("HTTP/1.1 200 OK\r\ncontent-le")).await;
    for origin in [&half_open, &silent.origin, &slow.origin, &slow_head.origin] {
        let world = World::plivo(origin);
        let (outbox, asked) = (world.outbox.clone(), request(PLIVO_NUMBER, Operation::FetchCall));
        let delivered = tokio::spawn(async move { outbox.deliver(asked).await });
        pass(TRY_MAX - MS).await;
        assert!(!delivered.is_finished());
        assert_eq!(while_time_passes(delivered).await.unwrap(), Outcome::Failed);
    }
}

#[tokio::test]
async fn a_provider_that_has_enough_for_a_second_is_asked_again_after_it() {
    let _frozen = freeze();
    let (mut server, world) = saved_up(|n| match n {
        0 => Reply::retry_after(429, "retry-after: 1\r\n"),
        _ => Reply::status(204),
    })
    .await;
    let (outbox, asked) = (world.outbox.clone(), request(PLIVO_NUMBER, Operation::HangUp));
    let delivered = tokio::spawn(async move { outbox.deliver(asked).await });
    settle().await;
    assert_eq!(server.waiting(), 1);
    pass(SECOND - MS).await;
    assert_eq!(world.deliver(Operation::HangUp).await, Outcome::CircuitOpen, "nobody else asks meanwhile");
    assert_eq!(server.waiting(), 0);
    assert_eq!(while_time_passes(delivered).await.unwrap(), Outcome::Done);
    assert_eq!(server.waiting(), 1);
}

#[tokio::test]
async fn a_provider_that_has_enough_for_longer_is_left_alone_for_so_long() {
    let _frozen = freeze();
    let (mut server, world) = saved_up(|n| match n {
        0 => Reply::retry_after(503, "retry-after: 30\r\n"),
        _ => Reply::status(204),
    })
    .await;
    assert_eq!(world.deliver(Operation::HangUp).await, Outcome::Failed, "without a second try");
    pass(30 * SECOND - MS).await;
    assert_eq!(world.deliver(Operation::HangUp).await, Outcome::CircuitOpen);
    assert_eq!(server.waiting(), 1);
    pass(MS).await;
    assert_eq!(world.deliver(Operation::HangUp).await, Outcome::Done);
    assert_eq!(world.deliver(Operation::HangUp).await, Outcome::Done, "one success closes the circuit");
}

#[tokio::test]
async fn a_wish_that_is_no_time_is_none() {
    let _frozen = freeze();
    for field in ["retry-after: 0\r\n", "retry-after: soon\r\n", "retry-after: -1\r\n", "retry-after: \r\n"] {
        let (mut server, world) = saved_up(move |n| match n {
            0 => Reply::retry_after(429, field),
            _ => Reply::status(204),
        })
        .await;
        assert_eq!(while_time_passes(world.deliver(Operation::HangUp)).await, Outcome::Done, "{field}");
        assert_eq!(server.waiting(), 2);
    }
}

#[tokio::test]
async fn requests_under_way_and_requests_that_wait_are_bounded() {
    let _frozen = freeze();
    let mut server = Server::start(|_| Reply::Nothing).await;
    let world = World::plivo(&server.origin);
    // One more is in the courier's hand, and waits for a place.
    let taken = UNDER_WAY_MAX + 1 + REQUESTS_MAX;
    for round in 0..taken {
        world.outbox.ask(request(PLIVO_NUMBER, Operation::HangUp));
        // The courier takes what it can before the lane is filled.
        if round <= UNDER_WAY_MAX {
            settle().await;
        }
    }
    settle().await;
    assert_eq!(server.waiting(), UNDER_WAY_MAX);
    assert_eq!(world.deliver(Operation::HangUp).await, Outcome::Dropped);
}

#[tokio::test]
async fn a_provider_that_hangs_holds_up_no_other() {
    let _frozen = freeze();
    let hangs = Server::start(|_| Reply::Nothing).await;
    let answers = Server::start(|_| Reply::json("{}")).await;
    let world = World::of(vec![account(&Plivo, &hangs.origin), account(&Twilio, &answers.origin)]);
    for _ in 0..REQUESTS_MAX {
        world.outbox.ask(request(PLIVO_NUMBER, Operation::HangUp));
    }
    settle().await;
    assert_eq!(world.outbox.deliver(request(TWILIO_NUMBER, Operation::HangUp)).await, Outcome::Done);
}
