//! A kill at peak: all callers and all webhooks of all calls come back at once, and everybody is answered.

use std::cell::RefCell;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use qnect_core::leg::{LegEnd, LegEvent};

use crate::driver::{open, take};
use crate::exchange::Door;
use crate::oracle::{Id, Oracle};
use crate::possible::Told;
use crate::random::{Random, amount, seed};
use crate::script::Step;
use crate::server::Server;
use crate::yard::{MEMTABLE_USUAL, Yard};

/// Calls that are on when the server is killed; as many sessions wait for theirs.
const CALLS: usize = 300;
/// Clients at once before the kill; after it, there is no limit.
const AT_ONCE: usize = 32;
/// How often a provider sends a webhook that is answered with a 5xx: our URLs ask it to.
const TRIES: usize = 3;
/// What is left of a call.
const REST: [Step; 5] = [
    Step::Tell(LegEvent::OwnerAnswered),
    Step::Tell(LegEvent::OwnerAccepted),
    Step::Tell(LegEvent::OwnerLegEnded(LegEnd::Completed)),
    Step::Tell(LegEvent::DialEnded(LegEnd::Completed)),
    Step::Tell(LegEvent::ScannerLegEnded),
];

#[tokio::test]
async fn all_who_come_back_at_once_are_answered() {
    let (seed, calls) = (seed(), amount("QNECT_CALLS", CALLS));
    let mut yard = Yard::new(seed, 2 * calls, MEMTABLE_USUAL);
    let server = Server::start(&yard.folder);
    let door = Door::at(server.address);
    let (oracle, codes) = (&yard.oracle, yard.codes.clone());
    let opened = codes.iter().enumerate().map(async |(n, code)| {
        let (id, told) = open(code, "once", &door, oracle).await;
        assert_eq!(told, Some(Told::Ok));
        if n < calls {
            answered(id, Step::Key, &door, oracle).await;
        }
        id
    });
    let ids: Vec<Id> = stream::iter(opened).buffer_unordered(AT_ONCE).collect().await;
    server.kill();

    let server = Server::start(&yard.folder);
    let door = Door::at(server.address);
    let return_at_once = ids.iter().map(async |&id| {
        // Those who waited dial now; of those who were in a call, the provider tells the code once more.
        answered(id, Step::Key, &door, oracle).await;
        for step in REST {
            answered(id, step, &door, oracle).await;
        }
    });
    join_all(return_at_once).await;
    yard.settle(&server).await;
    server.kill();

    let server = Server::start(&yard.folder);
    yard.inspect(&server, &mut Random::of(seed, u64::MAX), usize::MAX).await;
    assert_eq!(server.metrics().await.sum("qnect_sessions_open"), 0.0, "every call came to its end");
    println!("{}", yard.oracle.borrow().tally);
    yard.oracle.borrow().assert_faultless(&format!("QNECT_SEED={seed}"));
    assert_eq!(yard.oracle.borrow().acknowledged().len(), 2 * calls);
}

/// Sends a step as often as a provider does, until it is answered.
async fn answered(id: Id, step: Step, door: &Door, oracle: &RefCell<Oracle>) {
    for _ in 0..TRIES {
        if take(id, step, door, oracle).await == Some(Told::Ok) {
            return;
        }
    }
    panic!("{step:?} of session {id} was not answered: {}", oracle.borrow().tally);
}
