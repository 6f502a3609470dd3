//! The first thing that a newcomer runs.

use serde_json::Value;

use crate::folder::{Folder, stderr, stdout};

fn demo(owner: &str) -> Value {
    let folder = Folder::new();
    let listen = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
    let played = folder.run(&[&["demo", "--once", "--owner", owner], &listen[..]].concat());
    let told = stdout(&played);
    assert_eq!(played.status.code(), Some(0), "{told}{}", stderr(&played));
    serde_json::from_str(told.lines().last().expect("a last line")).expect("JSON on the last line")
}

#[test]
fn a_call_is_bridged_masked_and_stored() {
    let line = demo("answers");
    assert_eq!(
        (&line["bridged"], &line["masked"], &line["outcome"]),
        (&true.into(), &true.into(), &"completed".into())
    );
    assert_eq!(line["owner_saw"], line["number"], "the owner sees our number");
    assert_eq!(line["scanner_saw"], line["number"], "and so does the stranger");
    assert!(line["talk_seconds"].as_u64().is_some_and(|seconds| seconds > 0), "{line}");
    let fields: std::collections::BTreeSet<&str> =
        line.as_object().expect("an object").keys().map(String::as_str).collect();
    for field in ["session", "scan_url", "access_code"] {
        assert!(fields.contains(field), "{field} in {line}");
    }
}

#[test]
fn a_voicemail_is_never_bridged() {
    let line = demo("voicemail");
    assert_eq!((&line["bridged"], &line["outcome"]), (&false.into(), &"no_answer".into()));
}
