//! A wall clock that is wrong, or is set under a running server: sessions, calls and limits keep their time. And what a start
//! makes of a clock that cannot be right.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::disk::compile;
use crate::folder::{Folder, owner};
use crate::plivo::{arriving, dial_end, keying, owner_leg, whispering};
use crate::server::{Opened, Server};

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// 32 bits of seconds are full.
const IN_2038: i64 = 2_147_483_648_000;
/// 64 bits of nanoseconds are full.
const IN_2262: i64 = 9_223_372_036_855;

const LEG: &str = "6d6ae5c0-0000-4000-8000-000000000003";
const OTHER_LEG: &str = "6d6ae5c0-0000-4000-8000-00000000000f";

/// What is lost to whole seconds when waits and elapsed times are compared.
const ROUNDING: u64 = 2;

/// A wall clock for one process at a time (`ops/disk/clock.c`).
struct Wall {
    room: TempDir,
    control: File,
}

impl Wall {
    /// Builds the library.
    fn build() -> Self {
        let room = tempfile::tempdir().expect("a temporary folder");
        compile(&room.path().join("clock.so"), &["clock.c"]);
        let control = OpenOptions::new().read(true).write(true).create_new(true).open(room.path().join("control"));
        let wall = Self { room, control: control.expect("a control page") };
        wall.control.write_all_at(&[0; 16], 0).expect("a written page");
        wall
    }

    /// The clock is so many milliseconds ahead of the machine's, or behind it.
    fn is_off_by(&self, ms: i64) {
        self.control.write_all_at(&ms.to_ne_bytes(), 0).expect("a written page");
    }

    /// The clock shows this time.
    fn shows(&self, ms: i64) {
        self.is_off_by(ms - Timestamp::now().as_millisecond());
    }

    /// How often a process looked at it.
    fn looks(&self) -> u64 {
        let mut looks = [0; 8];
        self.control.read_exact_at(&mut looks, 8).expect("a page");
        u64::from_ne_bytes(looks)
    }

    /// What lets a process go by this clock.
    fn environment(&self) -> [(&'static str, String); 2] {
        let text = |name: &str| self.room.path().join(name).to_str().expect("a path in UTF-8").to_owned();
        [("LD_PRELOAD", text("clock.so")), ("QNECT_CLOCK_OFFSET", text("control"))]
    }

    /// A server that goes by this clock, and how it ended if it did not get ready.
    fn try_start(&self, folder: &Folder, gap_days_max: &str) -> Result<Server, (Option<i32>, String)> {
        let own = self.environment();
        let own = own.each_ref().map(|(name, value)| (*name, value.as_str()));
        let environment = [own[0], own[1], ("QNECT__STORAGE__CLOCK_GAP_DAYS_MAX", gap_days_max)];
        Server::start_with(folder, &environment).map_err(|(status, told)| (status.code(), told))
    }

    fn start(&self, folder: &Folder) -> Server {
        self.try_start(folder, "30").unwrap_or_else(|refused| panic!("the server did not get ready: {refused:?}"))
    }

    /// The server refuses to start, and says so with these words.
    fn is_refused(&self, folder: &Folder, gap_days_max: &str, words: &str) {
        let Err((code, told)) = self.try_start(folder, gap_days_max) else { panic!("{words}: it starts") };
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains("qnect: the machine's clock ") && told.contains(words), "{told}");
    }
}

/// A folder with two tags, of which each may ring once an hour.
fn two_tags() -> (Folder, String, String) {
    let folder = Folder::new().set("LIMITS__TAG_RINGS_PER_HOUR", "1");
    let mut codes = folder.import(&[owner("+919800000001"), owner("+919800000002")]);
    let (second, first) = (codes.remove(1), codes.remove(0));
    (folder, first, second)
}

