//! Bounds: one hot tag, too many tags, tags that nobody knows, clients that leave.

use qnect_core::tag_code::{TagCode, TagId};
use qnect_storage::Lane;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::world::{WORKERS, World, request, soon, until};
use crate::clock::Clock;
use crate::registry::{Entrance, Registry, visits_max};
use crate::{EngineError, OpenReply, VISITS_PER_TAG_MAX};

const VISITORS: usize = 10_000;

#[test]
fn ten_thousand_scans_of_one_tag_starve_no_other() {
    let world = World::new();
    let codes = world.register(20);
    world.live(async |life| {
        for &code in &codes {
            life.scan(code).await.unwrap();
        }
        let hot = codes[0];
        let (answers, mut answered) = mpsc::unbounded_channel();
        let flood = life.clone();
        life.workers.on_each(move |_| {
            let (life, answers) = (flood.clone(), answers.clone());
            async move {
                for _ in 0..VISITORS / WORKERS {
                    let (life, answers) = (life.clone(), answers.clone());
                    actix::spawn(async move { answers.send(life.scan(hot).await).unwrap() });
                }
            }
        });
        // Both workers are busy with the flood: every other tag answers meanwhile.
        let mut flooding = true;
        let (mut admitted, mut refused) = (0, 0);
        while flooding {
            for &code in &codes[1..] {
                soon("another tag", life.scan(code)).await.unwrap();
            }
            while let Ok(answer) = answered.try_recv() {
                match answer {
                    Ok(_) => admitted += 1,
                    Err(EngineError::Overloaded) => refused += 1,
                    Err(other) => panic!("{other}"),
                }
            }
            flooding = admitted + refused < VISITORS;
        }
        assert!(admitted > 0);
        assert_eq!(life.counted("qnect_visits_refused_total"), refused as u64);
        assert_eq!(life.counted("qnect_tag_actor_panics_total"), 0);
        life.scan(hot).await.unwrap();
    });
}

#[test]
fn never_more_visits_than_allowed_are_inside_and_calls_have_places_of_their_own() {
    let world = World::new();
    let codes = world.register(20);
    world.live(async |life| {
        let hot = codes[0].tag();
        let mut inside = Vec::new();
        for (lane, max) in [(Lane::Scans, 24), (Lane::Sessions, 28), (Lane::Webhooks, VISITS_PER_TAG_MAX as usize)] {
            assert_eq!(visits_max(lane) as usize, max);
            while let Ok(visit) = life.engine.enter(hot, lane).await {
                inside.push(visit);
            }
            assert_eq!(inside.len(), max, "{lane:?}");
        }
        assert_eq!(life.scan(codes[0]).await.unwrap_err(), EngineError::Overloaded);
        for &code in &codes[1..] {
            soon("another tag", life.scan(code)).await.unwrap();
        }
        drop(inside);
        life.scan(codes[0]).await.unwrap();
    });
}

#[test]
fn whoever_waits_for_a_commit_keeps_nobody_out() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        life.scan(code).await.unwrap();
        life.storage.faults().close_gate();
        let mut waiting = JoinSet::new();
        for _ in 0..20 {
            let life = life.clone();
            waiting.spawn_local(async move { life.engine.open_session(code, request()).await });
        }
        until("all wait for the disk", async || life.codes_taken() == 20).await;
        for _ in 0..100 {
            soon("a scan", life.scan(code)).await.unwrap();
        }
        life.storage.faults().open_gate();
        let replies = waiting.join_all().await;
        assert!(replies.iter().all(|reply| matches!(reply, Ok(OpenReply::Open(_)))));
    });
}

