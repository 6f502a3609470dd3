//! A provider that goes out and comes back.

use std::time::Duration;

use qnect_simulator::{Network, NetworkConfig};

use tokio::time::timeout;

use crate::engine::{MASKED, OWNER, SCANNER, engine_dialling, scanner};

/// So long a test waits for what is to be held back.
const HELD_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test]
async fn who_calls_a_provider_that_is_out_is_served_when_it_is_back_and_the_engine_is_told_twice() {
    let engine = engine_dialling(MASKED).await;
    let network = Network::new(engine.config()).expect("a valid configuration");
    network.set_out(true);
    let calling = tokio::spawn({
        let network = network.clone();
        async move { network.dial(scanner()).await }
    });
    timeout(HELD_WITHIN, network.until_held(1)).await.expect("what the engine is to be told is held back");
    assert!(engine.received().is_empty() && !calling.is_finished(), "nothing leaves it");
    network.set_out(false);

    let report = calling.await.expect("no panic");
    assert!(report.bridged && report.masked(SCANNER, OWNER));
    let held: Vec<bool> = report.exchanges.iter().map(|exchange| exchange.held).collect();
    // The question and its repetition, and the rest as always.
    assert_eq!(held, [&[true, false][..], &[false; 7]].concat());
    let asked = engine.to("/webhooks/plivo/voice");
    assert_eq!(asked.iter().filter(|received| received.param("Event") == "StartApp").count(), 2);
    assert!(engine.received().iter().all(|received| received.signed));
}

#[tokio::test]
async fn two_who_talk_go_on_talking_and_what_happened_is_told_afterwards() {
    let engine = engine_dialling(MASKED).await;
    // A second of telephones takes 2 ms, so that there is time to go out in the middle of a call.
    let config = NetworkConfig { time_scale: 0.002, ..engine.config() };
    let network = Network::new(config).expect("a valid configuration");
    let watched = network.clone();
    let report = network
        .dial_observed(scanner(), move |entry| {
            if entry.text.starts_with("bridged") {
                watched.set_out(true);
                let watched = watched.clone();
                tokio::spawn(async move {
                    // Fewer are told apart below.
                    let _ = timeout(HELD_WITHIN, watched.until_held(3)).await;
                    watched.set_out(false);
                });
            }
        })
        .await;
    assert_eq!((report.bridged, report.talk_seconds), (true, 20));
    let mut held: Vec<&str> = report.exchanges.iter().filter(|e| e.held).map(|e| e.path.as_str()).collect();
    held.sort_unstable();
    assert_eq!(held, ["/dial-end", "/leg?s=1", "/leg?s=1"]);
    let mut told: Vec<String> = engine.to("/leg").iter().map(|r| r.param("Event").to_owned()).collect();
    assert_eq!(told.remove(0), "DialAnswer", "what came before");
    told.sort();
    assert_eq!(told, ["DialConnected", "DialConnected", "DialHangup", "DialHangup"]);
}
