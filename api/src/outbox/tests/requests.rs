//! What is sent, and what comes of each answer.

use qnect_core::leg::{LegEnd, LegEvent, LegId, ProviderEvent};
use qnect_core::provider_request::{Operation, ProviderRequest};
use qnect_providers::rest::{Plivo, Twilio};

use super::super::on_own_thread;
use super::server::{Reply, Server};
use super::{LEG, Outbox, Outcome, PLIVO_NUMBER, TWILIO_NUMBER, World, account, freeze, request};

#[tokio::test]
async fn each_provider_is_asked_in_its_own_way_with_its_own_credentials() {
    let _frozen = freeze();
    let mut plivo = Server::start(|_| Reply::status(204)).await;
    let mut twilio = Server::start(|_| Reply::json("{}")).await;
    let world = World::of(vec![account(&Plivo, &plivo.origin), account(&Twilio, &format!("{}/proxy", twilio.origin))]);

    assert_eq!(world.outbox.deliver(request(PLIVO_NUMBER, Operation::HangUp)).await, Outcome::Done);
    let asked = plivo.next().await;
    assert_eq!(asked.line, format!("DELETE /v1/Account/MA0000000000/Call/{LEG}/"));
    // MA0000000000:a secret of the account
    assert!(
        asked.head.contains("authorization: Basic TUEwMDAwMDAwMDAwOmEgc2VjcmV0IG9mIHRoZSBhY2NvdW50"),
        "{}",
        asked.head
    );

    assert_eq!(world.outbox.deliver(request(TWILIO_NUMBER, Operation::HangUp)).await, Outcome::Done);
    let asked = twilio.next().await;
    assert_eq!(asked.line, format!("POST /proxy/2010-04-01/Accounts/MA0000000000/Calls/{LEG}.json"));
    assert!(asked.head.contains("content-type: application/x-www-form-urlencoded"), "{}", asked.head);
    assert_eq!(asked.body, "Status=completed");
    assert_eq!((plivo.waiting(), twilio.waiting()), (0, 0));
}

#[tokio::test]
async fn a_call_that_is_over_is_told_to_its_session() {
    let _frozen = freeze();
    let over =
        r#"{"call_uuid":"x","end_time":"2022-06-28 19:39:15","hangup_cause_code":3010,"to_number":"919800000001"}"#;
    let server = Server::start(|_| Reply::json(over)).await;
    let mut world = World::plivo(&server.origin);
    for (is_scanner_leg, expected) in
        [(true, LegEvent::ScannerLegEnded), (false, LegEvent::OwnerLegEnded(LegEnd::Busy))]
    {
        let asked = ProviderRequest { is_scanner_leg, ..request(PLIVO_NUMBER, Operation::FetchCall) };
        assert_eq!(world.outbox.deliver(asked.clone()).await, Outcome::Over);
        let Ok(ProviderEvent::Leg { session, event, leg }) = world.told.try_recv() else {
            panic!("nothing was told");
        };
        assert_eq!((session, event), (asked.session, expected));
        assert_eq!(leg, (!is_scanner_leg).then(|| LegId::new(LEG).unwrap()), "the owner's leg alone is told");
    }
}

#[tokio::test]
async fn an_answer_becomes_an_outcome() {
    let _frozen = freeze();
    let live = r#"{"call_uuid":"x","end_time":null}"#;
    for (reply, operation, outcome) in [
        (Reply::status(204), Operation::HangUp, Outcome::Done),
        (Reply::status(404), Operation::HangUp, Outcome::Gone),
        (Reply::status(404), Operation::FetchCall, Outcome::Gone),
        (Reply::json(live), Operation::FetchCall, Outcome::Live),
        (Reply::status(401), Operation::HangUp, Outcome::Refused),
        (Reply::status(405), Operation::FetchCall, Outcome::Refused),
        (Reply::Status(302, "location: /v1/Account/MA/Call/\r\n", String::new()), Operation::HangUp, Outcome::Refused),
        (Reply::status(503), Operation::HangUp, Outcome::Failed),
        (Reply::json("{}"), Operation::FetchCall, Outcome::Failed),
    ] {
        let what = format!("{reply:?} {operation:?}");
        let mut server = Server::start(move |_| reply.clone()).await;
        let mut world = World::plivo(&server.origin);
        assert_eq!(world.deliver(operation).await, outcome, "{what}");
        assert!(world.told.try_recv().is_err(), "{what}");
        assert_eq!(server.waiting(), 1, "no redirection is followed, and nothing is saved up for a second try: {what}");
    }
}

#[tokio::test]
async fn what_needs_no_asking_asks_nobody() {
    let _frozen = freeze();
    let mut server = Server::start(|_| Reply::status(204)).await;
    let world = World::plivo(&server.origin);
    assert_eq!(world.deliver(Operation::DeleteRecord).await, Outcome::Unsupported);
    let leg = LegId::new("../..").unwrap();
    let foreign = ProviderRequest { leg, ..request(PLIVO_NUMBER, Operation::HangUp) };
    assert_eq!(world.outbox.deliver(foreign).await, Outcome::Gone);
    assert_eq!(
        world.outbox.deliver(request(TWILIO_NUMBER, Operation::HangUp)).await,
        Outcome::Dropped,
        "not our number"
    );
    assert_eq!(server.waiting(), 0);
}

#[tokio::test]
async fn an_origin_that_is_none_is_told_by_its_key() {
    let (tell, _told) = tokio::sync::mpsc::channel(1);
    for origin in ["api.example", "ftp://api.example", ""] {
        let refused = Outbox::new(vec![account(&Plivo, origin)], &tell).map(|_| ()).unwrap_err();
        assert!(refused.to_string().contains("providers.plivo.api_base_url"), "{refused}");
    }
}

#[tokio::test]
async fn couriers_run_on_a_thread_of_their_own() {
    let mut server = Server::start(|_| Reply::status(204)).await;
    let (tell, _told) = tokio::sync::mpsc::channel(1);
    let (outbox, couriers) = Outbox::new(vec![account(&Plivo, &server.origin)], &tell).unwrap();
    let (name, its_name) = tokio::sync::oneshot::channel();
    on_own_thread(async move {
        name.send(std::thread::current().name().map(str::to_owned)).unwrap();
        couriers.run().await;
    })
    .unwrap();
    assert_eq!(outbox.deliver(request(PLIVO_NUMBER, Operation::HangUp)).await, Outcome::Done);
    assert_eq!(its_name.await.unwrap().as_deref(), Some("qnect-outbox"));
    assert_eq!(server.waiting(), 1);
}
