//! Memory decides, disk remembers: nothing is acknowledged before its commit, and what needs no disk waits for none.

use std::time::{Duration, Instant};

use qnect_core::instruction::{Announcement, Instruction};
use qnect_core::leg::{LegEnd, LegEvent, ProviderEvent};
use qnect_core::session::State;
use qnect_core::tag::SessionView;
use qnect_storage::Lane;
use tokio::task::JoinHandle;

use super::world::{ALICE, Life, World, dial, digits, leg, per_hour, request, said, soon, until};
use crate::{EngineError, OpenReply};

#[test]
fn a_session_is_told_after_its_commit_and_scans_do_not_wait() {
    let world = World::new();
    let codes = world.register(2);
    world.live(async |life| {
        life.storage.faults().close_gate();
        let opening = {
            let (life, code) = (life.clone(), codes[0]);
            actix::spawn(async move { life.engine.open_session(code, request()).await })
        };
        until("the commit is under way", async || life.storage.faults().holds_a_commit()).await;
        for _ in 0..100 {
            soon("a scan of the same tag", life.scan(codes[0])).await.unwrap();
            soon("a scan of a cold tag", life.scan(codes[1])).await.unwrap();
        }
        assert!(!opening.is_finished(), "told before it was safe");
        life.storage.faults().open_gate();
        let reply = soon("the reply", opening).await.unwrap().unwrap();
        assert!(matches!(reply, OpenReply::Open(_)), "{reply:?}");
    });
}

#[test]
fn a_leg_event_is_acknowledged_after_its_commit_even_when_repeated() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        dial(life.keyed(life.call(ALICE, "leg-1"), &session).await);
        life.storage.faults().close_gate();
        let told = || {
            let (engine, session) = (life.engine.clone(), session.id);
            let event = LegEvent::DialEnded(LegEnd::Busy);
            actix::spawn(async move { engine.provider_event(ProviderEvent::Leg { session, event, leg: None }).await })
        };
        let (first, second) = (told(), told());
        until("the first is under way", async || life.storage.faults().holds_a_commit()).await;
        until("both are known", async || life.counted("qnect_provider_events_stayed_total") == 1).await;
        assert!(!first.is_finished() && !second.is_finished());
        life.storage.faults().open_gate();
        for told in [first, second] {
            let parting = soon("the acknowledgement", told).await.unwrap().unwrap();
            assert_eq!(said(&parting), Announcement::OwnerBusy);
        }
    });
}

#[test]
fn what_comes_after_the_end_is_acknowledged_behind_what_came_before() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        life.engine.cancel_session(session.id).await.unwrap();
        life.storage.faults().close_gate();
        let told = {
            let (engine, session) = (life.engine.clone(), session.id);
            let event = LegEvent::DialEnded(LegEnd::Busy);
            actix::spawn(async move { engine.provider_event(ProviderEvent::Leg { session, event, leg: None }).await })
        };
        until("it is under way", async || life.storage.faults().holds_a_commit()).await;
        assert!(!told.is_finished(), "what it repeats may not be safe yet");
        life.storage.faults().open_gate();
        assert!(soon("the acknowledgement", told).await.unwrap().is_ok());
    });
}

#[test]
fn a_late_commit_withholds_the_dial_and_the_session_waits_again() {
    let mut world = World::new();
    // Nobody pays for the ring that was none.
    world.policy.tag_rings = per_hour(1);
    world.policy.caller_rings = per_hour(1);
    world.policy.owner_rings = per_hour(1);
    let code = world.register(1)[0];
    let session = world.live(async |life| {
        let session = life.open(code).await;
        life.storage.faults().close_gate();
        let started = Instant::now();
        let withheld = life.keyed(life.call(ALICE, "leg-1"), &session).await;
        assert_eq!(said(&withheld), Announcement::TryAgain);
        assert!(started.elapsed() >= Duration::from_millis(2_500), "the commit had its time");
        assert_eq!(life.state(&session).await, State::Waiting);
        assert_eq!(life.counted("qnect_dials_withheld_total"), 1);
        // The leg belongs to no session any more.
        let ended = life.told(ProviderEvent::CallEnded { leg: leg("leg-1") }).await;
        assert_eq!(ended, qnect_core::instruction::Instruction::Acknowledge);
        life.storage.faults().open_gate();
        session
    });
    // What is on disk is that it waits, not that it was dialled.
    world.live(async |life| {
        assert_eq!(life.state(&session).await, State::Waiting);
        dial(life.keyed(life.call(ALICE, "leg-2"), &session).await);
    });
}

