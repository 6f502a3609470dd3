//! "Block this caller" and "report", by the owner's telephone and by the operator's hand: nobody sees a number.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE};
use qnect_simulator::{CallReport, Dial, Faults, OwnerScript, Protocol};
use serde_json::json;

use crate::both::{BOTH, Scene, owner_phone, scanner_phone};
use crate::client::Answer;
use crate::folder::{Folder, ORIGIN, stderr, stdout};
use crate::operate::without_times;
use crate::server::{Opened, Server};

/// What a caller hears whose owner cannot be reached, for whatever reason.
const UNAVAILABLE: &str = "the owner cannot be reached";

impl Scene {
    /// A session that somebody at this address asks for, and gets.
    pub(crate) async fn open_from(&self, address: &str) -> Opened {
        let answer = self.ask_from(address, "emergency").await;
        assert_eq!(answer.status, 201, "{answer:?}");
        Opened::of(&answer)
    }

    /// Somebody at this address asks for a session.
    pub(crate) async fn ask_from(&self, address: &str, reason: &str) -> Answer {
        let request = self.server.public.request(&Method::POST, &format!("/q/{}/sessions", self.codes[0]));
        let request = request.header(ACCEPT, "application/json").header(CONTENT_TYPE, "application/json");
        self.server.public.send(request.header("X-Forwarded-For", address), json!({"reason": reason}).to_string()).await
    }

    /// The process ends and another one begins, after what is done meanwhile.
    async fn restart(&mut self, meanwhile: impl FnOnce(&Folder)) {
        self.server.terminate();
        assert_eq!(self.server.ended(Duration::from_secs(30)).await.code(), Some(0));
        meanwhile(&self.folder);
        self.server = Server::start(&self.folder);
        self.network = self.network_of(0.0);
    }
}

fn rang(report: &CallReport) -> bool {
    assert!(report.protocol_errors.is_empty(), "{:?}", report.protocol_errors);
    report.owner_saw.is_some()
}

fn heard(report: &CallReport, words: &str) -> bool {
    report.scanner_heard.iter().any(|text| text.contains(words))
}

#[tokio::test]
async fn a_caller_whom_the_owner_blocked_rings_nobody() {
    for protocol in BOTH {
        let scene = Scene::new(protocol, 2, Faults::default());
        let opened = scene.open_from("203.0.113.7").await;
        let first = scene.network.dial(scene.dial(0, &opened)).await;
        assert!(first.bridged, "{protocol:?}: {:?}", first.timeline);
        scene.server.outcome(&opened.session).await;

        let menu = scene.network.dial(scene.call_back(0, "9")).await;
        assert!(!rang(&menu) && heard(&menu, "can no longer reach you"), "{protocol:?}: {:?}", menu.timeline);
        let mut rings = 0;
        for n in 1..=4 {
            let again = scene.open_from(&format!("198.51.100.{n}")).await;
            let report = scene.network.dial(scene.dial(0, &again)).await;
            assert!(heard(&report, UNAVAILABLE), "{protocol:?}: {:?}", report.timeline);
            assert_eq!(scene.server.status(&again.session).await.0, "waiting");
            rings += usize::from(rang(&report));
            // Nor by dialling again, with what the same telephone has by now.
            rings += usize::from(rang(&scene.network.dial(scene.redial(0)).await));
        }
        assert_eq!(rings, 0, "{protocol:?}");

        let other = scene.open_from("203.0.113.7").await;
        let report = scene.network.dial(scene.dial(1, &other)).await;
        assert!(report.bridged, "{protocol:?}: somebody else, where the blocked caller stood: {:?}", report.timeline);
        scene.assert_masked(&report, 1, 0);
        let elsewhere = scene.open(1).await;
        let report = scene.network.dial(scene.dial(0, &elsewhere)).await;
        assert!(report.bridged, "{protocol:?}: another owner's car: {:?}", report.timeline);
    }
}

#[tokio::test]
async fn an_owner_who_pauses_and_one_who_blocks_sound_alike() {
    for protocol in BOTH {
        let mut told = Vec::new();
        for key in ["9", "1"] {
            let scene = Scene::new(protocol, 1, Faults::default());
            scene.network.set_telephone(&owner_phone(protocol, 0), OwnerScript::Silent);
            let (first, second) = (scene.server.open(&scene.codes[0], "other").await, scene.open(0).await);
            scene.network.dial(scene.dial(0, &first)).await;
            scene.server.outcome(&first.session).await;
            scene.network.dial(scene.call_back(0, key)).await;
            let by_code = scene.network.dial(scene.dial(0, &second)).await;
            let again = scene.network.dial(scene.redial(0)).await;
            assert!(!rang(&by_code) && heard(&by_code, UNAVAILABLE) && !rang(&again), "{:?}", by_code.timeline);
            let page = scene.server.public.get(&second.path()).await.json();
            let shown = (page["state"].clone(), page["outcome"].clone(), page["challenge"].clone());
            told.push((by_code.scanner_heard, again.scanner_heard, shown));
        }
        assert_eq!(told[0], told[1], "{protocol:?}");
    }
}

