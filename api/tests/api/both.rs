//! One suite of whole calls for every provider, each over its own protocol: what an owner does, what a caller does, and
//! what a provider that lies does not change.

use std::time::Duration;

use qnect_simulator::{CallReport, Dial, Faults, Moment, Network, NetworkConfig, OwnerScript, Protocol};

use crate::folder::{ACCOUNT_SID, AUTH_ID, Folder, NUMBER, ORIGIN, TOKEN, TWILIO_NUMBER, owner};
use crate::server::{Opened, Server};

pub(crate) const BOTH: [Protocol; 2] = [Protocol::Plivo, Protocol::Twilio];

/// What a script of the owner leads to: the outcome, at Plivo and at Twilio, and whether the two talk. Twilio tells neither
/// who hung up nor that a call was rejected, so there a refusal without a key looks like an engaged or unanswered telephone;
/// Plivo takes one key.
const SCRIPTS: [(OwnerScript, [&str; 2], bool); 9] = [
    (OwnerScript::Answers, ["completed", "completed"], true),
    (OwnerScript::Declines, ["declined", "busy"], false),
    (OwnerScript::HangsUp, ["declined", "no_answer"], false),
    (OwnerScript::Busy, ["busy", "busy"], false),
    (OwnerScript::Silent, ["no_answer", "no_answer"], false),
    (OwnerScript::Voicemail, ["no_answer", "no_answer"], false),
    (OwnerScript::Coming, ["no_answer", "declined"], false),
    (OwnerScript::Cannot, ["no_answer", "declined"], false),
    (OwnerScript::WrongKey, ["no_answer", "no_answer"], false),
];

/// A server, a network of telephones around it, and the codes on the stickers of owners number 0, 1, 2, ...
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) network: Network,
    pub(crate) codes: Vec<String>,
    protocol: Protocol,
    pub(crate) folder: Folder,
}

impl Scene {
    /// A scene in which nobody ever waits.
    pub(crate) fn new(protocol: Protocol, owners: usize, faults: Faults) -> Self {
        Self::timed(protocol, owners, faults, 0.0)
    }

    /// A scene in which a simulated second takes so many real ones.
    fn timed(protocol: Protocol, owners: usize, faults: Faults, time_scale: f64) -> Self {
        let rest = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        rest.set_nonblocking(true).expect("a listener");
        let api = format!("http://{}", rest.local_addr().expect("an address"));
        let folder = match protocol {
            Protocol::Plivo => Folder::new().set("PROVIDERS__PLIVO__API_BASE_URL", &api),
            Protocol::Twilio => Folder::at_twilio().set("PROVIDERS__TWILIO__API_BASE_URL", &api),
        };
        // So that a test may come from anywhere.
        let folder = folder.edit("ops_listen", "trusted_proxies = [\"127.0.0.0/8\"]\nops_listen");
        let owners: Vec<_> = (0..owners).map(|n| owner(&owner_phone(protocol, n))).collect();
        let codes = folder.import(&owners);
        let server = Server::start(&folder);
        let account = match protocol {
            Protocol::Plivo => AUTH_ID,
            Protocol::Twilio => ACCOUNT_SID,
        };
        let config = NetworkConfig {
            engine: format!("http://{}", server.address),
            public_base_url: ORIGIN.to_owned(),
            protocol,
            auth_id: account.to_owned(),
            auth_token: TOKEN.to_owned(),
            time_scale,
            faults,
            ..NetworkConfig::default()
        };
        let network = Network::new(config).expect("a valid configuration");
        let rest = tokio::net::TcpListener::from_std(rest).expect("a listener");
        network.serve_rest(rest).expect("an address");
        Self { server, network, codes, protocol, folder }
    }

