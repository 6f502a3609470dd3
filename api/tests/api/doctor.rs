//! `doctor`: what it finds in a real folder, beside a real engine and a simulated provider.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use qnect_simulator::{Faults, Protocol, RestFault};
use serde_json::Value;

use crate::both::Scene;
use crate::folder::{Folder, NUMBER, TOKEN, TWILIO_NUMBER, files, owner, stderr, stdout};
use crate::server::Server;

/// Nobody listens there, and no test leaves this machine.
const NOBODY: &str = "http://127.0.0.1:9";
const PHONE: &str = "+919800000017";
/// What depends on the machine that runs the tests.
const OF_THE_MACHINE: [&str; 4] = ["clock_sync", "disk_sync", "file_system", "open_files"];
/// Requests that a stranger of ours answers.
const REQUESTS_MAX: usize = 8;

/// The checks that were made: id, state and text.
struct Examined(Vec<[String; 3]>);

impl Examined {
    /// Examines `folder`, whose public address is `origin`, with further keys of the configuration. It is told in two
    /// forms, of which neither holds a secret or a telephone number.
    fn of(folder: &Folder, origin: &str, keys: &[(&str, &str)]) -> Self {
        let run = |form: &[&str]| {
            let config = folder.text("qnect.toml");
            let mut command = folder.command(&[&["doctor", "--config", &config][..], form].concat());
            command.env("QNECT__SERVER__PUBLIC_BASE_URL", origin);
            command.envs(keys.iter().map(|(key, value)| (format!("QNECT__{key}"), value)));
            command.output().expect("the binary runs")
        };
        let (text, json) = (run(&[]), run(&["--json"]));
        assert_eq!((stderr(&text), stderr(&json)), (String::new(), String::new()));
        let key = std::fs::read_to_string(folder.path("master.key")).unwrap_or_default();
        let key = key.split_whitespace().nth(1).unwrap_or("no key");
        let given = keys.iter().filter(|(key, _)| key.ends_with("TOKEN")).map(|(_, secret)| *secret);
        let secrets: Vec<&str> =
            [TOKEN, key, &NUMBER[1..], &TWILIO_NUMBER[1..], &PHONE[3..]].into_iter().chain(given).collect();
        for told in [stdout(&text), stdout(&json)] {
            assert!(secrets.iter().all(|secret| !told.contains(secret)), "a secret stands in {told}");
        }
        let told: Value = serde_json::from_str(&stdout(&json)).expect("one JSON object");
        let field = |check: &Value, name: &str| check[name].as_str().expect("a text").to_owned();
        let checks = told["checks"].as_array().expect("checks").iter();
        let checks: Vec<_> = checks.map(|check| ["id", "state", "text"].map(|name| field(check, name))).collect();
        let lines = stdout(&text);
        assert_eq!(lines.lines().count(), checks.len() + 1, "a line a check, and how they stand together: {lines}");
        for (line, [id, ..]) in lines.lines().zip(&checks) {
            assert!(line[6..].starts_with(&id.replace('_', " ")), "in the same order: {line}");
        }
        let failed = checks.iter().any(|[_, state, _]| state == "fail");
        assert_eq!(json.status.code(), Some(i32::from(failed)), "{checks:?}");
        Self(checks)
    }

    #[track_caller]
    fn assert(&self, wanted: &str, state: &str, says: &str) {
        let found = self.0.iter().find(|[id, ..]| id == wanted);
        let [_, found, text] = found.unwrap_or_else(|| panic!("no {wanted}: {:?}", self.0));
        assert_eq!(found, state, "{wanted}: {text}");
        assert!(text.contains(says), "{wanted}: {text}");
    }
}

/// Somebody who answers every request with `answer`; its address.
fn stranger(answer: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let answer = answer.to_owned();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().take(REQUESTS_MAX).map_while(Result::ok) {
            let mut request = [0; 4096];
            // A small request comes in one piece; who hangs up is not answered.
            let _ = stream.read(&mut request).and_then(|_| stream.write_all(answer.as_bytes()));
        }
    });
    format!("http://{address}")
}

fn response(status: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n{body}", body.len())
}

