//! What a stranger's browser asks, from one of many addresses behind a proxy.

/// Addresses in all, of as many networks as there are tags to a network: so many strangers are about.
const ADDRESSES: usize = 100_000;

/// `GET /q/{code}`, by stranger number `nth`.
pub(crate) fn scan(code: &str, accept: &str, nth: usize) -> Vec<u8> {
    format!(
        "GET /q/{code} HTTP/1.1\r\nHost: qnect.example\r\nAccept: {accept}\r\nX-Forwarded-For: {}\r\n\r\n",
        address(nth)
    )
    .into_bytes()
}

/// `POST /q/{code}/sessions`, by stranger number `nth`.
pub(crate) fn open_session(code: &str, nth: usize) -> Vec<u8> {
    const BODY: &str = r#"{"reason":"blocking","language":"en"}"#;
    format!(
        "POST /q/{code}/sessions HTTP/1.1\r\nHost: qnect.example\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nX-Forwarded-For: {}\r\n\r\n{BODY}",
        BODY.len(),
        address(nth)
    )
    .into_bytes()
}

fn address(nth: usize) -> String {
    let nth = nth % ADDRESSES;
    format!("10.{}.{}.{}", nth >> 16 & 255, nth >> 8 & 255, nth & 255)
}