    pub(crate) fn number(&self) -> &'static str {
        match self.protocol {
            Protocol::Plivo => NUMBER,
            Protocol::Twilio => TWILIO_NUMBER,
        }
    }

    pub(crate) async fn open(&self, n: usize) -> Opened {
        self.server.open(&self.codes[n], "blocking").await
    }

    /// A call from the stranger number `n`, with the code of `opened` behind the number.
    pub(crate) fn dial(&self, n: usize, opened: &Opened) -> Dial {
        Dial { post_dial: Some(opened.access_code.clone()), ..self.redial(n) }
    }

    /// A call from the stranger number `n`, without any digits.
    pub(crate) fn redial(&self, n: usize) -> Dial {
        let (from, number) = (scanner_phone(self.protocol, n), self.number().to_owned());
        Dial { from, number, talk_seconds: 20, ..Dial::default() }
    }

    /// A call of the owner number `n` to our number, who keys `key` at the menu.
    pub(crate) fn call_back(&self, n: usize, key: &str) -> Dial {
        Dial {
            from: owner_phone(self.protocol, n),
            number: self.number().to_owned(),
            at_prompts: vec![String::new(), key.to_owned(), key.to_owned()],
            ..Dial::default()
        }
    }

    /// Nobody saw a number that is not ours, and nobody was connected without a key.
    pub(crate) fn assert_masked(&self, report: &CallReport, scanner: usize, owner: usize) {
        assert!(report.protocol_errors.is_empty(), "{:?}", report.protocol_errors);
        assert!(!report.bridged_without_key && !report.bridged_to_machine, "{:?}", report.timeline);
        let (scanner, owner) = (scanner_phone(self.protocol, scanner), owner_phone(self.protocol, owner));
        if report.owner_saw.is_some() {
            assert_eq!(report.leaks(&scanner, &owner), Vec::<&str>::new(), "{:?}", report.timeline);
            assert_eq!(report.owner_saw.as_deref(), Some(self.number()));
        }
    }

    /// Nothing is left over: no code is taken, no session is open, every outcome was told once.
    async fn assert_all_over(&self, outcomes: usize) {
        let metrics = self.server.metrics().await;
        assert_eq!(metrics.sum("qnect_sessions_open"), 0.0);
        assert_eq!(metrics.sum("qnect_session_outcomes_total"), outcomes as f64);
        assert_eq!(metrics.sum("qnect_tag_actor_panics_total"), 0.0);
    }
}

#[tokio::test]
async fn every_owner_gets_the_outcome_that_fits_at_every_provider() {
    for (which, protocol) in BOTH.into_iter().enumerate() {
        play_all(protocol, which, Faults::default()).await;
    }
}

#[tokio::test]
async fn a_provider_that_tells_everything_eleven_times_in_any_order_changes_nothing() {
    for (which, protocol) in BOTH.into_iter().enumerate() {
        play_all(protocol, which, Faults { duplicate: 10, reorder: 4, seed: 7, ..Faults::default() }).await;
    }
}

/// What is lost is lost: an outcome may be poorer, and nothing else may be wrong.
#[tokio::test]
async fn a_provider_that_loses_a_third_and_tells_the_rest_late_leaves_nothing_behind() {
    for protocol in BOTH {
        for seed in 0..3 {
            let faults = Faults { drop: 0.3, delay: 0.5, reorder: 4, duplicate: 2, seed, ..Faults::default() };
            let scene = Scene::new(protocol, SCRIPTS.len(), faults);
            let mut sessions = Vec::new();
            for (n, (script, _, talks)) in SCRIPTS.into_iter().enumerate() {
                scene.network.set_telephone(&owner_phone(protocol, n), script);
                let opened = scene.open(n).await;
                let report = scene.network.dial(scene.dial(n, &opened)).await;
                scene.assert_masked(&report, n, n);
                assert_eq!(report.bridged, talks, "{protocol:?} {script:?} {:?}", report.timeline);
                sessions.push(opened.session);
            }
            let mut outcomes = Vec::new();
            for session in &sessions {
                outcomes.push(scene.server.outcome(session).await);
            }
            for (session, outcome) in sessions.iter().zip(outcomes) {
                assert_eq!(scene.server.outcome(session).await, outcome, "what is published stands");
            }
            scene.assert_all_over(SCRIPTS.len()).await;
        }
    }
}

