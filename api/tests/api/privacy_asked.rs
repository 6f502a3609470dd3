//! What nobody is asked for, and what is not taken from those who offer it.

use std::collections::HashSet;

use http::Method;
use http::header::ACCEPT;
use qnect_simulator::Faults;
use serde_json::{Value, json};

use crate::calls::{call, network, owner_phone, scanner_phone};
use crate::canary::holds;
use crate::client::Answer;
use crate::folder::{Folder, ORIGIN, files, owner, stderr};
use crate::scan::{assert_common, assert_page};
use crate::server::{Opened, Server};
use crate::sessions::assert_problem;

/// What other services collect, by the name that a program would give it. None of it is asked for here, of anybody.
const NEVER: [&str; 48] = [
    "address",
    "address_book",
    "age",
    "aadhaar",
    "advertising_id",
    "battery",
    "biometrics",
    "blood_group",
    "birthday",
    "callback",
    "card_number",
    "city",
    "company",
    "contacts",
    "cookie_id",
    "cvv",
    "date_of_birth",
    "device_id",
    "dob",
    "facebook_id",
    "fax",
    "fingerprint",
    "frequent_flyer",
    "gender",
    "google_id",
    "gps",
    "health",
    "imei",
    "income",
    "interests",
    "latitude",
    "location",
    "longitude",
    "marketing",
    "message",
    "newsletter",
    "note",
    "offers",
    "passport",
    "payment",
    "photo",
    "postal_code",
    "recording",
    "religion",
    "resume",
    "text",
    "transcript",
    "udid",
];
/// What an owner is asked for and a scanner is not.
const OF_OWNERS: [&str; 6] = ["name", "email", "phone", "vehicle", "from", "caller"];
const CANARY: &str = "Canary-Of-Nobodys-Business";

#[tokio::test]
async fn what_a_scanner_offers_beyond_a_reason_is_refused_and_stored_nowhere() {
    let folder = Folder::new().set("LOG__ACCESS", "all");
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let mut server = Server::start(&folder);
    let path = format!("/q/{code}/sessions");
    for field in NEVER.iter().chain(&OF_OWNERS) {
        for value in [json!(CANARY), json!([CANARY]), json!({"is": CANARY}), json!(null), json!(7)] {
            let answer = server.public.post(&path, &json!({"reason": "blocking", *field: value})).await;
            assert_problem(&answer, 422, "invalid_request", field);
            assert!(answer.body.contains("and no other field"), "what to do: {}", answer.body);
            assert!(!answer.body.contains(CANARY) && !answer.body.contains(&format!("\"{field}\"")), "{}", answer.body);
        }
        let answer = server.public.submit(&path, &[("reason", "blocking"), (field, CANARY)]).await;
        assert_eq!(answer.status, 422, "{field}");
        assert_page(&answer);
        assert!(!answer.body.contains(CANARY), "{}", answer.body);
    }
    let metrics = server.metrics().await;
    assert_eq!((metrics.sum("qnect_sessions_open"), metrics.sum("qnect_sessions_opened_total")), (0.0, 0.0));
    server.terminate();
    server.ended(std::time::Duration::from_secs(15)).await;
    let stored = files(&folder.data()).into_iter().map(|(path, bytes)| (path.display().to_string(), bytes));
    let places = [("the log".to_owned(), server.stderr().into_bytes()), ("the metrics".to_owned(), metrics.0.into())];
    for (place, bytes) in stored.chain(places) {
        assert!(!holds(&bytes, CANARY.as_bytes()), "it stands in {place}");
    }
}

#[test]
fn what_an_owner_is_not_asked_for_is_not_taken_either() {
    let folder = Folder::new();
    let bad: Vec<String> = NEVER
        .iter()
        .map(|field| {
            let mut owner = owner("+919800000017");
            owner[*field] = CANARY.into();
            format!("{owner}\n")
        })
        .collect();
    let imported = folder.import_text(bad.concat().as_bytes());
    assert_eq!(imported.status.code(), Some(1));
    let told = stderr(&imported);
    assert_eq!(told.lines().filter(|line| line.contains("no other")).count(), NEVER.len(), "{told}");
    assert!(!told.contains(CANARY) && imported.stdout.is_empty(), "{told}");
    for (path, bytes) in files(&folder.data()) {
        assert!(!holds(&bytes, CANARY.as_bytes()), "it stands in {}", path.display());
    }
}

