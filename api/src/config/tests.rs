//! What a configuration file, the environment and the flags make of one another, and what is said when they are wrong.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::keys::KEYS;
use super::kinds::Kind;
use super::*;

const TOKEN: &str = "c2VjcmV0LXRva2Vu";
const OLD_TOKEN: &str = "b2xkLXNlY3JldC10b2tlbg";

/// All that `serve` needs and not more.
const WHOLE: &str = r#"
[server]
public_base_url = "https://qnect.example"
[storage]
data_dir = "/var/lib/qnect"
key_file = "/etc/qnect/master.key"
[[numbers]]
number = "+911140000001"
provider = "plivo"
[providers.plivo]
auth_id = "MA1"
auth_token = "c2VjcmV0LXRva2Vu"
"#;

/// A second provider, after all else.
const TWILIO: &str = "[providers.twilio]\naccount_sid = \"AC1\"\nauth_token = \"c2VjcmV0LXRva2Vu\"\n";

/// TLS in the process.
const TLS: &str = "[tls]\ncertificate_file = \"/etc/qnect/tls.crt\"\nprivate_key_file = \"/etc/qnect/tls.key\"\n";

/// What `check` tells of Plivo.
const PLIVO_CANNOT: &str = "\
plivo: an owner can only press 1 or hang up: no \"coming\" and no \"cannot come\"
plivo: a session shows \"ringing\" only once the owner has picked up
plivo: the provider's own record of a call, which names both numbers, cannot be deleted
";

/// A file `qnect.toml` in a folder of its own.
struct Written {
    folder: tempfile::TempDir,
}

impl Written {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("qnect.toml"), text).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("qnect.toml")
    }

    fn beside(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn load(&self, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::load(Some(&self.path()), variables(env), &Overrides::default())
    }

    /// The problems as they are printed, the folder left out.
    fn problems(&self, env: &[(&str, &str)]) -> Vec<String> {
        let error = self.load(env).expect_err("a configuration with a mistake");
        let folder = format!("{}/", self.folder.path().display());
        error.problems().iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
    }

    fn check(&self, env: &[(&str, &str)]) -> Result<String, String> {
        let folder = format!("{}/", self.folder.path().display());
        let without_folder = |text: String| text.replace(&folder, "");
        check(Some(&self.path()), variables(env), &Overrides::default()).map(without_folder).map_err(without_folder)
    }
}

fn variables(env: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>().into_iter()
}

fn load(text: &str) -> Result<Config, ConfigError> {
    Written::new(text).load(&[])
}

fn problems(text: &str) -> Vec<String> {
    Written::new(text).problems(&[])
}

fn problem(text: &str) -> String {
    let problems = problems(text);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems[0].clone()
}

fn from_env(env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load(None, variables(env), &Overrides::default())
}

// --- defaults -------------------------------------------------------------------------------------------------------

#[test]
fn an_empty_file_gives_the_defaults_of_the_public_interface() {
    let config = load("").unwrap();
    let expected: Table = r#"
        [server]
        listen = "127.0.0.1:8080"
        ops_listen = "127.0.0.1:9464"
        trusted_proxies = []
        [storage]
        commit_records_max = 1024
        commit_wait_microseconds = 2000
        ballast_mebibytes = 64
        free_percent_min = 5
        memtable_kibibytes = 8192
        clock_gap_days_max = 3650
        [engine]
        tag_idle_seconds = 900
        active_tags_max = 2000000
        workers = 0
        tag_workers = 0
        [calls]
        allowed_prefixes = ["+91"]
        ring_seconds = 25
        talk_seconds = 180
        session_minutes = 10
        [providers]
        [limits]
        tag_rings_per_hour = 6
        tag_urgent_rings_per_hour = 4
        tag_open_sessions_max = 32
        address_scans_per_minute = 600
        address_sessions_per_hour = 200
        caller_rings_per_hour = 5
        owner_rings_per_day = 30
        withheld_rings_per_tag_per_hour = 2
        [abuse]
        challenge_at = 50
        refuse_at = 100
        [privacy]
        provider_record_hours = 24
        [log]
        access = "errors"
        format = "json"
    "#
    .parse()
    .unwrap();
    let mut shown: Table = show(&config).parse().unwrap();
    assert_eq!(shown.remove("numbers"), Some(Value::Array(Vec::new())));
    assert_eq!(shown, expected);
}

#[test]
fn tls_is_two_files_or_none() {
    assert!(load(WHOLE).unwrap().tls.is_none());
    let tls = load(&format!("{WHOLE}{TLS}")).unwrap().tls.unwrap();
    assert_eq!(tls.certificate_file, Path::new("/etc/qnect/tls.crt"));
    assert_eq!(tls.private_key_file, Path::new("/etc/qnect/tls.key"));
    let said = problem("[tls]\ncertificate_file = \"/etc/qnect/tls.crt\"\n");
    assert_eq!(said, "qnect.toml:1:2: tls.private_key_file: is missing; write a path in quotes");
    assert!(problem(&format!("{TLS}certificate = \"x\"\n")).contains("tls.certificate: unknown key"));
    let env = [("QNECT__TLS__CERTIFICATE_FILE", "/a"), ("QNECT__TLS__PRIVATE_KEY_FILE", "/b")];
    assert_eq!(from_env(&env).unwrap().tls.unwrap().private_key_file, Path::new("/b"));
}