#[test]
fn a_withheld_dial_can_be_made_again_at_once() {
    let mut world = World::new();
    world.policy.tag_rings = per_hour(1);
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        life.storage.faults().close_gate();
        let withheld = life.keyed(life.call(ALICE, "leg-1"), &session).await;
        assert_eq!(said(&withheld), Announcement::TryAgain);
        life.storage.faults().open_gate();
        dial(life.keyed(life.call(ALICE, "leg-2"), &session).await);
    });
}

/// One leg's code, keyed once and told twice: the provider repeats its webhook after a while.
async fn keyed_twice(life: &Life, session: &SessionView, after: Duration) -> [JoinHandle<Instruction>; 2] {
    let keyed = || {
        let (life, session) = (life.clone(), session.clone());
        actix::spawn(async move { life.keyed(life.call(ALICE, "leg-1"), &session).await })
    };
    let (first, started) = (keyed(), Instant::now());
    until("the provider repeats itself", async || started.elapsed() >= after).await;
    [first, keyed()]
}

#[test]
fn a_repeated_webhook_does_not_dial_what_was_withheld() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        life.storage.faults().close_gate();
        let [first, repeated] = keyed_twice(&life, &session, Duration::from_secs(1)).await;
        assert_eq!(said(&first.await.unwrap()), Announcement::TryAgain);
        assert!(!repeated.is_finished());
        life.storage.faults().open_gate();
        // Its record is safe in time, but the dial was withheld meanwhile.
        assert_eq!(said(&repeated.await.unwrap()), Announcement::TryAgain);
        assert_eq!(life.state(&session).await, State::Waiting);
    });
}

#[test]
fn a_repeated_webhook_does_not_dial_while_the_disk_stands_still() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        life.storage.faults().close_gate();
        let [first, repeated] = keyed_twice(&life, &session, Duration::from_millis(500)).await;
        assert_eq!(said(&first.await.unwrap()), Announcement::TryAgain);
        assert_eq!(said(&repeated.await.unwrap()), Announcement::TryAgain, "nobody committed a dial");
        life.storage.faults().open_gate();
        assert_eq!(life.state(&session).await, State::Waiting);
        dial(life.keyed(life.call(ALICE, "leg-2"), &session).await);
    });
}

#[test]
fn a_full_queue_leaves_a_session_waiting() {
    let world = World::new();
    let code = world.register(1)[0];
    world.live(async |life| {
        let session = life.open(code).await;
        life.storage.faults().close_gate();
        let mut promises = Vec::new();
        while let Ok(promise) = life.storage.promise(Lane::Webhooks, Vec::new()) {
            promises.push(promise);
        }
        let keyed = life.engine.provider_event(digits(life.call(ALICE, "leg-1"), &session)).await;
        assert_eq!(keyed.unwrap_err(), EngineError::Overloaded);
        assert_eq!(life.engine.open_session(code, request()).await.unwrap_err(), EngineError::Overloaded);
        assert_eq!(life.codes_taken(), 1, "what cannot be recorded is not begun");
        life.storage.faults().open_gate();
        for promise in promises {
            promise.kept().await.unwrap();
        }
        dial(life.keyed(life.call(ALICE, "leg-2"), &session).await);
    });
}

#[test]
fn after_a_failed_commit_nothing_is_acknowledged() {
    let world = World::new();
    let codes = world.register(2);
    let (dialled, waiting) = world.live(async |life| {
        let (dialled, waiting) = (life.open(codes[0]).await, life.open(codes[0]).await);
        dial(life.keyed(life.call(ALICE, "leg-1"), &dialled).await);
        let failed = life.storage.failed();
        assert!(!*failed.borrow());
        life.storage.faults().fail_next_commit();
        let lost = life.engine.open_session(codes[1], request()).await;
        assert_eq!(lost.unwrap_err(), EngineError::Storage);
        until("the store is known to have failed", async || *failed.borrow()).await;

        let session = dialled.id;
        let event = LegEvent::DialEnded(LegEnd::Completed);
        let provider_events = [
            ProviderEvent::Leg { session, event, leg: None },
            ProviderEvent::CallEnded { leg: leg("leg-1") },
            digits(life.call(ALICE, "leg-2"), &waiting),
        ];
        for event in provider_events {
            life.engine.provider_event(event).await.unwrap_err();
        }
        life.engine.open_session(codes[1], request()).await.unwrap_err();
        (dialled, waiting)
    });
    // What was acknowledged before is there.
    world.live(async |life| {
        assert_eq!(life.codes_taken(), 2);
        assert_eq!(life.state(&dialled).await, State::Dialing);
        assert_eq!(life.state(&waiting).await, State::Waiting);
    });
}
