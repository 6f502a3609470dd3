//! A tag leaves memory when nobody needs it, and only then.

use qnect_core::session::State;
use qnect_core::time::Span;
use qnect_storage::Lane;

use super::world::{ALICE, World, dial, until};

fn impatient_world() -> World {
    let mut world = World::new();
    world.tag_idle = Span::from_millis(30);
    world
}

#[test]
fn an_idle_tag_leaves_memory_and_comes_back() {
    let world = impatient_world();
    let codes = world.register(50);
    world.live(async |life| {
        for round in 1..=3 {
            for &code in &codes {
                life.scan(code).await.unwrap();
            }
            until("all tags have left", async || life.engine.active_tags() == 0).await;
            assert!(life.counted("qnect_revivals_total") >= 50 * round);
        }
        assert_eq!(life.counted("qnect_tag_actor_panics_total"), 0);
    });
}

#[test]
fn a_tag_with_open_sessions_stays_until_they_end() {
    let mut world = impatient_world();
    world.policy.session_life = Span::from_secs(4);
    let codes = world.register(2);
    world.live(async |life| {
        let session = life.open(codes[0]).await;
        // The other one comes and goes three times meanwhile.
        for _ in 0..3 {
            life.scan(codes[1]).await.unwrap();
            until("the other tag has left", async || life.engine.active_tags() == 1).await;
            assert_eq!(life.codes_taken(), 1);
        }
        until("the tag has left, too", async || life.engine.active_tags() == 0).await;
        assert_eq!(life.codes_taken(), 0, "only after its session had ended");
        assert_eq!(life.state(&session).await, State::Ended);
    });
}

#[test]
fn a_visit_keeps_a_tag() {
    let world = impatient_world();
    let codes = world.register(2);
    world.live(async |life| {
        let visit = life.engine.enter(codes[0].tag(), Lane::Webhooks).await.unwrap();
        for _ in 0..3 {
            life.scan(codes[1]).await.unwrap();
            until("the other tag has left", async || life.engine.active_tags() == 1).await;
        }
        let stayed = life.engine.inner.registry.visit(codes[0].tag(), Lane::Webhooks);
        assert!(stayed.is_some(), "the tag that is visited left memory");
        drop((visit, stayed));
        until("nobody keeps it", async || life.engine.active_tags() == 0).await;
    });
}

#[test]
fn a_revived_tag_has_the_same_sessions() {
    let mut world = impatient_world();
    let code = world.register(1)[0];
    let (waiting, dialled) = world.live(async |life| {
        let (waiting, dialled) = (life.open(code).await, life.open(code).await);
        dial(life.keyed(life.call(ALICE, "leg-1"), &dialled).await);
        (waiting, dialled)
    });
    world.tag_idle = Span::from_millis(10);
    let after = waiting.expires_at.plus(Span::HOUR);
    world.live_from(after, async |life| {
        for _ in 0..5 {
            life.no_code_is_taken().await;
            until("the tag has left", async || life.engine.active_tags() == 0).await;
            assert_eq!(life.engine.session(waiting.id).await.unwrap().id, waiting.id);
            assert_eq!(life.state(&dialled).await, State::Ended);
        }
        assert_eq!(life.counted("qnect_session_outcomes_total"), 2, "each ended once");
    });
}

#[test]
fn visits_and_retirements_at_once_lose_nothing() {
    let mut world = World::new();
    world.tag_idle = Span::from_millis(1);
    let codes = world.register(4);
    world.live(async |life| {
        for _ in 0..500 {
            for &code in &codes {
                life.scan(code).await.unwrap();
            }
        }
        until("all tags have left", async || life.engine.active_tags() == 0).await;
        assert_eq!(life.counted("qnect_tag_actor_panics_total"), 0);
    });
}
