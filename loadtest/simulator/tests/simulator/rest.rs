//! The providers' REST APIs, over real HTTP.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use qnect_simulator::{CallRecord, Faults, Network, NetworkConfig, OwnerScript, RestCounts, RestFault};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::engine::{Engine, INTERMEDIARY, MASKED, OWNER, SCANNER, TOKEN, engine_dialling, scanner};
use crate::twilio;

/// Somebody who knows the account's secret, or not.
#[derive(Clone)]
struct Api {
    base: String,
    credentials: String,
}

impl Api {
    async fn of(network: &Network, id: &str) -> Api {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = network.serve_rest(listener).expect("an address");
        Api { base: format!("http://{address}"), credentials: format!("{id}:{TOKEN}") }
    }

    /// Status and body; an error if the connection breaks.
    async fn try_ask(&self, method: &str, path: &str, form: &str) -> Result<(u16, String), String> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Authorization", format!("Basic {}", STANDARD.encode(&self.credentials)))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form.to_owned())))
            .expect("a request");
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let response = client.request(request).await.map_err(|cause| cause.to_string())?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|cause| cause.to_string())?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    async fn ask(&self, method: &str, path: &str, form: &str) -> (u16, Value) {
        let (status, body) = self.try_ask(method, path, form).await.expect("an answer");
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }
}

fn plivo(uuid: &str) -> String {
    format!("/v1/Account/MAEXAMPLE/Call/{uuid}/")
}

fn account() -> String {
    format!("AC{}", "0".repeat(32))
}

fn call_of(sid: &str) -> String {
    format!("/2010-04-01/Accounts/{}/Calls/{sid}.json", account())
}

async fn twilio_network(faults: Faults) -> (Engine, Network, Api) {
    let engine = twilio::engine().await;
    let network = Network::new(NetworkConfig { faults, ..engine.twilio() }).expect("a valid configuration");
    let client = Api::of(&network, &account()).await;
    (engine, network, client)
}

/// Asks `client` when the engine gets a webhook for `path` with this status, and keeps what it was told.
fn ask_at(
    engine: &Engine,
    path: &'static str,
    status: &'static str,
    ask: impl Fn(String, String) -> std::pin::Pin<Box<dyn Future<Output = (u16, Value)> + Send>> + Send + Sync + 'static,
) -> tokio::sync::mpsc::UnboundedReceiver<(u16, Value)> {
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    engine.before(move |received| {
        let wanted =
            received.path == path && [received.param("CallStatus"), received.param("DialAction")].contains(&status);
        let parent = if received.path.starts_with("/leg") && received.param("ParentCallSid").is_empty() {
            received.param("DialALegUUID").to_owned()
        } else {
            received.param("ParentCallSid").to_owned()
        };
        let child = received.param("CallSid").to_owned() + received.param("DialBLegUUID");
        let asked = wanted.then(|| (ask(parent, child), tell.clone()));
        async move {
            if let Some((asked, tell)) = asked {
                tell.send(asked.await).expect("somebody listens");
            }
        }
    });
    told
}

#[tokio::test]
async fn an_account_is_shown_to_its_holder_only() {
    let engine = engine_dialling(MASKED).await;
    let network = Network::new(engine.config()).expect("a valid configuration");
    let (holder, other) = (Api::of(&network, "MAEXAMPLE").await, Api::of(&network, "MASOMEBODY").await);
    let (status, shown) = holder.ask("GET", "/v1/Account/MAEXAMPLE/", "").await;
    assert_eq!((status, &shown["auth_id"]), (200, &"MAEXAMPLE".into()));
    assert_eq!(other.ask("GET", "/v1/Account/MASOMEBODY/", "").await.0, 401);
    assert_eq!(holder.ask("DELETE", "/v1/Account/MAEXAMPLE/", "").await.0, 404);

    let (_engine, _network, holder) = twilio_network(Faults::default()).await;
    let (status, shown) = holder.ask("GET", &format!("/2010-04-01/Accounts/{}.json", account()), "").await;
    assert_eq!((status, &shown["status"], &shown["sid"]), (200, &"active".into(), &account().into()));
    assert_eq!(holder.ask("POST", &format!("/2010-04-01/Accounts/{}.json", account()), "Status=closed").await.0, 404);
}

