//! Retries, duplicates, losses.

use qnect_simulator::{Dial, Faults, Network, NetworkConfig, OwnerScript, SimulatorError};

use crate::engine::{CODE, Engine, MASKED, engine_dialling, scanner, usual};

#[tokio::test]
async fn a_callback_is_retried_as_often_as_its_fragment_says() {
    let engine = Engine::start(|received, before| match received.path.as_str() {
        "/leg" if before < 2 => (503, "text/plain", String::new()),
        _ => usual(received, MASKED),
    })
    .await;
    let report = engine.call(OwnerScript::Answers).await;

    let told: Vec<String> = engine.to("/leg").iter().map(|received| received.param("Event").to_owned()).collect();
    assert_eq!(told, ["DialAnswer", "DialAnswer", "DialAnswer", "DialConnected", "DialHangup"]);
    let nonces: Vec<_> = report.exchanges.iter().map(|exchange| exchange.nonce.clone()).collect();
    assert!(nonces.iter().enumerate().all(|(i, nonce)| !nonces[..i].contains(nonce)), "{nonces:?}");
    assert!(engine.received().iter().all(|received| received.signed));
}

#[tokio::test]
async fn without_a_fragment_nothing_is_retried_and_only_named_failures_are() {
    for url in ["https://qnect.example/leg", "https://qnect.example/leg#rc=2&amp;rp=ct,rt"] {
        let dial = format!(r#"callerId="918031000002" callerName="QNect" callbackUrl="{url}""#);
        let engine = Engine::start(move |received, _| match received.path.as_str() {
            "/leg" => (503, "text/plain", String::new()),
            _ => usual(received, &dial),
        })
        .await;
        let report = engine.call(OwnerScript::Busy).await;
        assert_eq!(engine.to("/leg").len(), 1, "{url}");
        assert!(report.timeline.iter().any(|entry| entry.text == "a callback failed: the engine answers 503"));
    }
}

async fn call_with(engine: &Engine, faults: Faults) -> qnect_simulator::CallReport {
    let network = Network::new(NetworkConfig { faults, ..engine.config() }).expect("a valid configuration");
    network.dial(scanner()).await
}

#[tokio::test]
async fn every_webhook_is_duplicated_and_the_call_stays_the_same() {
    let engine = engine_dialling(MASKED).await;
    let report = call_with(&engine, Faults { duplicate: 2, ..Faults::default() }).await;

    assert!(report.bridged);
    assert_eq!(engine.received().len(), 8 * 3);
    assert_eq!(engine.to("/digits").len(), 3);
    assert!(engine.to("/digits").iter().all(|received| received.param("Digits") == CODE));
}

#[tokio::test]
async fn signatures_can_be_left_out() {
    let engine = engine_dialling(MASKED).await;
    let report = call_with(&engine, Faults { signature_off: true, ..Faults::default() }).await;

    assert!(report.exchanges.iter().all(|exchange| exchange.nonce.is_none()));
    assert!(engine.received().iter().all(|received| !received.signed));
}

#[tokio::test]
async fn callbacks_get_lost_but_documents_do_not() {
    let engine = engine_dialling(MASKED).await;
    let report = call_with(&engine, Faults { drop: 1.0, ..Faults::default() }).await;

    assert!(report.bridged);
    assert!(engine.to("/leg").is_empty());
    assert_eq!(engine.to("/webhooks/plivo/voice").len(), 1);
    assert_eq!(engine.to("/dial-end").len(), 1);
}

#[tokio::test]
async fn an_engine_that_is_not_there_ends_the_call() {
    let engine = engine_dialling(MASKED).await;
    let config = NetworkConfig { engine: "http://127.0.0.1:1".to_owned(), ..engine.config() };
    let report = Network::new(config).expect("a valid configuration").dial(Dial { talk_seconds: 0, ..scanner() }).await;

    assert_eq!(report.scanner_leg_end.expect("an end").code, "7011");
    assert!(report.exchanges.iter().all(|exchange| exchange.status.is_none()));
}

#[tokio::test]
async fn a_network_out_of_bounds_is_refused() {
    let config = engine_dialling(MASKED).await.config();
    let refused = |change: fn(&mut NetworkConfig)| {
        let mut changed = config.clone();
        change(&mut changed);
        Network::new(changed).expect_err("refused")
    };
    assert!(matches!(refused(|c| c.engine = "https://127.0.0.1".into()), SimulatorError::EngineAddress(_)));
    assert!(matches!(refused(|c| c.engine = "http://".into()), SimulatorError::EngineAddress(_)));
    assert!(matches!(refused(|c| c.public_base_url = "https://q/?a".into()), SimulatorError::PublicAddress(_)));
    assert!(matches!(refused(|c| c.time_scale = f64::NAN), SimulatorError::TimeScale(_)));
    assert!(matches!(refused(|c| c.auth_token.clear()), SimulatorError::Credentials));
    assert!(matches!(refused(|c| c.faults.duplicate = 11), SimulatorError::Faults));
    assert!(!format!("{config:?}").contains("NjU4"));
}