/// A folder with a database in it.
fn furnished() -> Folder {
    let folder = Folder::new();
    folder.import(&[owner(PHONE)]);
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_running_engine_and_its_provider_all_is_well() {
    for (protocol, name) in [(Protocol::Plivo, "plivo"), (Protocol::Twilio, "twilio")] {
        let scene = Scene::new(protocol, 1, Faults::default());
        let origin = format!("http://{}", scene.server.address);
        let (provider, clock) = (format!("provider_{name}"), format!("clock_{name}"));
        let examined = Examined::of(&scene.folder, &origin, &[("STORAGE__FREE_PERCENT_MIN", "0")]);
        let ids: Vec<&str> = examined.0.iter().map(|[id, ..]| id.as_str()).collect();
        let local = ["configuration", "key_file", "clock", "clock_sync", "cores", "open_files", "file_system"];
        let rest = ["disk_space", "disk_sync", "data_folder", "database", &provider, &clock, "public_url"];
        assert_eq!(ids, [&local[..], &rest[..]].concat());
        for [id, state, text] in &examined.0 {
            assert!(state == "ok" || OF_THE_MACHINE.contains(&id.as_str()), "{id}: {state}: {text}");
        }
        examined.assert("database", "ok", "an engine has it");
        examined.assert("key_file", "ok", "it opens the key table");
        assert_eq!(scene.network.rest_counts().reads, 2, "one request a run");
        assert_eq!(scene.open(0).await.number, scene.number(), "the engine goes on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_does_not_let_us_in_is_told_from_one_in_trouble() {
    let scene = Scene::new(Protocol::Plivo, 1, Faults::default());
    let examine = |keys: &[(&str, &str)]| Examined::of(&scene.folder, NOBODY, keys);
    let wrong = [("PROVIDERS__PLIVO__AUTH_TOKEN", "ZZZwrongwrongwrongZZZ")];
    examine(&wrong).assert("provider_plivo", "fail", "does not let us in (401)");
    let account = [("PROVIDERS__PLIVO__AUTH_ID", "MASOMEBODY")];
    examine(&account).assert("provider_plivo", "fail", "[providers.plivo]");
    for (fault, says) in [
        (RestFault::Unavailable, "has troubles (503)"),
        (RestFault::TooMany, "has troubles (429)"),
        (RestFault::Garbage, "providers.plivo.api_base_url"),
        (RestFault::Refuse, "does not answer"),
    ] {
        scene.network.set_rest_fault(Some(fault));
        examine(&[]).assert("provider_plivo", "warn", says);
    }
}

#[test]
fn a_provider_that_is_down_and_one_with_another_clock() {
    let folder = Folder::new();
    Examined::of(&folder, NOBODY, &[]).assert("provider_plivo", "warn", "does not answer: Connection refused");
    // What a real one tells of an account holds its secret.
    let account = format!(r#"{{"auth_id": "MAEXAMPLE", "auth_token": "{TOKEN}"}}"#);
    let dated = "Content-Type: application/json\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
    let provider = stranger(&response("200 OK", dated, &account));
    let examined = Examined::of(&folder, NOBODY, &[("PROVIDERS__PLIVO__API_BASE_URL", &provider)]);
    examined.assert("provider_plivo", "ok", "lets us in");
    examined.assert("clock_plivo", "warn", "days ahead of plivo; set it");
}

#[test]
fn a_suspended_account_fails() {
    let folder = Folder::at_twilio();
    let provider = stranger(&response("200 OK", "", r#"{"status": "suspended"}"#));
    let examined = Examined::of(&folder, NOBODY, &[("PROVIDERS__TWILIO__API_BASE_URL", &provider)]);
    examined.assert("provider_twilio", "fail", "suspended or closed");
}

#[test]
fn a_public_address_that_leads_elsewhere_is_told() {
    let folder = Folder::new();
    let examine = |origin: &str| Examined::of(&folder, origin, &[]);
    examine(NOBODY).assert("public_url", "warn", "normal while no engine runs");
    let page = response("404 Not Found", "Content-Type: text/html\r\n", "<h1>Not Found</h1>");
    examine(&stranger(&page)).assert("public_url", "warn", "answers 404, and it is not QNect");
    let proxy = response("502 Bad Gateway", "Content-Type: text/html\r\n", "<h1>Bad Gateway</h1>");
    examine(&stranger(&proxy)).assert("public_url", "warn", "its proxy reaches no engine");
    let another = response("404 Not Found", "Content-Type: application/problem+json\r\n", r#"{"status": 404}"#);
    examine(&stranger(&another)).assert("public_url", "warn", "it is not QNect");
    examine(&stranger("HTTP/1.1 ...")).assert("public_url", "warn", "does not answer");
}

#[test]
fn a_key_that_is_not_the_tables_or_not_kept_well_fails() {
    let folder = furnished();
    let examine = || Examined::of(&folder, NOBODY, &[]);
    examine().assert("key_file", "ok", "it opens the key table");
    let key = folder.path("master.key");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).expect("a mode");
    examine().assert("key_file", "fail", "run `chmod 600");
    std::fs::write(&key, "gibberish").expect("a written file");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).expect("a mode");
    examine().assert("key_file", "fail", "not a master key file");
    folder.take_key_of(&Folder::new());
    examine().assert("key_file", "fail", "does not open with this master key");
    std::fs::remove_file(&key).expect("a removed file");
    examine().assert("key_file", "fail", "qnect keys init");
}

#[test]
fn a_key_in_the_data_folder_is_told() {
    let folder = furnished();
    let inside = folder.data().join("master.key");
    std::fs::copy(folder.path("master.key"), &inside).expect("a copied key");
    let inside = inside.to_str().expect("a path in UTF-8");
    let examined = Examined::of(&folder, NOBODY, &[("STORAGE__KEY_FILE", inside)]);
    examined.assert("key_file", "warn", "move it elsewhere");
}

#[test]
fn space_below_the_minimum_fails() {
    let folder = furnished();
    let disk = rustix::fs::statvfs(folder.data()).expect("a file system");
    let is_below = disk.f_bavail * 2 < disk.f_blocks;
    let examined = Examined::of(&folder, NOBODY, &[("STORAGE__FREE_PERCENT_MIN", "50")]);
    let [_, state, text] = examined.0.iter().find(|[id, ..]| id == "disk_space").expect("a check");
    assert_eq!(state == "fail", is_below, "{text}");
    assert!(text.contains("% free"), "{text}");
}

#[test]
fn a_look_at_a_folder_changes_nothing_in_it() {
    let folder = Folder::new();
    let examined = Examined::of(&folder, NOBODY, &[]);
    examined.assert("data_folder", "ok", "the first start makes it");
    examined.assert("disk_sync", "warn", "not measured");
    assert!(!folder.data().exists());

    folder.import(&[owner(PHONE)]);
    let stands = || {
        let mut files = files(&folder.data());
        files.sort();
        files
    };
    let before = stands();
    let examined = Examined::of(&folder, NOBODY, &[]);
    examined.assert("database", "ok", "no engine has it, and a start would take it");
    examined.assert("last_commit", "ok", "ago");
    assert!(stands() == before, "every file and every byte is as it was");

    std::fs::set_permissions(folder.data(), PermissionsExt::from_mode(0o755)).expect("a mode");
    let examined = Examined::of(&folder, NOBODY, &[]);
    examined.assert("data_folder", "warn", "chmod 700");
    examined.assert("database", "ok", "a start would take it");
}

#[test]
fn a_folder_that_a_start_would_refuse_fails() {
    let folder = furnished();
    let mark = folder.data().join("high-water.mark");
    let examine = || Examined::of(&folder, NOBODY, &[]);
    let whole = std::fs::read(&mark).expect("a mark");
    let ahead = 1_000_000_u64;
    std::fs::write(&mark, [ahead.to_be_bytes(), (!ahead).to_be_bytes()].concat()).expect("a written file");
    examine().assert("database", "fail", "was safe once");
    std::fs::write(&mark, whole).expect("a written file");
    examine().assert("database", "ok", "a start would take it");
    std::fs::rename(folder.data().join("db"), folder.data().join("db.new")).expect("a moved folder");
    std::fs::write(folder.data().join("restore.unfinished"), "").expect("a written file");
    examine().assert("database", "fail", "run `qnect restore` again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_somebody_has_is_left_alone() {
    let folder = furnished();
    let server = Server::start(&folder);
    let elsewhere = [("SERVER__CONTROL_SOCKET", "/nowhere/control.sock")];
    let examined = Examined::of(&folder, NOBODY, &elsewhere);
    examined.assert("database", "warn", "a process has it that does not listen on /nowhere");
    examined.assert("key_file", "ok", "it opens the key table");
    Examined::of(&folder, NOBODY, &[]).assert("database", "ok", "an engine has it");
    assert_eq!(server.operations.get("/readyz").await.status, 200);
}

#[test]
fn what_was_probably_not_meant_is_told() {
    let folder = Folder::new();
    let examine = |origin: &str, keys: &[(&str, &str)]| Examined::of(&folder, origin, keys);
    examine(NOBODY, &[]).assert("configuration", "ok", "plivo has 1 number and 1 secret");
    let idle = [
        ("PROVIDERS__TWILIO__ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"),
        ("PROVIDERS__TWILIO__AUTH_TOKEN", "ZZZanotherZsecretZZZ"),
        ("PROVIDERS__TWILIO__API_BASE_URL", NOBODY),
    ];
    examine(NOBODY, &idle).assert("configuration", "warn", "no number is at twilio");
    let nowhere = [("TLS__CERTIFICATE_FILE", "/nowhere"), ("TLS__PRIVATE_KEY_FILE", "/nowhere")];
    examine(NOBODY, &nowhere).assert("certificate", "fail", "tls.certificate_file");
}

#[test]
fn a_configuration_that_serve_refuses_is_told_as_there() {
    let folder = Folder::new().set("CALLS__RING_SECONDS", "0");
    let refused = folder.operate(&["doctor", "--json"]);
    assert_eq!((refused.status.code(), stdout(&refused)), (Some(2), String::new()));
    assert!(stderr(&refused).contains("calls.ring_seconds"), "{}", stderr(&refused));
    assert_eq!(folder.operate(&["doctor", "now"]).status.code(), Some(2));
}
