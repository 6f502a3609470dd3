//! Where a message of HTTP/1.1 ends: as much of the protocol as an answer of the engine, or a request of ours, needs.

use qnect_benches::Failure;

/// The end of a head.
const BLANK: &[u8] = b"\r\n\r\n";
const LENGTH: &[u8] = b"content-length:";

/// How long a message is.
#[derive(Clone, Copy)]
pub(crate) struct Measure {
    /// Bytes of its head, the blank line included.
    pub(crate) head: usize,
    /// Bytes of all of it.
    pub(crate) whole: usize,
}

/// Measures the message that `bytes` begin with; `None` before its head is whole. One that does not say how long its
/// body is has none: neither the engine nor we send any other.
pub(crate) fn measure(bytes: &[u8]) -> Result<Option<Measure>, Failure> {
    let Some(at) = bytes.windows(BLANK.len()).position(|end| end == BLANK) else { return Ok(None) };
    let head = at + BLANK.len();
    let mut lines = bytes[..at].split(|&b| b == b'\n');
    let length = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(LENGTH.len())?;
        name.eq_ignore_ascii_case(LENGTH).then_some(value)
    });
    let body = match length {
        None => 0,
        Some(value) => std::str::from_utf8(value)?.trim().parse::<usize>()?,
    };
    Ok(Some(Measure { head, whole: head + body }))
}

/// Parts messages that follow one another.
pub(crate) fn split(mut bytes: &[u8]) -> Result<Vec<&[u8]>, Failure> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let whole = measure(bytes)?.map(|measure| measure.whole).filter(|&whole| whole <= bytes.len());
        let (message, rest) = bytes.split_at(whole.ok_or("the last request is cut off")?);
        messages.push(message);
        bytes = rest;
    }
    Ok(messages)
}

/// The text of a field of a flat JSON object in which nothing is escaped.
pub(crate) fn field<'a>(json: &'a [u8], name: &str) -> Option<&'a str> {
    let json = std::str::from_utf8(json).ok()?;
    let (_, value) = json.split_once(&format!("\"{name}\":\""))?;
    value.split('"').next()
}
