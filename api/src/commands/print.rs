//! How tags, owners and sessions are printed.

use std::fmt::Write;

use serde::Serialize;

use crate::commands::{CommandError, say};
use crate::control::{OwnerLine, Reply, ScanLine, SessionLine, TagLine};

/// In which form a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people to read.
    Text,
    /// For people to read: a line a tag.
    Short,
    /// One JSON object a line.
    Json,
}

/// Prints what was answered.
pub(super) fn print(form: Form, reply: &Reply) -> Result<(), CommandError> {
    let text = match (reply, form) {
        (Reply::Tags(tags), Form::Json) => json_lines(tags)?,
        (Reply::Owners(owners), Form::Json) => json_lines(owners)?,
        (Reply::Scans(scans), Form::Json) => json_lines(scans)?,
        (Reply::Scans(scans), Form::Text | Form::Short) if scans.is_empty() => "nobody looked at it\n".to_owned(),
        (Reply::Scans(scans), Form::Text | Form::Short) => scans.iter().map(scan).collect(),
        (Reply::Tags(tags), Form::Short) => tags.iter().map(|tag| format!("{}  {}\n", tag.code, tag.url)).collect(),
        (Reply::Tags(tags), Form::Text) => tags.iter().map(tag).collect::<Vec<_>>().join("\n"),
        (Reply::Owners(owners), Form::Text | Form::Short) => owners.iter().map(owner).collect::<Vec<_>>().join("\n"),
        (Reply::Session(session), Form::Json) => json_lines(std::slice::from_ref(session))?,
        (Reply::Session(session), Form::Text | Form::Short) => self::session(session),
        // It has a command of its own.
        (Reply::Verified(_), _) => String::new(),
    };
    say(&text);
    Ok(())
}

fn json_lines(lines: &[impl Serialize]) -> Result<String, CommandError> {
    let line = |line| serde_json::to_string(line).map(|text| text + "\n");
    lines.iter().map(line).collect::<Result<_, _>>().map_err(|e| CommandError::Other(e.to_string()))
}

fn tag(tag: &TagLine) -> String {
    let mut lines = vec![
        ("tag", tag.code.as_str()),
        ("status", &tag.status),
        ("owner", tag.owner_id.as_deref().unwrap_or("nobody yet")),
        ("minted", &tag.minted_at),
    ];
    lines.extend(tag.appealed_at.as_deref().map(|at| ("appealed", at)));
    lines.push(("url", &tag.url));
    rows(&lines)
}

fn scan(ScanLine { at, device, browser }: &ScanLine) -> String {
    format!("{at:<21} {device:<8} {browser}\n")
}

fn owner(owner: &OwnerLine) -> String {
    let night_reasons = if owner.night_reasons.is_empty() { "none".to_owned() } else { owner.night_reasons.join(", ") };
    let pause = match (&owner.paused_until, owner.paused) {
        (_, false) => "no".to_owned(),
        (Some(end), true) => format!("until {end}"),
        (None, true) => "until resumed".to_owned(),
    };
    let blocked = match owner.blocked_callers {
        0 => "nobody".to_owned(),
        1 => "1 caller".to_owned(),
        more => format!("{more} callers"),
    };
    let mut text = rows(&[
        ("owner", &owner.owner_id),
        ("name", &owner.name),
        ("email", &owner.email),
        ("phone", &owner.phone),
        ("language", &owner.language),
        ("time zone", &owner.time_zone),
        ("quiet hours", owner.quiet_hours.as_deref().unwrap_or("none")),
        ("night reasons", &night_reasons),
        ("paused", &pause),
        ("blocked", &blocked),
        ("registered", &owner.registered_at),
    ]);
    for tag in &owner.tags {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<14} {}  {}", "tag", tag.code, tag.status);
    }
    text
}

fn session(session: &SessionLine) -> String {
    let or_not = |at: &'_ Option<String>| at.clone().unwrap_or_else(|| "no".to_owned());
    rows(&[
        ("owner", &session.owner_id),
        ("reason", &session.reason),
        ("state", &session.state),
        ("outcome", session.outcome.as_deref().unwrap_or("none yet")),
        ("caller", &session.caller),
        ("opened", &session.opened_at),
        ("expires", &session.expires_at),
        ("dialed", &or_not(&session.dialed_at)),
        ("accepted", &or_not(&session.accepted_at)),
        ("over", &or_not(&session.over_at)),
        ("ended", &or_not(&session.ended_at)),
        ("reported", &or_not(&session.reported_at)),
    ])
}

fn rows(rows: &[(&str, &str)]) -> String {
    rows.iter().map(|(name, value)| format!("{name:<14} {value}\n")).collect()
}