#[tokio::test]
async fn plivo_hangs_up_a_live_call_and_both_legs_end() {
    let engine = engine_dialling(MASKED).await;
    let network = Network::new(engine.config()).expect("a valid configuration");
    let client = Api::of(&network, "MAEXAMPLE").await;
    let asking = client.clone();
    let mut told = ask_at(&engine, "/leg", "connected", move |parent, _| {
        let client = asking.clone();
        Box::pin(async move {
            let live = client.ask("GET", &format!("{}?status=live", plivo(&parent)), "").await;
            assert_eq!(live.1["call_status"], "in-progress");
            assert_eq!(client.ask("GET", &plivo(&parent), "").await.0, 404, "no record of a live call");
            client.ask("DELETE", &plivo(&parent), "").await
        })
    });
    let report = network.dial(scanner()).await;

    assert_eq!(told.recv().await.expect("an answer"), (204, Value::Null));
    assert!(report.bridged && report.talk_seconds == 0);
    assert_eq!(report.scanner_leg_end.expect("an end").source, "API Request");
    assert_eq!(report.owner_leg_end.expect("an end").source, "API Request");
    assert_eq!(engine.to("/leg").pop().expect("a callback").param("DialAction"), "hangup");
    assert_eq!(engine.to("/webhooks/plivo/voice").len(), 2);
    assert_eq!(network.rest_counts(), RestCounts { hang_ups: 1, reads: 1, refused: 1, ..RestCounts::default() });

    let (status, record) = client.ask("GET", &plivo(&report.scanner_call_id), "").await;
    assert_eq!(status, 200);
    for (field, value) in [
        ("call_direction", "inbound".into()),
        ("from_number", "919812345678".into()),
        ("to_number", "918031000002".into()),
        ("hangup_cause_code", 4000.into()),
        ("hangup_source", "API Request".into()),
        ("parent_call_uuid", Value::Null),
        ("resource_uri", plivo(&report.scanner_call_id).into()),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    let child = report.owner_call_id.expect("the owner was dialled");
    let (_, record) = client.ask("GET", &plivo(&child), "").await;
    assert_eq!(record["parent_call_uuid"], report.scanner_call_id);
    assert_eq!(record["call_direction"], "outbound");
    assert_eq!(client.ask("DELETE", &plivo(&child), "").await.0, 404, "it is over");
    assert_eq!(client.ask("GET", &format!("{}?status=live", plivo(&child)), "").await.0, 404);
}

#[tokio::test]
async fn credentials_and_paths_are_checked() {
    let engine = engine_dialling(MASKED).await;
    let network = Network::new(engine.config()).expect("a valid configuration");
    let client = Api::of(&network, "MAEXAMPLE").await;
    let report = network.dial(scanner()).await;
    let path = plivo(&report.scanner_call_id);
    let stranger = Api { credentials: "MAEXAMPLE:wrong".to_owned(), ..client.clone() };
    assert_eq!(stranger.ask("GET", &path, "").await.0, 401);
    assert_eq!(client.ask("GET", &path.replace("MAEXAMPLE", "MAOTHER"), "").await.0, 404);
    assert_eq!(client.ask("GET", path.trim_end_matches('/'), "").await.0, 404);
    assert_eq!(client.ask("GET", &plivo("unknown"), "").await.0, 404);
    assert_eq!(client.ask("PUT", &path, "").await.0, 405);
    assert_eq!(client.ask("GET", &path, "").await.0, 200);
    assert_eq!(network.rest_counts(), RestCounts { reads: 1, refused: 5, ..RestCounts::default() });
}

#[tokio::test]
async fn twilio_hangs_up_the_owners_leg_only_and_the_flow_goes_on() {
    let (engine, network, client) = twilio_network(Faults::default()).await;
    let mut told = ask_at(&engine, "/leg", "ringing", move |_, child| {
        let client = client.clone();
        Box::pin(async move { client.ask("POST", &call_of(&child), "Status=completed").await })
    });
    let report = network.dial(scanner()).await;
    assert_eq!(told.recv().await.expect("an answer").0, 200);
    assert!(!report.bridged);
    assert_eq!(report.owner_leg_end.expect("an end").source, "API");
    assert_eq!(report.dial_status, Some("canceled"));
    assert_eq!(report.scanner_heard, ["The owner cannot come"]);
}

#[tokio::test]
async fn twilio_hangs_up_the_whole_call() {
    for status in ["ringing", "in-progress"] {
        let (engine, network, client) = twilio_network(Faults::default()).await;
        let mut told = ask_at(&engine, "/leg", status, move |parent, _| {
            let client = client.clone();
            Box::pin(async move {
                // A call in progress is not canceled, only completed.
                let canceled = client.ask("POST", &call_of(&parent), "Status=canceled").await;
                assert_eq!((canceled.0, &canceled.1["status"]), (200, &Value::from("in-progress")));
                client.ask("POST", &call_of(&parent), "Status=completed").await
            })
        });
        let report = network.dial(scanner()).await;
        assert_eq!(told.recv().await.expect("an answer").0, 200);
        assert!(!report.bridged, "{status}");
        assert_eq!(report.scanner_leg_end.expect("an end").source, "API");
        let ended = engine.to("/webhooks/twilio/voice").pop().expect("a callback");
        assert_eq!(ended.param("CallStatus"), "completed");
        let last = engine.to("/leg").pop().expect("a callback");
        assert_eq!(last.param("CallStatus"), if status == "ringing" { "canceled" } else { "completed" });
    }
}

#[tokio::test]
async fn twilios_records_are_shown_and_deleted_once() {
    let (engine, network, client) = twilio_network(Faults::default()).await;
    let asking = client.clone();
    let mut told = ask_at(&engine, "/leg", "in-progress", move |parent, child| {
        let client = asking.clone();
        Box::pin(async move {
            let (_, record) = client.ask("GET", &call_of(&child), "").await;
            assert_eq!(
                (&record["status"], &record["parent_call_sid"]),
                (&"in-progress".into(), &parent.clone().into())
            );
            client.ask("DELETE", &call_of(&parent), "").await
        })
    });
    let report = network.dial(scanner()).await;
    assert_eq!(told.recv().await.expect("an answer").0, 409, "a live call has its record");

    let (parent, child) = (report.scanner_call_id.clone(), report.owner_call_id.expect("the owner was dialled"));
    let record = |id: &str, parent_id: Option<&str>| CallRecord {
        id: id.to_owned(),
        parent_id: parent_id.map(str::to_owned),
        live: false,
    };
    assert_eq!(network.records(), [record(&parent, None), record(&child, Some(&parent))]);
    let (_, shown) = client.ask("GET", &call_of(&child), "").await;
    for (field, value) in [
        ("sid", Value::from(child.as_str())),
        ("account_sid", account().into()),
        ("status", "completed".into()),
        ("direction", "outbound-dial".into()),
        ("from", INTERMEDIARY.into()),
        ("to", OWNER.into()),
        ("uri", call_of(&child).into()),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    let seconds = shown["duration"].as_str().expect("text").parse::<u64>().expect("seconds");
    assert!(seconds >= 20);
    assert_eq!(client.ask("GET", &call_of(&parent), "").await.1["from"], SCANNER);

    for sid in [&parent, &child] {
        assert_eq!(client.ask("POST", &call_of(sid), "Status=completed").await.1["code"], 21_220);
        assert_eq!(client.ask("DELETE", &call_of(sid), "").await, (204, Value::Null));
        assert_eq!(client.ask("DELETE", &call_of(sid), "").await.0, 404);
        assert_eq!(client.ask("GET", &call_of(sid), "").await.1["code"], 20_404);
    }
    assert_eq!(network.records(), []);
    assert_eq!(network.rest_counts().deletions, 2);
}

#[tokio::test]
async fn twilio_takes_a_status_and_nothing_else() {
    let (_engine, network, client) = twilio_network(Faults::default()).await;
    let report = network.dial(scanner()).await;
    for form in ["", "Status=busy", "Url=https%3A%2F%2Fqnect.example", "Status=completed&Url=x"] {
        assert_eq!(client.ask("POST", &call_of(&report.scanner_call_id), form).await.0, 400, "{form}");
    }
}

#[tokio::test]
async fn the_api_fails_as_it_is_told_to() {
    let (_engine, network, client) =
        twilio_network(Faults { rest: Some(RestFault::Refuse), ..Faults::default() }).await;
    let report = network.dial(scanner()).await;
    let path = call_of(&report.scanner_call_id);
    assert!(client.try_ask("GET", &path, "").await.is_err());

    for (fault, status) in [(RestFault::Unavailable, 503), (RestFault::TooMany, 429)] {
        network.set_rest_fault(Some(fault));
        assert_eq!(client.ask("DELETE", &path, "").await.0, status);
    }
    assert_eq!(network.records().len(), 2);
    assert_eq!(network.rest_counts().failed, 3);

    // These two act, but what they say is of no use.
    network.set_rest_fault(Some(RestFault::Garbage));
    let (status, body) = client.try_ask("DELETE", &path, "").await.expect("an answer");
    assert_eq!((status, serde_json::from_str::<Value>(&body).is_err()), (200, true));
    network.set_rest_fault(Some(RestFault::Slow(Duration::from_millis(20))));
    let child = call_of(&report.owner_call_id.expect("the owner was dialled"));
    assert_eq!(client.ask("DELETE", &child, "").await.0, 204);
    assert_eq!(network.records(), []);

    network.set_rest_fault(None);
    assert_eq!(client.ask("GET", &path, "").await.0, 404);
}

#[tokio::test]
async fn a_hang_up_interrupts_a_call_that_waits_in_real_time() {
    let dial = r#"callerId="+918031000002" timeLimit="14400""#;
    let engine = Engine::start(move |received, _| twilio::usual(received, dial, twilio::NUMBER)).await;
    let network = Network::new(NetworkConfig { time_scale: 0.01, ..engine.twilio() }).expect("a valid configuration");
    network.set_default_script(OwnerScript::Answers);
    let client = Api::of(&network, &account()).await;
    let (calling, told) = (network.clone(), tokio::sync::oneshot::channel());
    let mut tell = Some(told.0);
    let call = tokio::spawn(async move {
        let talks = qnect_simulator::Dial { talk_seconds: 14_000, ..scanner() };
        calling
            .dial_observed(talks, move |entry| {
                if entry.text.starts_with("bridged")
                    && let Some(tell) = tell.take()
                {
                    tell.send(()).expect("somebody listens");
                }
            })
            .await
    });
    told.1.await.expect("a bridge");
    let live: Vec<CallRecord> = network.records();
    assert!(live.iter().all(|record| record.live) && live.len() == 2);
    assert_eq!(client.ask("POST", &call_of(&live[0].id), "Status=completed").await.0, 200);
    let report = call.await.expect("no panic");
    assert_eq!(report.scanner_leg_end.expect("an end").source, "API");
    assert!(report.talk_seconds < 14_000, "they talked to the end");
}

#[tokio::test]
async fn the_api_is_gone_with_its_network() {
    let (_engine, network, client) = twilio_network(Faults::default()).await;
    drop(network);
    assert!(client.try_ask("GET", &call_of("CA0"), "").await.is_err());
}
