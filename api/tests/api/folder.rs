//! What a server lives in: a temporary folder with a configuration, a master key and registered owners.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The origin on the stickers. Nothing listens there: clients connect to the address that `ready` names.
pub(crate) const ORIGIN: &str = "https://qnect.example";
/// The provider's secret.
pub(crate) const TOKEN: &str = "NjU4ZjA3ZmE5ZTI0";
/// The provider's account.
pub(crate) const AUTH_ID: &str = "MAEXAMPLE";
/// Where providers could be asked: nobody listens there, so that no test ever leaves this machine.
pub(crate) const API: &str = "http://127.0.0.1:9";
/// The account at the other provider.
pub(crate) const ACCOUNT_SID: &str = "AC0123456789abcdef0123456789abcdef";
/// The one intermediary number there.
pub(crate) const TWILIO_NUMBER: &str = "+15557122661";
/// The one intermediary number.
pub(crate) const NUMBER: &str = "+911140000001";

/// A folder that is removed when dropped.
pub(crate) struct Folder {
    root: TempDir,
    environment: Vec<(String, String)>,
}

impl Folder {
    /// A configuration and a new master key; no owners yet.
    pub(crate) fn new() -> Self {
        let folder = Self::without_key();
        let made = folder.run(&["keys", "init", "--key-file", &folder.text("master.key")]);
        assert!(made.status.success(), "{}", stderr(&made));
        folder
    }

    /// A configuration whose master key does not exist.
    pub(crate) fn without_key() -> Self {
        let folder = Self { root: tempfile::tempdir().expect("a temporary folder"), environment: Vec::new() };
        let config = format!(
            r#"[server]
listen = "127.0.0.1:0"
ops_listen = "127.0.0.1:0"
public_base_url = "{ORIGIN}"

[storage]
data_dir = {data:?}
key_file = {key:?}

[[numbers]]
number = "{NUMBER}"
provider = "plivo"
access_code_digits = 7

[providers.plivo]
auth_id = "{AUTH_ID}"
auth_token = "{TOKEN}"
api_base_url = "{API}"
lines_max = 0
calls_per_second = 0
"#,
            data = folder.data(),
            key = folder.path("master.key"),
        );
        folder.write("qnect.toml", &config);
        folder
    }

    /// The same with its one number at Twilio, in another country.
    pub(crate) fn at_twilio() -> Self {
        let folder = Self::new();
        let plivo = std::fs::read_to_string(folder.path("qnect.toml")).expect("the configuration");
        let twilio = plivo.replace(NUMBER, TWILIO_NUMBER).replace("plivo", "twilio").replace("auth_id", "account_sid");
        let twilio = twilio.replace(AUTH_ID, ACCOUNT_SID);
        folder.write("qnect.toml", &format!("{twilio}\n[calls]\nallowed_prefixes = [\"+1\"]\n"));
        folder
    }

    /// Sets a key of the configuration, as `LIMITS__TAG_RINGS_PER_HOUR`, for all children from now on.
    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        self.environment.push((format!("QNECT__{key}"), value.to_owned()));
        self
    }

    /// Replaces text of the configuration that must be there.
    pub(crate) fn edit(self, from: &str, to: &str) -> Self {
        let config = std::fs::read_to_string(self.path("qnect.toml")).expect("the configuration");
        assert!(config.contains(from), "the configuration has no {from:?}");
        self.write("qnect.toml", &config.replace(from, to));
        self
    }

    /// Registers owners, each with a tag; returns the codes.
    pub(crate) fn import(&self, owners: &[Value]) -> Vec<String> {
        let lines: String = owners.iter().map(|owner| format!("{owner}\n")).collect();
        let imported = self.import_text(lines.as_bytes());
        assert!(imported.status.success(), "{}", stderr(&imported));
        let lines: Vec<Value> =
            stdout(&imported).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), owners.len());
        lines.iter().map(|line| line["tag_code"].as_str().expect("a code").to_owned()).collect()
    }

    /// Runs `import` over a file with this content.
    pub(crate) fn import_text(&self, lines: &[u8]) -> Output {
        std::fs::write(self.path("owners.ndjson"), lines).expect("a written file");
        self.run(&["import", "--config", &self.text("qnect.toml"), &self.text("owners.ndjson")])
    }

    /// Runs a command of the operator under this folder's configuration.
    pub(crate) fn operate(&self, arguments: &[&str]) -> Output {
        self.run(&[arguments, &["--config", &self.text("qnect.toml")]].concat())
    }

    /// The same, which must succeed; the objects that it printed.
    pub(crate) fn operated(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.operate(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// The binary, in this folder's environment and in no other.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qnect"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("QNECT__")) {
            command.env_remove(name);
        }
        command.args(arguments).envs(self.environment.iter().map(|(k, v)| (k, v)));
        command
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// A file of the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The same as an argument.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a path in UTF-8").to_owned()
    }

    /// Gives the folder the master key of another.
    pub(crate) fn take_key_of(&self, other: &Folder) {
        std::fs::copy(other.path("master.key"), self.path("master.key")).expect("a copied key");
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a written file");
    }
}

/// An owner as `import` wants it.
pub(crate) fn owner(phone: &str) -> Value {
    json!({"name": "An Owner", "email": "owner@example.in", "phone": phone, "vehicle": "RJ14 AB 1234"})
}

/// An owner whose quiet hours are now.
pub(crate) fn sleeping_owner(phone: &str) -> Value {
    let india = jiff::tz::TimeZone::get("Asia/Kolkata").expect("a zone");
    let now = jiff::Timestamp::now().to_zoned(india);
    let (from, to) = ((now.hour() + 21) % 24, (now.hour() + 3) % 24);
    let mut owner = owner(phone);
    owner["quiet_hours"] = format!("{from:02}:00-{to:02}:00").into();
    owner
}

/// What a child wrote on stdout.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a child wrote on stderr.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every file below `folder`, with its content.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push((path.clone(), std::fs::read(&path).expect("a file")));
        }
    }
    found
}
