//! Couriers and the janitor, against providers on loopback that misbehave as providers do. Time is frozen and passes when
//! a test says so.

mod canary;
mod faults;
mod janitor;
mod outage;
mod requests;
mod server;
mod tls;

use std::time::Duration;

use qnect_core::check::CheckKeys;
use qnect_core::leg::{LegId, ProviderEvent};
use qnect_core::number::IntermediaryNumber;
use qnect_core::provider_request::{Operation, ProviderRequest};
use qnect_core::session_id::SessionId;
use qnect_core::tag_code::TagId;
use qnect_providers::rest::{Plivo, Rest, Twilio};
use tokio::sync::mpsc;

use super::{Account, Outbox, Outcome};
use crate::config::Secret;

const PLIVO_NUMBER: &str = "+911140000001";
const TWILIO_NUMBER: &str = "+15557122661";
const LEG: &str = "3a2e4c90-dcee-4931-8a59-f123ab507e60";
/// In how small steps time passes.
const STEP: Duration = Duration::from_millis(20);
/// So often everybody has a turn before a step, so that what is on its way over loopback arrives.
const TURNS: u32 = 30;

/// So long, on the wall, time stands still at most: then it flows, and a test that waits in vain fails.
const FROZEN_MAX: Duration = Duration::from_secs(60);

/// While this lives, time stands still, also while everybody waits for a socket.
struct Frozen(#[expect(dead_code, reason = "its end is what counts")] std::sync::mpsc::Sender<()>);

fn freeze() -> Frozen {
    tokio::time::pause();
    let (frozen, thawed) = std::sync::mpsc::channel();
    // The runtime skips no time while a blocking task runs.
    tokio::task::spawn_blocking(move || thawed.recv_timeout(FROZEN_MAX));
    Frozen(frozen)
}

/// Gives everybody some turns.
async fn settle() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

/// Lets time pass.
async fn pass(time: Duration) {
    let end = tokio::time::Instant::now() + time;
    while tokio::time::Instant::now() < end {
        settle().await;
        tokio::time::advance(STEP.min(end - tokio::time::Instant::now())).await;
    }
    settle().await;
}

/// Lets time pass until `what` is there, but not for ever.
async fn while_time_passes<T>(what: impl Future<Output = T>) -> T {
    let mut what = std::pin::pin!(what);
    for _ in 0..10_000 {
        tokio::select! {
            biased;
            there = &mut what => return there,
            () = settle() => tokio::time::advance(STEP).await,
        }
    }
    panic!("waited in vain");
}

/// An outbox with running couriers, and what they tell.
struct World {
    outbox: Outbox,
    told: mpsc::Receiver<ProviderEvent>,
}

impl World {
    fn of(accounts: Vec<Account>) -> Self {
        let (tell, told) = mpsc::channel(1);
        let (outbox, couriers) = Outbox::new(accounts, &tell).expect("an outbox");
        tokio::spawn(couriers.run());
        Self { outbox, told }
    }

    fn plivo(origin: &str) -> Self {
        Self::of(vec![account(&Plivo, origin)])
    }

    async fn deliver(&self, operation: Operation) -> Outcome {
        self.outbox.deliver(request(PLIVO_NUMBER, operation)).await
    }

    /// Sends so many hang-ups that are done, which saves up for second tries.
    async fn save_up(&self, tries: usize) {
        for _ in 0..tries {
            assert_eq!(self.deliver(Operation::HangUp).await, Outcome::Done);
        }
    }
}

fn account(rest: &'static dyn Rest, origin: &str) -> Account {
    let number = if rest.name() == Twilio.name() { TWILIO_NUMBER } else { PLIVO_NUMBER };
    Account {
        rest,
        api_base_url: origin.to_owned(),
        account: "MA0000000000".to_owned(),
        secret: Secret::new("a secret of the account"),
        numbers: vec![IntermediaryNumber::parse(number).expect("a number")],
    }
}

/// A request about the scanner's leg.
fn request(number: &str, operation: Operation) -> ProviderRequest {
    ProviderRequest {
        number: IntermediaryNumber::parse(number).expect("a number"),
        session: session_id(1),
        leg: LegId::new(LEG).expect("a leg"),
        is_scanner_leg: true,
        operation,
    }
}

fn session_id(number: u8) -> SessionId {
    let keys = CheckKeys::new(0, &[1; 32], &[2; 32]);
    SessionId::new(TagId::from_random(0, 77), [number; 17], &keys).expect("a known key version")
}