#[tokio::test]
async fn a_session_is_judged_alike_with_an_engine_and_without_one() {
    let mut told = Vec::new();
    for running in [true, false] {
        let mut scene = Scene::new(Protocol::Plivo, 1, Faults::default());
        scene.network.set_telephone(&owner_phone(Protocol::Plivo, 0), OwnerScript::Silent);
        let (called, withheld, waiting) = (scene.open(0).await, scene.open(0).await, scene.open(0).await);
        scene.network.dial(scene.dial(0, &called)).await;
        scene.server.outcome(&called.session).await;
        scene.network.dial(Dial { withheld: true, ..scene.dial(1, &withheld) }).await;
        scene.server.outcome(&withheld.session).await;
        let page = format!("{ORIGIN}/sessions/{}?lang=en#code", called.session);
        let owner = scene.folder.operated(&["tags", "show", &scene.codes[0]])[0]["owner_id"].clone();
        let owner = owner.as_str().expect("an owner").to_owned();
        let code = scene.codes[0].clone();
        let commands: [&[&str]; 14] = [
            &["sessions", "show", &called.session],
            &["sessions", "report", &page],
            &["sessions", "report", &called.session],
            &["sessions", "report", &waiting.session],
            &["sessions", "block", &waiting.session],
            &["sessions", "block", &withheld.session],
            &["sessions", "block", &called.session.to_lowercase()],
            &["owners", "show", &owner],
            &["sessions", "unblock", &page],
            &["sessions", "block", &page],
            &["sessions", "show", "nothing"],
            &["sessions", "show", &scanner_phone(Protocol::Plivo, 0)],
            &["owners", "unblock", &owner],
            &["sessions", "show", &withheld.session],
        ];
        let mut lines = Vec::new();
        let mut judge = |folder: &Folder| {
            for command in commands {
                for form in [&[][..], &["--json"]] {
                    let output = folder.operate(&[command, form].concat());
                    let text = (stdout(&output) + &stderr(&output)).replace(&owner, "OWNER").replace(&code, "CODE");
                    lines.push((output.status.code(), without_times(&text)));
                }
            }
        };
        if running {
            judge(&scene.folder);
        } else {
            scene.restart(judge).await;
        }
        for (_, line) in &lines {
            for secret in [&called, &withheld, &waiting] {
                assert!(!line.contains(&secret.session) && !line.contains(&secret.access_code), "{line}");
            }
            for number in [owner_phone(Protocol::Plivo, 0), scanner_phone(Protocol::Plivo, 0), called.number.clone()] {
                assert!(!line.contains(&number[3..]), "{line}");
            }
        }
        // The report has reached the tag: nobody dials again without a code, and who was reported is challenged. Nobody else.
        assert!(!rang(&scene.network.dial(scene.redial(0)).await), "running: {running}");
        let scan = scene.server.public.get(&format!("/q/{}", scene.codes[0])).await.json();
        assert_eq!(scan["decision"], "allow", "running: {running}");
        // What is urgent is heard once, however short the time since.
        let opened = scene.open_from("198.51.100.9").await;
        assert!(!rang(&scene.network.dial(scene.dial(0, &opened)).await), "who keys no digits; running: {running}");
        let heard = Dial { repeats_spoken_digits: true, ..scene.dial(0, &opened) };
        assert!(rang(&scene.network.dial(heard).await), "let through again; running: {running}");
        told.push(lines);
    }
    assert_eq!(told[0], told[1]);
    let codes: Vec<_> = told[0].iter().step_by(2).map(|(code, _)| code.expect("an exit code")).collect();
    assert_eq!(codes, [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0]);
    let json = |at: usize| -> serde_json::Value { serde_json::from_str(&told[0][2 * at + 1].1).expect("JSON") };
    let caller = |at: usize| json(at)["caller"].as_str().expect("a caller").to_owned();
    assert_eq!([0, 6, 8, 9, 13].map(caller), ["known", "blocked", "known", "blocked", "nameless"]);
    assert_eq!([0, 1, 2].map(|at| json(at)["reported_at"].is_null()), [true, false, false]);
    assert_eq!([7, 12].map(|at| json(at)["blocked_callers"].clone()), [1, 0]);
    assert_eq!((&json(0)["state"], &json(0)["outcome"]), (&"ended".into(), &"no_answer".into()));
}

#[tokio::test]
async fn a_sessions_id_can_be_kept_off_the_command_line() {
    let scene = Scene::new(Protocol::Plivo, 1, Faults::default());
    let opened = scene.open(0).await;
    let mut command = scene.folder.command(&["sessions", "show", "-", "--config", &scene.folder.text("qnect.toml")]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary can be started");
    writeln!(child.stdin.take().expect("a pipe"), "{ORIGIN}/sessions/{}", opened.session).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && stdout(&output).contains("waiting"), "{}", stderr(&output));
}