#[test]
fn a_number_and_an_account_have_defaults_too() {
    let config = load(WHOLE).unwrap();
    assert_eq!(config.numbers[0].strategy, Strategy::AccessCode);
    assert_eq!(config.numbers[0].access_code_digits, 7);
    let plivo = config.providers.plivo.as_ref().unwrap();
    assert_eq!(plivo.api_base_url, "https://api.plivo.com");
    assert_eq!((plivo.lines_max, plivo.calls_per_second), (50, 2));
    assert_eq!(config.control_socket().unwrap(), Path::new("/var/lib/qnect/control.sock"));
    let for_serve = config.for_serve().unwrap();
    assert_eq!(for_serve.public_base_url, "https://qnect.example");
    assert_eq!(for_serve.data_dir, Path::new("/var/lib/qnect"));
    assert_eq!(for_serve.key_file, Path::new("/etc/qnect/master.key"));
}

// --- the file -------------------------------------------------------------------------------------------------------

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    assert_eq!(
        problem("[server]\n  lisen = \"127.0.0.1:1\"\n"),
        "qnect.toml:2:3: server.lisen: unknown key; the nearest that we know is server.listen"
    );
    assert_eq!(
        problem("[server]\ndata_dir = \"/x\"\n"),
        "qnect.toml:2:1: server.data_dir: unknown key; the nearest that we know is storage.data_dir"
    );
    assert_eq!(
        problem(
            "[[numbers]]\nnumber = \"+911140000001\"\nprovider = \"plivo\"\ndigits = 7\n\
                 [providers.plivo]\nauth_id = \"MA1\"\nauth_token = \"c2VjcmV0LXRva2Vu\"\n"
        ),
        "qnect.toml:4:1: numbers[0].digits: unknown key; the nearest that we know is numbers.access_code_digits"
    );
    assert_eq!(
        problem("\n[call]\nring_seconds = 3\n"),
        "qnect.toml:2:2: call: unknown section; the nearest that we know is [calls]"
    );
    assert!(problem("ring_seconds = 3\n").ends_with("the nearest that we know is calls.ring_seconds"));
    assert!(problem("\"server.listen\" = \"127.0.0.1:1\"\n").contains("unknown key"));
    assert!(problem("[server]\n\"listen[0]\" = \"127.0.0.1:1\"\n").contains("unknown key"));
}

#[test]
fn a_wrong_type_is_named_with_its_line_and_with_what_to_write() {
    assert_eq!(
        problem("[calls]\nring_seconds = \"25\"\n"),
        "qnect.toml:2:1: calls.ring_seconds: is text, not a whole number; write a whole number from 1 to 120"
    );
    assert_eq!(
        problem("[server]\nlisten = 8080\n"),
        "qnect.toml:2:1: server.listen: is a whole number, not text; \
         write an IP address and a port, like \"127.0.0.1:8080\""
    );
    assert_eq!(
        problem("[server]\ntrusted_proxies = [\n  \"10.0.0.0/8\",\n  7,\n]\n"),
        "qnect.toml:4:3: server.trusted_proxies[1]: is a whole number, not text; \
         write a list of networks, like [\"10.0.0.0/8\", \"fd00::/8\"]"
    );
    assert_eq!(problem("server = 3\n"), "qnect.toml:1:1: server: is a section; write [server] above its keys");
    assert!(problem("[numbers]\nnumber = \"+911140000001\"\n").contains("is a list of sections"));
    assert!(problem("numbers = [1]\n").contains("numbers[0]: is not a section"));
    assert!(problem("[server.listen]\n").contains("server.listen: is a section, not text"));
}

#[test]
fn a_file_that_is_not_toml_is_named_with_line_and_column_and_never_quoted() {
    let problem = problem("[providers.plivo]\nauth_token = c2VjcmV0LXRva2Vu\n");
    assert!(problem.starts_with("qnect.toml:2:14: auth_token: not TOML: "), "{problem}");
    assert!(!problem.contains(TOKEN), "{problem}");
    assert!(
        problems("[server]\nlisten = \"a\"\nlisten = \"b\"\n")[0].starts_with("qnect.toml:3:1: listen: not TOML: ")
    );
    assert!(problems("[server\n")[0].starts_with("qnect.toml:1:"));
    assert!(problems("[calls]\nring_seconds = 99999999999999999999\n")[0].contains("qnect.toml:2:"));
}

#[test]
fn a_file_that_is_not_there_is_a_problem() {
    let error = Config::load(Some(Path::new("/nowhere/qnect.toml")), variables(&[]), &Overrides::default());
    let said = error.unwrap_err().to_string();
    assert!(
        said.starts_with("/nowhere/qnect.toml: can't read the file (entity not found); write the path of a readable")
    );
    let written = Written::new("");
    fs::write(written.path(), b"# \xff").unwrap();
    assert!(written.problems(&[])[0].ends_with("; save it in UTF-8"));
}

