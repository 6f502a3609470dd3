//! The clock that runs fast (`ops/disk/fast.c`), in a process of its own: this one.

use std::path::Path;
use std::process::Command;
use std::sync::{Condvar, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// So many seconds go by in one.
const RATE: &str = "500";
/// How long each wait is, by the fast clock.
const WAIT: Duration = Duration::from_secs(100);

fn library() -> (TempDir, String) {
    let room = tempfile::tempdir().expect("a temporary folder");
    let library = room.path().join("fast.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/disk/fast.c");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-o"]);
    let built = cc.arg(&library).arg(source).arg("-ldl").output();
    let built = built.expect("the C compiler `cc` can be run; `ops/test install` installs it");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let library = library.to_str().expect("a path in UTF-8").to_owned();
    (room, library)
}

#[test]
fn every_wait_is_shorter_and_none_is_too_short() {
    let (_room, library) = library();
    let began = Instant::now();
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "fast::waits", "--ignored", "--nocapture"]);
    let ran = child.env("LD_PRELOAD", library).env("QNECT_CLOCK_RATE", RATE).output().expect("this program runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(told.contains("4 waits"), "{told}");
    assert!(began.elapsed() < WAIT, "not even one wait would have been over by the machine's clock");
}

/// What waits in the engine: threads and channels by futex, tokio by epoll.
#[test]
#[ignore = "run by the test above, with a clock that runs fast"]
fn waits() {
    let mut waits = 0;
    let mut waited = |wait: &dyn Fn()| {
        let began = Instant::now();
        while began.elapsed() < WAIT {
            wait();
            let took = began.elapsed();
            assert!(took >= WAIT || took < Duration::from_secs(1), "a wait that nobody ended took {took:?}");
        }
        waits += 1;
    };
    let (kept, heard) = mpsc::channel::<()>();
    waited(&|| assert!(heard.recv_timeout(WAIT).is_err()));
    drop(kept);
    let (lock, condition) = (Mutex::new(()), Condvar::new());
    waited(&|| drop(condition.wait_timeout(lock.lock().expect("free"), WAIT).expect("free")));
    waited(&|| thread::park_timeout(WAIT));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    waited(&|| runtime.block_on(async { tokio::time::sleep(WAIT).await }));
    println!("{waits} waits");
}

#[test]
fn the_wall_clock_begins_where_it_is_told() {
    let (_room, library) = library();
    let shown = |rate: &str, begin: &str| {
        let mut date = Command::new("date");
        date.arg("+%s").env("LD_PRELOAD", &library).env("QNECT_CLOCK_RATE", rate).env("QNECT_CLOCK_BEGIN", begin);
        date.output().expect("date runs")
    };
    let told = String::from_utf8(shown("1", "1790000000").stdout).expect("text");
    let seconds: u64 = told.trim().parse().expect("seconds");
    assert!((1_790_000_000..1_790_003_600).contains(&seconds), "{seconds}");
    for (rate, begin) in [("0", "1790000000"), ("120x", "1790000000"), ("120", "-1")] {
        assert!(!shown(rate, begin).status.success(), "{rate} {begin}");
    }
}
