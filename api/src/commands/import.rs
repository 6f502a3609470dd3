//! `import`: owners and their tags in bulk, while the server is stopped.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use jiff::tz::TimeZone;
use qnect_core::language::Language;
use qnect_core::phone::Phone;
use qnect_core::preferences::QuietHours;
use qnect_core::reason::{Reason, ReasonSet};
use qnect_storage::{NewOwner, NewVehicle, OpenOptions, RegisteredOwner, Storage};
use serde::{Deserialize, Serialize};

use crate::commands::{CommandError, keys};
use crate::config::{Config, Overrides, environment};
use qnect_engine::Clock;

/// Lines that are registered at once.
const LINES_AT_ONCE: usize = 4_096;
/// Bytes of a line at most.
const LINE_BYTES_MAX: usize = 8 * 1024;
/// Characters of a name, an address of e-mail or a registration at most.
const FIELD_CHARS_MAX: usize = 256;
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
    let for_storage = config.for_storage()?;
    let origin = config.server.public_base_url.as_deref().ok_or_else(|| {
        CommandError::Usage("server.public_base_url is missing; write the origin on the stickers".to_owned())
    })?;
    let input = std::fs::File::open(owners)
        .map_err(|e| CommandError::Usage(format!("{}: {e}; name a readable file", owners.display())))?;
    if input.metadata().is_ok_and(|file| file.is_dir()) {
        return Err(CommandError::Usage(format!("{}: is a directory; name a readable file", owners.display())));
    }
    let master = keys::read(for_storage.key_file)?;
    let options = OpenOptions { folder: for_storage.data_dir, master: &master };
    let storage = Storage::open(&options, |floor| {
        let clock = Clock::starting_at_least(floor);
        move || clock.now()
    })?;
    let allowed_prefixes = &config.calls.allowed_prefixes;
    let bad = Import { storage: &storage, origin, allowed_prefixes, out: BufWriter::new(std::io::stdout().lock()) }
        .run(BufReader::new(input))?;
    storage.close();
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Import<'a, W: Write> {
    storage: &'a Storage,
    origin: &'a str,
    allowed_prefixes: &'a [String],
    out: W,
}

impl<W: Write> Import<'_, W> {
    /// Returns how many lines were bad.
    fn run(mut self, mut input: impl BufRead) -> Result<usize, CommandError> {
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
                    eprintln!("line {number}: {what}");
                }
            }
            if owners.len() == LINES_AT_ONCE {
                self.register(&mut numbers, &mut owners)?;
            }
        }
        self.register(&mut numbers, &mut owners)?;
        self.out.flush().map_err(output_error)?;
        Ok(bad)
    }

    fn register(&mut self, numbers: &mut Vec<usize>, owners: &mut Vec<NewOwner>) -> Result<(), CommandError> {
        let now = Clock::starting_at_least(self.storage.clock_floor()).now();
        let registered = self.storage.register(owners, now)?;
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
        owners.clear();
        Ok(())
    }
}

fn output_error(error: impl std::fmt::Display) -> CommandError {
    CommandError::Other(format!("the result cannot be written: {error}"))
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
    let bounded = |field: &str, value: String| {
        let fits = !value.trim().is_empty() && value.chars().count() <= FIELD_CHARS_MAX;
        if fits { Ok(value) } else { Err(format!("{field} has 1 to {FIELD_CHARS_MAX} characters")) }
    };
    let email = bounded("email", line.email)?;
    if !email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.')) {
        return Err("email is no address".to_owned());
    }
    let time_zone = line.time_zone.unwrap_or_else(|| ZONE_DEFAULT.to_owned());
    TimeZone::get(&time_zone).map_err(|_| "time_zone is a name such as Asia/Kolkata".to_owned())?;
    Ok(NewOwner {
        name: bounded("name", line.name)?,
        email,
        phone: phone(&line.phone, allowed_prefixes)?,
        vehicle: line.vehicle.map(|v| bounded("vehicle", v)).transpose()?.map(NewVehicle),
        language: match line.language {
            None => Language::default(),
            Some(tag) => Language::from_tag(&tag).ok_or("language is en or hi")?,
        },
        time_zone,
        quiet_hours: line.quiet_hours.map(|text| quiet_hours(&text)).transpose()?,
        night_reasons: match line.night_reasons {
            None => ReasonSet::URGENT,
            Some(ids) => {
                let read = |id: &String| Reason::from_id(id).ok_or("night_reasons names an unknown reason");
                ids.iter().map(read).collect::<Result<_, _>>()?
            }
        },
    })
}

/// A national number without its `+` would be read as one of another country, and never be reached.
fn phone(text: &str, allowed_prefixes: &[String]) -> Result<Phone, String> {
    if !text.starts_with('+') {
        return Err("phone begins with + and the country's code".to_owned());
    }
    let phone = Phone::parse(text).map_err(|e| format!("phone: {e}"))?;
    if allowed_prefixes.iter().any(|prefix| phone.has_prefix(prefix)) {
        return Ok(phone);
    }
    let allowed = allowed_prefixes.join(", ");
    Err(format!("phone is outside calls.allowed_prefixes ({allowed}), so that it could never be called"))
}

fn quiet_hours(text: &str) -> Result<QuietHours, &'static str> {
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let read = text.split_once('-').and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
    let (from_minute, to_minute) = read.ok_or("quiet_hours is written as 22:00-07:00")?;
    Ok(QuietHours { from_minute, to_minute })
}

#[cfg(test)]
mod tests {
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
