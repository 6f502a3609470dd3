//! After a restart: everything that was promised is asked for again, and the books say what is wrong.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;

use crate::driver::{open, take};
use crate::exchange::Door;
use crate::oracle::{Id, Oracle, Seen};
use crate::possible::Told;
use crate::random::Random;
use crate::script::Step;
use crate::server::Server;
use crate::yard::Yard;

/// Questions at once.
const AT_ONCE: usize = 16;
/// How long sessions whose call is over may take until their outcome is published, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often they are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Yard {
    /// Reads back what was touched since the last time, and `sample` of the sessions before; then asks again for what was
    /// touched and must be answered as before.
    pub(crate) async fn inspect(&mut self, server: &Server, random: &mut Random, sample: usize) {
        let (touched, known) = {
            let mut oracle = self.oracle.borrow_mut();
            (oracle.touched(), oracle.acknowledged())
        };
        let mut ids: Vec<Id> = touched.iter().copied().filter(|id| known.binary_search(id).is_ok()).collect();
        if sample < known.len() {
            ids.extend((0..sample).map(|_| known[random.below(known.len())]));
        } else {
            ids = known;
        }
        let door = Door::at(server.address);
        self.count_open(server).await;
        self.read_back(&door, &ids).await;
        self.operator.inspect(&self.oracle).await;
        repeat(&self.oracle, &door, touched).await;
        self.count_open(server).await;
    }

    /// Every acknowledged session, as the server says it stands. Writes nothing.
    pub(crate) async fn everything(&self, server: &Server) -> BTreeMap<Id, Seen> {
        let (known, door) = (self.oracle.borrow().acknowledged(), Door::at(server.address));
        self.read_back(&door, &known).await.into_iter().collect()
    }

    /// Waits until every session whose call is over has ended, with the outcome that was promised.
    pub(crate) async fn settle(&self, server: &Server) {
        let (started, door) = (Instant::now(), Door::at(server.address));
        let mut over: Vec<Id> = self.oracle.borrow().acknowledged();
        over.retain(|id| self.oracle.borrow().is_over(*id));
        while !over.is_empty() {
            assert!(started.elapsed() < PATIENCE, "{} sessions do not end", over.len());
            let seen = self.read_back(&door, &over).await;
            let is_open = |(_, seen): &&(Id, Seen)| matches!(seen, Seen::Standing { outcome: None, .. });
            over = seen.iter().filter(is_open).map(|(id, _)| *id).collect();
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Sessions as they stand, which is how they stay until something is written.
    async fn read_back(&self, door: &Door, ids: &[Id]) -> Vec<(Id, Seen)> {
        let oracle = &self.oracle;
        let read = ids.iter().map(|&id| async move {
            let session = oracle.borrow().answer(id).expect("an answer")["session"].as_str().map(str::to_owned);
            match door.look(&session.expect("a session")).await {
                Ok(seen) => {
                    oracle.borrow_mut().recovered(id, &seen, Instant::now());
                    Some((id, seen))
                }
                Err(reply) => {
                    oracle.borrow_mut().blame(format!("a session cannot be looked at: {reply:?}"));
                    None
                }
            }
        });
        stream::iter(read).buffer_unordered(AT_ONCE).filter_map(async |seen| seen).collect().await
    }

    /// A session that nobody was promised shows here, and nowhere else.
    async fn count_open(&self, server: &Server) {
        let counted = server.metrics().await.sum("qnect_sessions_open") as u64;
        let mut oracle = self.oracle.borrow_mut();
        let allowed = oracle.open_sessions(Instant::now());
        if !allowed.contains(&counted) {
            oracle.blame(format!("Phantom or Lost: {counted} sessions are open, and {allowed:?} may be"));
        }
    }
}

/// A request that is sent again gets the session that it got; a webhook of a call that is on, the document.
async fn repeat(oracle: &RefCell<Oracle>, door: &Door, ids: Vec<Id>) {
    let unanswered = Cell::new(0);
    let again = ids.into_iter().map(|id| {
        let unanswered = &unanswered;
        async move {
            if oracle.borrow().is_recognised(id) {
                let (code, key) = (oracle.borrow().code(id).to_owned(), oracle.borrow().key(id).to_owned());
                open(&code, &key, door, oracle).await;
            }
            let in_call = oracle.borrow_mut().is_in_call(id, Instant::now());
            if in_call && take(id, Step::Key, door, oracle).await != Some(Told::Ok) {
                unanswered.set(unanswered.get() + 1);
            }
        }
    });
    stream::iter(again).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    if unanswered.get() > 0 {
        let text = format!("Lost: {} repeated webhooks got no instruction to dial", unanswered.get());
        oracle.borrow_mut().blame(text);
    }
}
