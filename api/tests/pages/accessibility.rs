//! Every page before axe-core, on a phone, in light and dark; and pictures of them, for whoever wants to look.

use std::path::Path;

use serde_json::json;

use crate::browser::{Browser, Kind};
use crate::exhibition;
use crate::gallery::all;
use crate::{ORIGIN, host};

/// The file `axe.min.js` of the npm package axe-core.
const AXE: &str = "QNECT_AXE";
/// A folder for pictures of the pages.
const PICTURES: &str = "QNECT_PICTURES";
/// Which pages: a part of their names. Without it, all.
const PICTURES_OF: &str = "QNECT_PICTURES_OF";

/// Runs all rules of axe-core over the document.
const CHECK: &str = r#"
const done = arguments[arguments.length - 1];
(0, eval)(arguments[0]);
axe.run(document).then(
    result => done({
        dark: matchMedia("(prefers-color-scheme: dark)").matches,
        passed: result.passes.length,
        violations: result.violations.map(v => v.id + ": " + v.nodes.map(n => n.html + " " + n.failureSummary).join("; ")),
    }),
    error => done({violations: [String(error)], passed: 0}),
);
"#;

/// Breaks a page, to see that it is noticed.
const SPOIL: &str = r#"
const done = arguments[arguments.length - 1];
document.documentElement.removeAttribute("lang");
document.querySelector("h1").style.color = "rgb(50, 50, 50)";
document.querySelector("main").append(document.createElement("button"));
done();
"#;

/// What a finger cannot hit: links and buttons below 48 CSS pixels, and what stands out of the window to the side.
const MEASURE: &str = r#"
const done = arguments[arguments.length - 1];
const targets = [...document.querySelectorAll("a, button")].map(e => [e.textContent.trim(), e.getBoundingClientRect()]);
done({
    targets: targets.length,
    small: targets.filter(([_, r]) => r.width < 48 || r.height < 48).map(([t, r]) => `${t} ${r.width}x${r.height}`),
    wider: document.documentElement.scrollWidth - window.innerWidth,
});
"#;

#[tokio::test]
#[ignore = "needs Chromium, chromedriver and axe-core: ops/test pages"]
async fn axe_finds_nothing_on_any_page() {
    let path = std::env::var(AXE).unwrap_or_else(|_| panic!("{AXE} names axe.min.js: ops/test pages sets it"));
    let axe = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let browser = Browser::start(host(), exhibition::open().await, Kind { scripts: true, languages: "en-IN" }).await;
    let mut violations = Vec::new();
    for picture in all() {
        browser.open(&format!("{ORIGIN}/{}", picture.name)).await;
        for dark in [false, true] {
            browser.scheme(dark).await;
            let result = browser.run(CHECK, json!([axe])).await;
            let scheme = if dark { "dark" } else { "light" };
            assert_eq!(result["dark"], dark, "{}: the page knows the scheme", picture.name);
            let passed = result["passed"].as_u64().expect("a number");
            assert!(passed > 10, "{}, {scheme}: axe looked at {passed} rules: {result}", picture.name);
            let found = result["violations"].as_array().expect("a list");
            violations.extend(found.iter().map(|violation| format!("{}, {scheme}: {violation}", picture.name)));
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));

    browser.run(SPOIL, json!([])).await;
    let found = browser.run(CHECK, json!([axe])).await["violations"].to_string();
    for rule in ["html-has-lang", "color-contrast", "button-name"] {
        assert!(found.contains(rule), "axe would have found {rule}: {found}");
    }
}

#[tokio::test]
#[ignore = "needs Chromium and chromedriver: ops/test pages"]
async fn a_finger_hits_every_target_on_every_page() {
    let browser = Browser::start(host(), exhibition::open().await, Kind { scripts: true, languages: "en-IN" }).await;
    for picture in all() {
        browser.open(&format!("{ORIGIN}/{}", picture.name)).await;
        // The narrowest phone that is still sold, and a common one.
        for width in [320, 390] {
            browser.window(width, 844, true).await;
            let measured = browser.run(MEASURE, json!([])).await;
            assert!(measured["targets"].as_u64().expect("a number") >= 3, "{}: {measured}", picture.name);
            assert_eq!(measured["small"], json!([]), "{}, {width} px", picture.name);
            assert!(
                measured["wider"].as_i64() <= Some(0),
                "{}, {width} px: scrolls to the side: {measured}",
                picture.name
            );
        }
    }
    let mut told = browser.console().await;
    // A browser notes that a problem's page is a problem's.
    told.retain(|line| !(line.contains("/problem-") && line.contains("the server responded with a status of")));
    assert_eq!(told, Vec::<String>::new(), "nothing is complained about");
}

/// The last step of a test is a person who looks: `QNECT_PICTURES=folder` keeps what was seen.
#[tokio::test]
#[ignore = "needs Chromium and chromedriver: ops/test pages"]
async fn every_page_can_be_looked_at() {
    let folder = std::env::var(PICTURES).ok();
    let browser = Browser::start(host(), exhibition::open().await, Kind { scripts: false, languages: "en-IN" }).await;
    let wanted = std::env::var(PICTURES_OF).unwrap_or_default();
    for picture in all().into_iter().filter(|picture| picture.name.contains(&wanted)) {
        browser.open(&format!("{ORIGIN}/{}", picture.name)).await;
        for (window, width, height) in [("phone", 390, 844), ("desktop", 1_200, 900)] {
            browser.window(width, height, window == "phone").await;
            for (scheme, dark) in [("light", false), ("dark", true)] {
                browser.scheme(dark).await;
                let png = browser.picture().await;
                assert!(png.starts_with(b"\x89PNG") && png.len() > 10_000, "{}: an empty picture", picture.name);
                if let Some(folder) = &folder {
                    let name = format!("{}.{window}.{scheme}.png", picture.name);
                    std::fs::write(Path::new(folder).join(name), png).expect("a written picture");
                }
            }
        }
    }
}
