//! The operator's hands: the same commands on a running engine and on a folder.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::folder::{Folder, ORIGIN, owner, stderr, stdout};
use crate::plivo::keying;
use crate::server::Server;

const PHONE: &str = "+919800000017";
const LEG: &str = "6d6ae5c0-0000-4000-8000-000000000077";

/// A folder with one owner: the owner's id and the code.
fn furnished() -> (Folder, String, String) {
    let folder = Folder::new();
    let code = folder.import(&[owner(PHONE)]).remove(0);
    let id = folder.operated(&["tags", "show", &code])[0]["owner_id"].as_str().expect("an owner").to_owned();
    (folder, id, code)
}

#[tokio::test]
async fn an_engine_and_a_folder_answer_alike() {
    let mut told = Vec::new();
    for running in [false, true] {
        let (folder, id, code) = furnished();
        let server = running.then(|| Server::start(&folder));
        let second = folder.operated(&["tags", "mint", "--owner", &id, "--vehicle", "RJ14 AB 9"]);
        let second = second[0]["code"].as_str().expect("a code").to_owned();
        let minted = folder.operated(&["tags", "mint", "--count", "3"]);
        assert_eq!(minted.len(), 3);
        let free = minted[0]["code"].as_str().expect("a code").to_owned();
        let commands: [&[&str]; 25] = [
            &["tags", "show", &code],
            &["tags", "show", &free.to_lowercase()],
            &["tags", "suspend", &free],
            &["tags", "resume", &free],
            &["tags", "suspend", &second],
            &["tags", "retire", &second],
            &["tags", "resume", &second],
            &["tags", "show", "0000000000000000000A"],
            &["owners", "show", &id],
            &["owners", "show", "--phone", PHONE],
            &["owners", "show", "--email", "OWNER@example.in"],
            &["owners", "show", "--phone", "+919800000099"],
            &["owners", "show", "--phone", "9800000017"],
            &["owners", "show", "nobody"],
            &["owners", "show", "000000000000"],
            &["owners", "set", &id, "--name", "Zoya", "--email", "z@example.in", "--phone", "+919800000055"],
            &["owners", "set", &id, "--language", "hi", "--time-zone", "Asia/Dubai", "--quiet-hours", "22:00-07:00"],
            &["owners", "set", &id, "--night-reasons", "towing, emergency", "--quiet-hours", "none"],
            &["owners", "set", &id, "--phone", "+971500000025"],
            &["owners", "pause", &id],
            &["owners", "resume", &id],
            &["owners", "show", "--phone", PHONE],
            &["tags", "scans", &code],
            &["tags", "scans", &code, "--hours", "25"],
            &["tags", "scans", "0000000000000000000A"],
        ];
        let mut lines = Vec::new();
        for command in commands {
            for form in [&[][..], &["--json"]] {
                let output = folder.operate(&[command, form].concat());
                let text = stdout(&output) + &stderr(&output);
                let known = [(&id, "ID"), (&code, "CODE"), (&second, "SECOND"), (&free, "FREE")];
                let text = known.iter().fold(text, |text, (name, stands)| text.replace(name.as_str(), stands));
                lines.push(format!("{:?} {}", output.status.code(), without_times(&text)));
            }
        }
        drop(server);
        told.push(lines);
    }
    for (folder, engine) in told[0].iter().zip(&told[1]) {
        assert_eq!(folder, engine);
    }
    let json = |at: usize| -> Value {
        serde_json::from_str(told[0][2 * at + 1].split_once(' ').expect("a code").1).expect("JSON")
    };
    let code = |at: usize| told[0][2 * at].split_once(' ').expect("a code").0.to_owned();
    assert_eq!(
        json(0),
        json!({"code": "CODE", "url": format!("{ORIGIN}/q/CODE"), "status": "active", "owner_id": "ID", "minted_at": "T"})
    );
    assert_eq!(
        [1, 2, 3, 4, 5].map(|at| json(at)["status"].clone()),
        ["minted", "suspended", "minted", "suspended", "retired"]
    );
    assert_eq!(
        [6, 7, 11, 12, 13, 14, 18, 21, 22, 23, 24].map(code),
        [
            "Some(1)", "Some(1)", "Some(1)", "Some(2)", "Some(2)", "Some(1)", "Some(2)", "Some(1)", "Some(0)",
            "Some(2)", "Some(1)"
        ]
    );
    assert_eq!(told[0][2 * 22], "Some(0) nobody looked at it\n");
    let (shown, set) = (json(8), json(17));
    assert_eq!(
        (&shown["name"], &shown["email"], &shown["phone"]),
        (&"A...".into(), &"o...".into(), &"+******17".into())
    );
    assert_eq!(shown["tags"].as_array().map(Vec::len), Some(2));
    assert_eq!([9, 10].map(json), [shown.clone(), shown]);
    assert_eq!((&set["name"], &set["email"], &set["phone"]), (&"Z...".into(), &"z...".into(), &"+******55".into()));
    assert_eq!(
        (&set["language"], &set["time_zone"], &set["quiet_hours"]),
        (&"hi".into(), &"Asia/Dubai".into(), &Value::Null)
    );
    assert_eq!(json(16)["quiet_hours"], "22:00-07:00");
    assert_eq!(set["night_reasons"], json!(["towing", "emergency"]));
    assert_eq!([19, 20].map(|at| json(at)["paused"].clone()), [true, false]);
    for line in told.iter().flatten() {
        for personal in ["98000000", "Zoya", "example.in", "An Owner", "RJ14", "50000002"] {
            assert!(!line.contains(personal), "{personal} stands in {line}");
        }
    }
}

