//! A stranger with a phone at a car: real server, real browser, telephones of the simulator.

use qnect_simulator::{Dial, Network, NetworkConfig, OwnerScript};

use crate::browser::{Browser, Kind};
use crate::folder::{AUTH_ID, Folder, NUMBER, TOKEN, owner, sleeping_owner};
use crate::server::Server;
use crate::{ORIGIN, folder, host};

/// Fictional.
const OWNER_PHONE: &str = "+919800000017";
/// Fictional.
const SCANNER_PHONE: &str = "+919700000042";
/// A phone as it is sold in India.
const PLAIN: Kind = Kind { scripts: false, languages: "en-IN,en" };

/// A folder whose server is known to browsers.
fn folder() -> Folder {
    Folder::new().edit(folder::ORIGIN, ORIGIN)
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver: ops/test pages"]
async fn two_taps_lead_to_the_call_and_the_page_follows_it_to_its_end() {
    let folder = folder();
    let code = folder.import(&[owner(OWNER_PHONE)]).remove(0);
    let server = Server::start(&folder);
    let browser = Browser::start(host(), server.address, PLAIN).await;

    // As the QR code has it, in upper case.
    browser.open(&format!("{ORIGIN}/Q/{code}")).await;
    assert_eq!(browser.text("h1").await, "Call this vehicle’s owner");
    assert_eq!(browser.attribute("html", "lang").await, "en");
    browser.tap("button[value=blocking]").await;
    browser.wait_for_headline("Call the owner").await;
    let page = browser.url().await;
    assert!(page.starts_with(&format!("{ORIGIN}/sessions/")), "{page}");

    let dial_uri = browser.attribute("a.call", "href").await;
    let (number, digits) = dial_uri.strip_prefix("tel:").expect("a telephone").split_once(',').expect("a pause");
    assert_eq!(number, NUMBER);
    assert_eq!(browser.text("a.call").await, "Call now\n+91 11 4000 0001");
    assert_eq!(browser.text(".code").await, format!("{} {}", &digits[..3], &digits[3..]), "as digits are read aloud");
    assert_eq!(browser.text(".card .row").await, "Valid for 10 minutes");
    assert!(browser.text(".steps").await.contains("It blocks my way"));

    let network = network(&server);
    network.set_telephone(OWNER_PHONE, OwnerScript::Answers);
    let call = Dial {
        from: SCANNER_PHONE.to_owned(),
        number: number.to_owned(),
        post_dial: Some(digits.to_owned()),
        talk_seconds: 20,
        ..Dial::default()
    };
    let report = network.dial(call).await;
    assert!(report.bridged, "{:?}", report.timeline);
    // Nobody taps, and nothing runs: the browser asks again because the last answer told it to.
    browser.wait_for_headline("Call finished").await;
    assert_eq!(browser.url().await, page);
    assert_eq!(browser.count("a.call").await, 0, "the code is used");
    browser.tap("main a").await;
    browser.wait_for_headline("Call this vehicle’s owner").await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver: ops/test pages"]
async fn a_person_reads_in_the_language_of_the_phone_or_of_choice() {
    let folder = folder().set("LIMITS__ADDRESS_SESSIONS_PER_HOUR", "2");
    let codes = folder.import(&[owner(OWNER_PHONE), sleeping_owner("+919800000018")]);
    let server = Server::start(&folder);
    let sticker = format!("{ORIGIN}/q/{}", codes[0]);

    // A phone that is set to Hindi.
    let browser = Browser::start(host(), server.address, Kind { languages: "hi-IN,hi,en", ..PLAIN }).await;
    browser.open(&sticker).await;
    assert_eq!(browser.attribute("html", "lang").await, "hi");
    assert_eq!(browser.text("h1").await, "गाड़ी के मालिक को कॉल करें");
    browser.tap("nav a[lang=en]").await;
    browser.wait_for_headline("Call this vehicle’s owner").await;
    assert_eq!(browser.url().await, format!("{sticker}?lang=en"), "the same page");
    browser.tap("button[value=damage]").await;
    browser.wait_for_headline("Call the owner").await;
    assert_eq!(browser.attribute("html", "lang").await, "en", "the session keeps the language that was chosen");
    browser.tap("nav a[lang=hi]").await;
    browser.wait_for_headline("मालिक को कॉल करें").await;
    assert!(browser.url().await.ends_with("?lang=hi"));
    browser.open(&format!("{ORIGIN}/nothing")).await;
    assert_eq!(browser.text("h1").await, "यहाँ कुछ नहीं मिला");
    browser.tap("nav a[lang=en]").await;
    browser.wait_for_headline("Nothing here").await;
    assert_eq!(browser.url().await, format!("{ORIGIN}/nothing?lang=en"), "the same path");
    drop(browser);

    // A phone that is set to English, and a person who chose Hindi: refusals speak it too.
    let browser = Browser::start(host(), server.address, PLAIN).await;
    browser.open(&format!("{sticker}?lang=hi")).await;
    browser.tap("button[value=damage]").await;
    browser.wait_for_headline("मालिक को कॉल करें").await;
    browser.open(&format!("{sticker}?lang=hi")).await;
    browser.tap("button[value=damage]").await;
    browser.wait_for_headline("बहुत बार कोशिश हुई है").await;
    assert!(browser.text(".note").await.contains("मिनट बाद फिर कोशिश करें"), "it says when to come back");
    browser.tap("main a").await;
    browser.wait_for_headline("गाड़ी के मालिक को कॉल करें").await;
    assert_eq!(browser.url().await, format!("{sticker}?lang=hi"));

    // An owner who sleeps can still be woken for what is urgent.
    browser.open(&format!("{ORIGIN}/q/{}?lang=hi", codes[1])).await;
    assert_eq!(browser.text("h1").await, "मालिक अभी कॉल नहीं ले रहे हैं");
    assert_eq!(browser.count("button").await, 3);
    browser.tap("button[value=towing]").await;
    browser.wait_for_headline("मालिक को कॉल करें").await;
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver: ops/test pages"]
async fn a_page_leaves_nothing_behind_and_asks_nobody_else() {
    let folder = folder();
    let code = folder.import(&[owner(OWNER_PHONE)]).remove(0);
    let server = Server::start(&folder);
    // Here a page could run scripts, if it had any.
    let browser = Browser::start(host(), server.address, Kind { scripts: true, ..PLAIN }).await;
    let sticker = format!("{ORIGIN}/q/{code}");
    browser.open(&sticker).await;
    browser.tap("button[value=lights_on]").await;
    browser.wait_for_headline("Call the owner").await;
    let session = browser.url().await;

    let (urls, fields) = browser.requests().await;
    let own: Vec<&String> = urls.iter().filter(|url| url.starts_with("http")).collect();
    assert_eq!(own, [&sticker, &format!("{sticker}/sessions"), &session], "three requests and no other: {urls:?}");
    assert!(fields.iter().any(|name| name == "content-security-policy"), "answers were seen: {fields:?}");
    assert!(!fields.iter().any(|name| name == "set-cookie"), "{fields:?}");
    assert_eq!(browser.console().await, Vec::<String>::new(), "nothing is complained about");
    let kept = browser.run(KEPT, serde_json::json!([])).await;
    assert_eq!(
        kept,
        serde_json::json!({"cookie": "", "local": 0, "session": 0, "databases": 0, "workers": 0, "scripts": 0})
    );
}

/// What a page has left in the browser.
const KEPT: &str = r#"
const done = arguments[arguments.length - 1];
(async () => done({
    cookie: document.cookie,
    local: localStorage.length,
    session: sessionStorage.length,
    databases: (await indexedDB.databases()).length,
    workers: navigator.serviceWorker ? (await navigator.serviceWorker.getRegistrations()).length : 0,
    scripts: document.scripts.length,
}))();
"#;

/// Telephones that never wait.
fn network(server: &Server) -> Network {
    let config = NetworkConfig {
        engine: format!("http://{}", server.address),
        public_base_url: ORIGIN.to_owned(),
        auth_id: AUTH_ID.to_owned(),
        auth_token: TOKEN.to_owned(),
        time_scale: 0.0,
        ..NetworkConfig::default()
    };
    Network::new(config).expect("a valid configuration")
}
