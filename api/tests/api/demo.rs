//! The first thing that a newcomer runs.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::folder::{Folder, files, stderr, stdout};

const LISTEN: [&str; 4] = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];

fn demo(owner: &str) -> Value {
    let (told, line) = demo_at(&LISTEN, owner);
    let page = format!("/sessions/{}", line["session"].as_str().expect("a session"));
    assert!(told.lines().any(|step| step.starts_with(' ') && step.ends_with(&page)), "the session's page: {told}");
    line
}

fn demo_at(listen: &[&str], owner: &str) -> (String, Value) {
    let folder = Folder::new();
    let played = folder.run(&[&["demo", "--once", "--owner", owner], listen].concat());
    let told = stdout(&played);
    assert_eq!(played.status.code(), Some(0), "{told}{}", stderr(&played));
    let line = serde_json::from_str(told.lines().last().expect("a last line")).expect("JSON on the last line");
    (told, line)
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

#[test]
fn every_address_is_shown_as_one_that_a_browser_can_open() {
    let (told, line) = demo_at(&["--listen", "0.0.0.0:0", "--ops-listen", "127.0.0.1:0"], "busy");
    assert!(line["scan_url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")), "{line}");
    assert!(!told.contains("0.0.0.0"), "{told}");
}

#[test]
fn a_signal_during_the_call_ends_in_order_and_leaves_no_key() {
    for (mode, code) in [(&[][..], 0), (&["--once"], 1)] {
        let folder = Folder::new();
        let temporary = folder.path("temporary");
        std::fs::create_dir(&temporary).expect("a folder");
        let mut command = folder.command(&[&["demo"], mode, &LISTEN].concat());
        let mut child = command.env("TMPDIR", &temporary).stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut told = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        while !line.contains("dials") {
            line.clear();
            assert!(told.read_line(&mut line).expect("text") > 0, "the demo ended before its call");
        }
        assert!(!files(&temporary).is_empty(), "the demo lives in the temporary folder");
        kill_process(Pid::from_child(&child), Signal::TERM).expect("a running child");
        let mut rest = String::new();
        told.read_to_string(&mut rest).expect("text");
        assert_eq!(child.wait().expect("an end").code(), Some(code), "{mode:?}: {rest}");
        assert_eq!(std::fs::read_dir(&temporary).expect("a folder").count(), 0, "nothing is left");
    }
}

#[test]
fn a_reader_that_has_gone_makes_no_panic() {
    let folder = Folder::new();
    let config = folder.text("qnect.toml");
    let demo = [&["demo", "--once", "--owner", "busy"], &LISTEN[..]].concat();
    for arguments in [&["config", "example"][..], &["config", "show", "--config", &config], &demo] {
        let mut command = folder.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("an end");
        assert_eq!((ended.status.code(), stderr(&ended).as_str()), (Some(0), ""), "{arguments:?}");
    }
}