/// What a session's holder is told of it.
async fn told(server: &Server, opened: &Opened) -> Value {
    let answer = server.public.get(&opened.path()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(server.public.page(&opened.path()).await.status, 200);
    answer.json()
}

fn expires_at(told: &Value) -> Timestamp {
    told["expires_at"].as_str().expect("a time").parse().expect("RFC 3339")
}

/// How long a tag that has rung wants to be left alone; `None` if it may ring.
async fn limited_for(server: &Server, code: &str) -> Option<u64> {
    let scan = server.public.get(&format!("/q/{code}")).await.json();
    match scan["decision"].as_str() {
        Some("allow") => None,
        Some("limited") => scan["retry_after_seconds"].as_u64(),
        other => panic!("{other:?}: {scan}"),
    }
}

/// The caller gives the code: the owner is dialled.
async fn is_put_through(server: &Server, leg: &str, opened: &Opened) {
    assert_eq!(arriving(leg).send(&server.public).await.status, 200);
    let document = keying(leg, opened).send(&server.public).await;
    assert!(document.body.contains("<Dial"), "{document:?}");
}

/// What is watched while the clock is set: a session that waits, a tag that may not ring, and time itself.
struct Watched {
    waiting: Opened,
    as_told: Value,
    limited: String,
    wait: u64,
    since: Instant,
}

impl Watched {
    async fn begin(server: &Server, waiting: Opened, limited: &str) -> Self {
        let as_told = told(server, &waiting).await;
        let wait = limited_for(server, limited).await.expect("a tag that has rung");
        Self { waiting, as_told, limited: limited.to_owned(), wait, since: Instant::now() }
    }

    /// Nothing of it has changed, but for the time that passed.
    async fn is_unmoved(&self, server: &Server, when: &str) {
        assert_eq!(told(server, &self.waiting).await, self.as_told, "{when}");
        let wait = limited_for(server, &self.limited).await;
        let wait = wait.unwrap_or_else(|| panic!("{when}: a budget is refilled"));
        let passed = self.since.elapsed().as_secs() + ROUNDING;
        assert!((self.wait.saturating_sub(passed)..=self.wait).contains(&wait), "{when}: {wait} s of {} s", self.wait);
        // A new session lasts as long as ever, by the same time.
        let code = &self.limited;
        let answer = server.public.post(&format!("/q/{code}/sessions"), &serde_json::json!({"reason": "towing"})).await;
        assert_eq!(answer.status, 201, "{when}: {answer:?}");
        let later = expires_at(&answer.json()).duration_since(expires_at(&self.as_told));
        let at_most = jiff::SignedDuration::from_secs(i64::try_from(passed).expect("seconds"));
        assert!(!later.is_negative() && later <= at_most, "{when}: {later} later");
        let session = Opened::of(&answer);
        let cancelled = server.public.post(&format!("{}/cancel", session.path()), &Value::Null).await;
        assert_eq!(cancelled.status, 200, "{when}: {cancelled:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_in_the_middle_of_a_call_changes_nothing() {
    let wall = Wall::build();
    let (folder, first, second) = two_tags();
    let server = wall.start(&folder);
    assert!(wall.looks() > 0, "the server does not go by the clock of this test");

    let waiting = server.open(&second, "blocking").await;
    let calling = server.open(&first, "blocking").await;
    wall.is_off_by(HOUR);
    is_put_through(&server, LEG, &calling).await;
    let watched = Watched::begin(&server, waiting, &first).await;
    for (off, when) in [(5 * SECOND, "+5 s"), (-5 * SECOND, "-5 s"), (DAY, "+1 day"), (-DAY, "-1 day")] {
        wall.is_off_by(off);
        watched.is_unmoved(&server, when).await;
        assert_eq!(server.status(&calling.session).await, ("dialing".to_owned(), None), "{when}");
    }
    wall.shows(IN_2262);
    assert!(whispering(LEG, &calling).send(&server.public).await.body.contains("<Speak"));
    assert_eq!(owner_leg(LEG, &calling, "connected").send(&server.public).await.status, 200);
    wall.shows(0);
    watched.is_unmoved(&server, "1970").await;
    assert_eq!(server.status(&calling.session).await, ("connected".to_owned(), None));
    wall.shows(IN_2038);
    assert_eq!(owner_leg(LEG, &calling, "hangup").send(&server.public).await.status, 200);
    wall.is_off_by(-HOUR);
    assert_eq!(dial_end(LEG, &calling, "completed").send(&server.public).await.status, 200);
    // It has its five seconds, by whatever clock.
    assert_eq!(server.outcome(&calling.session).await, "completed");

    for (to, when) in [(IN_2038, "2038"), (IN_2262, "2262"), (0, "1970")] {
        wall.shows(to);
        watched.is_unmoved(&server, when).await;
    }
    wall.shows(IN_2262);
    is_put_through(&server, OTHER_LEG, &watched.waiting).await;
    server.kill();

    // What was committed meanwhile bears the server's own time: the right clock is the right one for it.
    wall.is_off_by(0);
    let server = wall.start(&folder);
    assert_eq!(server.status(&watched.waiting.session).await, ("dialing".to_owned(), None));
    assert!(!server.stderr().contains("behind the last commit"), "{}", server.stderr());
}

#[tokio::test]
async fn a_start_with_a_clock_that_is_behind_refills_and_ends_nothing() {
    let wall = Wall::build();
    let (folder, first, second) = two_tags();
    let server = wall.start(&folder);
    let waiting = server.open(&second, "blocking").await;
    let calling = server.open(&first, "blocking").await;
    is_put_through(&server, LEG, &calling).await;
    let watched = Watched::begin(&server, waiting, &first).await;
    server.kill();

    for (off, when) in [(-5 * SECOND, "-5 s"), (-HOUR, "-1 h"), (60 * SECOND - DAY, "nearly -1 day")] {
        wall.is_off_by(off);
        // Starting takes its time, too, in which a clock that is five seconds behind may come up with the last commit.
        let server = wall.start(&folder);
        let says_so = server.stderr().contains("the machine's clock is behind the last commit");
        assert!(says_so || off == -5 * SECOND, "{when}: {}", server.stderr());
        watched.is_unmoved(&server, when).await;
        assert_eq!(server.status(&calling.session).await, ("dialing".to_owned(), None), "{when}");
        server.kill();
    }
    for (to, when) in [(-2 * DAY, "-2 days"), (-400 * DAY, "-400 days")] {
        wall.is_off_by(to);
        wall.is_refused(&folder, "30", "days behind the last commit");
        let server = wall.try_start(&folder, "0").unwrap_or_else(|refused| panic!("{when}: {refused:?}"));
        watched.is_unmoved(&server, when).await;
        server.kill();
    }
    wall.shows(0);
    for gap_days_max in ["30", "0"] {
        wall.is_refused(&folder, gap_days_max, "a year before 2025");
    }
    wall.is_off_by(0);
    let server = wall.start(&folder);
    watched.is_unmoved(&server, "the right clock").await;
    is_put_through(&server, OTHER_LEG, &watched.waiting).await;
}

#[tokio::test]
async fn a_start_with_a_clock_that_is_ahead_is_believed_within_reason() {
    let wall = Wall::build();
    let (folder, first, second) = two_tags();
    let server = wall.start(&folder);
    let waiting = server.open(&second, "blocking").await;
    let calling = server.open(&first, "blocking").await;
    is_put_through(&server, LEG, &calling).await;
    let as_told = told(&server, &waiting).await;
    assert!(limited_for(&server, &first).await.is_some());
    server.kill();

    // Wrong for certain, or as good as: nothing is written, and the right clock finds everything as it was.
    wall.shows(IN_2262);
    for gap_days_max in ["30", "0"] {
        wall.is_refused(&folder, gap_days_max, "after 2099");
    }
    for (off, words) in [(31 * DAY, "31 days ahead"), (366 * DAY, "366 days ahead"), (4_000 * DAY, "4000 days ahead")] {
        wall.is_off_by(off);
        wall.is_refused(&folder, "30", words);
    }
    wall.is_off_by(5 * SECOND);
    let server = wall.start(&folder);
    assert_eq!(told(&server, &waiting).await, as_told);
    assert!(limited_for(&server, &first).await.is_some());
    server.kill();

    // Like time that passed: what lasts for a time is over.
    wall.is_off_by(HOUR);
    let server = wall.start(&folder);
    assert_eq!(server.outcome(&waiting.session).await, "expired");
    assert_eq!(limited_for(&server, &first).await, None);
    // Published long ago, by that clock; it is kept for a day from then on.
    assert_eq!(server.outcome(&calling.session).await, "failed");
    let later = server.open(&second, "blocking").await;
    let later_told = told(&server, &later).await;
    server.kill();
    for off in [0, HOUR] {
        wall.is_off_by(off);
        let server = wall.start(&folder);
        assert_eq!(told(&server, &later).await, later_told, "the clock that is set right ends nothing early");
        assert_eq!(told(&server, &waiting).await["outcome"], "expired");
        server.kill();
    }

    // Accepted on demand, and then the honest mistake has a way back that loses nothing.
    wall.is_off_by(4_000 * DAY);
    let server = wall.try_start(&folder, "0").expect("any gap is accepted");
    assert!(server.stderr().contains("the last commit was days ago"), "{}", server.stderr());
    let in_future = server.open(&second, "blocking").await;
    let as_told = told(&server, &in_future).await;
    server.kill();
    wall.is_off_by(0);
    wall.is_refused(&folder, "30", "3999 days behind the last commit");
    let server = wall.try_start(&folder, "0").expect("any gap is accepted");
    assert_eq!(told(&server, &in_future).await, as_told);
    is_put_through(&server, OTHER_LEG, &in_future).await;
}

#[test]
fn a_clock_that_cannot_be_right_makes_no_folder() {
    let wall = Wall::build();
    for to in [0, DAY, IN_2262] {
        let folder = Folder::new();
        wall.shows(to);
        wall.is_refused(&folder, "30", "set it, and start again");
        assert!(!folder.data().exists(), "nothing is written by a clock that is wrong");
    }
}

#[test]
fn the_doctor_tells_what_a_start_would_say_of_the_clock() {
    let wall = Wall::build();
    let (folder, _, _) = two_tags();
    let examine = || {
        let mut command = folder.command(&["doctor", "--config", &folder.text("qnect.toml")]);
        command.envs(wall.environment()).env("QNECT__SERVER__PUBLIC_BASE_URL", "http://127.0.0.1:9");
        String::from_utf8(command.output().expect("the binary runs").stdout).expect("text")
    };
    let line = |told: &str, begins: &str| told.lines().any(|line| line.starts_with(begins));
    assert!(line(&examine(), "ok    last commit "));
    wall.is_off_by(-HOUR);
    assert!(line(&examine(), "warn  last commit     the clock is "));
    wall.is_off_by(-2 * DAY);
    assert!(line(&examine(), "FAIL  last commit     the machine's clock is 1 days behind"));
    wall.shows(0);
    assert!(line(&examine(), "FAIL  clock           the machine's clock shows a year before 2025"));
}