#[tokio::test]
async fn a_caller_dials_again_without_a_code() {
    for protocol in BOTH {
        let scene = Scene::new(protocol, 2, Faults { duplicate: 2, ..Faults::default() });
        scene.network.set_telephone(&owner_phone(protocol, 0), OwnerScript::Silent);
        let opened = scene.open(0).await;
        scene.network.dial(scene.dial(0, &opened)).await;
        assert_eq!(scene.server.outcome(&opened.session).await, "no_answer");

        scene.network.set_telephone(&owner_phone(protocol, 0), OwnerScript::Answers);
        let again = scene.network.dial(scene.redial(0)).await;
        assert!(again.bridged, "{protocol:?}: {:?}", again.timeline);
        assert_eq!(again.owner_number.as_deref().map(digits), Some(digits(&owner_phone(protocol, 0))));
        scene.assert_masked(&again, 0, 0);

        // At the next car the code goes before the redial.
        let next = scene.open(1).await;
        let there = scene.network.dial(scene.dial(0, &next)).await;
        assert_eq!(there.owner_number.as_deref().map(digits), Some(digits(&owner_phone(protocol, 1))));
        // A stranger who never had a code is asked for one.
        let stranger = scene.network.dial(scene.redial(5)).await;
        assert!(stranger.owner_saw.is_none() && stranger.protocol_errors.is_empty(), "{:?}", stranger.timeline);
    }
}

#[tokio::test]
async fn wrong_codes_are_asked_again_and_then_lock() {
    for protocol in BOTH {
        let scene = Scene::new(protocol, 1, Faults::default());
        let opened = scene.open(0).await;
        let slipped = Dial {
            at_prompts: vec![opened.access_code.clone()],
            ..scene.dial(0, &Opened { access_code: wrong_check_digit(&opened.access_code), ..opened.clone() })
        };
        let second_try = scene.network.dial(slipped).await;
        assert!(second_try.bridged, "{protocol:?}: {:?}", second_try.timeline);
        scene.server.outcome(&opened.session).await;

        let opened = scene.open(0).await;
        let guesser = Dial { at_prompts: (0..3).map(valid_code).collect(), ..scene.redial(7) };
        let guessed = scene.network.dial(guesser).await;
        assert!(guessed.owner_saw.is_none() && guessed.protocol_errors.is_empty(), "{:?}", guessed.timeline);
        let locked = scene.network.dial(scene.dial(7, &opened)).await;
        assert!(locked.owner_saw.is_none(), "{protocol:?}: {:?}", locked.timeline);
        assert!(scene.network.dial(scene.dial(8, &opened)).await.bridged, "nobody else is locked");
    }
}

#[tokio::test]
async fn an_annoyed_owner_is_rung_after_two_spoken_digits() {
    for protocol in BOTH {
        let scene = Scene::new(protocol, 1, Faults::default());
        // At Twilio a refusal needs a key to be told from an engaged telephone.
        let refuses = if protocol == Protocol::Twilio { OwnerScript::Cannot } else { OwnerScript::Declines };
        scene.network.set_telephone(&owner_phone(protocol, 0), refuses);
        // Two without a number, for whom nobody bears what they did, and three who bear most of it themselves.
        // At night it takes fewer of them.
        let is_challenged =
            async || scene.server.public.get(&format!("/q/{}", scene.codes[0])).await.json()["decision"] == "challenge";
        for n in 0..5 {
            if is_challenged().await {
                break;
            }
            let opened = scene.open(0).await;
            scene.network.dial(Dial { withheld: n < 2, ..scene.dial(n, &opened) }).await;
            assert_eq!(scene.server.outcome(&opened.session).await, "declined");
        }
        scene.network.set_telephone(&owner_phone(protocol, 0), OwnerScript::Answers);
        assert!(is_challenged().await);
        let opened = scene.open(0).await;
        let deaf = scene.network.dial(scene.dial(6, &opened)).await;
        assert!(deaf.owner_saw.is_none() && deaf.protocol_errors.is_empty(), "{protocol:?}: {:?}", deaf.timeline);
        let opened = scene.open(0).await;
        let heard = Dial { repeats_spoken_digits: true, ..scene.dial(7, &opened) };
        let report = scene.network.dial(heard).await;
        assert!(report.bridged, "{protocol:?}: {:?}", report.timeline);
        scene.assert_masked(&report, 5, 0);
    }
}

