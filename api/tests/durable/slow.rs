//! A disk that takes its time: scans are answered from memory as always, who needs the disk is told soon to come back, and a
//! caller hears a word of ours and not the provider's error.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::client::Answer;
use crate::disk::{Disk, Faults};
use crate::driver::{open, take};
use crate::exchange::{Door, Reply};
use crate::ground::{Ground, operations};
use crate::oracle::Oracle;
use crate::possible::Told;
use crate::random::{amount, seed};
use crate::script::Step;

/// A sync that outlasts everybody's patience, and not the watchdog's.
const HANGS: Duration = Duration::from_secs(5);
/// Sessions that are asked for meanwhile.
const ASKED: usize = 64;
/// Scans in the meantime.
const SCANS: usize = 100;
/// For how long scans are timed with each disk each time, how often there is one, and how often the disks take turns: what a
/// machine does beside shows in a pair of windows, and not in the middle one of five.
const SECONDS: usize = 1;
const PAIRS: usize = 5;
const SCAN_EVERY: Duration = Duration::from_millis(2);
/// The tags that are scanned, and how often a session is opened beside.
const TAGS: usize = 50;
const SESSION_EVERY: Duration = Duration::from_millis(20);
/// How much slower the slowest hundredth may become with a slow disk; held to in the long form (`QNECT_SECONDS`), on a machine
/// that does nothing else.
const SLOWER_MAX: f64 = 1.2;
/// How long a test waits for the disk.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn while_a_sync_hangs_scans_are_answered_and_nobody_waits_for_long() {
    let mut ground = Ground::new(seed(), 1);
    let server = ground.start(&Faults::NONE);
    let (door, ops) = (Door::at(server.address), operations(&server));
    let codes = &ground.yard.codes;
    let (id, told) = open(&codes[0], "before", &door, &ground.yard.oracle).await;
    assert_eq!(told, Some(Told::Ok));

    ground.disk.plan(&Faults { sync: HANGS, ..Faults::NONE });
    let oracle = &ground.yard.oracle;
    // Each at a tag of its own; the first of them makes the disk busy.
    let asked = join_all(codes[1..=ASKED].iter().map(|code| ask(code, "meanwhile", &door, oracle)));
    let before = ground.disk.happened().syncs;
    let scanned = async {
        hangs(&ground.disk).await;
        for _ in 0..SCANS {
            let reply = door.get(&format!("/q/{}", codes[1])).await;
            assert!(matches!(&reply, Reply::Answered(answer) if answer.status == 200), "{reply:?}");
        }
        assert_eq!(ground.disk.happened().syncs, before, "a scan waited for the disk");
    };
    let called = async {
        hangs(&ground.disk).await;
        take(id, Step::Key, &door, oracle).await
    };
    let (asked, (), called) = tokio::join!(asked, scanned, called);
    // The caller was told to try again: that is no promise, and no error.
    assert_eq!(called, Some(Told::Indeterminate));
    ground.assert_faultless("while the sync hangs");
    assert_eq!(ground.disk.happened().syncs, before, "who asked waited for the disk");
    for reply in &asked {
        let Reply::Answered(answer) = reply else { panic!("{reply:?}") };
        assert_eq!(answer.status, 503, "{answer:?}");
        let seconds: u64 = answer.header("retry-after").parse().expect("how long to wait, in seconds");
        assert!((1..60).contains(&seconds), "{answer:?}");
    }
    assert!(matches!(ops.get("/livez").await, Reply::Answered(answer) if answer.status == 200));

    ground.disk.plan(&Faults::NONE);
    // Whoever comes back gets what they asked for, once.
    for code in &codes[1..4] {
        let came = async {
            while ask(code, "meanwhile", &door, &ground.yard.oracle).await.told(201) != Told::Ok {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, came).await.expect("a session");
    }
    assert_eq!(take(id, Step::Key, &door, &ground.yard.oracle).await, Some(Told::Ok), "the caller calls again");
    server.kill();
    let server = ground.start(&Faults::NONE);
    ground.inspect(&server, "in the end").await;
    println!("counted: {SCANS} scans answered and {ASKED} sessions turned away while a sync hung");
}

/// Asks for a session, and notes in the books what became of it.
async fn ask(code: &str, key: &str, door: &Door, oracle: &RefCell<Oracle>) -> Reply {
    let id = oracle.borrow_mut().opening(code, key, Instant::now());
    let reply = door.open(code, key).await;
    let told = reply.told(201);
    oracle.borrow_mut().opened(id, told, reply.answer().filter(|_| told == Told::Ok).map(Answer::json));
    reply
}

/// The slowest hundredth of scans, beside sessions that are opened all the time on a disk whose syncs take so long.
#[tokio::test]
async fn a_slow_sync_makes_no_scan_slower() {
    let mut ground = Ground::new(seed(), 1);
    let (long, seconds) = (std::env::var_os("QNECT_SECONDS").is_some(), amount("QNECT_SECONDS", SECONDS));
    let server = ground.start(&Faults::NONE);
    let door = Door::at(server.address);
    let time = Duration::from_secs(seconds as u64);
    // All tags come into memory first.
    slowest_hundredth(&ground, &door, Duration::ZERO, time).await;
    for ms in [50, 500, 5_000] {
        let mut ratios = Vec::new();
        for _ in 0..if long { PAIRS } else { 1 } {
            let well = slowest_hundredth(&ground, &door, Duration::ZERO, time).await;
            let slow = slowest_hundredth(&ground, &door, Duration::from_millis(ms), time).await;
            ratios.push(slow.as_secs_f64() / well.as_secs_f64());
            println!("counted: p99 of a scan: {slow:?} with a sync of {ms} ms, {well:?} without");
        }
        ratios.sort_by(f64::total_cmp);
        let median = ratios[ratios.len() / 2];
        println!("counted: with a sync of {ms} ms {median:.2} times, the median of {ratios:.2?}");
        assert!(!long || median <= SLOWER_MAX, "with a sync of {ms} ms {median:.2} times: {ratios:.2?}");
    }
}

async fn slowest_hundredth(ground: &Ground, door: &Door, sync: Duration, time: Duration) -> Duration {
    ground.disk.plan(&Faults { sync, ..Faults::NONE });
    // As many with each disk, answered or not: what matters is that the disk is busy.
    let sessions = async {
        let mut every = tokio::time::interval(SESSION_EVERY);
        for n in 0.. {
            every.tick().await;
            let (door, code) = (door.clone(), ground.yard.codes[n % TAGS].clone());
            tokio::spawn(async move { door.open(&code, &format!("{sync:?}-{n}")).await });
        }
    };
    let timed = async {
        let (begun, mut times) = (Instant::now(), Vec::new());
        let mut every = tokio::time::interval(SCAN_EVERY);
        while begun.elapsed() < time {
            every.tick().await;
            let started = Instant::now();
            let reply = door.get(&format!("/q/{}", ground.yard.codes[times.len() % TAGS])).await;
            times.push(started.elapsed());
            assert!(matches!(&reply, Reply::Answered(answer) if answer.status == 200), "{reply:?}");
        }
        times.sort_unstable();
        times[times.len() * 99 / 100]
    };
    tokio::select! {
        () = sessions => unreachable!("it has no end"),
        slowest = timed => slowest,
    }
}

/// Waits until a sync is under way.
async fn hangs(disk: &Disk) {
    let started = Instant::now();
    while disk.happened().syncs_waiting == 0 {
        assert!(started.elapsed() < PATIENCE, "no sync begins: {:?}", disk.happened());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
