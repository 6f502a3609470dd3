//! Words that must not stand in a room.

use crate::keep;
use crate::source::{Source, sources};

const CORE: &str = "engine/core/src/";
const ENGINE: &str = "engine/src/";
const STORAGE: &str = "storage/src/";
const PROVIDERS: &str = "api/providers/src/";

/// Time, chance, waiting, telling: `std::net::IpAddr` and its kind are values, and may stand in the core.
const IMPURE: [&str; 26] = [
    "SystemTime",
    "Instant",
    "std::fs",
    "std::thread",
    "std::process",
    "std::env",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "Mutex",
    "RwLock",
    "Condvar",
    "getrandom",
    "rand",
    "tokio",
    "tracing",
    "metrics",
    "println",
    "eprintln",
    "print",
    "dbg",
    "serde",
    "Serialize",
    "Deserialize",
    "async",
];

const PROVIDER_NAMES: [&str; 6] = ["plivo", "twilio", "exotel", "vonage", "telnyx", "jambonz"];

#[test]
fn the_core_has_no_clock_no_chance_and_no_voice() {
    keep(
        "no clock, randomness, I/O, lock, log or wire format in the core",
        "the same inputs give the same decisions: that is why a seed replays a failure and a table covers all states",
        found(&sources(), &[CORE], &IMPURE),
    );
}

#[test]
fn no_room_behind_the_doors_knows_a_provider() {
    keep(
        "no provider's name in core, engine or storage",
        "words of the outside stop at the doors: a sixth provider must not touch a decision",
        named(&sources(), &[CORE, ENGINE, STORAGE, "engine/accounts/src/"], &PROVIDER_NAMES),
    );
}

#[test]
fn neither_storage_nor_engine_speaks_http() {
    keep(
        "no HTTP and no JSON in storage and engine, no actix in storage",
        "words of the outside stop at the doors",
        [
            found(&sources(), &[STORAGE], &["actix", "hyper", "axum", "http", "serde_json", "StatusCode"]),
            found(&sources(), &[ENGINE], &["hyper", "axum", "http", "serde", "serde_json", "StatusCode"]),
        ]
        .concat(),
    );
}

#[test]
fn an_actor_is_reachable_only_through_a_visit() {
    let outside =
        |s: &&Source| !["visit.rs", "registry.rs", "actor.rs"].map(|f| format!("{ENGINE}{f}")).contains(&s.path);
    let all = sources();
    keep(
        "`Addr<` only in the engine's visit, registry and actor; `do_send` nowhere",
        "the count of visits is the bound of a mailbox and the guard against retiring an actor with a message on its way; \
         do_send ignores both",
        [places(all.iter().filter(outside), &["Addr<"]), places(all.iter(), &["do_send"])].concat(),
    );
}

#[test]
fn a_number_is_revealed_to_reach_its_holder_only() {
    let may = [STORAGE, "api/providers/src/steps.rs", "engine/core/src/phone.rs"];
    let all = sources();
    keep(
        "`Phone::reveal` only where a dial is rendered and where a number is sealed",
        "a phone number leaves only to reach its own holder",
        places(all.iter().filter(|s| !s.is_below(&may)), &["reveal"]),
    );
}

#[test]
fn one_clock_is_read() {
    // The simulated provider is a stranger with a wall clock of its own, which it writes into its webhooks.
    let clocks = ["engine/src/clock.rs", "loadtest/simulator/src/clock.rs"];
    let all = sources();
    keep(
        "`SystemTime::now` only in the engine's clock",
        "time never goes back below the last commit: a second reader of the wall clock would not know that",
        places(all.iter().filter(|s| !s.is_below(&clocks)), &["SystemTime::now", "Timestamp::now", "Zoned::now"]),
    );
}

#[test]
fn nothing_that_we_say_to_a_provider_records() {
    keep(
        "no verb that records, transcribes or streams",
        "no call is recorded, and what cannot be said cannot be said by mistake",
        recording(&sources()),
    );
}