#[tokio::test]
async fn no_answer_sets_a_cookie_and_none_depends_on_one() {
    let folder = Folder::new();
    let code = folder.import(&[owner(&owner_phone(0))]).remove(0);
    let server = Server::start(&folder);
    let opened = server.open(&code, "blocking").await;
    call(&network(&server, Faults::default()), 0, &opened).await;
    let paths =
        [format!("/q/{code}"), opened.path(), "/nothing".to_owned(), "/q/x".to_owned(), "/webhooks/x".to_owned()];
    for path in &paths {
        for accept in ["application/json", "text/html"] {
            let ask = async |fields: &[(&str, &str)]| {
                let request = server.public.request(&Method::GET, path).header(ACCEPT, accept);
                let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
                without_key(server.public.send(request, "").await)
            };
            let plain = ask(&[]).await;
            assert_common(&plain);
            // Neither a cookie nor a wish not to be tracked makes a difference: nobody is tracked.
            for fields in [
                &[("Cookie", "__Host-session=x; _ga=GA1.2.3; id=7")][..],
                &[("DNT", "1"), ("Sec-GPC", "1")],
                &[("DNT", "0")],
                &[("If-None-Match", "\"x\""), ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT")],
            ] {
                assert_eq!(ask(fields).await.bytes(), plain.bytes(), "{path} {fields:?}");
            }
            for name in ["etag", "last-modified", "set-cookie", "accept-ch", "report-to", "nel", "alt-svc"] {
                assert!(plain.headers.get(name).is_none(), "{path}: {name} lets a browser be known again");
            }
        }
    }
    assert!(!server.public.heard().to_lowercase().contains("set-cookie"), "and no other answer did");
}

#[tokio::test]
async fn a_page_asks_for_a_reason_and_for_nothing_else() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let scan = server.public.page(&format!("/q/{code}")).await;
    let form = scan.body.split("<form").nth(1).and_then(|rest| rest.split("</form>").next()).expect("a form");
    let names: HashSet<&str> = form.split(" name=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(names, HashSet::from(["idempotency_key", "language", "reason"]), "what can be sent");
    let inputs: Vec<&str> = scan.body.split("<input ").skip(1).collect();
    assert!(
        !inputs.is_empty() && inputs.iter().all(|input| input.starts_with("type=\"hidden\"")),
        "nothing to type into"
    );

    let opened = server.open(&code, "blocking").await;
    let session = server.public.page(&opened.path()).await;
    let nothing = server.public.page("/nothing").await;
    let refused = server.public.submit(&format!("/q/{code}/sessions"), &[("reason", "x")]).await;
    for page in [&scan, &session, &nothing, &refused] {
        assert_page(page);
        let permissions: Vec<&str> = page.header("permissions-policy").split(',').map(str::trim).collect();
        for sensor in ["geolocation=()", "camera=()", "microphone=()"] {
            assert!(permissions.contains(&sensor), "{sensor} is missing in {permissions:?}");
        }
        assert!(page.header("strict-transport-security").starts_with("max-age=31536000"), "a year of TLS");
        let text = page.body.split("</style>").last().expect("a page").to_lowercase();
        for tag in [
            "<textarea",
            "<select",
            "<script",
            "type=\"file\"",
            "type=\"tel\"",
            "type=\"email\"",
            "type=\"text\"",
            "checked",
        ] {
            assert!(!text.contains(tag), "{tag}");
        }
        // Using a page is no consent, and nobody can promise what these words say.
        let never = ["by using", "you agree", "you consent", "cookie", "100%", "completely secure", "fully secure"];
        for words in never {
            assert!(!text.contains(words), "{words:?} on a page");
        }
        for personal in ["An Owner", "owner@example.in", "98000 00017", "9800000017", "RJ14"] {
            assert!(!page.body.contains(personal), "the owner's {personal}");
        }
        assert!(page.body.matches("://").count() == page.body.matches(ORIGIN).count(), "no way out of here");
    }
}

#[tokio::test]
async fn an_owner_without_a_vehicle_is_called_like_any_other() {
    let folder = Folder::new();
    let mut without = owner(&owner_phone(0));
    without.as_object_mut().expect("an object").remove("vehicle");
    let codes = folder.import(&[without, owner(&owner_phone(1))]);
    let server = Server::start(&folder);
    let network = network(&server, Faults::default());
    let mut seen = Vec::new();
    for (n, code) in codes.iter().enumerate() {
        let scan = server.public.get(&format!("/q/{code}")).await;
        let page = without_key(server.public.page(&format!("/q/{code}")).await);
        let opened: Opened = server.open(code, "blocking").await;
        let report = call(&network, n, &opened).await;
        assert!(report.bridged, "{n}: {:?}", report.timeline);
        assert_eq!(report.leaks(&scanner_phone(n), &owner_phone(n)), Vec::<&str>::new());
        let decided: Value = scan.json();
        seen.push((decided, page.body.replace(code.as_str(), "-"), report.owner_heard, report.scanner_heard));
    }
    assert_eq!(seen[0], seen[1], "nobody can tell which of the two named a vehicle");
}

/// A page without what is new in each: the key that makes a form that is sent twice one request.
fn without_key(mut answer: Answer) -> Answer {
    const FIELD: &str = "name=\"idempotency_key\" value=\"";
    if let Some(start) = answer.body.find(FIELD).map(|at| at + FIELD.len()) {
        let end = start + answer.body[start..].find('"').expect("the end of a value");
        answer.body.replace_range(start..end, "-");
    }
    answer
}
