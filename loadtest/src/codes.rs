//! The tags that are called: their codes, read from a file.

use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::Deserialize;

/// Tags at most.
const CODES_MAX: usize = 1_000_000;
/// Bytes of the file at most: more than so many lines of `qnect import` have.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Characters of a code, hyphens not counted.
const CODE_CHARS: usize = 20;

/// A line of `qnect import`; its other fields are not needed.
#[derive(Deserialize)]
struct Imported {
    tag_code: String,
}

/// Reads every code once, in the file's order. An error does not name the file.
pub(crate) fn read(file: &Path) -> Result<Vec<String>, String> {
    let mut text = String::new();
    File::open(file).and_then(|opened| opened.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)).map_err(|cause| {
        match cause.kind() {
            ErrorKind::InvalidData => "not text".to_owned(),
            _ => cause.to_string(),
        }
    })?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("more than {FILE_BYTES_MAX} bytes"));
    }
    parse(&text)
}

fn parse(text: &str) -> Result<Vec<String>, String> {
    let (mut codes, mut seen) = (Vec::new(), HashSet::new());
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() {
            continue;
        }
        let code = code(line).ok_or_else(|| format!("line {number} is neither a tag code nor a line of an import"))?;
        if seen.insert(code.clone()) {
            codes.push(code);
        }
        if codes.len() > CODES_MAX {
            return Err(format!("more than {CODES_MAX} tag codes"));
        }
    }
    if codes.is_empty() {
        return Err("no tag codes in it; write one a line, or take what `qnect import` prints".to_owned());
    }
    Ok(codes)
}

/// The code of a line, as it is printed on a sticker. Whether it is a right one only the engine knows.
fn code(line: &str) -> Option<String> {
    let written = match line.starts_with('{') {
        true => serde_json::from_str::<Imported>(line).ok()?.tag_code,
        false => line.to_owned(),
    };
    let code: String = written.chars().filter(|c| *c != '-').map(|c| c.to_ascii_uppercase()).collect();
    (code.len() == CODE_CHARS && code.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::parse;

    const ONE: &str = "0123456789ABCDEFGHJK";

    #[test]
    fn codes_and_imported_lines_are_read_once_each() {
        let text = format!(
            "{ONE}\r\n\n  01234-56789-abcde-fghjk\n{{\"line\":1,\"owner_id\":\"x\",\"tag_code\":\"ZZZZZZZZZZZZZZZZZZZZ\",\"scan_url\":\"u\"}}\n"
        );
        assert_eq!(parse(&text).expect("codes"), [ONE, "ZZZZZZZZZZZZZZZZZZZZ"]);
    }

    #[test]
    fn a_wrong_line_is_named() {
        for wrong in
            ["0123", "{\"line\":1}", "{", "0123456789ABCDEFGHJ/", "https://qnect.example/q/0123456789ABCDEFGHJK"]
        {
            let error = parse(&format!("{ONE}\n{wrong}\n")).expect_err("a wrong line");
            assert!(error.starts_with("line 2 "), "{wrong}: {error}");
        }
    }

    #[test]
    fn nothing_is_not_enough() {
        assert!(parse(" \n\n").expect_err("no codes").starts_with("no tag codes"));
    }
}
