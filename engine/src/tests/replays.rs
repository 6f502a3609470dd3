//! The same request made twice opens one session.

use qnect_core::session::Idempotency;
use qnect_core::tag_code::TagCode;
use tokio::task::JoinSet;

use super::world::{Life, World, request, soon, until};
use crate::{EngineError, OpenReply, SessionRequest};

fn named(key: u8, body: u8) -> SessionRequest {
    SessionRequest { idempotency: Some(Idempotency { key: [key; 16], body: [body; 16] }), ..request() }
}

/// Asks until it is let in.
async fn asked(life: Life, code: TagCode, request: SessionRequest) -> OpenReply {
    loop {
        match life.engine.open_session(code, request.clone()).await {
            Err(EngineError::Overloaded) => tokio::task::yield_now().await,
            reply => return reply.unwrap(),
        }
    }
}

#[test]
fn fifty_equal_requests_at_once_open_one_session() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let mut requests = JoinSet::new();
        for _ in 0..50 {
            requests.spawn_local(asked(life.clone(), code, named(1, 1)));
        }
        let replies = requests.join_all().await;
        assert!(matches!(replies[0], OpenReply::Open(_)));
        assert!(replies.iter().all(|reply| *reply == replies[0]), "all got the same session");
        assert_eq!(life.codes_taken(), 1, "the leases of the others are free again");

        let other_body = asked(life.clone(), code, named(1, 2)).await;
        assert_eq!(other_body, OpenReply::IdempotencyConflict);
        let other_key = asked(life.clone(), code, named(2, 1)).await;
        assert!(matches!(&other_key, OpenReply::Open(_)) && other_key != replies[0]);
        assert_eq!(life.codes_taken(), 2);
    });
}

#[test]
fn a_request_is_known_again_after_a_restart() {
    let world = World::new();
    let code = world.register(1)[0];
    let first = world.live(async |life| asked(life, code, named(1, 1)).await);
    world.live(async |life| {
        assert_eq!(asked(life.clone(), code, named(1, 1)).await, first);
        assert_eq!(life.codes_taken(), 1);
    });
}

#[test]
fn a_repeated_request_is_not_answered_before_the_commit_of_the_first() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        life.storage.faults().close_gate();
        let first = actix::spawn(asked(life.clone(), code, named(1, 1)));
        until("the first is under way", async || life.storage.faults().holds_a_commit()).await;
        let depth = life.storage.commit_queue_depth();
        let repeated = actix::spawn(asked(life.clone(), code, named(1, 1)));
        until("the repeated one is decided", async || {
            repeated.is_finished() || life.storage.commit_queue_depth() > depth
        })
        .await;
        assert!(!first.is_finished() && !repeated.is_finished(), "told before it was safe");
        life.storage.faults().open_gate();
        let first = soon("the first reply", first).await.unwrap();
        assert_eq!(soon("the repeated reply", repeated).await.unwrap(), first);
        assert_eq!(life.codes_taken(), 1);
    });
}