#[test]
fn no_more_tags_than_allowed_are_in_memory() {
    let mut world = World::new();
    world.active_tags_max = 3;
    world.tag_idle = qnect_core::time::Span::from_millis(200);
    let codes = world.register(5);
    world.live(async |life| {
        // A tag with an open session stays.
        life.open(codes[0]).await;
        life.scan(codes[1]).await.unwrap();
        life.scan(codes[2]).await.unwrap();
        assert_eq!(life.scan(codes[3]).await.unwrap_err(), EngineError::Overloaded);
        assert_eq!(life.engine.active_tags(), 3);
        life.scan(codes[0]).await.unwrap();
        until("an idle tag makes room", async || life.scan(codes[4]).await.is_ok()).await;
        assert!(life.engine.active_tags() <= 3);
    });
}

#[test]
fn unknown_tags_read_the_store_once() {
    let world = World::new();
    world.register(1);
    world.live(async |life| {
        let keys = life.storage.keys().clone();
        let unknown = TagCode::of(TagId::from_random(keys.checks().current(), 42), keys.checks()).unwrap();
        for _ in 0..100 {
            assert_eq!(life.scan(unknown).await.unwrap_err(), EngineError::UnknownTag);
            let open = life.engine.open_session(unknown, request()).await;
            assert_eq!(open.unwrap_err(), EngineError::UnknownTag);
        }
        assert_eq!(life.counted("qnect_store_reads_total"), 1);
        assert_eq!(life.counted("qnect_revivals_total"), 0);
        assert_eq!(life.engine.active_tags(), 0);
        assert_eq!(life.codes_taken(), 0);
    });
}

#[test]
fn many_at_once_at_one_cold_tag_read_the_store_once() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let mut visitors = JoinSet::new();
        for _ in 0..visits_max(Lane::Scans) {
            let life = life.clone();
            visitors.spawn_local(async move { life.scan(code).await });
        }
        assert!(visitors.join_all().await.iter().all(Result::is_ok));
        assert_eq!(life.counted("qnect_store_reads_total"), 1);
        assert_eq!(life.counted("qnect_revivals_total"), 1);
    });
}

#[test]
fn a_client_that_leaves_while_it_loads_a_tag_holds_up_nobody() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        for _ in 0..50 {
            let leaving = life.scan(code);
            let staying = {
                let life = life.clone();
                async move { life.scan(code).await }
            };
            let mut leaving = Box::pin(leaving);
            // Polled once, the first visitor fetches the tag, unless it is there; then it leaves.
            let _ = poll_once(&mut leaving).await;
            let staying = actix::spawn(staying);
            drop(leaving);
            soon("the other visitor", staying).await.unwrap().unwrap();
        }
    });
}

#[test]
fn a_dropped_loader_wakes_all_who_wait_for_it() {
    let registry = Registry::new(10, Clock::of_machine().expect("a right clock"));
    let tag = TagId::from_random(0, 1);
    let Ok(Entrance::Load(loader)) = registry.enter(tag, Lane::Scans) else { panic!("the first one loads") };
    let mut waiting = Vec::new();
    for _ in 0..VISITS_PER_TAG_MAX {
        let Ok(Entrance::Wait(wait)) = registry.enter(tag, Lane::Scans) else { panic!("the next ones wait") };
        waiting.push(wait);
    }
    assert!(matches!(registry.enter(tag, Lane::Scans), Err(EngineError::Overloaded)));
    drop(loader);
    for mut wait in waiting {
        assert_eq!(wait.try_recv(), Ok(Ok(())));
    }
    assert_eq!(registry.len(), 0);
    let Ok(Entrance::Load(loader)) = registry.enter(tag, Lane::Scans) else { panic!("one of them loads") };
    let Ok(Entrance::Wait(mut wait)) = registry.enter(tag, Lane::Scans) else { panic!("another one waits") };
    loader.fail(&EngineError::Storage);
    assert_eq!(wait.try_recv(), Ok(Err(EngineError::Storage)), "and hears of a failure");
    assert_eq!(registry.len(), 0);
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        let polled = std::pin::Pin::new(&mut *future).poll(context);
        std::task::Poll::Ready(match polled {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
