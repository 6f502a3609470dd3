//! One attacker and one car: however many sessions they open, whoever needs the owner now rings at once.

use futures_util::{StreamExt, stream};
use qnect_simulator::Faults;

use crate::both::{BOTH, Scene};

/// Requests of the attacker that are on their way at once: fewer than a tag may have visits, so that the engine hears them all.
const AT_ONCE: usize = 16;

impl Scene {
    /// So many sessions are asked for from so many addresses in turn, each in a network of its own.
    async fn flood(&self, count: usize, addresses: usize, reason: &str) {
        let asked = stream::iter(0..count).map(|nth| async move {
            let address = format!("198.18.{}.7", nth % addresses);
            self.ask_from(&address, reason).await.status
        });
        let statuses: Vec<u16> = asked.buffer_unordered(AT_ONCE).collect().await;
        let opened = statuses.iter().filter(|status| **status == 201).count();
        assert!(opened >= 4, "no attack: {opened} of {count} were opened");
        assert!(statuses.iter().all(|status| [201, 429].contains(status)), "{count} from {addresses}: {statuses:?}");
    }
}

/// What an urgent caller hears until the owner speaks: whoever has to wait, or to prove something, hears of it.
async fn hears(scene: &Scene, what: &str) -> Vec<String> {
    let opened = scene.open_from("203.0.113.7").await;
    let report = scene.network.dial(scene.dial(0, &opened)).await;
    assert!(report.bridged, "{what}: {:?}", report.timeline);
    scene.assert_masked(&report, 0, 0);
    report.scanner_heard
}

#[tokio::test]
async fn an_urgent_caller_rings_without_waiting_however_many_sessions_one_attacker_opens() {
    for protocol in BOTH {
        let normal = hears(&Scene::new(protocol, 1, Faults::default()), "nobody attacks").await;
        for (count, addresses) in [(6, 1), (60, 1), (6_000, 1), (6_000, 30)] {
            let scene = Scene::new(protocol, 1, Faults::default());
            scene.flood(count, addresses, "emergency").await;
            let what = format!("{protocol:?}, {count} from {addresses}");
            assert_eq!(hears(&scene, &what).await, normal, "{what}");
        }
    }
}
