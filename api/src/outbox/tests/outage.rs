//! A provider that is away: how little it is asked, and that it is found again.

use std::time::Duration;

use qnect_core::provider_request::Operation;
use tokio::net::TcpListener;

use super::server::{Reply, Server, nobody};
use super::{Outcome, PLIVO_NUMBER, World, freeze, pass, request, while_time_passes};

const SECOND: Duration = Duration::from_secs(1);
const TENTH: Duration = Duration::from_millis(100);

#[tokio::test]
async fn an_outage_costs_ten_failures_and_then_one_request_a_second() {
    let _frozen = freeze();
    let mut server = Server::start(|_| Reply::status(503)).await;
    let world = World::plivo(&server.origin);
    // Ten a second for ten seconds.
    let mut asked = Vec::new();
    for _ in 0..10 {
        for _ in 0..10 {
            world.outbox.ask(request(PLIVO_NUMBER, Operation::HangUp));
            pass(TENTH).await;
        }
        asked.push(server.waiting());
    }
    // Within the first second ten first tries, and at most one second try that they paid for.
    assert!((10..=11).contains(&asked[0]), "{asked:?}");
    assert!(asked[1..].iter().all(|&n| n <= 1), "{asked:?}");
    assert!(asked[1..].iter().sum::<usize>() >= 8, "it is looked after: {asked:?}");
}

#[tokio::test]
async fn a_provider_that_hangs_opens_the_circuit_by_time() {
    let _frozen = freeze();
    let mut server = Server::start(|_| Reply::Nothing).await;
    let world = World::plivo(&server.origin);
    for _ in 0..2 {
        assert_eq!(while_time_passes(world.deliver(Operation::HangUp)).await, Outcome::Failed);
    }
    assert_eq!(server.waiting(), 2);
    assert_eq!(world.deliver(Operation::HangUp).await, Outcome::CircuitOpen);
    assert_eq!(server.waiting(), 0);
}

#[tokio::test]
async fn a_provider_that_comes_back_is_found_by_a_probe() {
    let _frozen = freeze();
    let origin = nobody().await;
    let world = World::plivo(&origin);
    for _ in 0..10 {
        assert_eq!(while_time_passes(world.deliver(Operation::HangUp)).await, Outcome::Failed);
    }
    assert_eq!(world.deliver(Operation::HangUp).await, Outcome::CircuitOpen);
    pass(SECOND).await;
    assert_eq!(world.deliver(Operation::HangUp).await, Outcome::Failed, "the probe");
    assert_eq!(world.deliver(Operation::HangUp).await, Outcome::CircuitOpen);

    let listener = TcpListener::bind(origin.trim_start_matches("http://")).await.expect("the address is free again");
    let mut server = Server::on(listener, None, |_| Reply::status(204));
    assert_eq!(world.deliver(Operation::HangUp).await, Outcome::CircuitOpen, "it is not asked before its time");
    pass(SECOND).await;
    world.save_up(20).await;
    assert_eq!(server.waiting(), 20);
}

#[tokio::test]
async fn refusals_are_answers_and_open_nothing() {
    let _frozen = freeze();
    let mut server = Server::start(|_| Reply::status(401)).await;
    let world = World::plivo(&server.origin);
    for _ in 0..30 {
        assert_eq!(world.deliver(Operation::HangUp).await, Outcome::Refused);
    }
    assert_eq!(server.waiting(), 30);
}
