//! The real binary as a child process, ended when dropped.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::client::{Answer, Client};
use crate::folder::{Folder, ORIGIN};
use crate::metrics::Metrics;

/// How long a child may take to start on a busy machine.
const START_TIME_MAX: Duration = Duration::from_secs(60);
/// How long anything else may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a test looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Lines that a child wrote so far.
type Written = Arc<Mutex<String>>;

/// A serving child.
pub(crate) struct Server {
    /// The public listener.
    pub(crate) public: Client,
    /// The operations listener.
    pub(crate) operations: Client,
    /// Where the public listener is.
    pub(crate) address: SocketAddr,
    child: Child,
    stdout: Written,
    stderr: Written,
}

impl Server {
    /// Starts `serve` and waits until it is ready.
    pub(crate) fn start(folder: &Folder) -> Self {
        let refused = |(status, told)| panic!("the server did not get ready: {status:?}: {told}");
        Self::start_with(folder, &[]).unwrap_or_else(refused)
    }

    /// Starts `serve` with these variables in its environment, and waits until it is ready; when it ends before that, its
    /// status and what it wrote on stderr.
    pub(crate) fn start_with(folder: &Folder, environment: &[(&str, &str)]) -> Result<Self, (ExitStatus, String)> {
        let mut command = folder.command(&["serve", "--config", &folder.text("qnect.toml")]);
        command.envs(environment.iter().copied());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary can be started");
        let (lines, first) = channel();
        let (stdout, _) = keep(child.stdout.take().expect("a pipe"), Some(lines));
        let (stderr, all_told) = keep(child.stderr.take().expect("a pipe"), None);
        let ready = match first.recv_timeout(START_TIME_MAX) {
            Ok(ready) => ready,
            Err(ended_or_hangs) => {
                if ended_or_hangs == RecvTimeoutError::Timeout {
                    child.kill().expect("a child that hangs");
                }
                let status = child.wait().expect("a child");
                all_told.join().expect("a reader");
                let told = stderr.lock().expect("no panic holds it").clone();
                return Err((status, told));
            }
        };
        let (public, operations) = addresses(&ready).unwrap_or_else(|| panic!("not the ready line: {ready}"));
        let (address, public, operations) = (public, Client::of(public), Client::of(operations));
        Ok(Self { public, operations, address, child, stdout, stderr })
    }

    /// Opens a session for `reason`.
    pub(crate) async fn open(&self, code: &str, reason: &str) -> Opened {
        let answer = self.public.post(&format!("/q/{code}/sessions"), &json!({"reason": reason})).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        Opened::of(&answer)
    }

    /// State and outcome of a session.
    pub(crate) async fn status(&self, session: &str) -> (String, Option<String>) {
        let answer = self.public.get(&format!("/sessions/{session}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        (body["state"].as_str().expect("a state").to_owned(), body["outcome"].as_str().map(str::to_owned))
    }

    /// The outcome of a session, once it has ended.
    pub(crate) async fn outcome(&self, session: &str) -> String {
        let started = Instant::now();
        loop {
            let (state, outcome) = self.status(session).await;
            assert_eq!(state == "ended", outcome.is_some(), "an outcome stands exactly at the end");
            if let Some(outcome) = outcome {
                return outcome;
            }
            assert!(started.elapsed() < PATIENCE, "the session did not end");
            sleep(LOOK_EVERY * 5).await;
        }
    }

    /// All metrics now.
    pub(crate) async fn metrics(&self) -> Metrics {
        Metrics(self.operations.get("/metrics").await.body)
    }

    /// `kill -9`, and waits until the process is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a running child");
        self.child.wait().expect("a killed child");
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a running child");
    }

    /// Its process.
    #[allow(dead_code, reason = "for those who watch what it holds")]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self, within: Duration) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(started.elapsed() < within, "still running after {within:?}: {}", self.stderr());
            sleep(LOOK_EVERY).await;
        }
    }

    /// What it wrote on stdout so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.lock().expect("no panic holds it").clone()
    }

    /// What it wrote on stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().expect("no panic holds it").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A session as the scanner's page has it.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) session: String,
    pub(crate) number: String,
    pub(crate) access_code: String,
}

impl Opened {
    pub(crate) fn of(answer: &Answer) -> Self {
        let body: Value = answer.json();
        let text = |field: &str| body[field].as_str().unwrap_or_else(|| panic!("no {field}: {body}")).to_owned();
        Self { session: text("session"), number: text("number"), access_code: text("access_code") }
    }

    /// Where its state is asked for.
    pub(crate) fn path(&self) -> String {
        format!("/sessions/{}", self.session)
    }
}

/// The path of a URL that the server emitted.
pub(crate) fn path_of(url: &str) -> &str {
    url.strip_prefix(ORIGIN).unwrap_or_else(|| panic!("{url} is not absolute under {ORIGIN}"))
}

fn addresses(ready: &str) -> Option<(SocketAddr, SocketAddr)> {
    let (public, operations) = ready.strip_prefix("ready public=")?.split_once(" operations=http://")?;
    let public = public.strip_prefix("http://").or_else(|| public.strip_prefix("https://"))?;
    Some((public.parse().ok()?, operations.parse().ok()?))
}

/// Keeps what comes out of a pipe, and sends each line on, on a thread that ends with the pipe.
fn keep(pipe: impl Read + Send + 'static, lines: Option<Sender<String>>) -> (Written, JoinHandle<()>) {
    let written = Written::default();
    let kept = written.clone();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            kept.lock().expect("no panic holds it").push_str(&format!("{line}\n"));
            if let Some(lines) = &lines {
                // Only the first line is waited for.
                let _ = lines.send(line);
            }
        }
    });
    (written, reader)
}
