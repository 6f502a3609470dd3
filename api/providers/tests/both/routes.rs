//! The callback URLs, read back.

use qnect_providers::Route;

use crate::shared::routes::{dialled_routes, routes, scanner_routes};
use crate::shared::{keys, session};

#[test]
fn what_is_written_is_read_back() {
    for route in routes(session()) {
        assert_eq!(Route::read(&route.to_string(), &keys()), Some(route));
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
        "redial/",
        "redial/1",
        "menu/1",
        &format!("menu/{id}"),
        "challenge",
        "challenge/1",
        &format!("challenge/{id}"),
        &format!("challenge/{id}/"),
        &format!("challenge/{id}/0"),
        &format!("challenge/{id}/3"),
        &format!("challenge/{id}/1/1"),
        &format!("challenge/{forged}/1"),
        &format!("hold/{id}"),
        &format!("hold/{id}/0"),
        &format!("hold/{id}/7"),
        &format!("hold/{id}/06"),
        &format!("hold/{forged}/1"),
        "whisper",
        "whisper/",
        "key",
        "key/1",
        &format!("key/{id}/1"),
        &format!("key/{forged}"),
        "leg/1",
        &format!("leg/{id}/"),
        &format!("leg/{forged}"),
        &format!("dial-end/{}", &id[1..]),
        &format!("hangup/{id}"),
    ] {
        assert_eq!(Route::read(path, &keys()), None, "{path}");
    }
}

#[test]
fn debug_hides_the_session() {
    let id = session().to_string();
    for route in routes(session()) {
        assert!(!format!("{route:?}").contains(&id[12..38]));
    }
}

#[test]
fn a_caller_waits_on_the_scanner_s_line_only() {
    assert!(scanner_routes(session()).iter().all(Route::caller_waits));
    assert!(!dialled_routes(session()).iter().any(Route::caller_waits));
}