#[tokio::test]
async fn a_caller_waits_for_an_engaged_owner() {
    for protocol in BOTH {
        let scene = Scene::new(protocol, 1, Faults::default());
        let (first, second) = (scene.open(0).await, scene.open(0).await);
        // The first call stays on in real time: its network is slow, so that the second finds the owner engaged.
        let slow = scene.network_of(0.02);
        let talking = Dial { talk_seconds: 100, ..scene.dial(0, &first) };
        let talking = tokio::spawn(async move { slow.dial(talking).await });
        scene.until(&first, "connected").await;
        let waiting = scene.network.dial(scene.dial(1, &second)).await;
        assert!(waiting.owner_saw.is_none() && waiting.protocol_errors.is_empty(), "{:?}", waiting.timeline);
        let held = waiting.exchanges.iter().filter(|e| e.url.contains("/hold/")).count();
        assert_eq!(held, 6, "{protocol:?}: {:?}", waiting.timeline);
        assert!(talking.await.expect("no panic").bridged);
        assert!(scene.network.dial(scene.dial(1, &second)).await.bridged, "{protocol:?}: the session waited on");
    }
}

#[tokio::test]
async fn an_owner_who_calls_back_mutes_the_own_telephone() {
    for protocol in BOTH {
        let scene = Scene::new(protocol, 1, Faults::default());
        let report = scene.network.dial(scene.call_back(0, "1")).await;
        assert!(report.owner_saw.is_none() && report.protocol_errors.is_empty(), "{:?}", report.timeline);
        let scan = scene.server.public.get(&format!("/q/{}", scene.codes[0])).await.json();
        assert_eq!(scan["reason"], "owner_unavailable", "{protocol:?}: {:?}", report.timeline);
    }
}

#[tokio::test]
async fn a_caller_without_a_number_and_one_who_gives_up_are_served_too() {
    for protocol in BOTH {
        let scene = Scene::new(protocol, 1, Faults::default());
        let opened = scene.open(0).await;
        let withheld = Dial { withheld: true, ..scene.dial(0, &opened) };
        let report = scene.network.dial(withheld).await;
        assert!(report.bridged, "{protocol:?}: {:?}", report.timeline);
        scene.server.outcome(&opened.session).await;
        for moment in [Moment::Asked, Moment::Ringing, Moment::OwnerPicksUp] {
            let opened = scene.open(0).await;
            let leaving = Dial { hang_up_when: Some(moment), ..scene.dial(1, &opened) };
            let report = scene.network.dial(leaving).await;
            assert!(!report.bridged && report.protocol_errors.is_empty(), "{:?}", report.timeline);
            if moment != Moment::Asked {
                let outcome = scene.server.outcome(&opened.session).await;
                assert!(["cancelled", "no_answer"].contains(&outcome.as_str()), "{protocol:?} {moment:?}: {outcome}");
            }
        }
    }
}

