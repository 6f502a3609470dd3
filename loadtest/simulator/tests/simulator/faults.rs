//! What providers do wrong: the same webhook again, late, in another order, unsigned, slowly, or not at all.

use std::collections::HashSet;
use std::time::Duration;

use qnect_simulator::{CallReport, Dial, Exchange, Faults, Network, NetworkConfig, OwnerScript, sign_twilio};

use crate::engine::{Engine, MASKED, OWNER, SCANNER, TOKEN, engine_dialling, scanner};
use crate::twilio::{self, DIAL, NUMBER, call, call_in};

fn with(engine: &Engine, faults: Faults) -> NetworkConfig {
    NetworkConfig { faults, ..engine.twilio() }
}

fn header<'a>(exchange: &'a Exchange, name: &str) -> &'a str {
    exchange.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

/// Status and sequence number of every callback of the owner's leg, in the order in which they came.
fn order(engine: &Engine) -> Vec<String> {
    let leg = engine.to("/leg");
    leg.iter().map(|r| format!("{} {}", r.param("SequenceNumber"), r.param("CallStatus"))).collect()
}

#[tokio::test]
async fn twilios_retries_and_duplicates_carry_the_same_token() {
    let engine = Engine::start(|received, before| match received.path.as_str() {
        "/leg" if before < 2 => (503, "text/plain", String::new()),
        _ => twilio::usual(received, DIAL, NUMBER),
    })
    .await;
    let report =
        call_in(with(&engine, Faults { duplicate: 1, ..Faults::default() }), OwnerScript::Busy, scanner()).await;

    assert_eq!(order(&engine), ["0 initiated", "0 initiated", "0 initiated", "0 initiated", "1 busy", "1 busy"]);
    let leg = report.exchanges.iter().filter(|exchange| exchange.url.ends_with("/leg?s=1"));
    let tokens: Vec<&str> = leg.map(|exchange| header(exchange, "I-Twilio-Idempotency-Token")).collect();
    assert!(tokens[..4].iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert!(tokens[4] == tokens[5] && tokens[4] != tokens[0], "{tokens:?}");
    assert!(engine.received().iter().all(|received| received.signed));
}

#[tokio::test]
async fn without_a_fragment_twilio_retries_once_and_only_a_failed_connection() {
    let number = r#"statusCallback="https://qnect.example/leg""#;
    let engine = Engine::start(move |received, _| match received.path.as_str() {
        "/leg" => (503, "text/plain", String::new()),
        _ => twilio::usual(received, DIAL, number),
    })
    .await;
    call(&engine, OwnerScript::Busy, scanner()).await;
    assert_eq!(engine.to("/leg").len(), 1);

    let nowhere = NetworkConfig { engine: "http://127.0.0.1:1".to_owned(), ..engine.twilio() };
    let report = call_in(nowhere, OwnerScript::Busy, scanner()).await;
    let voice: Vec<_> = report.exchanges.iter().map(|exchange| exchange.status).collect();
    assert_eq!(voice, [None; 4], "the question and the end of the call, each twice");
    assert_eq!(report.scanner_leg_end.expect("an end").code, "11200");
}

#[tokio::test]
async fn a_fragment_can_ask_for_patience_and_for_a_retry_after_it() {
    let number = r#"statusCallback="https://qnect.example/leg#rt=100&amp;rc=2&amp;rp=rt""#;
    let engine = Engine::start(move |received, _| twilio::usual(received, DIAL, number)).await;
    engine.before(|received| {
        let hangs = received.path == "/leg";
        async move {
            if hangs {
                std::future::pending::<()>().await;
            }
        }
    });
    let report = call(&engine, OwnerScript::Busy, scanner()).await;
    let leg: Vec<&Exchange> = report.exchanges.iter().filter(|exchange| exchange.url.ends_with("/leg")).collect();
    assert_eq!(leg.len(), 3);
    assert!(leg.iter().all(|exchange| exchange.status.is_none() && exchange.body == "no answer: too late"));
}

#[tokio::test]
async fn a_fragment_that_nobody_understands_is_a_protocol_error() {
    for (fragment, problem) in [("rc=6", "rc=6"), ("rp=503", "rp=503"), ("retries=2", "retries=2"), ("rc", "rc")] {
        let number = format!(r#"statusCallback="https://qnect.example/leg#{fragment}""#);
        let engine = Engine::start(move |received, _| twilio::usual(received, DIAL, &number)).await;
        let report = call(&engine, OwnerScript::Busy, scanner()).await;
        let expected = format!("{problem:?} in the fragment of a URL is not understood");
        assert_eq!(report.protocol_errors, [expected]);
        assert!(engine.to("/leg").is_empty());
    }
}

#[tokio::test]
async fn ten_duplicates_change_nothing() {
    let engine = twilio::engine().await;
    let faults = Faults { duplicate: 10, ..Faults::default() };
    let report = call_in(with(&engine, faults), OwnerScript::Answers, scanner()).await;
    assert!(report.bridged && report.masked(SCANNER, OWNER));
    assert_eq!(engine.received().len(), 10 * 11);
}

#[tokio::test]
async fn callbacks_come_in_another_order_that_the_seed_decides() {
    let mut orders = HashSet::new();
    for seed in 0..8 {
        let mut runs = Vec::new();
        for _ in 0..2 {
            let engine = twilio::engine().await;
            let faults = Faults { reorder: 32, seed, ..Faults::default() };
            let report = call_in(with(&engine, faults), OwnerScript::Answers, scanner()).await;
            assert!(report.bridged && report.seed == seed);
            // Whatever was held back comes after the last document.
            let told = engine.received();
            assert_eq!(told[told.len() - 6].path, "/dial-end", "seed {seed}");
            runs.push(told[told.len() - 5..].iter().map(|r| r.param("CallStatus").to_owned()).collect::<Vec<_>>());
        }
        assert_eq!(runs[0], runs[1], "seed {seed}");
        let mut sorted = runs[0].clone();
        sorted.sort();
        assert_eq!(sorted, ["completed", "completed", "in-progress", "initiated", "ringing"], "seed {seed}");
        orders.insert(runs.remove(0));
    }
    assert!(orders.len() > 1, "every seed gives the same order");
}

#[tokio::test]
async fn a_window_of_two_swaps_neighbours_at_most() {
    let engine = twilio::engine().await;
    let faults = Faults { reorder: 2, seed: 3, ..Faults::default() };
    call_in(with(&engine, faults), OwnerScript::Answers, scanner()).await;
    let order = order(&engine);
    let mut first = order[..2].to_vec();
    first.sort();
    assert_eq!(first, ["0 initiated", "1 ringing"]);
}

#[tokio::test]
async fn late_callbacks_come_after_the_call_and_within_an_hour() {
    let engine = twilio::engine().await;
    let faults = Faults { delay: 1.0, seed: 7, ..Faults::default() };
    let report = call_in(with(&engine, faults), OwnerScript::Answers, scanner()).await;

    assert!(report.bridged);
    let (documents, late): (Vec<&Exchange>, Vec<&Exchange>) =
        report.exchanges.iter().partition(|exchange| !has_param(exchange, "CallbackSource"));
    assert_eq!((documents.len(), late.len()), (5, 5));
    let end_ms =
        report.timeline.iter().find(|e| e.text.starts_with("the scanner's line is over")).expect("an end").at_ms;
    assert!(late.iter().all(|exchange| exchange.at_ms >= end_ms && exchange.at_ms <= end_ms + 3_600_000));
    assert!(late.is_sorted_by_key(|exchange| exchange.at_ms));
    assert!(report.timeline.is_sorted_by_key(|entry| entry.at_ms));
}

#[tokio::test]
async fn what_is_less_late_comes_first() {
    let mut orders = HashSet::new();
    for seed in 0..6 {
        let engine = twilio::engine().await;
        let faults = Faults { delay: 1.0, seed, ..Faults::default() };
        call_in(with(&engine, faults), OwnerScript::Answers, scanner()).await;
        orders.insert(order(&engine));
    }
    assert!(orders.iter().any(|order| !order.is_sorted()), "every callback is as late as the others");
}

fn has_param(exchange: &Exchange, param: &str) -> bool {
    exchange.params.iter().any(|(name, _)| name == param)
}

#[tokio::test]
async fn half_of_the_callbacks_get_lost_and_the_seed_says_which() {
    let run = async |seed: u64| -> (Vec<String>, u32) {
        let engine = twilio::engine().await;
        let faults = Faults { drop: 0.5, seed, ..Faults::default() };
        let report = call_in(with(&engine, faults), OwnerScript::Answers, scanner()).await;
        let ends = engine.to("/webhooks/twilio/voice").len() as u32 - 1;
        assert_eq!(engine.to("/leg").len() as u32 + ends + report.callbacks_lost, 5);
        (order(&engine), report.callbacks_lost)
    };
    let mut outcomes = HashSet::new();
    for seed in 0..8 {
        let first = run(seed).await;
        assert_eq!(first, run(seed).await, "seed {seed}");
        outcomes.insert(first);
    }
    assert!(outcomes.len() > 1);
}

#[tokio::test]
async fn one_caller_has_other_luck_in_the_next_call_and_a_neighbour_does_not_change_it() {
    let engine = twilio::engine().await;
    let faults = Faults { drop: 0.5, seed: 11, ..Faults::default() };
    let lost = async |network: &Network, from: &str| -> Vec<(String, String)> {
        let report: CallReport = network.dial(Dial { from: from.to_owned(), ..scanner() }).await;
        let kept = report.exchanges.iter().filter(|exchange| has_param(exchange, "CallbackSource"));
        kept.flat_map(|e| e.params.clone())
            .filter(|(name, _)| name == "CallStatus" || name == "SequenceNumber")
            .collect()
    };
    let alone = Network::new(with(&engine, faults)).expect("a valid configuration");
    let mut mine = Vec::new();
    for _ in 0..6 {
        mine.push(lost(&alone, SCANNER).await);
    }
    assert!(mine.iter().collect::<HashSet<_>>().len() > 1);

    let shared = Network::new(with(&engine, faults)).expect("a valid configuration");
    for mine in mine {
        lost(&shared, "+919700000043").await;
        assert_eq!(lost(&shared, SCANNER).await, mine);
    }
}

#[tokio::test]
async fn signatures_can_be_left_out_and_made_over_the_port() {
    let engine = twilio::engine().await;
    call_in(with(&engine, Faults { signature_off: true, ..Faults::default() }), OwnerScript::Busy, scanner()).await;
    assert!(engine.received().iter().all(|received| received.header("X-Twilio-Signature").is_empty()));
    assert!(engine.received().iter().all(|received| !received.header("I-Twilio-Idempotency-Token").is_empty()));

    let engine = twilio::engine().await;
    let faults = Faults { signature_with_port: true, ..Faults::default() };
    call_in(with(&engine, faults), OwnerScript::Busy, scanner()).await;
    for received in engine.to("/leg") {
        let with_port = sign_twilio("https://qnect.example:443/leg?s=1", &received.params, TOKEN);
        assert_eq!(received.header("X-Twilio-Signature"), with_port);
        assert!(!received.signed);
    }
}

#[tokio::test]
async fn a_slow_provider_sends_a_body_in_pieces() {
    let slow = Duration::from_millis(5);
    for (pieces, slow) in [(1, Duration::ZERO), (2, slow)] {
        let engine = engine_dialling(MASKED).await;
        let config = NetworkConfig { faults: Faults { slow, ..Faults::default() }, ..engine.config() };
        let report = Network::new(config).expect("a valid configuration").dial(scanner()).await;
        assert!(report.bridged && engine.received().iter().all(|r| r.signed && r.pieces == pieces), "{pieces}");
    }
}

#[tokio::test]
async fn faults_out_of_bounds_are_refused() {
    let engine = twilio::engine().await;
    for faults in [
        Faults { duplicate: 11, ..Faults::default() },
        Faults { drop: 1.1, ..Faults::default() },
        Faults { delay: f64::NAN, ..Faults::default() },
        Faults { reorder: 33, ..Faults::default() },
        Faults { slow: Duration::from_secs(61), ..Faults::default() },
        Faults { rest: Some("slow:61".parse().expect("a fault")), ..Faults::default() },
    ] {
        assert!(Network::new(with(&engine, faults)).is_err(), "{faults:?}");
    }
}
