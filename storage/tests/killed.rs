//! The fear: something was acknowledged, the process was killed, and it is gone.
#![allow(clippy::unwrap_used)] // in helpers, too

mod store_common;

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use qnect_core::facts::Facts;
use qnect_core::record::Record;
use qnect_core::session_id::SessionId;
use qnect_core::tag_code::TagCode;
use qnect_storage::Lane;
use store_common::{NOW, open, owner, run, session};

const CHILD_FOLDER: &str = "QNECT_TEST_CHILD_FOLDER";
const CYCLES: u64 = 20;
/// Sessions of a child that wait for one commit together.
const AT_ONCE: u64 = 8;

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let seed = std::process::id();
    println!("seed {seed}");
    let mut acked = Acked::default();
    for cycle in 0..CYCLES {
        // Killed in all phases: at once, within the first commits, and in full run.
        let acks = (u64::from(seed) + cycle * 37) % 200;
        acked.read_from_a_child(folder.path(), acks);
        acked.assert_kept(folder.path());
    }
    println!("{} sessions and {} owners were acknowledged", acked.facts.len(), acked.codes.len());
    assert!(acked.facts.len() > 100 && acked.codes.len() > 5);
}

#[derive(Default)]
struct Acked {
    /// Highest acknowledged number of each session; the child counts up.
    facts: HashMap<String, u16>,
    codes: Vec<String>,
}

impl Acked {
    /// Starts a child, reads `count` of what it acknowledges and kills it; what it told until then counts, too.
    fn read_from_a_child(&mut self, folder: &Path, count: u64) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(CHILD_FOLDER, folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..count {
            let line = lines.next().expect("the child goes on").unwrap();
            self.take(&line);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        lines.map_while(Result::ok).for_each(|line| self.take(&line));
    }

    fn take(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            // Only a whole line, which ends in a full stop, is an acknowledgement.
            ["session", id, facts, "."] => {
                let highest = self.facts.entry(id.into()).or_default();
                *highest = facts.parse::<u16>().unwrap().max(*highest);
            }
            ["owner", code, "."] => self.codes.push(code.into()),
            _ => {}
        }
    }

    fn assert_kept(&self, folder: &Path) {
        let storage = open(folder);
        let checks = storage.keys().checks();
        let mut shown = HashSet::new();
        storage.walk_sessions(NOW, |session| assert!(shown.insert(session.id.to_string()))).unwrap();
        run(async {
            for (id, facts) in &self.facts {
                let id = SessionId::read(id, checks).unwrap();
                let stored = storage.session(id).await.unwrap().expect("an acknowledged session");
                assert!(stored.facts.bits() >= *facts, "an acknowledged fact is lost");
                assert!(shown.contains(&id.to_string()), "a start misses an open session");
            }
            for code in &self.codes {
                let code = TagCode::read(code, checks).unwrap();
                let revival = storage.revive(code.tag(), NOW).await.unwrap();
                assert!(revival.expect("an acknowledged tag").config.owner.is_some());
            }
        });
    }
}

/// No test of its own: the process that is killed. It acknowledges on its standard output, for ever.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else {
        return;
    };
    let storage = open(Path::new(&folder));
    let mut out = std::io::stdout().lock();
    // The test harness has begun a line.
    writeln!(out).unwrap();
    let tell = |out: &mut std::io::StdoutLock<'_>, line: String| {
        writeln!(out, "{line} .").unwrap();
        out.flush().unwrap();
    };
    for round in 0.. {
        let new = storage.register(&[owner(round)], NOW).unwrap()[0];
        tell(&mut out, format!("owner {}", new.code));
        let ids: Vec<_> =
            (0..AT_ONCE).map(|number| store_common::session_id(&storage, new.code.tag(), number)).collect();
        for facts in 0..20 {
            // Killed while notes are rewritten, too.
            storage.tidy_notes();
            let promises: Vec<_> = ids
                .iter()
                .map(|&id| {
                    let mut session = session(id, new.owner);
                    session.facts = Facts::from_bits(facts);
                    let record = Record::SessionAdvanced(Box::new(session));
                    storage.promise(Lane::Webhooks, vec![record]).unwrap()
                })
                .collect();
            for (id, promise) in ids.iter().zip(promises) {
                run(promise.kept()).unwrap();
                tell(&mut out, format!("session {id} {facts}"));
            }
        }
    }
}