/// Where one of `words` stands in the code below `folders`.
fn found(sources: &[Source], folders: &[&str], words: &[&str]) -> Vec<String> {
    places(sources.iter().filter(|s| s.is_below(folders)), words)
}

fn places<'a>(sources: impl Iterator<Item = &'a Source>, words: &[&str]) -> Vec<String> {
    let of_source = |s: &Source| -> Vec<String> {
        words.iter().flat_map(|word| s.places_of(word).into_iter().map(move |at| format!("{at} {word}"))).collect()
    };
    sources.flat_map(of_source).collect()
}

/// Where one of `names` stands below `folders`, in code or strings, in any case, also inside of a longer word.
fn named(sources: &[Source], folders: &[&str], names: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|s| s.is_below(folders)) {
        let code = source.code.to_ascii_lowercase();
        for name in names {
            found.extend(code.match_indices(name).map(|(at, _)| format!("{} {name}", source.place(at))));
            let strings = source.strings.iter().filter(|(_, text)| text.to_lowercase().contains(name));
            found.extend(strings.map(|(at, _)| format!("{} {name}", source.place(*at))));
        }
    }
    found
}

/// Strings and verbs of the providers' writing half. Their reading half knows such words, to raise an alarm.
fn recording(sources: &[Source]) -> Vec<String> {
    const READING: [&str; 3] = ["parse.rs", "fields.rs", "hangup.rs"];
    let words = ["record", "transcri", "stream", "conference", "multiparty"];
    let writes = |s: &&Source| s.is_below(&[PROVIDERS]) && !READING.iter().any(|name| s.path.ends_with(name));
    let mut found = Vec::new();
    for source in sources.iter().filter(writes) {
        let hits = source.strings.iter().filter(|(_, text)| {
            let text = text.trim_start_matches('<').to_lowercase();
            words.iter().any(|word| text.starts_with(word))
        });
        found.extend(hits.map(|(at, text)| format!("{} {text:?}", source.place(*at))));
        for verb in ["Record", "Transcription", "Stream", "Conference", "MultiPartyCall"] {
            found.extend(source.places_of(verb).into_iter().map(|at| format!("{at} {verb}")));
        }
    }
    found
}

#[test]
fn broken_bans_are_seen() {
    let core = Source::of(
        "engine/core/src/a.rs",
        "use std::net::IpAddr; // tokio\nlet t = Instant::now();\nuse std::{sync::Mutex};\nasync fn a() { println!(\"x\") }\n\
         #[cfg(test)]\nmod tests { use std::time::Instant; }",
    );
    assert_eq!(found(&[core], &[CORE], &IMPURE).len(), 4);
    let random = Source::of("engine/core/src/a.rs", "let operand = random; let brand = 1; fn record() {}");
    assert_eq!(found(&[random], &[CORE], &IMPURE), Vec::<String>::new(), "parts of words are other words");

    let engine = Source::of(
        "engine/src/engine.rs",
        "fn of(address: Addr<TagActor>, peer: SocketAddr, x: MyAddr<u8>) { address.do_send(1); }\nfn twilio_leg() { log(\"by Plivo\") }",
    );
    let engine = [engine];
    assert_eq!(places(engine.iter(), &["Addr<", "do_send"]).len(), 2);
    assert_eq!(
        named(&engine, &[ENGINE], &PROVIDER_NAMES),
        ["engine/src/engine.rs:2 plivo", "engine/src/engine.rs:2 twilio"]
    );
    assert_eq!(places(engine.iter(), &["SystemTime::now"]), Vec::<String>::new());

    let writes = Source::of(
        "api/providers/src/plivo/verbs.rs",
        "xml.leaf(\"Record\", &[(\"recordSession\", \"true\")]); Verb::Stream(x); // Record\nlet s = \"No call is recorded\";",
    );
    assert_eq!(recording(&[writes]).len(), 3);
    let reads = Source::of("api/providers/src/plivo/fields.rs", "let names = [\"RecordUrl\"];");
    assert_eq!(recording(&[reads]), Vec::<String>::new());
}
