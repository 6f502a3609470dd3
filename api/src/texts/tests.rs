//! Both languages have every text, with the same variables, and nothing that nobody reads.

use std::collections::{BTreeMap, BTreeSet};

use qnect_core::language::Language;
use qnect_core::time::Span;

use super::read::{Messages, file};
use super::{Texts, of};

/// Each message and attribute of a file, with the variables in it.
fn outline(text: &str) -> BTreeMap<String, BTreeSet<&str>> {
    let mut outline: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let (mut message, mut part) = ("", String::new());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let named = line.split_once(" =").map(|(name, _)| name);
        match named {
            Some(name) if !line.starts_with(' ') => (message, part) = (name, name.to_owned()),
            Some(name) if name.trim_start().starts_with('.') => part = format!("{message}{}", name.trim_start()),
            _ => {}
        }
        let variables = line.match_indices('$').map(|(at, _)| {
            let rest = &line[at + 1..];
            &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
        });
        if !part.is_empty() {
            outline.entry(part.clone()).or_default().extend(variables);
        }
    }
    outline
}

#[test]
fn every_text_is_there_in_every_language() {
    for language in Language::ALL {
        let (texts, complaints) = Texts::read(language);
        assert_eq!(complaints, Vec::<String>::new(), "{language:?}");
        assert_eq!(texts.language, language);
        assert_eq!(of(language).language, language);
    }
}

#[test]
fn the_files_have_the_same_messages_with_the_same_variables() {
    let [english, hindi] = Language::ALL.map(|language| outline(file(language)));
    assert!(english.len() > 100, "the file was read: {}", english.len());
    assert_eq!(english, hindi);
    assert_eq!(english["try_again_minutes"], BTreeSet::from(["count"]));
    assert!(english.contains_key("ended_busy.text"));
}

#[test]
fn nothing_stands_in_a_file_that_nobody_reads() {
    let names: BTreeSet<&str> = include_str!("mod.rs").split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let written = outline(file(Language::English));
    let unread: Vec<_> = written.keys().filter(|id| !id.contains('.') && !names.contains(id.as_str())).collect();
    assert_eq!(unread, Vec::<&String>::new());
}

#[test]
fn hindi_is_written_in_its_own_letters() {
    let devanagari = |text: &str| text.chars().any(|c| ('\u{900}'..='\u{97f}').contains(&c));
    let mut messages = Messages::of(Language::Hindi);
    for part in outline(file(Language::Hindi)).into_keys().filter(|part| !part.contains('.')) {
        let text = messages.counted(&part, 2);
        assert!(devanagari(&text), "{part}: {text}");
    }
}

#[test]
fn a_file_with_a_fault_is_complained_about() {
    let mut messages = Messages::from_text(Language::English, "a = A\nb = { $nobody }\n= c\n");
    assert_eq!(messages.line("a"), "A");
    messages.line("b");
    messages.notice("a");
    messages.line("d");
    let complaints = messages.complaints().join("\n");
    assert_eq!(complaints.lines().count(), 4, "{complaints}");
    for what in ["Expected", "$nobody", "a text is missing", "d  is missing"] {
        assert!(complaints.contains(what), "{what}: {complaints}");
    }
}

#[test]
fn waits_are_rounded_up_and_said_as_people_say_them() {
    let (english, hindi) = (of(Language::English), of(Language::Hindi));
    for (seconds, phrase) in [
        (0, "Please try again in a few seconds."),
        (15, "Please try again in a few seconds."),
        (16, "Please try again in half a minute."),
        (36, "Please try again in about a minute."),
        (60, "Please try again in about a minute."),
        (61, "Please try again in about 2 minutes."),
        (90 * 60, "Please try again in about 90 minutes."),
        (90 * 60 + 1, "Please try again in about 2 hours."),
        (24 * 3_600, "Please try again in about 24 hours."),
        (1_000_000, "Please try again in about 24 hours."),
        (u64::MAX, "Please try again in about 24 hours."),
    ] {
        assert_eq!(english.try_again.of(Span::from_secs(seconds)), phrase, "{seconds} s");
    }
    assert_eq!(hindi.try_again.of(Span::from_secs(120)), "कृपया करीब 2 मिनट बाद फिर कोशिश करें।");
    assert_eq!(english.valid.of(Span::from_secs(600)), "Valid for 10 minutes");
    assert_eq!(english.valid.of(Span::from_millis(599_001)), "Valid for 10 minutes");
    assert_eq!(english.valid.of(Span::from_secs(60)), "Valid for 1 minute");
    assert_eq!(english.valid.of(Span::from_secs(59)), "Valid for less than a minute");
    assert_eq!(english.valid.of(Span::from_secs(24 * 3_600)), "Valid for 24 hours");
}
