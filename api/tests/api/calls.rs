//! Whole calls, through a telephone network of strangers.

use std::collections::BTreeMap;

use qnect_simulator::{CallReport, Dial, Faults, Network, NetworkConfig, OwnerScript};

use crate::folder::{AUTH_ID, Folder, NUMBER, ORIGIN, TOKEN, owner};
use crate::server::{Opened, Server};

/// What a script of the owner must lead to.
const SCRIPTS: [(OwnerScript, &str); 6] = [
    (OwnerScript::Answers, "completed"),
    (OwnerScript::Declines, "declined"),
    (OwnerScript::HangsUp, "declined"),
    (OwnerScript::Busy, "busy"),
    (OwnerScript::Silent, "no_answer"),
    (OwnerScript::Voicemail, "no_answer"),
];

#[tokio::test]
async fn every_owner_gets_the_outcome_that_fits() {
    play_all_scripts(Faults::default()).await;
}

#[tokio::test]
async fn webhooks_told_three_times_change_nothing() {
    let reports = play_all_scripts(Faults { duplicate: 2, ..Faults::default() }).await;
    for report in &reports {
        let mut bodies: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for exchange in &report.exchanges {
            bodies.entry((&exchange.url, &exchange.params)).or_default().push(&exchange.body);
        }
        for ((url, _), bodies) in bodies {
            assert!(bodies.len() >= 3, "{url} was told three times");
            assert!(bodies.windows(2).all(|two| two[0] == two[1]), "{url}: the same webhook, the same document");
        }
    }
}

#[tokio::test]
async fn a_ring_is_charged_once_however_often_it_is_told() {
    let folder = Folder::new().set("LIMITS__TAG_RINGS_PER_HOUR", "2");
    let code = folder.import(&[owner(&owner_phone(0))]).remove(0);
    let server = Server::start(&folder);
    let network = network(&server, Faults { duplicate: 2, ..Faults::default() });
    for _ in 0..2 {
        let opened = server.open(&code, "blocking").await;
        assert!(call(&network, 0, &opened).await.bridged);
    }
    let scan = server.public.get(&format!("/q/{code}")).await.json();
    assert_eq!((scan["decision"].as_str(), scan["reason"].as_str()), (Some("limited"), Some("tag_limit")), "{scan}");
    let wait = scan["retry_after_seconds"].as_u64().expect("a number");
    assert!((1_500..=1_800).contains(&wait), "one of two an hour comes back within half an hour: {wait}");
}

#[tokio::test]
async fn a_wrong_code_reaches_nobody() {
    let folder = Folder::new();
    let code = folder.import(&[owner(&owner_phone(0))]).remove(0);
    let server = Server::start(&folder);
    let opened = server.open(&code, "blocking").await;
    let wrong = Opened { access_code: opened.access_code.chars().rev().collect(), ..opened.clone() };
    let wrong = if wrong.access_code == opened.access_code { "1234567".to_owned() } else { wrong.access_code };
    let network = network(&server, Faults::default());
    let report = call(&network, 0, &Opened { access_code: wrong, ..opened.clone() }).await;
    assert!(report.owner_saw.is_none() && !report.bridged && report.protocol_errors.is_empty(), "{report:?}");
    assert_eq!(server.status(&opened.session).await.0, "waiting");
    let report = call(&network, 0, &opened).await;
    assert!(report.bridged, "the right code still does: {:?}", report.timeline);
}

/// Plays all scripts at once, each with a tag, an owner and a stranger of its own.
async fn play_all_scripts(faults: Faults) -> Vec<CallReport> {
    let folder = Folder::new();
    let owners: Vec<_> = (0..SCRIPTS.len()).map(|n| owner(&owner_phone(n))).collect();
    let codes = folder.import(&owners);
    let server = Server::start(&folder);
    let network = network(&server, faults);
    let mut reports = Vec::new();
    let mut sessions = Vec::new();
    for (n, (script, _)) in SCRIPTS.into_iter().enumerate() {
        network.set_telephone(&owner_phone(n), script);
        let opened = server.open(&codes[n], "blocking").await;
        reports.push(call(&network, n, &opened).await);
        sessions.push(opened.session);
    }
    for (n, (script, expected)) in SCRIPTS.into_iter().enumerate() {
        assert_eq!(server.outcome(&sessions[n]).await, expected, "{script:?}");
        assert_call(&reports[n], script, n);
    }
    let metrics = server.metrics().await;
    for (outcome, count) in [("completed", 1.0), ("declined", 2.0), ("busy", 1.0), ("no_answer", 2.0), ("failed", 0.0)]
    {
        let counted = metrics.value("qnect_session_outcomes_total", &[("outcome", outcome)]);
        assert_eq!(counted, count, "{outcome}");
    }
    assert_eq!(metrics.sum("qnect_sessions_open"), 0.0);
    assert_eq!(metrics.value("qnect_webhooks_total", &[("result", "accepted")]), metrics.sum("qnect_webhooks_total"));
    reports
}

fn assert_call(report: &CallReport, script: OwnerScript, n: usize) {
    assert!(report.protocol_errors.is_empty(), "{script:?}: {:?}", report.protocol_errors);
    assert_eq!(report.bridged, script == OwnerScript::Answers, "{script:?}: {:?}", report.timeline);
    assert!(!report.bridged_without_key && !report.bridged_to_machine, "{script:?}");
    assert_eq!(report.scanner_saw, NUMBER);
    if script == OwnerScript::Busy {
        assert_eq!(report.owner_saw, None, "an engaged telephone displays nothing");
    } else {
        assert_eq!(report.leaks(&scanner_phone(n), &owner_phone(n)), Vec::<&str>::new(), "{script:?}");
        assert_eq!(report.owner_saw.as_deref(), Some(NUMBER));
    }
    for exchange in &report.exchanges {
        assert_eq!(exchange.status, Some(200), "{script:?}: {}", exchange.url);
    }
}

/// A network of telephones that reaches `server`, and never waits.
pub(crate) fn network(server: &Server, faults: Faults) -> Network {
    let config = NetworkConfig {
        engine: format!("http://{}", server.address),
        public_base_url: ORIGIN.to_owned(),
        auth_id: AUTH_ID.to_owned(),
        auth_token: TOKEN.to_owned(),
        time_scale: 0.0,
        faults,
        ..NetworkConfig::default()
    };
    Network::new(config).expect("a valid configuration")
}

/// The stranger number `n` calls with the code.
pub(crate) async fn call(network: &Network, n: usize, opened: &Opened) -> CallReport {
    let dial = Dial {
        from: scanner_phone(n),
        number: opened.number.clone(),
        post_dial: Some(opened.access_code.clone()),
        talk_seconds: 20,
        ..Dial::default()
    };
    network.dial(dial).await
}

/// Fictional.
pub(crate) fn owner_phone(n: usize) -> String {
    format!("+9198{:08}", 17 + n)
}

/// Fictional.
pub(crate) fn scanner_phone(n: usize) -> String {
    format!("+9197{:08}", 42 + n)
}
