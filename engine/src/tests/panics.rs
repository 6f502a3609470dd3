//! A panic loses one actor, and nothing else.

use qnect_core::session::State;
use qnect_core::tag_code::TagCode;
use qnect_storage::Lane;

use super::world::{ALICE, Life, WORKERS, World, dial, request, soon, until};
use crate::messages::Panic;
use crate::{EngineError, OpenReply};

#[test]
fn a_panic_loses_its_tag_and_others_answer() {
    let world = World::new();
    let codes = world.register(40);
    world.live(async |life| {
        for &code in &codes {
            life.scan(code).await.unwrap();
        }
        for worker in 0..WORKERS {
            let here = |code: &&TagCode| life.worker_of(code.tag()) == worker;
            let victim = *codes.iter().find(here).unwrap();
            let session = life.open(victim).await;
            let visit = life.engine.enter(victim.tag(), Lane::Webhooks).await.unwrap();
            let standing_still = life.stop_worker_of(victim);
            let (panicked, behind, also_behind, ()) = tokio::join!(
                biased;
                visit.tell(Panic),
                life.scan(victim),
                life.engine.session(session.id),
                // All of them wait in the mailbox now.
                async { drop(standing_still) },
            );
            assert_eq!(panicked.unwrap_err(), EngineError::ActorLost);
            assert_eq!(behind.unwrap_err(), EngineError::ActorLost);
            assert_eq!(also_behind.unwrap_err(), EngineError::ActorLost);
            let late = visit.tell(Panic).await;
            assert_eq!(late.unwrap_err(), EngineError::ActorLost, "an old visit finds nobody");
            drop(visit);
            for &code in &codes {
                soon("a neighbour", life.scan(code)).await.unwrap();
            }
            assert_eq!(life.state(&session).await, State::Waiting);
            dial(life.keyed(life.call(ALICE, "leg-1"), &session).await);
            assert_eq!(life.counted("qnect_tag_actor_panics_total"), worker as u64 + 1);
        }
    });
}

#[test]
fn a_tag_with_open_sessions_comes_back_without_a_visit() {
    let mut world = World::new();
    world.policy.session_life = qnect_core::time::Span::from_secs(2);
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        assert_eq!(life.counted("qnect_revivals_total"), 1);
        lose(&life, code).await;
        until("the tag is back", async || life.counted("qnect_revivals_total") == 2).await;
        // And its clock runs.
        life.no_code_is_taken().await;
        assert_eq!(life.state(&session).await, State::Ended);
    });
}

#[test]
fn a_tag_without_open_sessions_waits_for_its_next_visit() {
    let world = World::new();
    let codes = world.register(2);
    world.live(async |life| {
        life.scan(codes[0]).await.unwrap();
        lose(&life, codes[0]).await;
        until("the loss is known", async || life.engine.active_tags() == 0).await;
        life.scan(codes[1]).await.unwrap();
        assert_eq!(life.engine.active_tags(), 1);
        life.scan(codes[0]).await.unwrap();
        assert_eq!(life.engine.active_tags(), 2);
    });
}

#[test]
fn three_losses_in_a_row_quarantine_a_tag() {
    let world = World::new();
    let codes = world.register(20);
    world.live(async |life| {
        for _ in 0..3 {
            lose(&life, codes[0]).await;
        }
        let reads = life.counted("qnect_store_reads_total");
        assert_eq!(reads, 3);
        for _ in 0..10 {
            assert_eq!(life.scan(codes[0]).await.unwrap_err(), EngineError::ActorLost);
        }
        assert_eq!(life.counted("qnect_store_reads_total"), reads, "and no store is read");
        for &code in &codes[1..] {
            life.scan(code).await.unwrap();
        }
    });
}

#[test]
fn what_was_promised_before_a_panic_is_kept_by_the_revived_tag() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        life.scan(code).await.unwrap();
        life.storage.faults().close_gate();
        let opening = {
            let life = life.clone();
            actix::spawn(async move { life.engine.open_session(code, request()).await })
        };
        until("the session's record is under way", async || {
            life.storage.faults().holds_a_commit() && life.codes_taken() == 1
        })
        .await;
        lose(&life, code).await;
        let scanning = {
            let life = life.clone();
            actix::spawn(async move { life.scan(code).await })
        };
        until("somebody reads the tag back", async || life.engine.active_tags() == 1).await;
        life.storage.faults().open_gate();
        let OpenReply::Open(session) = opening.await.unwrap().unwrap() else { panic!("refused") };
        scanning.await.unwrap().unwrap();
        assert_eq!(life.state(&session).await, State::Waiting);
        dial(life.keyed(life.call(ALICE, "leg-1"), &session).await);
    });
}

async fn lose(life: &Life, code: TagCode) {
    let visit = life.engine.enter(code.tag(), Lane::Webhooks).await.unwrap();
    let losses = life.counted("qnect_tag_actor_panics_total");
    assert_eq!(visit.tell(Panic).await.unwrap_err(), EngineError::ActorLost);
    until("the loss is counted", async || life.counted("qnect_tag_actor_panics_total") > losses).await;
}
