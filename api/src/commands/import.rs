//! `import`: owners and their tags in bulk, while the server is stopped.

use std::io::{BufRead, BufReader, BufWriter, IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use qnect_core::language::Language;
use qnect_core::reason::ReasonSet;
use qnect_engine::Clock;
use qnect_storage::{NewOwner, NewVehicle, RegisteredOwner, Storage};
use serde::{Deserialize, Serialize};

use crate::commands::{CommandError, folder};
use crate::config::{Config, Overrides, environment};
use crate::fields;

/// Lines that are registered at once.
const LINES_AT_ONCE: usize = 16_384;
/// Bytes of a line at most.
const LINE_BYTES_MAX: usize = 8 * 1024;
/// The zone of an owner who named none: the first market's.
const ZONE_DEFAULT: &str = "Asia/Kolkata";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    email: String,
    phone: String,
    vehicle: Option<String>,
    language: Option<String>,
    time_zone: Option<String>,
    /// `"22:00-07:00"`
    quiet_hours: Option<String>,
    night_reasons: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Imported {
    line: usize,
    owner_id: String,
    tag_code: String,
    scan_url: String,
}

/// Reads `owners` (NDJSON) into the store of the configuration. Exit code 1 when a line was bad.
pub fn run(file: Option<&Path>, owners: &Path) -> Result<ExitCode, CommandError> {
    let config = Config::load(file, environment(), &Overrides::default())?;
    let origin = folder::origin(&config)?;
    let input = std::fs::File::open(owners)
        .map_err(|e| CommandError::Usage(format!("{}: {e}; name a readable file", owners.display())))?;
    if input.metadata().is_ok_and(|file| file.is_dir()) {
        return Err(CommandError::Usage(format!("{}: is a directory; name a readable file", owners.display())));
    }
    let (storage, clock) = folder::open(&config)?;
    let allowed_prefixes = &config.calls.allowed_prefixes;
    let out = BufWriter::new(std::io::stdout().lock());
    let import = Import { storage: &storage, clock, origin, allowed_prefixes, out, progress: Progress::new() };
    let bad = import.run(BufReader::new(input))?;
    storage.close();
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Import<'a, W: Write> {
    storage: &'a Storage,
    clock: Clock,
    origin: &'a str,
    allowed_prefixes: &'a [String],
    out: W,
    progress: Progress,
}

impl<W: Write> Import<'_, W> {
    /// Returns how many lines were bad.
    fn run(mut self, mut input: impl BufRead) -> Result<usize, CommandError> {
        skip_byte_order_mark(&mut input).map_err(|e| CommandError::Other(format!("line 1: {e}")))?;
        let (mut bad, mut numbers, mut owners) = (0, Vec::new(), Vec::new());
        let mut line = Vec::new();
        for number in 1.. {
            if !next_line(&mut input, &mut line).map_err(|e| CommandError::Other(format!("line {number}: {e}")))? {
                break;
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            match read_line(&line, self.allowed_prefixes) {
                Ok(owner) => {
                    numbers.push(number);
                    owners.push(owner);
                }
                Err(what) => {
                    bad += 1;
                    self.progress.clear();
                    eprintln!("line {number}: {what}");
                }
            }
            if owners.len() == LINES_AT_ONCE {
                self.register(&mut numbers, &mut owners)?;
            }
        }
        self.register(&mut numbers, &mut owners)?;
        self.progress.clear();
        Ok(bad)
    }

    fn register(&mut self, numbers: &mut Vec<usize>, owners: &mut Vec<NewOwner>) -> Result<(), CommandError> {
        let registered = self.storage.register(owners, self.clock.now())?;
        self.progress.tell(registered.len());
        for (line, RegisteredOwner { owner, code }) in numbers.drain(..).zip(registered) {
            let imported = Imported {
                line,
                owner_id: owner.to_string(),
                tag_code: code.to_string(),
                scan_url: format!("{}/q/{code}", self.origin),
            };
            serde_json::to_writer(&mut self.out, &imported).map_err(output_error)?;
            self.out.write_all(b"\n").map_err(output_error)?;
        }
        // What is stored is told: an end without warning leaves at most these lines untold.
        self.out.flush().map_err(output_error)?;
        owners.clear();
        Ok(())
    }
}

/// How far it is, for a person at a terminal.
struct Progress {
    shown: bool,
    owners: usize,
}

impl Progress {
    fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal(), owners: 0 }
    }

    fn tell(&mut self, more: usize) {
        self.owners += more;
        if self.shown {
            eprint!("\r{} owners", self.owners);
        }
    }

    /// Makes room for a line of its own.
    fn clear(&self) {
        if self.shown && self.owners > 0 {
            eprint!("\r\x1b[K");
        }
    }
}

