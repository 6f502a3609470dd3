//! Webhooks written down, so that they can serve as test data.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use qnect_simulator::Exchange;
use serde::Serialize;

/// A file with one line of JSON for each webhook.
#[derive(Debug)]
pub(crate) struct Capture {
    file: BufWriter<File>,
}

/// One line.
#[derive(Debug, Serialize)]
struct Captured<'a> {
    /// `POST /webhooks/plivo/voice HTTP/1.1`.
    request_line: String,
    /// Those that a provider chooses; a client adds `Content-Length`.
    headers: &'a [(String, String)],
    body: String,
    /// `null` if none came.
    reply: Option<CapturedReply<'a>>,
}

#[derive(Debug, Serialize)]
struct CapturedReply<'a> {
    status: u16,
    content_type: &'a str,
    body: &'a str,
}

impl Capture {
    /// A new file, in the place of an old one.
    pub(crate) fn create(path: &Path) -> Result<Capture, String> {
        let file = File::create(path).map_err(|cause| format!("--capture {}: {cause}", path.display()))?;
        Ok(Capture { file: BufWriter::new(file) })
    }

    /// Writes the webhooks of one call.
    pub(crate) fn add(&mut self, exchanges: &[Exchange]) -> Result<(), String> {
        self.write(exchanges).map_err(|cause| format!("the capture cannot be written: {cause}"))
    }

    fn write(&mut self, exchanges: &[Exchange]) -> std::io::Result<()> {
        for exchange in exchanges {
            serde_json::to_writer(&mut self.file, &captured(exchange))?;
            self.file.write_all(b"\n")?;
        }
        self.file.flush()
    }
}

fn captured(exchange: &Exchange) -> Captured<'_> {
    let form = || form_urlencoded::Serializer::new(String::new()).extend_pairs(&exchange.params).finish();
    Captured {
        request_line: format!("{} {} HTTP/1.1", exchange.method, exchange.path),
        headers: &exchange.headers,
        // The parameters of a GET stand in the request line.
        body: if exchange.method == "POST" { form() } else { String::new() },
        reply: exchange.status.map(|status| CapturedReply {
            status,
            content_type: &exchange.content_type,
            body: &exchange.body,
        }),
    }
}