#[tokio::test]
async fn a_call_that_is_cancelled_on_the_page_is_hung_up_at_the_provider() {
    for protocol in BOTH {
        let scene = Scene::timed(protocol, 1, Faults::default(), 0.2);
        scene.network.set_telephone(&owner_phone(protocol, 0), OwnerScript::Silent);
        let opened = scene.open(0).await;
        let (network, dial) = (scene.network.clone(), scene.dial(0, &opened));
        let ringing = tokio::spawn(async move { network.dial(dial).await });
        scene.until(&opened, "dialing").await;
        let cancel = format!("/sessions/{}/cancel", opened.session);
        let cancelled = scene.server.public.post(&cancel, &serde_json::json!({})).await;
        assert_eq!(cancelled.status, 200, "{cancelled:?}");
        let report = ringing.await.expect("no panic");
        assert!(!report.bridged && report.protocol_errors.is_empty(), "{:?}", report.timeline);
        let outcome = scene.server.outcome(&opened.session).await;
        assert!(["cancelled", "no_answer", "failed"].contains(&outcome.as_str()), "{protocol:?}: {outcome}");
        assert_eq!(scene.network.rest_counts().hang_ups, 1, "{protocol:?}");

        // A session that nobody has called is over at once, and its code leads nowhere.
        let waiting = scene.open(0).await;
        let cancel = format!("/sessions/{}/cancel", waiting.session);
        for _ in 0..2 {
            let over = scene.server.public.post(&cancel, &serde_json::json!({})).await.json();
            assert_eq!(
                (over["state"].as_str(), over["outcome"].as_str()),
                (Some("ended"), Some("cancelled")),
                "{over}"
            );
        }
        scene.assert_all_over(2).await;
    }
}

async fn play_all(protocol: Protocol, which: usize, faults: Faults) {
    let scene = Scene::new(protocol, SCRIPTS.len(), faults);
    let mut sessions = Vec::new();
    for (n, (script, _, talks)) in SCRIPTS.into_iter().enumerate() {
        scene.network.set_telephone(&owner_phone(protocol, n), script);
        let opened = scene.open(n).await;
        let report = scene.network.dial(scene.dial(n, &opened)).await;
        assert_eq!(report.bridged, talks, "{protocol:?} {script:?}: {:?}", report.timeline);
        scene.assert_masked(&report, n, n);
        sessions.push(opened.session);
    }
    for (session, (script, expected, _)) in sessions.iter().zip(SCRIPTS) {
        assert_eq!(scene.server.outcome(session).await, expected[which], "{protocol:?} {script:?}");
    }
    scene.assert_all_over(SCRIPTS.len()).await;
}

impl Scene {
    /// Another network around the same server, where simulated time takes real time.
    pub(crate) fn network_of(&self, time_scale: f64) -> Network {
        let account = match self.protocol {
            Protocol::Plivo => AUTH_ID,
            Protocol::Twilio => ACCOUNT_SID,
        };
        let config = NetworkConfig {
            engine: format!("http://{}", self.server.address),
            public_base_url: ORIGIN.to_owned(),
            protocol: self.protocol,
            auth_id: account.to_owned(),
            auth_token: TOKEN.to_owned(),
            time_scale,
            ..NetworkConfig::default()
        };
        Network::new(config).expect("a valid configuration")
    }

    /// Waits until a session is in `state`.
    async fn until(&self, opened: &Opened, state: &str) {
        let there = async {
            while self.server.status(&opened.session).await.0 != state {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), there).await.unwrap_or_else(|_| panic!("never {state}"));
    }
}

/// A code whose check digit is right, and that most likely leads nowhere.
fn valid_code(n: usize) -> String {
    qnect_core::access_code::AccessCode::from_index(123_456 + n as u32, 7).to_string()
}

fn wrong_check_digit(code: &str) -> String {
    let last = code.as_bytes()[code.len() - 1] - b'0';
    format!("{}{}", &code[..code.len() - 1], (last + 1) % 10)
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// Fictional, in the country of the provider's number.
pub(crate) fn owner_phone(protocol: Protocol, n: usize) -> String {
    match protocol {
        Protocol::Plivo => format!("+9198{:08}", 17 + n),
        Protocol::Twilio => format!("+1202555{:04}", 100 + n),
    }
}

/// Fictional, in the country of the provider's number.
pub(crate) fn scanner_phone(protocol: Protocol, n: usize) -> String {
    match protocol {
        Protocol::Plivo => format!("+9197{:08}", 42 + n),
        Protocol::Twilio => format!("+1303555{:04}", 100 + n),
    }
}