#[test]
fn the_column_counts_characters_and_lines_may_end_as_on_windows() {
    assert!(problem("[log]\r\naccess = \"all\"\r\nnew = 1\r\n").starts_with("qnect.toml:3:1: log.new:"));
    let two = problems("log = { \"ä\" = 1, new = 2 }\n");
    assert!(two[1].starts_with("qnect.toml:1:18: log.new:"), "{two:?}");
}

// --- environment and flags ------------------------------------------------------------------------------------------

/// A right value for each kind of scalar, as a variable holds it, that is no key's default.
fn sample(kind: &Kind) -> &'static str {
    match kind {
        Kind::Whole { .. } => "8",
        Kind::Text => "MA9",
        Kind::Path => "/elsewhere",
        Kind::Address => "127.0.0.9:4711",
        Kind::Origin => "https://other.example",
        Kind::BaseUrl => "http://127.0.0.1:4712/plivo",
        Kind::OneOf(words) => words.last().unwrap(),
        Kind::PhoneNumber => "+911140000001",
        Kind::Secret => OLD_TOKEN,
        Kind::Provider | Kind::Prefixes | Kind::Networks | Kind::SecretFile => panic!("no plain scalar"),
    }
}

#[test]
fn every_scalar_key_has_its_variable_which_beats_the_file() {
    let written = Written::new(&format!("{WHOLE}{TWILIO}{TLS}"));
    for key in KEYS.iter().filter(|key| key.is_scalar() && !matches!(key.kind, Kind::SecretFile)) {
        let name = format!("QNECT__{}", key.path.to_uppercase().replace('.', "__"));
        // Alone, challenge_at 8 and refuse_at 100 are right and the other way round they aren't.
        let env = [(name.as_str(), sample(&key.kind)), ("QNECT__ABUSE__CHALLENGE_AT", "8")];
        let config = written.load(&env).unwrap_or_else(|error| panic!("{error}"));
        let shown = flat(&show(&config).parse().unwrap());
        let expected = match key.kind {
            Kind::Secret => "[hidden]",
            _ => sample(&key.kind),
        };
        let value = shown.iter().find(|(path, _)| path == key.path).map(|(_, value)| value.as_str());
        assert_eq!(value, Some(expected), "{name}");
    }
    let config = written.load(&[("QNECT__PROVIDERS__PLIVO__AUTH_TOKEN", OLD_TOKEN)]).unwrap();
    assert_eq!(accepted(&config), [OLD_TOKEN]);
}

#[test]
fn a_provider_can_come_from_the_environment_alone() {
    let env = [("QNECT__PROVIDERS__PLIVO__AUTH_ID", "MA2"), ("QNECT__PROVIDERS__PLIVO__AUTH_TOKEN", TOKEN)];
    let config = from_env(&env).unwrap();
    assert_eq!(config.providers.plivo.as_ref().unwrap().auth_id, "MA2");
    assert_eq!(accepted(&config), [TOKEN]);
}

#[test]
fn an_unknown_variable_is_named_with_the_nearest_known_one() {
    let error = from_env(&[("QNECT__SERVER__LISEN", "127.0.0.1:1"), ("PATH", "/bin"), ("QNECT_LOG", "x")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "QNECT__SERVER__LISEN: server.lisen: is not a variable that we know; \
         the nearest that we know is QNECT__SERVER__LISTEN"
    );
    let said = |name| from_env(&[(name, "1")]).unwrap_err().to_string();
    assert!(said("QNECT__NUMBERS__NUMBER").contains("is not one value; write it in the file"));
    assert!(said("QNECT__SERVER__TRUSTED_PROXIES").contains("is not one value"));
    assert!(said("QNECT__SERVER").contains("is a section"));
    assert!(said("QNECT__server__listen").ends_with("is not in upper case; write QNECT__SERVER__LISTEN"));
    assert!(said("QNECT__PROVIDERS__VONAGE__AUTH_TOKEN").contains("nearest that we know is QNECT__PROVIDERS__"));
    assert!(said("QNECT__").contains("is not a variable that we know"));
}

#[test]
fn a_wrong_value_from_the_environment_names_the_variable() {
    let problems = Written::new(WHOLE).problems(&[
        ("QNECT__CALLS__RING_SECONDS", "soon"),
        ("QNECT__CALLS__TALK_SECONDS", "0"),
        ("QNECT__LOG__ACCESS", "some"),
        ("QNECT__PROVIDERS__PLIVO__AUTH_ID", ""),
    ]);
    assert_eq!(
        problems,
        [
            "QNECT__CALLS__RING_SECONDS: calls.ring_seconds: is text, not a whole number; \
             write a whole number from 1 to 120",
            "QNECT__CALLS__TALK_SECONDS: calls.talk_seconds: 0 is out of range; write a whole number from 1 to 14400",
            "QNECT__LOG__ACCESS: log.access: is none of the known words; write \"off\" or \"errors\" or \"all\"",
            "QNECT__PROVIDERS__PLIVO__AUTH_ID: providers.plivo.auth_id: is empty; \
             write text in quotes, without spaces",
        ]
    );
}

#[test]
fn flags_beat_the_environment_and_the_environment_beats_the_file() {
    let written = Written::new(
        "[server]\nlisten = \"127.0.0.1:1\"\nops_listen = \"127.0.0.1:2\"\n[storage]\ndata_dir = \"/file\"\n",
    );
    let env = [("QNECT__SERVER__LISTEN", "127.0.0.1:3"), ("QNECT__STORAGE__DATA_DIR", "/env")];
    let flags = Overrides {
        listen: Some("127.0.0.1:4".parse().unwrap()),
        public_base_url: Some("http://192.168.1.2:8080".to_owned()),
        ..Overrides::default()
    };
    let config = Config::load(Some(&written.path()), variables(&env), &flags).unwrap();
    assert_eq!(config.server.listen.port(), 4);
    assert_eq!(config.server.ops_listen.port(), 2);
    assert_eq!(config.storage.data_dir.as_deref(), Some(Path::new("/env")));
    assert_eq!(config.server.public_base_url.as_deref(), Some("http://192.168.1.2:8080"));

    let flags = Overrides {
        ops_listen: Some("[::1]:5".parse().unwrap()),
        data_dir: Some("/flag".into()),
        public_base_url: Some("qnect.example".to_owned()),
        ..Overrides::default()
    };
    let error = Config::load(Some(&written.path()), variables(&env), &flags).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--public-base-url: server.public_base_url: is not a URL; \
         write scheme and host, like \"https://qnect.example\""
    );
    let flags = Overrides { public_base_url: None, ..flags };
    let config = Config::load(Some(&written.path()), variables(&env), &flags).unwrap();
    assert_eq!(config.server.ops_listen, "[::1]:5".parse().unwrap());
    assert_eq!(config.storage.data_dir.as_deref(), Some(Path::new("/flag")));
}

