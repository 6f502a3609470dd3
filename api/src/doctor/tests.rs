//! Checks that hang or break off, and how they are told.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use super::*;

fn patient() -> Arc<Patient> {
    Arc::new(Patient {
        config: Config::default(),
        file: None,
        origin: "http://127.0.0.1:9".to_owned(),
        data_dir: PathBuf::from("/nowhere"),
        key_file: PathBuf::from("/nowhere"),
        control_socket: PathBuf::from("/nowhere"),
    })
}

fn good(id: &'static str) -> Look {
    Look::some(id, move |_| vec![Check::ok(id, "good")])
}

/// Ends when the other end of the channel is dropped.
fn hanging(id: &str, until: Receiver<()>) -> Look {
    let id = id.to_owned();
    Look::some(id.clone(), move |_| {
        let _ = until.recv();
        vec![Check::ok(id, "too late")]
    })
}

fn told(checks: &[Check]) -> Vec<(&str, State)> {
    checks.iter().map(|check| (check.id.as_str(), check.state)).collect()
}

#[test]
fn one_that_hangs_keeps_nobody_else_from_being_told() {
    let (release, until) = channel();
    let rounds = vec![vec![good("a"), hanging("b", until), good("c")], vec![good("d")]];
    // Long enough for what does not hang: the test waits for all of it.
    let checks = at_once(rounds, &patient(), Duration::from_secs(2));
    assert_eq!(told(&checks), [("a", State::Ok), ("b", State::Fail), ("c", State::Fail), ("d", State::Ok)]);
    assert!(checks[1].text.contains("no answer"), "{}", checks[1].text);
    drop(release);
}

#[test]
fn one_that_breaks_off_is_told_without_waiting() {
    let broken = Look::some("b", |_| panic!("a bug"));
    let forever = Duration::from_secs(3_600);
    let checks = at_once(vec![vec![good("a")], vec![broken], vec![good("c")]], &patient(), forever);
    assert_eq!(told(&checks), [("a", State::Ok), ("b", State::Fail), ("c", State::Ok)]);
    assert!(checks[1].text.contains("a bug"), "{}", checks[1].text);
}

#[test]
fn spans_are_told_in_words() {
    for (seconds, words) in [(0, "0 s"), (119, "119 s"), (120, "2 minutes"), (7_200, "2 hours"), (172_800, "2 days")] {
        assert_eq!(in_words(seconds), words);
    }
}
