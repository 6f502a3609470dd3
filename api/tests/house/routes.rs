//! Routes and pages: the whole list of what can be asked, and what no page carries.

use std::collections::BTreeSet;

use crate::keep;
use crate::source::{Source, files, root, sources};

/// Everything that can be asked, and what it is for. Nothing here uploads, exports, enriches, tracks or listens in.
const ROUTES: [(&str, &str); 11] = [
    ("/q/{code}", "a scanner learns whether and why the owner can be called"),
    ("/Q/{code}", "the same, as it is printed in a QR code of capitals"),
    ("/q/{code}/sessions", "a scanner opens a session for a reason"),
    ("/Q/{code}/sessions", "the same"),
    ("/sessions/{session}", "a scanner sees how the own session stands"),
    ("/sessions/{session}/cancel", "a scanner does not need the call any more"),
    ("/webhooks/{provider}/{*step}", "a provider tells of a call and is told what to do"),
    ("/livez", "a supervisor asks whether the process lives"),
    ("/readyz", "a balancer asks whether it takes traffic"),
    ("/startupz", "a supervisor asks whether it has started"),
    ("/metrics", "a monitor reads counts that name nobody"),
];

/// What a page would need to follow somebody, or to load from somebody else.
const TRACKERS: [&str; 16] = [
    "<script",
    "<iframe",
    "<img",
    "<object",
    "<embed",
    "javascript:",
    "navigator",
    "geolocation",
    "localstorage",
    "sessionstorage",
    "document.cookie",
    "canvas",
    "analytics",
    "gtag",
    "pixel",
    "onload",
];

#[test]
fn every_route_is_in_the_inventory() {
    keep(
        "the list of routes in this test and the routers are the same",
        "what can be asked is decided by reading this list, and not by adding a line somewhere",
        differing(&sources()),
    );
}

#[test]
fn no_page_carries_a_tracker() {
    let mut offences = Vec::new();
    let mut pages = 0;
    for path in files().into_iter().filter(|path| path.starts_with("api/templates")) {
        let text = std::fs::read_to_string(root().join(&path)).expect("a template in UTF-8");
        offences.extend(trackers(&text).into_iter().map(|word| format!("{} {word}", path.display())));
        pages += 1;
    }
    assert!(pages > 2, "the templates were found");
    keep("a page runs nothing and loads nothing", "nobody is followed, and no third party learns of a scan", offences);
}

fn differing(sources: &[Source]) -> Vec<String> {
    let known: BTreeSet<&str> = ROUTES.iter().map(|(path, _)| *path).collect();
    let mut found = BTreeSet::new();
    let mut offences = Vec::new();
    for source in sources.iter().filter(|source| source.is_below(&["api/src/"])) {
        let calls = [".route(", ".nest(", ".route_service(", ".nest_service("];
        for (at, _) in calls.iter().flat_map(|call| source.code.match_indices(call)) {
            let Some((place, path)) = source.strings.iter().find(|(place, _)| *place > at) else { continue };
            found.insert(path.as_str());
            if !known.contains(path.as_str()) {
                offences.push(format!("{} {path}: say in this test what it is for", source.place(*place)));
            }
        }
    }
    offences
        .extend(known.difference(&found).map(|path| format!("{path} is no route any more: take it from this test")));
    offences
}

fn trackers(page: &str) -> Vec<&'static str> {
    let page = page.to_lowercase();
    TRACKERS.into_iter().filter(|word| page.contains(word)).collect()
}

#[test]
fn a_route_or_a_page_that_should_not_be_is_seen() {
    let router =
        Source::of("api/src/doors/mod.rs", "Router::new().route(\"/livez\", get(a)).route(\n\"/upload\", post(b))");
    let told = differing(&[router]).join("\n");
    assert!(told.contains("api/src/doors/mod.rs:2 /upload: say in this test"), "{told}");
    assert!(told.contains("/metrics is no route any more") && !told.contains("/livez"), "{told}");
    assert_eq!(trackers("<p>A page</p>"), Vec::<&str>::new());
    assert_eq!(trackers("<SCRIPT>navigator.geolocation</SCRIPT>"), ["<script", "navigator", "geolocation"]);
}