// --- secrets --------------------------------------------------------------------------------------------------------

fn with_account(lines: &str) -> String {
    format!("[providers.plivo]\nauth_id = \"MA1\"\n{lines}\n")
}

fn accepted(config: &Config) -> Vec<&str> {
    config.providers.plivo.as_ref().unwrap().auth_token.accepted().collect()
}

#[test]
fn a_secret_is_one_text_or_a_list_of_two() {
    let config = load(&with_account(&format!("auth_token = \"{TOKEN}\""))).unwrap();
    assert_eq!(accepted(&config), [TOKEN]);
    let config = load(&with_account(&format!("auth_token = [\"{TOKEN}\"]"))).unwrap();
    assert_eq!(accepted(&config), [TOKEN]);
    let config = load(&with_account(&format!("auth_token = [\"{TOKEN}\", \"{OLD_TOKEN}\"]"))).unwrap();
    assert_eq!(accepted(&config), [TOKEN, OLD_TOKEN]);
}

#[test]
fn a_secret_file_is_read_and_trimmed() {
    let written = Written::new("");
    let (new, old) = (written.beside("new", &format!("{TOKEN}\n")), written.beside("old", &format!("\t{OLD_TOKEN} ")));
    let config = load(&with_account(&format!("auth_token_file = \"{new}\""))).unwrap();
    assert_eq!(accepted(&config), [TOKEN]);
    let config = load(&with_account(&format!("auth_token_file = [\"{new}\", \"{old}\"]"))).unwrap();
    assert_eq!(accepted(&config), [TOKEN, OLD_TOKEN]);
}

#[test]
fn a_secret_from_the_environment_beats_the_other_form_in_the_file() {
    let written = Written::new(&with_account("auth_token_file = \"/nowhere\""));
    let config = written.load(&[("QNECT__PROVIDERS__PLIVO__AUTH_TOKEN", TOKEN)]).unwrap();
    assert_eq!(accepted(&config), [TOKEN]);

    let written = Written::new(&with_account("auth_token = \"beaten\""));
    let path = written.beside("token", TOKEN);
    let config = written.load(&[("QNECT__PROVIDERS__PLIVO__AUTH_TOKEN_FILE", &path)]).unwrap();
    assert_eq!(accepted(&config), [TOKEN]);

    let both =
        [("QNECT__PROVIDERS__PLIVO__AUTH_TOKEN", TOKEN), ("QNECT__PROVIDERS__PLIVO__AUTH_TOKEN_FILE", path.as_str())];
    let said = written.problems(&both);
    assert!(said[0].starts_with("QNECT__PROVIDERS__PLIVO__AUTH_TOKEN_FILE: "), "{said:?}");
    assert!(said[0].contains("stands beside providers.plivo.auth_token; write one of the two"), "{said:?}");
}