fn output_error(error: impl std::fmt::Display) -> CommandError {
    CommandError::Other(format!("the result cannot be written: {error}"))
}

/// Some systems put a byte order mark before the first line.
fn skip_byte_order_mark(input: &mut impl BufRead) -> std::io::Result<()> {
    if input.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    Ok(())
}

/// The next line without its end; of one that is too long, as much as shows that. False behind the last.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    if input.by_ref().take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.pop_if(|last| *last == b'\n').is_none() && line.len() > LINE_BYTES_MAX {
        input.skip_until(b'\n')?;
    }
    Ok(true)
}

/// Reads one line. What it says of a bad one never quotes it: a line names a person.
fn read_line(line: &[u8], allowed_prefixes: &[String]) -> Result<NewOwner, String> {
    if line.len() > LINE_BYTES_MAX {
        return Err(format!("it is longer than {LINE_BYTES_MAX} bytes"));
    }
    // A list would be read as the fields in their order.
    if line.trim_ascii_start().starts_with(b"[") {
        return Err("it is no JSON object".to_owned());
    }
    let line: Line = serde_json::from_slice(line).map_err(|e| match e.classify() {
        serde_json::error::Category::Data => {
            "fields are name, email, phone (text), and if you like vehicle, language, time_zone, quiet_hours, \
             night_reasons; no other"
                .to_owned()
        }
        _ => format!("it is no JSON object (column {})", e.column()),
    })?;
    Ok(NewOwner {
        name: fields::text("name", line.name)?,
        email: fields::email(line.email)?,
        phone: fields::phone(&line.phone, allowed_prefixes)?,
        vehicle: line.vehicle.map(|v| fields::text("vehicle", v)).transpose()?.map(NewVehicle),
        language: line.language.map_or_else(|| Ok(Language::default()), |tag| fields::language(&tag))?,
        time_zone: fields::time_zone(line.time_zone.unwrap_or_else(|| ZONE_DEFAULT.to_owned()))?,
        quiet_hours: line.quiet_hours.map(|text| fields::quiet_hours(&text)).transpose()?,
        night_reasons: match line.night_reasons {
            None => ReasonSet::URGENT,
            Some(ids) => fields::night_reasons(ids.iter().map(String::as_str))?,
        },
    })
}

#[cfg(test)]
mod tests {
    use qnect_core::preferences::QuietHours;
    use qnect_core::reason::Reason;

    use super::*;

    const GOOD: &str = r#"{"name":"A","email":"a@example.in","phone":"+919800000017"}"#;

    fn read(line: &str) -> Result<NewOwner, String> {
        read_line(line.as_bytes(), &["+91".to_owned()])
    }

    fn with(field: &str) -> String {
        GOOD.replace('}', &format!(",{field}}}"))
    }

    #[test]
    fn every_field_is_read() {
        let line = with(
            r#""vehicle":"RJ14 AB 1234","language":"hi","time_zone":"Asia/Dubai","quiet_hours":"22:00-07:30","night_reasons":["towing"]"#,
        );
        let owner = read(&line).unwrap();
        assert_eq!(owner.language, Language::Hindi);
        assert_eq!(owner.time_zone, "Asia/Dubai");
        assert_eq!(owner.quiet_hours, Some(QuietHours { from_minute: 22 * 60, to_minute: 7 * 60 + 30 }));
        assert_eq!(owner.night_reasons, [Reason::Towing].into_iter().collect());
    }

    #[test]
    fn bad_lines_are_named_and_never_quoted() {
        let bad = [
            "{".to_owned(),
            "[]".to_owned(),
            with(r#""religion":"x""#),
            with(r#""language":"fr""#),
            with(r#""time_zone":"Mars/Olympus""#),
            with(r#""quiet_hours":"24:00-07:00""#),
            with(r#""night_reasons":["boredom"]"#),
            r#"["A","a@example.in","+919800000017",null,null,null,null,null]"#.to_owned(),
            GOOD.replace("+91", "0"),
            GOOD.replace("+91", "+92"),
            GOOD.replace("+91", ""),
            GOOD.replace("a@example.in", "nobody"),
            GOOD.replace(r#""A""#, r#""""#),
        ];
        for line in bad {
            let told = read(&line).err().unwrap_or_else(|| panic!("accepted: {line}"));
            assert!(!told.contains("9800000017") && !told.contains("Olympus"), "{told}");
        }
    }
}
