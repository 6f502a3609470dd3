//! HTTP/2 turned against its server: each of these ends its connection and nobody else's, and costs little memory.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::folder::{Folder, owner};
use crate::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, Wire,
    frame, get, goodbye, post, read,
};
use crate::honest::ask;
use crate::server::Server;
use crate::usage::{Usage, files_are_closed};

/// "Enhance your calm" (RFC 9113, 7).
const CALM: u32 = 11;
/// Attackers at once.
const ATTACKERS: usize = 16;
/// By how much memory may grow, in KiB.
const GROWTH_MAX: u64 = 50 * 1024;
/// Frames of one flood at most: far more than any limit.
const FLOOD: usize = 1_000_000;
/// Bytes of frames that a server may take for nothing, and what a request adds to them.
const FREE_BYTES: usize = 128 * 1024;
/// `SETTINGS_INITIAL_WINDOW_SIZE`
const INITIAL_WINDOW: u16 = 4;
/// Requests at once on one connection.
const STREAMS_MAX: usize = 100;
/// Answers on a connection that has no window for any; so many from each attacker are no crowd that pages are turned away for.
const UNREAD: u32 = 10;
/// How long a request may take, with what a busy machine adds.
const STREAM_ENDS: Duration = Duration::from_secs(30);

#[tokio::test]
async fn requests_that_are_taken_back_at_once_end_their_connection() {
    let attack = async |wire: Wire, path: String| {
        let streams = (0..FLOOD as u32 / 100).map(|n| 2 * n + 1);
        let burst: Vec<u8> = streams.flat_map(|stream| taken_back(stream, &path)).collect();
        let frames = wire.flood(&burst, 1).await;
        // A connection that is cut while it is flooded may lose the last word.
        assert!(goodbye(&frames).is_none_or(|code| code == CALM), "{:?}", frames.last());
    };
    withstand("rapid reset", &[], attack).await;
}

#[tokio::test]
async fn a_head_without_end_ends_its_connection() {
    let attack = async |mut wire: Wire, path: String| {
        wire.writer.write_all(&frame(HEADERS, END_STREAM, 1, &get(&path))).await.expect("a beginning");
        // Each field once more, and never the last.
        let more =
            frame(CONTINUATION, 0, 1, &[b"\x00\x01x".to_vec(), vec![0x7f, 0x80, 0x07], vec![b'x'; 1_023]].concat());
        let frames = wire.flood(&more, FLOOD).await;
        assert!(goodbye(&frames).is_some_and(|code| code != 0) || !has_answer(&frames), "{:?}", frames.last());
    };
    withstand("a flood of CONTINUATION", &[], attack).await;
}

#[tokio::test]
async fn a_head_of_empty_pieces_ends_its_connection() {
    let attack = async |mut wire: Wire, path: String| {
        wire.writer.write_all(&frame(HEADERS, END_STREAM, 1, &get(&path))).await.expect("a beginning");
        let frames = wire.flood(&frame(CONTINUATION, 0, 1, b""), FLOOD).await;
        assert!(!has_answer(&frames), "{:?}", frames.last());
    };
    withstand("a flood of empty CONTINUATION", &[], attack).await;
}

#[tokio::test]
async fn pings_without_requests_end_their_connection() {
    let attack = async |wire: Wire, _: String| {
        let ping = frame(PING, 0, 0, &[7; 8]);
        let frames = wire.flood(&ping, FLOOD).await;
        let answered = frames.iter().filter(|frame| frame.kind == PING && frame.flags == ACK).count();
        assert!(answered * ping.len() <= FREE_BYTES, "{answered} pings were answered");
    };
    withstand("a flood of PING", &[], attack).await;
}

#[tokio::test]
async fn settings_without_requests_end_their_connection() {
    let attack = async |wire: Wire, _: String| {
        let settings = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]);
        let frames = wire.flood(&settings, FLOOD).await;
        let answered = frames.iter().filter(|frame| frame.kind == SETTINGS && frame.flags == ACK).count();
        assert!(answered * settings.len() <= FREE_BYTES, "{answered} settings were answered");
    };
    withstand("a flood of SETTINGS", &[], attack).await;
}