#[test]
fn a_wrong_secret_is_named_and_never_quoted() {
    let written = Written::new("");
    let (path, empty) = (written.beside("token", TOKEN), written.beside("empty", " \n"));
    let (long, short) = (written.beside("long", &TOKEN.repeat(300)), written.beside("short", "  0123456789abcde  \n"));
    let placeholder = written.beside("placeholder", "...\n");
    let cases = [
        (format!("auth_token = \"{TOKEN}\"\nauth_token_file = \"{path}\""), "stands beside providers.plivo.auth_token"),
        (format!("auth_token = [\"{TOKEN}\", \"{TOKEN}\", \"{TOKEN}\"]"), "list of none or of more than two"),
        ("auth_token = []".to_owned(), "list of none or of more than two"),
        ("auth_token = 4711471147114711".to_owned(), "auth_token: is not text"),
        (format!("auth_token = {{ value = \"{TOKEN}\" }}"), "auth_token: is not text"),
        ("auth_token = \"\"".to_owned(), "auth_token: is empty"),
        ("auth_token = \"[hidden]\"".to_owned(), "`config show`"),
        ("auth_token = \"...\"".to_owned(), "auth_token: is the example's placeholder; write at least 16"),
        ("auth_token = \"0123456789abcde\"".to_owned(), "auth_token: is shorter than 16 characters"),
        (format!("auth_token = [\"{TOKEN}\", \"...\"]"), "auth_token: is the example's placeholder"),
        (format!("auth_token_file = \"{placeholder}\""), "placeholder is the example's placeholder"),
        (format!("auth_token_file = \"{short}\""), "short is shorter than 16 characters"),
        (format!("auth_token_file = \"{empty}\""), "empty is empty"),
        (format!("auth_token_file = \"{long}\""), "longer than 4096 bytes"),
        ("auth_token_file = \"/nowhere/token\"".to_owned(), "can't read /nowhere/token (entity not found)"),
        (String::new(), "providers.plivo.auth_token: is missing"),
    ];
    for (lines, expected) in cases {
        let said = problem(&with_account(&lines));
        assert!(said.contains(expected), "{lines}: {said}");
        assert!(said.starts_with("qnect.toml:"), "{said}");
        assert!(!said.contains(TOKEN) && !said.contains("4711") && !said.contains("0123"), "{said}");
    }
}

#[test]
fn a_secret_is_never_printed() {
    let text = WHOLE.replace(&format!("\"{TOKEN}\""), &format!("[\"{TOKEN}\", \"{OLD_TOKEN}\"]"));
    let config = load(&text).unwrap();
    let secret = &config.providers.plivo.as_ref().unwrap().auth_token;
    let printed =
        [show(&config), format!("{config:?}"), format!("{config:#?}"), secret.to_string(), format!("{secret:?}")];
    for text in printed {
        assert!(text.contains("[hidden]"), "{text}");
        assert!(!text.contains(TOKEN) && !text.contains(OLD_TOKEN), "{text}");
    }
    let shown: Table = show(&config).parse().unwrap();
    assert!(flat(&shown).contains(&("providers.plivo.auth_token[1]".to_owned(), "[hidden]".to_owned())));
}

// --- validation -----------------------------------------------------------------------------------------------------

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = r#"
[server]
public_base_url = "http://qnect.example"
listen = "127.0.0.1:8080"
ops_listen = "0.0.0.0:8080"
[engine]
active_tags_max = 0
[calls]
allowed_prefixes = ["+91", "44"]
owner_caller_id = "+911140000002"
[[numbers]]
number = "+911140000001"
provider = "plivo"
strategy = "leased"
[[numbers]]
number = "+911140000001"
provider = "plivo"
strategy = "dedicated"
access_code_digits = 5
[abuse]
challenge_at = 60
refuse_at = 50
"#;
    assert_eq!(
        problems(text),
        [
            "qnect.toml:3:1: server.public_base_url: is http on a public host; \
             write \"https://qnect.example\"; http is for loopback and private addresses",
            "qnect.toml:5:1: server.ops_listen: is where server.listen is (127.0.0.1:8080), \
             and metrics are not for the public; write another port",
            "qnect.toml:7:1: engine.active_tags_max: 0 is out of range; write a whole number from 1 to 100000000",
            "qnect.toml:9:28: calls.allowed_prefixes[1]: is not a prefix; \
             write a list of at least one prefix, \"+\" and digits, like [\"+91\"]",
            "qnect.toml:10:1: calls.owner_caller_id: is not one of `numbers`; \
             write one of `numbers`, or nothing: then owners see the number that was dialled",
            "qnect.toml:13:1: numbers[0].provider: provider plivo has no section; \
             write [providers.plivo] with its account",
            "qnect.toml:14:1: numbers[0].strategy: a number lent to one session (leased) is not built yet; \
             write \"access_code\"",
            "qnect.toml:16:1: numbers[1].number: stands here a second time; write each number once",
            "qnect.toml:17:1: numbers[1].provider: provider plivo has no section; \
             write [providers.plivo] with its account",
            "qnect.toml:18:1: numbers[1].strategy: a number of a tag's own (dedicated) is not built yet; \
             write \"access_code\"",
            "qnect.toml:19:1: numbers[1].access_code_digits: 5 is out of range; write a whole number from 6 to 9",
            "qnect.toml:22:1: abuse.refuse_at: is below abuse.challenge_at (60), \
             so that nobody would be challenged; write more points, or 0 for never",
        ]
    );
}