/// Every point in time becomes a `T`.
pub(crate) fn without_times(text: &str) -> String {
    let is_time = |word: &str| word.len() >= 20 && word.ends_with('Z') && word.as_bytes()[4] == b'-';
    let words = text.split_inclusive(['"', ' ', '\n']);
    words
        .map(|word| {
            let time = word.trim_end_matches(['"', ' ', '\n']);
            if is_time(time) { word.replace(time, "T") } else { word.to_owned() }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_tag_is_unknown_to_whoever_scans_from_then_on() {
    let (folder, _, code) = furnished();
    let folder = Arc::new(folder);
    let server = Arc::new(Server::start(&folder));
    let unknown = server.public.page("/q/00000000000000000000").await;
    for (command, answers) in [("suspend", false), ("resume", true), ("retire", false)] {
        // Raised by the operator when the command has returned; a scan that begins later must follow it.
        let returned = Arc::new(AtomicBool::new(false));
        let crowd: Vec<_> = (0..8)
            .map(|_| {
                let (server, returned, path) = (server.clone(), returned.clone(), format!("/q/{code}"));
                tokio::spawn(async move {
                    let mut after = Vec::new();
                    while after.len() < 10 {
                        let late = returned.load(Ordering::Acquire);
                        let answer = server.public.page(&path).await;
                        if late {
                            after.push(answer);
                        }
                    }
                    after
                })
            })
            .collect();
        let (operator, arguments) = (folder.clone(), ["tags", command, &code].map(str::to_owned));
        tokio::task::spawn_blocking(move || operator.operated(&arguments.each_ref().map(String::as_str)))
            .await
            .expect("a command");
        returned.store(true, Ordering::Release);
        for scans in crowd {
            for scan in scans.await.expect("a crowd") {
                if answers {
                    assert_eq!(scan.status, 200, "after {command}");
                } else {
                    assert_eq!(scan.bytes(), unknown.bytes(), "after {command}");
                }
            }
        }
    }
    let session = server.public.post(&format!("/q/{code}/sessions"), &json!({"reason": "blocking"})).await;
    let nobody = server.public.post("/q/00000000000000000000/sessions", &json!({"reason": "blocking"})).await;
    assert_eq!(session.bytes(), nobody.bytes());
}

#[tokio::test]
async fn an_operator_sees_when_a_tag_was_looked_at_and_not_from_where() {
    let (folder, id, code) = furnished();
    let other = folder.operated(&["tags", "mint", "--owner", &id])[0]["code"].as_str().expect("a code").to_owned();
    let server = Server::start(&folder);
    let phone =
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1";
    for (tag, agent) in [(&code, phone), (&other, phone), (&other, "curl/8.5"), (&code, "curl/8.5"), (&code, phone)] {
        let request = server.public.request(&Method::GET, &format!("/q/{tag}")).header("User-Agent", agent);
        assert_eq!(server.public.send(request, "").await.status, 200);
    }
    // They are on the disk within a second.
    let kinds = |tag: &str| {
        let scans = folder.operated(&["tags", "scans", tag]);
        let kind = |scan: &Value| scan["device"].as_str().expect("a class").to_owned();
        assert!(scans.is_sorted_by(|later, earlier| later["at"].as_str() >= earlier["at"].as_str()), "{scans:?}");
        assert!(scans.iter().all(|scan| scan.as_object().is_some_and(|facts| facts.len() == 3)), "{scans:?}");
        // Two of one millisecond have no order.
        let mut kinds: Vec<_> = scans.iter().map(kind).collect();
        kinds.sort();
        kinds
    };
    let until = Instant::now() + Duration::from_secs(20);
    while kinds(&code).len() < 3 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((kinds(&code), kinds(&other)), (vec_of(["phone", "phone", "unknown"]), vec_of(["phone", "unknown"])));
    let text = stdout(&folder.operate(&["tags", "scans", &other]));
    assert!(text.lines().count() == 2 && text.contains("phone    safari"), "{text}");
}

fn vec_of<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

#[tokio::test]
async fn what_an_owner_changes_is_seen_by_the_next_scan_and_the_next_call() {
    let (folder, id, code) = furnished();
    let server = Server::start(&folder);
    let opened = server.open(&code, "blocking").await;
    let scan = async || server.public.get(&format!("/q/{code}")).await.json();
    assert_eq!(scan().await["decision"], "allow");

    folder.operated(&["owners", "pause", &id, "--minutes", "60"]);
    let paused = scan().await;
    assert_eq!((&paused["decision"], &paused["reason"]), (&"refused".into(), &"owner_unavailable".into()), "{paused}");
    let refused = keying(LEG, &opened).send(&server.public).await;
    assert!(!refused.body.contains("<Dial"), "{}", refused.body);

    folder.operated(&["owners", "resume", &id]);
    folder.operated(&["owners", "set", &id, "--phone", "+919800000066"]);
    assert_eq!(scan().await["decision"], "allow");
    let dialled = keying(LEG, &opened).send(&server.public).await;
    assert!(dialled.body.contains("919800000066") && !dialled.body.contains(&PHONE[1..]), "{}", dialled.body);
}

#[tokio::test]
async fn a_command_that_returned_outlives_kill_9() {
    let (folder, id, code) = furnished();
    let server = Server::start(&folder);
    let minted = folder.operated(&["tags", "mint", "--owner", &id])[0]["code"].as_str().expect("a code").to_owned();
    folder.operated(&["tags", "suspend", &code]);
    folder.operated(&["owners", "pause", &id]);
    server.kill();

    let server = Server::start(&folder);
    assert_eq!(server.public.get(&format!("/q/{code}")).await.status, 404);
    let paused = server.public.get(&format!("/q/{minted}")).await;
    assert_eq!((paused.status, &paused.json()["reason"]), (200, &"owner_unavailable".into()));
    server.kill();

    let shown = &folder.operated(&["owners", "show", &id])[0];
    assert_eq!((&shown["paused"], &shown["paused_until"]), (&true.into(), &Value::Null));
    assert_eq!(shown["tags"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_fresh_tag_answers_at_once_and_says_that_nobody_claimed_it() {
    let folder = Folder::new();
    let minted = folder.operated(&["tags", "mint", "--count", "2"]);
    let server = Server::start(&folder);
    let fresh = folder.operated(&["tags", "mint"]);
    for tag in minted.iter().chain(&fresh) {
        let scan = server.public.get(&format!("/q/{}", tag["code"].as_str().expect("a code"))).await;
        assert_eq!((scan.status, &scan.json()["reason"]), (200, &"not_active".into()));
    }
    let many = folder.operate(&["tags", "mint", "--count", "10001"]);
    assert_eq!(many.status.code(), Some(2), "{}", stderr(&many));
}

#[test]
fn a_folder_that_holds_nothing_is_a_mistake() {
    let folder = Folder::new();
    for arguments in [&["tags", "show", "0000000000000000000A"][..], &["owners", "show", "000000000000"]] {
        let refused = folder.operate(arguments);
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
        assert!(stderr(&refused).contains("storage.data_dir"), "{}", stderr(&refused));
    }
    assert!(!folder.data().exists(), "nothing was made");
    for bad in [&["owners", "set", "000000000000"][..], &["owners", "show"], &["tags", "mint", "--vehicle", "X"]] {
        assert_eq!(folder.operate(bad).status.code(), Some(2), "{bad:?}");
    }
}

/// What is out of place on a command line names people too, and ends up in logs.
#[test]
fn a_command_line_that_cannot_be_read_is_not_repeated() {
    let folder = Folder::new();
    let spoilt: [&[&str]; 5] = [
        &["owners", "set", "ID", "--phone", "+91", "9800000017"],
        &["owners", "show", "ID", "+919800000017"],
        &["owners", "set", "ID", "--name", "Canary", "Canarison"],
        &["tags", "mint", "--vehicle", "RJ14", "9800000017"],
        &["sessions", "block", "ID", "9800000017"],
    ];
    for arguments in spoilt {
        let refused = folder.run(arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        let told = format!("{}{}", stdout(&refused), stderr(&refused));
        assert!(told.contains("Usage: qnect"), "{told}");
        assert!(!told.contains("9800000017") && !told.contains("Canarison"), "{told}");
    }
}
