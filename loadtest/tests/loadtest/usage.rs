//! What is refused before the first request.

use std::process::{Command, Output};

use crate::{TOKEN, codes, file, output, path, run};

const NOBODY: &str = "http://127.0.0.1:9";

fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_host_that_may_not_be_ours_is_refused() {
    let codes = codes(1);
    for target in ["http://192.0.2.1:8080", "http://127.0.0.1.example", "http://localhost.example:8080"] {
        let said = said(&run(&["--target", target, "--codes", path(&codes)]).await);
        assert!(said.contains("--i-own-this-host"), "{target}: {said}");
    }
    for target in ["http://localhost@192.0.2.1", "https://localhost", "localhost:8080", "http://localhost/q"] {
        let said = said(&run(&["--target", target, "--codes", path(&codes)]).await);
        assert!(said.contains("the target must be http://host[:port]"), "{target}: {said}");
    }
}

#[tokio::test]
async fn a_host_that_is_vouched_for_is_not() {
    // The name is reserved and never resolves, so that nothing leaves this machine.
    let codes = codes(1);
    let arguments = ["--target", "http://qnect.invalid", "--i-own-this-host", "--codes", path(&codes), "--calls", "1"];
    assert_eq!(run(&arguments).await.status.code(), Some(1));
}

#[tokio::test]
async fn a_file_without_codes_is_named() {
    for (text, why) in [("", "no tag codes in it"), ("\n \n", "no tag codes in it"), ("12345\n", "line 1 is neither")] {
        let empty = file(text);
        let said = said(&run(&["--target", NOBODY, "--codes", path(&empty)]).await);
        assert!(said.contains(path(&empty)) && said.contains(why), "{said}");
    }
    let said = said(&run(&["--target", NOBODY, "--codes", "/nowhere/codes"]).await);
    assert!(said.contains("/nowhere/codes: "), "{said}");
}

#[tokio::test]
async fn bounds_are_kept() {
    let codes = codes(1);
    for (option, value) in
        [("--calls", "0"), ("--calls", "100001"), ("--concurrency", "0"), ("--concurrency", "257"), ("--seed", "-1")]
    {
        said(&run(&["--target", NOBODY, "--codes", path(&codes), option, value]).await);
    }
    said(&run(&["--target", NOBODY, "--codes", path(&codes), "--public-base-url", "qnect.example"]).await);
    said(&run(&["--target", NOBODY]).await);
}

#[tokio::test]
async fn a_herd_that_cannot_be_struck_so_is_refused() {
    let codes = codes(1);
    for (options, why) in [
        (&["--sessions", "20", "--calls", "21"][..], "at most --sessions"),
        (&["--provider-out", "out"], "say --calls"),
        (&["--calls", "1"], "PLIVO_AUTH_ID"),
        (&["--seconds", "74"], "--seconds must be at least 75"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qnect-loadtest"));
        command.args(["restart-herd", "--target", NOBODY, "--codes", path(&codes), "--strike", "true"]);
        command.args(options).env_remove("PLIVO_AUTH_ID");
        let said = said(&output(command).await);
        assert!(said.contains(why), "{said}");
    }
}

#[tokio::test]
async fn an_account_is_needed() {
    let codes = codes(1);
    for (given, missing) in [("PLIVO_AUTH_ID", "PLIVO_AUTH_TOKEN"), ("PLIVO_AUTH_TOKEN", "PLIVO_AUTH_ID")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qnect-loadtest"));
        command.args(["call", "--target", NOBODY, "--codes", path(&codes)]);
        command.env_remove(missing).env(given, TOKEN);
        let said = said(&output(command).await);
        assert!(said.contains(missing), "{said}");
    }
}
