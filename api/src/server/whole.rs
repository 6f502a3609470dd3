//! Whether what a stranger has said so far is something whole to work at. Asked before anything that costs more than these
//! bytes is made for it.

use crate::server::rewound::HELD_BYTES_MAX;

/// How an HTTP/2 connection begins.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The type of a TLS record with a handshake in it, and the length of a record's head, whose last two bytes are its length.
const HANDSHAKE_RECORD: u8 = 22;
const RECORD_HEAD_BYTES: usize = 5;

/// A TLS record, or the beginning of something else.
pub(super) fn is_whole_hello(bytes: &[u8]) -> bool {
    match bytes {
        [] => false,
        [HANDSHAKE_RECORD, _, _, high, low, ..] => {
            bytes.len() >= RECORD_HEAD_BYTES + usize::from(u16::from_be_bytes([*high, *low]))
        }
        [kind, ..] => *kind != HANDSHAKE_RECORD,
    }
}

/// A head and the empty line at its end, or the beginning of HTTP/2, which has such a line in it.
pub(super) fn is_whole_head(bytes: &[u8]) -> bool {
    let known = bytes.len().min(PREFACE.len());
    if bytes[..known] == PREFACE[..known] {
        return known == PREFACE.len();
    }
    head_bytes(bytes).is_some()
}

/// A head and all of the body that it announces, or as much of it as is held.
pub(super) fn is_whole_request(bytes: &[u8]) -> bool {
    let Some(head) = head_bytes(bytes).filter(|_| is_whole_head(bytes)) else { return false };
    let (head, body) = bytes.split_at(head);
    match announced(head) {
        Announced::Bytes(count) => body.len() >= count || bytes.len() >= HELD_BYTES_MAX,
        Announced::Chunks => is_whole_in_chunks(body) || bytes.len() >= HELD_BYTES_MAX,
    }
}

/// What a head says of its body.
enum Announced {
    Bytes(usize),
    Chunks,
}

/// Where a head ends, whatever empty lines stand before it (RFC 9112, 2.2). Bare LFs end lines too: whoever answers such a head
/// says what is wrong with it.
fn head_bytes(bytes: &[u8]) -> Option<usize> {
    let from = bytes.iter().position(|byte| !b"\r\n".contains(byte))?;
    let rest = &bytes[from..];
    let after = |end: &[u8]| rest.windows(end.len()).position(|window| window == end).map(|at| from + at + end.len());
    [after(b"\n\n"), after(b"\n\r\n")].into_iter().flatten().min()
}

/// No bytes for a body whose client waits to be asked for it, and for one of whose length nothing can be made: there is
/// nothing to wait for.
fn announced(head: &[u8]) -> Announced {
    let (mut bytes, mut is_in_chunks) = (0, false);
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"expect") {
            return Announced::Bytes(0);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            is_in_chunks = value.eq_ignore_ascii_case(b"chunked");
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let told = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
            bytes = told.unwrap_or_default();
        }
    }
    if is_in_chunks { Announced::Chunks } else { Announced::Bytes(bytes) }
}

/// Whether chunks have come to their end (RFC 9112, 7.1), or can be none.
fn is_whole_in_chunks(mut rest: &[u8]) -> bool {
    loop {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return false };
        let (line, after) = rest.split_at(end + 1);
        let size = line.split(|byte| b";\r\n".contains(byte)).next().unwrap_or_default();
        let size = std::str::from_utf8(size).ok().and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
        match size {
            None => return true,
            // Fields may follow, and an empty line.
            Some(0) => return after.starts_with(b"\r\n") || head_bytes(after).is_some(),
            Some(size) => match after.get(size.saturating_add(b"\r\n".len())..) {
                None => return false,
                Some(next) => rest = next,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many of these bytes there is something whole.
    fn whole_after(bytes: &[u8], is_whole: fn(&[u8]) -> bool) -> Option<usize> {
        (0..=bytes.len()).find(|count| is_whole(&bytes[..*count]))
    }

    #[test]
    fn a_request_is_whole_with_its_body() {
        for (head, body, waited_for) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET", 0),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n", "abcdef", 3),
            ("POST / HTTP/1.1\r\ncONTENT-lENGTH:\t3 \r\nHost: x\r\n\r\n", "abc", 3),
            ("POST / HTTP/1.1\nContent-Length: 3\n\n", "abc", 3),
            // What answers these says what is wrong.
            ("POST / HTTP/1.1\r\nContent-Length: -3\r\n\r\n", "abc", 0),
            ("POST / HTTP/1.1\r\nContent-Length: 3x\r\n\r\n", "abc", 0),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", "abc", 0),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "abc", 0),
            // The body comes when it is asked for.
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", "abc", 0),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "3;a=b\r\nabc\r\n0\r\n\r\nmore", 17),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n", "A\r\n0123456789\r\n0\r\nA: b\r\n\r\n", 26),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "x\r\n", 3),
        ] {
            let bytes = [head, body].concat();
            assert_eq!(whole_after(bytes.as_bytes(), is_whole_head), Some(head.len()), "{head}");
            assert_eq!(whole_after(bytes.as_bytes(), is_whole_request), Some(head.len() + waited_for), "{head}");
        }
    }

    #[test]
    fn empty_lines_before_a_head_are_none() {
        assert_eq!(whole_after(b"\r\n\r\n\n\r\n", is_whole_head), None);
        assert_eq!(whole_after(b"\r\n\nGET / HTTP/1.1\r\n\r\nmore", is_whole_request), Some(21));
    }

    #[test]
    fn no_more_is_waited_for_than_is_held() {
        for length in [HELD_BYTES_MAX, 65_536, usize::MAX] {
            let head = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
            let bytes = [head.as_bytes(), &[b'a'; HELD_BYTES_MAX]].concat();
            assert_eq!(whole_after(&bytes, is_whole_request), Some(HELD_BYTES_MAX), "{length}");
        }
    }

    #[test]
    fn the_beginning_of_http_2_is_waited_for_whole() {
        let bytes = [PREFACE, b"more"].concat();
        for is_whole in [is_whole_head, is_whole_request] {
            assert_eq!(whole_after(&bytes, is_whole), Some(PREFACE.len()));
        }
    }

    #[test]
    fn a_hello_is_whole_with_its_record() {
        assert_eq!(whole_after(&[22, 3, 1, 0, 2, 9, 9, 9], is_whole_hello), Some(7));
        assert_eq!(whole_after(b"GET / HTTP/1.1", is_whole_hello), Some(1), "it is not waited for what never comes");
    }
}
