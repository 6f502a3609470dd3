//! Marked people: after everything that can happen to them, nothing of them stands anywhere.

use qnect_simulator::{Dial, Faults};
use serde_json::json;

use crate::calls::network;
use crate::folder::{Folder, ORIGIN, files};
use crate::server::Server;

pub(crate) const NAME: &str = "Canaria Serinus";
pub(crate) const EMAIL: &str = "Serinus.Canaria@birds.example";
pub(crate) const VEHICLE: &str = "ZZ99 CANARY 77";
pub(crate) const OWNER: &str = "+919876501234";
pub(crate) const SCANNER: &str = "+919765402468";

#[tokio::test]
async fn nothing_of_a_person_stands_anywhere() {
    let folder = Folder::new().set("LOG__ACCESS", "all");
    let person = json!({"name": NAME, "email": EMAIL, "phone": OWNER, "vehicle": VEHICLE, "language": "hi"});
    let imported = folder.import_text(person.to_string().as_bytes());
    assert!(imported.status.success());
    let line: serde_json::Value = serde_json::from_slice(&imported.stdout).expect("a JSON line");
    let code = line["tag_code"].as_str().expect("a code").to_owned();
    let mut told = [imported.stdout, imported.stderr].concat();

    let mut server = Server::start(&folder);
    server.public.page(&format!("/q/{code}")).await;
    server.public.get(&format!("/q/{code}?from={SCANNER}&name={NAME}").replace(' ', "%20")).await;
    server.public.get(&format!("/nothing/{OWNER}")).await;
    let opened = server.open(&code, "blocking").await;
    server.public.page(&opened.path()).await;
    server.public.submit(&format!("/q/{code}/sessions"), &[("reason", "other")]).await;
    let dial = Dial {
        from: SCANNER.to_owned(),
        number: opened.number.clone(),
        post_dial: Some(opened.access_code.clone()),
        talk_seconds: 20,
        ..Dial::default()
    };
    let report = network(&server, Faults::default()).dial(dial).await;
    assert!(report.bridged, "{:?}", report.timeline);
    assert_eq!(report.leaks(SCANNER, OWNER), Vec::<&str>::new());
    assert_eq!(server.outcome(&opened.session).await, "completed");
    server.public.page(&opened.path()).await;
    let id = line["owner_id"].as_str().expect("an id");
    let page = format!("{ORIGIN}{}", opened.path());
    for command in [
        &["owners", "show", id][..],
        &["owners", "show", "--phone", OWNER, "--json"],
        &["owners", "show", "--email", EMAIL],
        &["owners", "show", "--phone", SCANNER],
        &["owners", "set", id, "--name", NAME, "--email", EMAIL, "--phone", OWNER],
        &["owners", "set", id, "--phone", &OWNER[1..]],
        &["tags", "mint", "--owner", id, "--vehicle", VEHICLE],
        &["tags", "mint", "--owner", OWNER, "--vehicle", VEHICLE],
        &["sessions", "show", &opened.session],
        &["sessions", "report", &page, "--json"],
        &["sessions", "block", &page],
        &["sessions", "block", SCANNER],
        &["sessions", "show", &opened.session[1..]],
        &["owners", "show", id],
        &["sessions", "unblock", &opened.session],
        &["owners", "unblock", id],
    ] {
        let output = folder.operate(command);
        told.extend([output.stdout, output.stderr].concat());
    }
    let metrics = server.metrics().await;
    server.terminate();
    assert_eq!(server.ended(std::time::Duration::from_secs(15)).await.code(), Some(0));
    let unopened = folder.import_text(format!("{person}\n{{\"name\":\"{NAME}\",\"phone\":\"{OWNER}\"}}\n").as_bytes());
    assert_eq!(unopened.status.code(), Some(1), "a bad line");
    told.extend([unopened.stdout, unopened.stderr].concat());

    let commands = String::from_utf8_lossy(&told).into_owned();
    assert!(commands.contains("caller         blocked"), "{commands}");
    for secret in [&opened.session, &opened.access_code] {
        assert!(!commands.contains(secret.as_str()) && !commands.contains(&secret[1..]), "a command repeats a secret");
    }
    let stderr = server.stderr();
    assert!(stderr.contains("/q/{code}"), "requests were logged, by their templates: {stderr}");
    let answered = server.public.heard() + &server.operations.heard();
    let places = [("a command", told), ("stdout", server.stdout().into()), ("stderr", stderr.clone().into())];
    let places = places.into_iter().chain([("metrics", metrics.0.clone().into()), ("an answer", answered.into())]);
    let stored = files(&folder.data()).into_iter().map(|(path, bytes)| (path.display().to_string(), bytes));
    let places: Vec<(String, Vec<u8>)> = places.map(|(place, bytes)| (place.to_owned(), bytes)).chain(stored).collect();
    assert!(places.len() > 8, "the data folder has files");
    assert_nobody(&places);
    // Secrets that give access are no personal data, but no log may hold them either.
    for (what, secret) in
        [("the code", &code), ("the session", &opened.session), ("the access code", &opened.access_code)]
    {
        assert!(!stderr.contains(secret.as_str()) && !metrics.0.contains(secret.as_str()), "{what} was logged");
    }
}

#[test]
fn the_marks_are_found_where_they_stand() {
    for (what, mark) in marks() {
        assert!(holds(&[b"\x00 before ", &mark[..], b" after"].concat(), &mark), "{what}");
    }
    assert!(!holds(b"nobody", b"somebody"));
}

/// None of the places, each with what stands there, holds anything of anybody.
pub(crate) fn assert_nobody(places: &[(String, Vec<u8>)]) {
    for (place, bytes) in places {
        for (what, mark) in marks() {
            assert!(!holds(bytes, &mark), "{what} stands in {place}");
        }
    }
}

/// Every form in which a person might be written down.
fn marks() -> Vec<(String, Vec<u8>)> {
    let mut marks = Vec::new();
    for text in [NAME, EMAIL, VEHICLE, &OWNER[3..], &SCANNER[3..], "Serinus", "birds.example", "CANARY"] {
        for spelled in [text.to_owned(), text.to_lowercase(), text.to_uppercase(), text.replace(' ', "")] {
            marks.push((format!("{spelled:?}"), spelled.into_bytes()));
        }
    }
    for number in [OWNER, SCANNER] {
        let digits: u64 = number[1..].parse().expect("digits");
        marks.push((format!("{number} in big-endian"), digits.to_be_bytes()[3..].to_vec()));
        marks.push((format!("{number} in little-endian"), digits.to_le_bytes()[..5].to_vec()));
    }
    marks
}

pub(crate) fn holds(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark)
}