#[test]
fn a_section_that_lacks_what_it_needs_is_named_at_its_line() {
    let said = problems("\n[[numbers]]\nnumber = \"+911140000001\"\n\n[providers.plivo]\nlines_max = 3\n");
    assert_eq!(
        said,
        [
            "qnect.toml:2:1: numbers[0].provider: is missing; write \"plivo\" or \"twilio\"",
            "qnect.toml:5:12: providers.plivo.auth_id: is missing; write text in quotes, without spaces",
            "qnect.toml:5:12: providers.plivo.auth_token: is missing; \
             write at least 16 characters in quotes, or a list of two during a rotation",
        ]
    );
}

#[test]
fn what_a_provider_cannot_do_is_refused_or_told() {
    let number = |number: &str| format!("{TWILIO}[[numbers]]\nnumber = \"{number}\"\nprovider = \"twilio\"\n");
    let indian = problem(&number("+911140000009"));
    assert!(indian.contains("numbers[0].provider: twilio has no numbers for calls within India"), "{indian}");
    assert!(load(&number("+15557122661")).is_ok());

    let both = WHOLE.replace("[providers.plivo]", &format!("{}[providers.plivo]", number("+15557122661")));
    let shown = format!("{both}[calls]\nowner_caller_id = \"+911140000001\"\n");
    assert!(problem(&shown).contains("calls on numbers at twilio cannot show it"), "{}", problem(&shown));

    let said = check(Some(&Written::new(&both).path()), variables(&[]), &Overrides::default()).unwrap();
    assert!(said.contains("plivo: an owner can only press 1 or hang up"), "{said}");
    assert!(said.contains("twilio: it has no numbers for calls within India"), "{said}");
    assert!(!said.contains("twilio: an owner can only press 1"), "{said}");
}

#[test]
fn a_provider_without_an_adapter_is_refused_with_the_reason() {
    assert_eq!(
        problem("[providers.telnyx]\napi_key = \"x\"\n"),
        "qnect.toml:1:12: providers.telnyx: unknown key: the adapter for this provider is not built yet; \
         remove the section"
    );
    let number = |provider| format!("[[numbers]]\nnumber = \"+911140000001\"\nprovider = \"{provider}\"\n");
    assert!(problem(&number("exotel")).contains("numbers[0].provider: the adapter for exotel is not built yet"));
    assert!(problem(&number("phoneco")).contains("is not a provider that we know; write \"plivo\" or \"twilio\""));
    assert!(problem("[providers.phoneco]\nkey = 1\n").contains("nearest that we know is [providers.plivo]"));
}

#[test]
fn numbers_are_e164_and_not_quoted_back() {
    let number = |number: &str| WHOLE.replace("+911140000001", number);
    for right in ["+91114000", "+911140000001234"] {
        assert!(load(&number(right)).is_ok(), "{right}");
    }
    for wrong in ["911140000001", "+9111400", "+9111400000012345", "+91 1140000001", "+0111400000", "+", "+91-114000"] {
        let said = problem(&number(wrong));
        assert!(said.contains("numbers[0].number: is not a number in E.164"), "{said}");
    }
    assert!(!problem(&number("+91 9812345678")).contains("9812345678"));
}

#[test]
fn a_public_base_url_is_an_origin() {
    let judged = |url: &str| load(&format!("[server]\npublic_base_url = \"{url}\"\n"));
    for right in [
        "https://qnect.example",
        "https://qnect.example:8443",
        "https://192.0.2.7",
        "https://[2001:db8::1]:8443",
        "http://127.0.0.1:8080",
        "http://localhost:8080",
        "http://demo.localhost",
        "http://10.1.2.3",
        "http://192.168.1.2:8080",
        "http://[::1]:8080",
        "http://[fd00::1]",
        "http://[::ffff:10.0.0.1]",
    ] {
        assert!(judged(right).is_ok(), "{right}: {}", judged(right).unwrap_err());
    }
    for (wrong, expected) in [
        ("qnect.example", "is not a URL"),
        ("ftp://qnect.example", "neither https nor http"),
        ("https://qnect.example/", "after the host; write \"https://qnect.example\""),
        ("https://qnect.example/q", "after the host; write \"https://qnect.example\""),
        ("https://qnect.example?x", "after the host"),
        ("https://QNECT.example", "not in lower case"),
        ("https://a:b@qnect.example", "has a user in it"),
        ("https://qnect.example:443", "names the port that its scheme has anyway"),
        ("http://localhost:80", "names the port that its scheme has anyway"),
        ("https://qnect.example:", "has a bad port"),
        ("https://qnect.example:0", "has a bad port"),
        ("https://qnect.example:08443", "has a bad port"),
        ("https://qnect.example:80800", "has a bad port"),
        ("https://", "has a bad host name"),
        ("https://qnect..example", "has a bad host name"),
        ("https://qnect_.example", "has a bad host name"),
        ("https://1.2.3.400", "has a bad host name"),
        ("https://[::1", "has a bad"),
        ("https://[zz]", "has a bad IPv6 address"),
        ("http://qnect.example", "is http on a public host"),
        ("http://8.8.8.8", "is http on a public host"),
        ("http://0.0.0.0:8080", "is http on a public host"),
        ("http://[2001:db8::1]", "is http on a public host"),
        ("http://localhost.example", "is http on a public host"),
        ("", "is empty"),
    ] {
        let said = judged(wrong).expect_err(wrong).to_string();
        assert!(said.contains(expected), "{wrong}: {said}");
        assert!(!said.contains("a:b@"), "{said}");
    }
}

