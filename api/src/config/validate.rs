//! What can only be judged once all keys are there: one against another, and those that `serve` can't do without.

use std::net::SocketAddr;

use super::problem::{Place, Problem};
use super::{Config, Number, Strategy};

/// A problem whose place is not looked up yet.
pub(super) struct Finding {
    pub(super) key: String,
    what: String,
    write: String,
}

/// Everything that is wrong with a configuration whose keys are right one by one.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let all = [listeners(config), numbers(config), capabilities(config), owner_caller_id(config), abuse(config)];
    all.into_iter().flatten().collect()
}

/// What `serve` needs and isn't there.
pub(super) fn missing_for_serve(config: &Config) -> Vec<Finding> {
    let mut findings = missing_for_storage(config);
    if config.server.public_base_url.is_none() {
        let write = "write the origin on the stickers, like \"https://qnect.example\"";
        findings.push(finding("server.public_base_url", "is missing", write));
    }
    if config.numbers.is_empty() {
        let write = "write a section [[numbers]] with `number` and `provider` for each intermediary number";
        findings.push(finding("numbers", "has no number, so that nobody could be called", write));
    }
    findings
}

/// What every command on the data folder needs and isn't there.
pub(super) fn missing_for_storage(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.storage.data_dir.is_none() {
        findings.push(finding("storage.data_dir", "is missing", "write a folder, like \"/var/lib/qnect\""));
    }
    if config.storage.key_file.is_none() {
        let write = "write the file that `keys init` made, like \"/etc/qnect/master.key\"";
        findings.push(finding("storage.key_file", "is missing", write));
    }
    findings
}

fn listeners(config: &Config) -> Vec<Finding> {
    let (public, ops) = (config.server.listen, config.server.ops_listen);
    if !collide(public, ops) {
        return Vec::new();
    }
    let what = format!("is where server.listen is ({public}), and metrics are not for the public");
    vec![finding("server.ops_listen", what, "write another port")]
}

/// Port 0 is a free port each time it is asked for.
fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    let any = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() != 0 && a.port() == b.port() && (any || a.ip() == b.ip())
}

fn numbers(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, number) in config.numbers.iter().enumerate() {
        let key = |name: &str| format!("numbers[{index}].{name}");
        if config.numbers[..index].iter().any(|earlier| earlier.number == number.number) {
            findings.push(finding(key("number"), "stands here a second time", "write each number once"));
        }
        if !config.providers.has(number.provider) {
            let name = number.provider.name();
            let what = format!("provider {name} has no section");
            findings.push(finding(key("provider"), what, format!("write [providers.{name}] with its account")));
        }
        let to_come = match number.strategy {
            Strategy::AccessCode => continue,
            Strategy::Dedicated => "a number of a tag's own (dedicated) is not built yet",
            Strategy::Leased => "a number lent to one session (leased) is not built yet",
        };
        findings.push(finding(key("strategy"), to_come, "write \"access_code\""));
    }
    findings
}

/// What a number's provider cannot do, where nothing else could be done instead.
fn capabilities(config: &Config) -> Vec<Finding> {
    let is_stranded =
        |number: &Number| number.number.starts_with("+91") && !number.provider.tongue().capabilities().serves_india;
    let stranded = config.numbers.iter().enumerate().filter(|(_, number)| is_stranded(number));
    stranded
        .map(|(index, number)| {
            let what = format!("{} has no numbers for calls within India", number.provider.name());
            finding(format!("numbers[{index}].provider"), what, "write a provider that has, like \"plivo\"")
        })
        .collect()
}

fn owner_caller_id(config: &Config) -> Vec<Finding> {
    let Some(id) = &config.calls.owner_caller_id else { return Vec::new() };
    let key = "calls.owner_caller_id";
    let Some(shown) = config.numbers.iter().find(|number| number.number == *id) else {
        let write = "write one of `numbers`, or nothing: then owners see the number that was dialled";
        return vec![finding(key, "is not one of `numbers`", write)];
    };
    // A provider shows only numbers that are rented there.
    let elsewhere = config.numbers.iter().find(|number| number.provider != shown.provider);
    let named = elsewhere.map(|number| (shown.provider.name(), number.provider.name()));
    named
        .map(|(here, there)| {
            let what = format!("is rented at {here}, and calls on numbers at {there} cannot show it");
            finding(key, what, "leave it out, or keep the numbers of one provider")
        })
        .into_iter()
        .collect()
}

fn abuse(config: &Config) -> Vec<Finding> {
    let (challenge, refuse) = (config.abuse.challenge_at, config.abuse.refuse_at);
    if challenge == 0 || refuse == 0 || challenge <= refuse {
        return Vec::new();
    }
    let what = format!("is below abuse.challenge_at ({challenge}), so that nobody would be challenged");
    vec![finding("abuse.refuse_at", what, "write more points, or 0 for never")]
}

fn finding(key: impl Into<String>, what: impl Into<String>, write: impl Into<String>) -> Finding {
    Finding { key: key.into(), what: what.into(), write: write.into() }
}

impl Finding {
    pub(super) fn at(self, place: Place) -> Problem {
        Problem { place, key: self.key, what: self.what, write: self.write }
    }
}
