//! An account with few lines.

use qnect_simulator::{Network, NetworkConfig, OwnerScript};

use crate::engine::{Engine, MASKED, engine_dialling, scanner, usual};
use crate::twilio;

#[tokio::test]
async fn without_a_second_line_the_owner_is_not_called() {
    let engine = engine_dialling(MASKED).await;
    let config = NetworkConfig { lines_max: 1, ..engine.config() };
    let report = Network::new(config).expect("a valid configuration").dial(scanner()).await;

    assert!(!report.bridged && report.owner_saw.is_none());
    assert_eq!(report.owner_leg_end.expect("an end").code, "5030");
    let leg = engine.to("/leg");
    assert_eq!(leg.len(), 1);
    assert_eq!((leg[0].param("DialAction"), leg[0].param("DialBLegHangupCauseCode")), ("hangup", "5030"));
    assert_eq!(engine.to("/dial-end")[0].param("DialStatus"), "failed");
    assert_eq!(report.scanner_heard, ["The owner cannot come"]);
}

#[tokio::test]
async fn twilio_calls_it_failed() {
    let engine = twilio::engine().await;
    let config = NetworkConfig { lines_max: 1, ..engine.twilio() };
    let report = twilio::call_in(config, OwnerScript::Answers, scanner()).await;
    assert_eq!(report.owner_leg_end.expect("an end").code, "10004");
    assert_eq!(engine.to("/leg").pop().expect("a callback").param("CallStatus"), "failed");
    assert_eq!(engine.to("/dial-end")[0].param("DialCallStatus"), "failed");
}

#[tokio::test]
async fn a_call_beyond_the_last_line_never_reaches_the_engine_and_lines_are_free_again() {
    let engine = Engine::start(|received, _| usual(received, MASKED)).await;
    let network = Network::new(NetworkConfig { lines_max: 2, ..engine.config() }).expect("a valid configuration");
    // While the first call's owner listens, somebody else calls.
    let (second, reports) = (network.clone(), tokio::sync::mpsc::unbounded_channel());
    engine.before(move |received| {
        let call = (received.path == "/whisper").then(|| (second.clone(), reports.0.clone()));
        async move {
            if let Some((network, reports)) = call {
                reports.send(network.dial(scanner()).await).expect("somebody listens");
            }
        }
    });
    let mut refused = reports.1;
    assert!(network.dial(scanner()).await.bridged);
    let report = refused.recv().await.expect("a report");
    assert_eq!(report.scanner_leg_end.expect("an end").code, "5030");
    assert!(report.exchanges.is_empty());
    assert_eq!(engine.to("/webhooks/plivo/voice").len(), 2);

    engine.before(|_| async {});
    assert!(network.dial(scanner()).await.bridged);
}

#[tokio::test]
async fn without_limits_nothing_fails() {
    let engine = engine_dialling(MASKED).await;
    assert!(engine.call(OwnerScript::Answers).await.bridged);
}
