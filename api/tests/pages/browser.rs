//! A real Chromium, driven over the WebDriver protocol by Debian's `chromedriver`. It resolves one name, to the server
//! under test: whatever else a page asked for would fail, and stand in its log.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::client::Client;

/// How long anything may take on a busy machine before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a test looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The key under which the protocol wraps an element's name.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window, ended when dropped.
pub(crate) struct Browser {
    driver: Driver,
    client: Client,
    session: String,
    /// The profile; removed when dropped, after the browser has ended.
    _profile: TempDir,
}

/// What a browser is allowed, and what it is like.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// Whether pages may run scripts.
    pub(crate) scripts: bool,
    /// What `Accept-Language` says.
    pub(crate) languages: &'static str,
}

impl Browser {
    /// Starts a browser to which `host` is the server at `address`.
    pub(crate) async fn start(host: &str, address: SocketAddr, kind: Kind) -> Self {
        let driver = Driver::start();
        let client = Client::of(driver.address);
        let profile = tempfile::tempdir().expect("a temporary folder");
        let arguments = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--no-first-run".to_owned(),
            "--hide-scrollbars".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
            format!("--host-resolver-rules=MAP {host} {address}, MAP * ~NOTFOUND"),
        ];
        let content = if kind.scripts { 1 } else { 2 };
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
            "goog:chromeOptions": {
                "args": arguments,
                "prefs": {
                    "intl.accept_languages": kind.languages,
                    "profile.managed_default_content_settings.javascript": content,
                },
            },
        }}});
        let answer = client.post("/session", &capabilities).await;
        assert_eq!(answer.status, 200, "no session: {}", answer.body);
        let session = answer.json()["value"]["sessionId"].as_str().expect("a session").to_owned();
        let browser = Self { driver, client, session, _profile: profile };
        browser.phone().await;
        browser
    }

    /// A window of a common phone, with a finger.
    pub(crate) async fn phone(&self) {
        self.window(390, 844, true).await;
    }

    /// A window of these CSS pixels.
    pub(crate) async fn window(&self, width: u32, height: u32, mobile: bool) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 2, "mobile": mobile});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Light or dark, as the system is set.
    pub(crate) async fn scheme(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Opens an address.
    pub(crate) async fn open(&self, url: &str) {
        self.command("url", json!({"url": url})).await;
    }

    /// Where the window is.
    pub(crate) async fn url(&self) -> String {
        self.read("url").await
    }

    /// Taps the one element that a CSS selector names.
    pub(crate) async fn tap(&self, selector: &str) {
        let element = self.element(selector).await;
        self.command(&format!("element/{element}/click"), json!({})).await;
    }

    /// The text of an element as it is seen.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let element = self.element(selector).await;
        self.read(&format!("element/{element}/text")).await
    }

    /// An attribute of an element as it is written.
    pub(crate) async fn attribute(&self, selector: &str, name: &str) -> String {
        let element = self.element(selector).await;
        self.read(&format!("element/{element}/attribute/{name}")).await
    }

    /// How many elements a CSS selector names.
    pub(crate) async fn count(&self, selector: &str) -> usize {
        let found = self.command("elements", json!({"using": "css selector", "value": selector})).await;
        found.as_array().expect("a list").len()
    }

    /// Looks until the headline is this.
    pub(crate) async fn wait_for_headline(&self, headline: &str) {
        let started = Instant::now();
        loop {
            // While a page is replaced it has no headline.
            let seen = self.try_text("h1").await;
            if seen.as_deref() == Some(headline) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{seen:?} and not {headline:?}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// Runs a script of the test's own, not of the page; its last argument is to be called with the result.
    pub(crate) async fn run(&self, script: &str, arguments: Value) -> Value {
        self.command("execute/async", json!({"script": script, "args": arguments})).await
    }

    /// A command of Chromium's own protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.command("goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// What the console was told, by pages or by the browser about pages, since the last time.
    pub(crate) async fn console(&self) -> Vec<String> {
        let entries = self.command("se/log", json!({"type": "browser"})).await;
        entries.as_array().expect("a list").iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// The URLs of all requests that were made for pages since the last time, and all answers' header names.
    pub(crate) async fn requests(&self) -> (Vec<String>, Vec<String>) {
        let entries = self.command("se/log", json!({"type": "performance"})).await;
        let (mut urls, mut fields) = (Vec::new(), Vec::new());
        for entry in entries.as_array().expect("a list") {
            let event: Value = serde_json::from_str(entry["message"].as_str().expect("text")).expect("JSON");
            let (method, params) = (&event["message"]["method"], &event["message"]["params"]);
            if method == "Network.requestWillBeSent" {
                urls.push(params["request"]["url"].as_str().expect("a URL").to_owned());
            } else if method == "Network.responseReceivedExtraInfo" {
                let names = params["headers"].as_object().expect("fields").keys();
                fields.extend(names.map(|name| name.to_lowercase()));
            }
        }
        (urls, fields)
    }

    /// The window's picture as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let picture = self.devtools("Page.captureScreenshot", json!({"format": "png"})).await;
        let text = picture["data"].as_str().expect("a picture");
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).expect("base64")
    }

    async fn element(&self, selector: &str) -> String {
        let found = self.command("element", json!({"using": "css selector", "value": selector})).await;
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    async fn try_text(&self, selector: &str) -> Option<String> {
        let found = self.ask("element", json!({"using": "css selector", "value": selector})).await.ok()?;
        let path = format!("/session/{}/element/{}/text", self.session, found[ELEMENT].as_str()?);
        self.client.get(&path).await.json()["value"].as_str().map(str::to_owned)
    }

    async fn read(&self, what: &str) -> String {
        let answer = self.client.get(&format!("/session/{}/{what}", self.session)).await;
        answer.json()["value"].as_str().unwrap_or_else(|| panic!("{what}: {}", answer.body)).to_owned()
    }

    async fn command(&self, what: &str, parameters: Value) -> Value {
        self.ask(what, parameters).await.unwrap_or_else(|problem| panic!("{what}: {problem}"))
    }

    async fn ask(&self, what: &str, parameters: Value) -> Result<Value, String> {
        let answer = self.client.post(&format!("/session/{}/{what}", self.session), &parameters).await;
        let value = answer.json()["value"].take();
        if answer.status == 200 { Ok(value) } else { Err(format!("{}: {}", value["error"], value["message"])) }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser when its session ends, and answers when it has.
        let request =
            format!("DELETE /session/{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", self.session);
        if let Ok(mut stream) = TcpStream::connect(self.driver.address) {
            let limited = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.write_all(request.as_bytes()));
            if limited.is_ok() {
                // It answers when the browser is gone; what it answers does not matter any more.
                let _ = stream.read(&mut [0]);
            }
        }
    }
}

/// A running `chromedriver`.
struct Driver {
    child: Child,
    address: SocketAddr,
}

impl Driver {
    fn start() -> Self {
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: ops/test pages does that");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let told = |line: String| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok();
        let port = stdout.lines().map_while(Result::ok).find_map(told).expect("chromedriver says its port");
        Self { child, address: (Ipv4Addr::LOCALHOST, port).into() }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
