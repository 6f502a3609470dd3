//! A session's page, from its opening to its end.

use crate::folder::{Folder, NUMBER, owner};
use crate::plivo::{arriving, dial_end, keying, owner_leg, whispering};
use crate::scan::{assert_page, with_another_character};
use crate::server::{Opened, Server};

const LEG: &str = "6d6ae5c0-0000-4000-8000-000000000001";

#[tokio::test]
async fn a_session_tells_how_it_stands() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let opened = server.open(&code, "blocking").await;
    let answer = server.public.get(&opened.path()).await;
    let body = answer.json();
    let mut fields: Vec<&String> = body.as_object().expect("an object").keys().collect();
    fields.sort();
    assert_eq!(fields, ["expires_at", "outcome", "session", "state"]);
    assert_eq!(body["session"], opened.session);

    assert_state(&server, &opened, "waiting").await;
    assert!(arriving(LEG).send(&server.public).await.body.contains("<GetDigits"));
    assert_state(&server, &opened, "waiting").await;
    assert!(keying(LEG, &opened).send(&server.public).await.body.contains("<Dial"));
    assert_state(&server, &opened, "dialing").await;
    assert!(whispering(LEG, &opened).send(&server.public).await.body.contains("<Speak"));
    assert_state(&server, &opened, "ringing").await;
    assert_eq!(owner_leg(LEG, &opened, "connected").send(&server.public).await.status, 200);
    assert_state(&server, &opened, "connected").await;
    assert_eq!(owner_leg(LEG, &opened, "hangup").send(&server.public).await.status, 200);
    assert_eq!(dial_end(LEG, &opened, "completed").send(&server.public).await.status, 200);
    assert_eq!(server.outcome(&opened.session).await, "completed");
    assert_state(&server, &opened, "ended").await;
}

/// The state in JSON, and a page that fits it.
async fn assert_state(server: &Server, opened: &Opened, state: &str) {
    assert_eq!(server.status(&opened.session).await.0, state);
    let page = server.public.page(&opened.path()).await;
    assert_eq!(page.status, 200);
    assert_page(&page);
    let link = format!("href=\"tel:{NUMBER},{}\"", opened.access_code);
    assert_eq!(page.body.contains(&link), state == "waiting", "the call button is there while it helps: {state}");
    let refreshed = page.header("refresh").parse().is_ok_and(|seconds: u32| (1..=10).contains(&seconds));
    assert_eq!(refreshed, state != "ended", "refreshed without script until the end: {state}");
}

#[tokio::test]
async fn a_forged_id_reads_no_store_and_wakes_nobody() {
    let folder = Folder::new();
    let codes = folder.import(&[owner("+919800000017"), owner("+919800000018")]);
    let server = Server::start(&folder);
    let opened = server.open(&codes[0], "blocking").await;
    let of_other_tag = format!("{}{}", &codes[1][..12], &opened.session[12..]);
    let mut forged: Vec<String> = (0..46).map(|at| with_another_character(&opened.session, at)).collect();
    forged.extend([of_other_tag, opened.session[..45].to_owned(), format!("{}0", opened.session), "0".repeat(46)]);

    let before = server.metrics().await;
    let nothing = server.public.get("/nothing").await;
    for id in &forged {
        let answer = server.public.get(&format!("/sessions/{id}")).await;
        assert_eq!(answer.bytes(), nothing.bytes(), "the same bytes for everything that is not there");
    }
    let after = server.metrics().await;
    for metric in ["qnect_store_reads_total", "qnect_tag_actors", "qnect_revivals_total"] {
        assert_eq!(after.sum(metric), before.sum(metric), "{metric}");
    }
    assert_eq!(after.sum("qnect_tag_actors"), 1.0, "the one tag that was really visited");
    let lower = server.public.get(&format!("/sessions/{}", opened.session.to_lowercase())).await;
    assert_eq!(lower.status, 200, "the real one is read in any case");
}
