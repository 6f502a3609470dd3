//! An operator at work on the control socket: what a command returned is a promise too.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::folder::Folder;
use crate::oracle::Oracle;
use crate::possible::{Possible, Told};
use crate::random::Random;
use crate::tally::Kind;

/// Numbers of an owner that are looked up after a restart: the last ones.
const NUMBERS_LOOKED_UP: usize = 3;

/// An operator, who looks after owners whom nobody calls.
pub(crate) struct Operator {
    socket: PathBuf,
    random: Random,
    charges: Vec<Charge>,
}

/// An owner with a tag, and what may be true of them.
struct Charge {
    owner: String,
    code: String,
    /// The owner's number at the import.
    first: String,
    suspended: Possible<bool>,
    paused: Possible<bool>,
    /// Which of the owner's numbers is the present one, counted from that of the import.
    phone: Possible<u32>,
    phones: u32,
    minted: Minted,
}

/// The tags of one owner: those that are surely there, and how many more there may be.
struct Minted {
    codes: BTreeSet<String>,
    maybe: usize,
}

impl Operator {
    /// Takes owners into care, each by a tag and the number. The server must not run yet.
    pub(crate) fn of(folder: &Folder, owners: impl Iterator<Item = (String, String)>, seed: u64) -> Self {
        let charge = |(code, first): (String, String)| {
            let shown = folder.operated(&["tags", "show", &code]);
            let owner = shown[0]["owner_id"].as_str().expect("an id").to_owned();
            let minted = Minted { codes: BTreeSet::from([code.clone()]), maybe: 0 };
            let (suspended, paused) = (Possible::only(false), Possible::only(false));
            Charge { owner, code, first, suspended, paused, phone: Possible::only(0), phones: 0, minted }
        };
        let socket = folder.data().join("control.sock");
        Self { socket, random: Random::of(seed, 0), charges: owners.map(charge).collect() }
    }

    /// Gives one command after the other until `stop` is set or nobody listens any more.
    pub(crate) async fn work(&mut self, oracle: &RefCell<Oracle>, stop: &Cell<bool>) {
        while !stop.get() {
            let at = self.random.below(self.charges.len());
            let (charge, to) = (&mut self.charges[at], self.random.one_in(2));
            let told = match self.random.below(16) {
                0 => charge.mint(&self.socket).await,
                1..5 => charge.suspend(to, &self.socket).await,
                5..10 => charge.pause(to, &self.socket).await,
                _ => charge.set_phone(&self.socket).await,
            };
            let Some(told) = told else { return };
            oracle.borrow_mut().tally.count(Kind::Edit, told);
        }
    }

    /// After a restart: asks how everything stands, and tells the books what is wrong.
    pub(crate) async fn inspect(&mut self, oracle: &RefCell<Oracle>) {
        for charge in &mut self.charges {
            if let Err(fault) = charge.inspect(&self.socket).await {
                oracle.borrow_mut().blame(format!("owner {}: {fault}", charge.owner));
            }
        }
    }
}

impl Charge {
    async fn mint(&mut self, socket: &Path) -> Option<Told> {
        let (told, body) = ask(socket, &json!({"mint_tag_for": {"owner": self.owner, "vehicle": null}})).await?;
        match (told, body["tags"][0]["code"].as_str()) {
            (Told::Ok, Some(code)) => {
                self.minted.codes.insert(code.to_owned());
            }
            (Told::Ok | Told::Indeterminate, _) => self.minted.maybe += 1,
            (Told::Failed, _) => {}
        }
        Some(told)
    }

    async fn suspend(&mut self, to: bool, socket: &Path) -> Option<Told> {
        let step = if to { "suspend" } else { "resume" };
        let before = self.suspended.invoked(|_| to);
        let asked = ask(socket, &json!({"move_tag": {"code": self.code, "to": step}})).await;
        let told = asked.as_ref().map(|(told, _)| *told);
        self.suspended.settled(told.unwrap_or(Told::Failed), before, |_| to);
        told
    }

    async fn pause(&mut self, to: bool, socket: &Path) -> Option<Told> {
        let before = self.paused.invoked(|_| to);
        let request = match to {
            true => json!({"pause_owner": {"owner": self.owner, "minutes": null}}),
            false => json!({"resume_owner": {"owner": self.owner}}),
        };
        let told = ask(socket, &request).await.map(|(told, _)| told);
        self.paused.settled(told.unwrap_or(Told::Failed), before, |_| to);
        told
    }

