//! The callback URLs, read back.

use qnect_core::instruction::CODE_ATTEMPTS_MAX;
use qnect_providers::plivo::PlivoRoute;

use crate::world::{keys, session};

fn all() -> Vec<PlivoRoute> {
    let session = session();
    let codes = (1..=CODE_ATTEMPTS_MAX).map(|attempt| PlivoRoute::Code { attempt });
    [PlivoRoute::Voice, PlivoRoute::Whisper { session }, PlivoRoute::Leg { session }, PlivoRoute::DialEnd { session }]
        .into_iter()
        .chain(codes)
        .collect()
}

#[test]
fn what_is_written_is_read_back() {
    for route in all() {
        assert_eq!(PlivoRoute::read(&route.to_string(), &keys()), Some(route));
    }
}

#[test]
fn other_paths_are_none() {
    let id = session().to_string();
    let mut forged = id.clone();
    forged.replace_range(45..46, if id.ends_with('0') { "1" } else { "0" });
    for path in [
        "",
        "/",
        "voice/",
        "Voice",
        "voice/1",
        "code",
        "code/",
        "code/0",
        "code/4",
        "code/01",
        "code/+1",
        "code/1/",
        "whisper",
        "whisper/",
        "leg/1",
        &format!("leg/{id}/"),
        &format!("leg/{forged}"),
        &format!("dial-end/{}", &id[1..]),
        &format!("hangup/{id}"),
    ] {
        assert_eq!(PlivoRoute::read(path, &keys()), None, "{path}");
    }
}

#[test]
fn debug_hides_the_session() {
    let id = session().to_string();
    for route in all() {
        assert!(!format!("{route:?}").contains(&id[12..38]));
    }
}
