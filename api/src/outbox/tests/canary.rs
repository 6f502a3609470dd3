//! What must be in no log and in no metric: a number, a leg, a session, a secret.

use std::io;
use std::sync::{Arc, Mutex};

use metrics_util::debugging::DebuggingRecorder;
use qnect_core::provider_request::Operation;
use tracing_subscriber::fmt::MakeWriter;

use super::server::{Reply, Server, nobody};
use super::{LEG, PLIVO_NUMBER, World, freeze, pass, request, session_id, while_time_passes};

const OWNER: &str = "919800000001";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn whatever_goes_wrong_is_told_without_whose_call_it_was() {
    let _frozen = freeze();
    let (log, recorder) = (Log::default(), DebuggingRecorder::new());
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _logs = tracing::subscriber::set_default(subscriber);
    let _metrics = metrics::set_default_local_recorder(&recorder);

    let details =
        format!(r#"{{"call_uuid":"{LEG}","end_time":"2022-06-28","to_number":"{OWNER}","from_number":"{OWNER}"}}"#);
    let server = Server::start(move |n| match n % 6 {
        0 => Reply::json(&details),
        1 => Reply::status(401),
        2 => Reply::Status(500, "", details.clone()),
        3 => Reply::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n919800000001"),
        4 => Reply::Nothing,
        _ => Reply::retry_after(429, "retry-after: 5\r\n"),
    })
    .await;
    for origin in [&server.origin, &nobody().await] {
        let world = World::plivo(origin);
        for _ in 0..30 {
            while_time_passes(world.deliver(Operation::FetchCall)).await;
            pass(std::time::Duration::from_secs(1)).await;
        }
        // Nobody takes what is told.
        world.outbox.ask(request("+911140000099", Operation::HangUp));
    }

    let mut told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let metrics = recorder.snapshotter().snapshot().into_vec();
    metrics.iter().for_each(|(key, ..)| told.push_str(&format!("{key:?}\n")));
    for shown in [
        "the provider fails",
        "the provider answers again",
        "the provider refuses our requests",
        "too much waits for the engine",
        "was dropped",
        "qnect_provider_requests_total",
        "qnect_provider_circuit_open",
        "qnect_provider_retries_total",
        "fetch_call",
    ] {
        assert!(told.contains(shown), "{shown} is told, or this test looks at nothing");
    }
    let session = session_id(1).to_string();
    let number = PLIVO_NUMBER.trim_start_matches('+');
    for hidden in [LEG, OWNER, &OWNER[2..], number, "911140000099", &session, "a secret of the account", "MA0000000000"]
    {
        assert!(!told.contains(hidden), "{hidden} is told:\n{told}");
    }
}