    async fn set_phone(&mut self, socket: &Path) -> Option<Told> {
        self.phones += 1;
        let to = self.phones;
        let before = self.phone.invoked(|_| to);
        let request = json!({"set_owner": {"owner": self.owner, "set": {"phone": number(&self.first, to)}}});
        let told = ask(socket, &request).await.map(|(told, _)| told);
        self.phone.settled(told.unwrap_or(Told::Failed), before, |_| to);
        told
    }

    async fn inspect(&mut self, socket: &Path) -> Result<(), String> {
        let asked = ask(socket, &json!({"show_owner": {"owner": self.owner}})).await;
        let Some((Told::Ok, body)) = asked else { return Err(format!("cannot be shown: {asked:?}")) };
        let owner = &body["owners"][0];
        let paused = owner["paused"].as_bool().ok_or("says not whether it is paused")?;
        self.paused.recovered(|is| *is == paused).map_err(|fault| format!("{fault:?}: paused is {paused}"))?;
        let last_two = owner["phone"].as_str().unwrap_or_default().trim_start_matches(['+', '*']).to_owned();
        let found = self.phone.recovered(|n| number(&self.first, *n).ends_with(&last_two));
        found.map_err(|fault| format!("{fault:?}: the number ends with {last_two}"))?;
        let tags = owner["tags"].as_array().ok_or("has no list of tags")?;
        let code_of = |tag: &Value| tag["code"].as_str().unwrap_or_default().to_owned();
        let first = tags.iter().find(|tag| code_of(tag) == self.code).ok_or("Lost: the first tag")?;
        let suspended = first["status"] == "suspended";
        let found = self.suspended.recovered(|is| *is == suspended);
        found.map_err(|fault| format!("{fault:?}: suspended is {suspended}"))?;
        self.minted.recovered(tags.iter().map(code_of).collect())?;
        self.inspect_index(socket).await
    }

    /// The owner's row and the index over numbers are one batch: the number that the row may show leads to the owner, and no
    /// other does.
    async fn inspect_index(&mut self, socket: &Path) -> Result<(), String> {
        let last = (0..=self.phones).rev().take(NUMBERS_LOOKED_UP);
        let looked_up: BTreeSet<u32> = last.chain(self.phone.may_be().iter().copied()).collect();
        let mut found = Vec::new();
        for n in looked_up {
            let request = json!({"find_owners": {"phone": number(&self.first, n), "email": null}});
            let (_, body) = ask(socket, &request).await.ok_or("nobody listens")?;
            if body["owners"][0]["owner_id"] == self.owner.as_str() {
                found.push(n);
            }
        }
        let present = self.phone.may_be().to_vec();
        let torn = || format!("torn: found by the numbers {found:?}, and the present one is of {present:?}");
        self.phone.recovered(|n| found == [*n]).map_err(|_| torn())
    }
}

impl Minted {
    fn recovered(&mut self, seen: BTreeSet<String>) -> Result<(), String> {
        let lost: Vec<&String> = self.codes.difference(&seen).collect();
        if !lost.is_empty() {
            return Err(format!("Lost: the tags {lost:?}"));
        }
        let more = seen.len() - self.codes.len();
        if more > self.maybe {
            return Err(format!("Phantom: {more} tags more, and only {} were asked for", self.maybe));
        }
        *self = Self { codes: seen, maybe: 0 };
        Ok(())
    }
}

/// The `n`th number of an owner, whose `first` was imported. Fictional. Only the last two digits are ever shown again, and the
/// first numbers of owners end with 00, 01 and so on: the second one must not.
fn number(first: &str, n: u32) -> String {
    if n == 0 { first.to_owned() } else { format!("+9196{}{:06}", &first[first.len() - 2..], n + 10) }
}

/// Asks on the control socket; `None` when nobody listens.
async fn ask(socket: &Path, request: &Value) -> Option<(Told, Value)> {
    let mut stream = UnixStream::connect(socket).await.ok()?;
    let body = request.to_string();
    let head = format!("POST /v1/commands HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    // The server may be gone in the middle of either: then the answer is not a whole one.
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    let body = answer.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
    Some(match body {
        Some(body) if answer.starts_with("HTTP/1.1 200 ") => (Told::Ok, body),
        Some(body) if answer.starts_with("HTTP/1.1 422 ") => (Told::Failed, body),
        Some(_) | None => (Told::Indeterminate, Value::Null),
    })
}
