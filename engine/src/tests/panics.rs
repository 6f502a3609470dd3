//! A panic loses one actor, and nothing else.

use std::cell::{Cell, RefCell};

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

#[test]
fn a_crowd_loses_nothing_that_was_acknowledged_while_one_tag_after_the_other_panics() {
    // At once, messages in all, of which each so many is a panic, and each so many opens a session.
    const STRANGERS: u64 = 32;
    const MESSAGES: u64 = 20_000;
    const PANIC_EVERY: u64 = 200;
    const SESSION_EVERY: u64 = 5;
    let mut world = World::new();
    world.digits = 9;
    // A prime number of tags, so that panics and sessions come to all of them: one that is lost three times stays away.
    let codes = world.register(509);
    world.live(async |life| {
        let (next, lost, opened) = (Cell::new(0), Cell::new(0), RefCell::new(Vec::new()));
        let stranger = async || {
            loop {
                let nth = next.replace(next.get() + 1);
                if nth >= MESSAGES {
                    return;
                }
                let code = codes[(nth * 7 % codes.len() as u64) as usize];
                let asked = async {
                    if nth % PANIC_EVERY == PANIC_EVERY - 1 {
                        let told = life.engine.enter(code.tag(), Lane::Webhooks).await?.tell(Panic).await;
                        assert_eq!(told.unwrap_err(), EngineError::ActorLost);
                    } else if nth.is_multiple_of(SESSION_EVERY) {
                        let reply = life.engine.open_session(code, request()).await?;
                        let OpenReply::Open(session) = reply else { panic!("refused: {reply:?}") };
                        opened.borrow_mut().push((code, session));
                    } else {
                        life.scan(code).await?;
                    }
                    Ok(())
                };
                match soon("an answer", asked).await {
                    Ok(()) => {}
                    Err(EngineError::ActorLost) => lost.update(|lost| lost + 1),
                    Err(other) => panic!("{other}"),
                }
            }
        };
        futures_util::future::join_all((0..STRANGERS).map(|_| stranger())).await;
        let panics = MESSAGES / PANIC_EVERY;
        until("every loss is counted", async || life.counted("qnect_tag_actor_panics_total") >= panics).await;
        assert_eq!(life.counted("qnect_tag_actor_panics_total"), panics);
        assert!(lost.get() <= panics * STRANGERS, "a panic loses what waits at its tag: {}", lost.get());
        let opened = opened.into_inner();
        let asked_for = MESSAGES / SESSION_EVERY;
        assert!((asked_for - lost.get()..=asked_for).contains(&(opened.len() as u64)), "{} opened", opened.len());
        for (_, session) in &opened {
            assert_eq!(life.state(session).await, State::Waiting);
        }
        // Each tag rings for the last code that was given.
        for code in codes {
            let last = opened.iter().rev().find(|(at, _)| *at == code);
            if let Some((_, session)) = last {
                dial(life.keyed(life.call(ALICE, &format!("leg-{}", session.id)), session).await);
            }
        }
    });
}

#[test]
fn nothing_that_was_acknowledged_is_lost_and_no_code_leaks_at_whatever_point_a_message_panics() {
    // At once, messages in all, of which each so many panics, and each so many opens a session.
    const STRANGERS: u64 = 32;
    const MESSAGES: u64 = 1_500;
    const PANIC_EVERY: u64 = 29;
    const SESSION_EVERY: u64 = 5;
    let mut world = World::new();
    world.digits = 9;
    world.policy.session_life = qnect_core::time::Span::from_secs(4);
    let codes = world.register(509);
    world.live(async |life| {
        let (next, lost, opened) = (Cell::new(0), Cell::new(0), RefCell::new(Vec::new()));
        let stranger = async || {
            loop {
                let nth = next.replace(next.get() + 1);
                if nth >= MESSAGES {
                    return;
                }
                let code = codes[(nth * 7 % codes.len() as u64) as usize];
                let asked = async {
                    if nth.is_multiple_of(SESSION_EVERY) {
                        let reply = life.engine.open_session(code, request()).await?;
                        let OpenReply::Open(session) = reply else { panic!("refused: {reply:?}") };
                        opened.borrow_mut().push(session);
                    } else {
                        life.scan(code).await?;
                    }
                    Ok(())
                };
                match soon("an answer", asked).await {
                    Ok(()) => {}
                    Err(EngineError::ActorLost) => lost.update(|lost| lost + 1),
                    Err(other) => panic!("{other}"),
                }
            }
        };
        life.engine.inner.panics.set(PANIC_EVERY);
        futures_util::future::join_all((0..STRANGERS).map(|_| stranger())).await;
        life.engine.inner.panics.set(0);
        let panics = MESSAGES / PANIC_EVERY;
        until("every loss is counted", async || life.counted("qnect_tag_actor_panics_total") >= panics).await;
        assert!(lost.get() > 0, "whoever waits for a reply of a message that panics is told so");
        // Some may have been lost three times, at their own start for instance.
        life.engine.inner.registry.losses.pardon();
        for session in opened.into_inner() {
            assert!(life.engine.session(session.id).await.is_ok(), "a session is unknown that somebody was given");
        }
        // Those that nobody heard of among them: on disk, or never there.
        life.no_code_is_taken().await;
    });
}

async fn lose(life: &Life, code: TagCode) {
    let visit = life.engine.enter(code.tag(), Lane::Webhooks).await.unwrap();
    let losses = life.counted("qnect_tag_actor_panics_total");
    assert_eq!(visit.tell(Panic).await.unwrap_err(), EngineError::ActorLost);
    until("the loss is counted", async || life.counted("qnect_tag_actor_panics_total") > losses).await;
}