#[tokio::test]
async fn windows_and_empty_data_without_requests_end_their_connection() {
    let attack = async |mut wire: Wire, path: String| {
        wire.writer.write_all(&frame(HEADERS, END_HEADERS, 1, &post(&path))).await.expect("a request");
        let both = [frame(DATA, 0, 1, b""), frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])].concat();
        wire.flood(&both, FLOOD).await;
    };
    withstand("a flood of empty DATA and WINDOW_UPDATE", &[], attack).await;
}

#[tokio::test]
async fn answers_for_which_there_is_no_window_end_their_connection() {
    let attack = async |mut wire: Wire, path: String| {
        for at in 0..UNREAD {
            let request = frame(HEADERS, END_HEADERS | END_STREAM, 2 * at + 1, &get(&path));
            wire.writer.write_all(&request).await.expect("a request");
        }
        let ended = async {
            while let Some(frame) = read(&mut wire.reader).await {
                assert!(frame.kind != DATA || frame.payload.is_empty(), "nothing is sent without a window");
            }
        };
        tokio::time::timeout(STREAM_ENDS, ended).await.expect("the connection ends");
    };
    withstand("answers without a window", &[(INITIAL_WINDOW, 0)], attack).await;
}

#[tokio::test]
async fn more_requests_at_once_than_allowed_are_refused() {
    let attack = async |mut wire: Wire, path: String| {
        // Bodies that do not come keep them open.
        for at in 0..2 * STREAMS_MAX as u32 {
            let request = frame(HEADERS, END_HEADERS, 2 * at + 1, &post(&format!("{path}/sessions")));
            if wire.writer.write_all(&request).await.is_err() {
                return;
            }
        }
        let mut refused = 0;
        while let Some(frame) = read(&mut wire.reader).await {
            refused += usize::from(frame.kind == RST_STREAM && frame.stream > 2 * STREAMS_MAX as u32 - 1);
            if refused == STREAMS_MAX {
                return;
            }
        }
    };
    withstand("too many requests at once", &[], attack).await;
}

/// A request and at once its end.
fn taken_back(stream: u32, path: &str) -> Vec<u8> {
    let request = frame(HEADERS, END_HEADERS | END_STREAM, stream, &get(path));
    [request, frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
}

fn has_answer(frames: &[Frame]) -> bool {
    frames.iter().any(|frame| frame.kind == HEADERS || frame.kind == DATA)
}

/// Sends attackers, all at once, while somebody honest asks again and again.
async fn withstand<A>(what: &str, settings: &[(u16, u32)], attack: A)
where
    A: AsyncFn(Wire, String),
{
    let folder = Folder::new().set("LIMITS__ADDRESS_SCANS_PER_MINUTE", "0");
    // A crowd at one tag fills that tag's visits, and nobody else's.
    let codes = folder.import(&[owner("+919800000017"), owner("+919800000018")]);
    let server = Server::start(&folder);
    let (attacked, path) = (format!("/q/{}", codes[0]), format!("/q/{}", codes[1]));
    ask(server.address, &path, None).await;
    let before = Usage::of(server.pid());

    let attackers =
        (0..ATTACKERS).map(async |_| attack(Wire::open(server.address, settings).await, attacked.clone()).await);
    let attackers = futures_util::future::join_all(attackers);
    let mut most = before.resident;
    let honest = async {
        loop {
            ask(server.address, &path, None).await;
            most = most.max(Usage::of(server.pid()).resident);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        _ = attackers => {}
        () = honest => unreachable!("it asks without end"),
    }
    files_are_closed(server.pid(), before).await;
    ask(server.address, &path, None).await;
    let grown = most.saturating_sub(before.resident);
    eprintln!("{what}: {ATTACKERS} attackers; memory grew by {grown} KiB");
    assert!(grown <= GROWTH_MAX, "memory grew by {grown} KiB");
    assert!(!server.stderr().contains("panic"), "{}", server.stderr());
}