#[test]
fn an_api_base_url_may_have_a_path() {
    let judged = |url: &str| load(&with_account(&format!("auth_token = \"{TOKEN}\"\napi_base_url = \"{url}\"")));
    for right in ["https://api.plivo.com", "http://127.0.0.1:4711/plivo", "https://proxy.example/a/b"] {
        assert!(judged(right).is_ok(), "{right}");
    }
    for wrong in ["https://api.plivo.com/", "https://a.example/x?y", "http://api.plivo.com", "https://a.example/a b"] {
        assert!(judged(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_network_contains_its_addresses() {
    let contains =
        |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
    assert!(contains("10.0.0.0/8", "10.255.0.1"));
    assert!(contains("10.9.9.9/8", "10.255.0.1"));
    assert!(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
    assert!(!contains("10.0.0.0/8", "11.0.0.1"));
    assert!(!contains("10.0.0.0/8", "::1"));
    assert!(contains("192.0.2.7", "192.0.2.7"));
    assert!(!contains("192.0.2.7", "192.0.2.8"));
    assert!(contains("0.0.0.0/0", "203.0.113.9"));
    assert!(!contains("0.0.0.0/0", "2001:db8::1"));
    assert!(contains("::/0", "2001:db8::1"));
    assert!(contains("fd00::/8", "fdff::1"));
    assert!(contains("2001:db8::/64", "2001:db8::ffff:1"));
    assert!(!contains("2001:db8::/64", "2001:db8:0:1::1"));
    assert!(!contains("::1", "::2"));
    for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8", "proxy/8"] {
        assert!(wrong.parse::<Network>().is_err(), "{wrong}");
    }
    assert_eq!("10.9.9.9/8".parse::<Network>().unwrap().to_string(), "10.0.0.0/8");
}

// --- what the commands need and say ---------------------------------------------------------------------------------

#[test]
fn serve_says_which_keys_are_missing_and_what_to_write() {
    let error = load("").unwrap().for_serve().unwrap_err().to_string();
    assert_eq!(
        error,
        "storage.data_dir: is missing; write a folder, like \"/var/lib/qnect\"\n\
         storage.key_file: is missing; write the file that `keys init` made, like \"/etc/qnect/master.key\"\n\
         server.public_base_url: is missing; write the origin on the stickers, like \"https://qnect.example\"\n\
         numbers: has no number, so that nobody could be called; \
         write a section [[numbers]] with `number` and `provider` for each intermediary number"
    );
    let storage_only = load("[storage]\ndata_dir = \"a\"\nkey_file = \"b\"\n").unwrap();
    assert!(storage_only.for_storage().is_ok());
    assert!(storage_only.for_serve().is_err());
    assert!(load("").unwrap().for_storage().unwrap_err().problems().len() == 2);
}

#[test]
fn check_says_ok_or_every_problem() {
    assert_eq!(Written::new(WHOLE).check(&[]).unwrap(), format!("qnect.toml: ok\n{PLIVO_CANNOT}"));
    assert_eq!(
        Written::new("[server]\nlisten = 1\n").check(&[]).unwrap_err(),
        "qnect.toml: storage.data_dir: is missing; write a folder, like \"/var/lib/qnect\"\n\
         qnect.toml: storage.key_file: is missing; write the file that `keys init` made, \
         like \"/etc/qnect/master.key\"\n\
         qnect.toml: numbers: has no number, so that nobody could be called; \
         write a section [[numbers]] with `number` and `provider` for each intermediary number\n\
         qnect.toml:1:2: server.public_base_url: is missing; \
         write the origin on the stickers, like \"https://qnect.example\"\n\
         qnect.toml:2:1: server.listen: is a whole number, not text; \
         write an IP address and a port, like \"127.0.0.1:8080\"\n"
    );
}

#[test]
fn a_wrong_key_is_not_also_missing() {
    let said = Written::new(&WHOLE.replace("https://qnect.example", "qnect.example")).check(&[]).unwrap_err();
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn the_unedited_example_is_refused_for_its_placeholders() {
    let said = Written::new(example()).check(&[]).unwrap_err();
    let lines: Vec<&str> = said.lines().collect();
    let keys = ["plivo.auth_id", "plivo.auth_token"];
    assert_eq!(lines.len(), keys.len(), "{said}");
    for (line, key) in lines.iter().zip(keys) {
        assert!(line.contains(&format!("providers.{key}: is the example's placeholder")), "{said}");
    }
}

#[test]
fn the_example_with_an_account_is_a_right_configuration_with_every_default() {
    let edited = example().replace("\"MA...\"", "\"MA2\"").replace("\"...\"", &format!("\"{TOKEN}\""));
    let written = Written::new(&edited);
    assert!(written.check(&[]).unwrap().starts_with("qnect.toml: ok\n"), "{:?}", written.check(&[]));
    let (example, plain) = (written.load(&[]).unwrap(), load(WHOLE).unwrap());
    let differing: Vec<String> = flat(&show(&example).parse().unwrap())
        .into_iter()
        .zip(flat(&show(&plain).parse().unwrap()))
        .filter(|(a, b)| a != b)
        .map(|(a, _)| a.0)
        .collect();
    assert_eq!(differing, ["providers.plivo.auth_id"]);
}

#[test]
fn every_known_key_stands_in_the_example_below_a_comment() {
    let mut section = String::new();
    let mut previous = "";
    let mut found = Vec::new();
    for line in example().lines() {
        assert!(line.chars().count() <= 120, "{line}");
        let written = line.strip_prefix("# ").unwrap_or(line);
        if written.starts_with('[') && written.ends_with(']') {
            section = written.trim_matches(['[', ']']).to_owned();
        }
        if let Some((name, _)) = written.split_once(" = ").filter(|(name, _)| !name.contains(' ')) {
            assert!(previous.starts_with("# "), "{section}.{name} has no comment");
            found.push(format!("{section}.{name}"));
        }
        previous = line;
    }
    let known: Vec<&str> = KEYS.iter().map(|key| key.path).collect();
    assert_eq!(found, known);
}

#[test]
fn the_list_of_keys_and_the_structs_are_the_same() {
    let text = format!("{WHOLE}\n{TWILIO}{TLS}[calls]\nowner_caller_id = \"+911140000001\"\n");
    let config = load(&text).unwrap();
    let of_structs: BTreeSet<String> = flat(&show(&config).parse().unwrap())
        .into_iter()
        .map(|(path, _)| path.replace("numbers[0]", "numbers").replace("prefixes[0]", "prefixes"))
        .collect();
    let of_list: BTreeSet<String> =
        KEYS.iter().filter(|key| !matches!(key.kind, Kind::SecretFile)).map(|key| key.path.to_owned()).collect();
    // An empty list has no value to show.
    let missing: Vec<&String> = of_list.symmetric_difference(&of_structs).collect();
    assert_eq!(missing, ["server.trusted_proxies"]);
    let proxies = load("[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n").unwrap().server.trusted_proxies;
    assert_eq!(proxies.len(), 2);
}

#[test]
fn the_bounds_in_the_example_are_those_of_the_list() {
    for key in KEYS {
        let Kind::Whole { min, max } = key.kind else { continue };
        if key.section() == "limits" {
            assert!(example().contains("# Budgets: each 0 to 1000000"));
            continue;
        }
        let above = example().split(&format!("\n{} = ", key.name())).next().unwrap();
        let comment = above.rsplit("\n\n").next().unwrap().replace("\n# ", " ");
        assert!(comment.contains(&format!("{min} to {max}, default")), "{}: {comment}", key.path);
    }
}

#[test]
fn what_show_prints_can_be_read_back_but_for_its_secrets() {
    let shown = show(&load(WHOLE).unwrap());
    let again = shown.replace("[hidden]", TOKEN);
    assert_eq!(show(&load(&again).unwrap()), shown);
    assert!(problem(&shown).contains("auth_token: is what `config show` prints in place of a secret"));
}

#[test]
fn the_demo_needs_no_file() {
    let (listen, ops) = ("127.0.0.1:0".parse().unwrap(), "127.0.0.1:0".parse().unwrap());
    let provider = || ("http://127.0.0.1:4712".to_owned(), Secret::new(TOKEN));
    let demo = |url: &str| Config::demo(listen, ops, Path::new("demo-data"), url, provider());
    let config = demo("http://127.0.0.1:8080").unwrap();
    assert_eq!(config.for_serve().unwrap().data_dir, Path::new("demo-data"));
    assert_eq!(config.numbers[0].number, "+911140000001");
    assert!(load(&show(&config).replace("[hidden]", TOKEN)).is_ok());
    assert!(!format!("{config:?}").contains(TOKEN));
    let error = demo("http://qnect.example/").unwrap_err().to_string();
    assert!(error.starts_with("--public-base-url: server.public_base_url: has something after the host"), "{error}");
}

/// Every value with its full path.
fn flat(table: &Table) -> Vec<(String, String)> {
    fn walk(path: &str, value: &Value, out: &mut Vec<(String, String)>) {
        match value {
            Value::Table(table) => {
                for (name, value) in table {
                    walk(&super::layers::join(path, name), value, out);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    walk(&format!("{path}[{index}]"), item, out);
                }
            }
            Value::String(text) => out.push((path.to_owned(), text.clone())),
            other => out.push((path.to_owned(), other.to_string())),
        }
    }
    let mut out = Vec::new();
    walk("", &Value::Table(table.clone()), &mut out);
    out
}
