//! The unit of `ops/systemd`, as far as it concerns the program: what it prepares, sets and runs leads to a serving engine.

use std::path::Path;
use std::process::Command;

use crate::folder::{Folder, TOKEN, owner, stderr};
use crate::server::Server;

/// The unit with its folders in this one: `%S` state, `%t` run time, `%d` credentials.
struct Unit(String);

impl Unit {
    fn of(folder: &Folder) -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").join("ops/systemd/qnect.service");
        let text = std::fs::read_to_string(path).expect("the unit");
        let text = [("%S", "state"), ("%t", "run"), ("%d", "credentials")]
            .iter()
            .fold(text, |text, (specifier, name)| text.replace(specifier, &folder.text(name)));
        assert!(!text.contains('%'), "a specifier that is not known here: {text}");
        Self(text)
    }

    /// What is set for a key, in every line of it.
    fn all(&self, key: &str) -> Vec<&str> {
        self.0.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
    }

    /// The same for a key with two parts.
    fn pairs(&self, key: &str, between: char) -> Vec<(&str, &str)> {
        self.all(key).into_iter().map(|value| value.split_once(between).expect("two parts")).collect()
    }
}

#[tokio::test]
async fn what_the_unit_prepares_serves() {
    // As an operator writes it: paths that only the superuser can read, and nothing there that the service could.
    let folder = Folder::new().edit(&format!("auth_token = {TOKEN:?}"), "auth_token_file = \"/nowhere/plivo.token\"");
    let key = folder.text("master.key");
    let folder = folder.edit(&format!("key_file = {key:?}"), "key_file = \"/nowhere/master.key\"");
    let unit = Unit::of(&folder);
    let credentials =
        [("master.key", std::fs::read_to_string(&key).expect("a key")), ("plivo.token", TOKEN.to_owned())];
    let loaded: Vec<&str> = unit.pairs("LoadCredential", ':').into_iter().map(|(name, _)| name).collect();
    assert_eq!(loaded, credentials.each_ref().map(|(name, _)| *name));
    for made in ["state/qnect", "run/qnect", "credentials"] {
        std::fs::create_dir_all(folder.path(made)).expect("a folder");
    }
    for (name, content) in &credentials {
        std::fs::write(folder.path("credentials").join(name), content).expect("a credential");
    }

    for command in unit.all("ExecStartPre") {
        let mut words = command.split(' ');
        let mut prepare = Command::new(words.next().expect("a program"));
        let done = prepare.args(words).output().expect("the program runs");
        assert!(done.status.success(), "{command}: {}", stderr(&done));
    }
    let environment = unit.pairs("Environment", '=');
    let server = Server::start_with(&folder, &environment);
    let server = server.unwrap_or_else(|(status, told)| panic!("it did not get ready: {status}: {told}"));
    assert_eq!(server.operations.get("/readyz").await.status, 200);
    assert!(folder.path("run/qnect/control.sock").exists(), "operators reach it");
    assert!(folder.path("state/qnect/keys.table").exists(), "its state is where the unit says");
    assert!(!folder.data().exists(), "and nowhere else");
    let metrics = server.metrics().await;
    assert!(metrics.sum("qnect_process_max_fds") > 0.0 && metrics.sum("qnect_process_open_fds") > 0.0);

    // It runs what it is made for, and ends no sooner than a drain does.
    assert_eq!(unit.all("Type"), ["notify"]);
    assert!(unit.all("ExecStart")[0].ends_with("/qnect serve --config /etc/qnect/qnect.toml"));
    assert_eq!(unit.all("RestartPreventExitStatus"), ["2 70"]);
    let imported = folder.import_text(owner("+919800000017").to_string().as_bytes());
    assert_eq!(
        imported.status.code(),
        Some(2),
        "without the unit's environment the key is nowhere: {}",
        stderr(&imported)
    );
}
