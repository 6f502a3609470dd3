//! `verify`: the same of a running engine and of a folder, and loud about damage.

use serde_json::Value;

use crate::folder::{Folder, files, owner, stderr, stdout};
use crate::server::Server;

const PHONE: &str = "+919800000017";

fn verified(folder: &Folder) -> Value {
    folder.operated(&["verify"]).remove(0)
}

#[tokio::test]
async fn an_engine_and_a_folder_tell_the_same() {
    let folder = Folder::new();
    let code = folder.import(&[owner(PHONE)]).remove(0);
    let server = Server::start(&folder);
    server.open(&code, "blocking").await;
    let live = verified(&folder);
    assert_eq!((&live["clean"], &live["people"], &live["findings"]), (&true.into(), &1.into(), &Value::Array(vec![])));
    let sessions = live["rows"].as_array().expect("rows").iter().find(|rows| rows["keyspace"] == "sessions");
    assert_eq!(sessions.expect("sessions")["rows"], 1);
    server.kill();

    let before = files(&folder.data());
    let stopped = verified(&folder);
    assert_eq!((&stopped["logical_hash"], &stopped["clean"]), (&live["logical_hash"], &true.into()));
    assert_eq!(stopped["logical_hash"].as_str().map(str::len), Some(64));
    assert!(files(&folder.data()) == before, "not a byte has changed");
    let text = stdout(&folder.operate(&["verify"]));
    assert!(text.ends_with("all is whole\n"), "{text}");
}

#[test]
fn damage_is_told_by_file_and_exit_code_and_names_nobody() {
    let folder = Folder::new();
    folder.import(&[owner(PHONE)]);
    let journal = folder.data().join("db/0.jnl");
    let mut bytes = std::fs::read(&journal).expect("a journal");
    bytes[200] ^= 1;
    std::fs::write(&journal, bytes).expect("a written journal");
    for form in [&["verify"][..], &["verify", "--json"]] {
        let output = folder.operate(form);
        assert_eq!(output.status.code(), Some(70), "{}", stderr(&output));
        let text = stdout(&output);
        assert!(text.contains("db/0.jnl") && text.contains("restore a backup"), "{text}");
        assert!(!text.contains("An Owner") && !text.contains("9800000017"), "{text}");
    }
    assert_eq!(folder.operate(&["repair"]).status.code(), Some(70), "a repair would lose what was acknowledged");
}

#[test]
fn a_folder_without_data_is_named() {
    let output = Folder::new().operate(&["verify"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("storage.data_dir"), "{}", stderr(&output));
}
