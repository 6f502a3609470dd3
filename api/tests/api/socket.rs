//! The control socket: whose it is, what it bears, and when it is there.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::folder::{Folder, owner, stderr};
use crate::server::Server;

/// Connections that are taken at once.
const CONNECTIONS_MAX: usize = 16;
const PATIENCE: Duration = Duration::from_secs(60);

fn socket(folder: &Folder) -> PathBuf {
    folder.data().join("control.sock")
}

/// Sends bytes and reads until the engine closes.
fn told(folder: &Folder, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket(folder)).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // The engine may close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).expect("text")
}

fn posted(body: &str) -> Vec<u8> {
    format!("POST /v1/commands HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn it_is_its_users_only_and_is_gone_in_the_end() {
    let folder = Folder::new();
    let mut server = Server::start(&folder);
    let mode = std::fs::symlink_metadata(socket(&folder)).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    server.terminate();
    assert_eq!(server.ended(Duration::from_secs(15)).await.code(), Some(0), "{}", server.stderr());
    assert!(!socket(&folder).exists());

    Server::start(&folder).kill();
    assert!(socket(&folder).exists(), "nobody could clean up");
    let minted = folder.operated(&["tags", "mint"]);
    assert_eq!(minted.len(), 1, "a dead engine's socket is nobody: the folder is asked");
    Server::start(&folder);
}

#[tokio::test]
async fn a_folder_in_use_without_its_socket_is_told() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let _server = Server::start(&folder);
    std::fs::remove_file(socket(&folder)).expect("a socket");
    let refused = folder.operate(&["tags", "suspend", &code]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("server.control_socket"), "what to do: {}", stderr(&refused));
}

#[tokio::test]
async fn two_engines_do_not_share_one() {
    let shared = tempfile::tempdir().expect("a folder");
    let path = shared.path().join("qnect.sock");
    let path = path.to_str().expect("a path in UTF-8");
    let [first, second] = [0, 1].map(|_| Folder::new().set("SERVER__CONTROL_SOCKET", path));
    let server = Server::start(&first);
    let refused = second.run(&["serve", "--config", &second.text("qnect.toml")]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("qnect.sock"), "{}", stderr(&refused));
    assert_eq!(first.operated(&["tags", "mint"]).len(), 1, "the first one goes on");
    drop(server);
    Server::start(&second);
}

#[tokio::test]
async fn what_is_no_command_is_refused_and_harms_nobody() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let get = b"GET /v1/commands HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    let elsewhere = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}".to_vec();
    let unknown = posted(r#"{"erase_everything":{}}"#);
    let more = posted(&format!(r#"{{"show_tag":{{"code":"{code}","phone":"+919800000017"}}}}"#));
    let huge = posted(&" ".repeat(17 * 1024));
    for wrong in [get, elsewhere, unknown, posted("{"), posted("[]"), more, huge] {
        let answer = told(&folder, &wrong);
        assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
        assert!(!answer.contains("9800000017"), "{answer}");
    }
    let right = told(&folder, &posted(&format!(r#"{{"show_tag":{{"code":"{code}"}}}}"#)));
    assert!(right.starts_with("HTTP/1.1 200 ") && right.contains("\"active\""), "{right}");

    // Those who say nothing hold their places and nobody else's; the one too many is closed at once.
    let silent: Vec<_> =
        (0..CONNECTIONS_MAX).map(|_| UnixStream::connect(socket(&folder)).expect("a connection")).collect();
    assert_eq!(told(&folder, b""), "");
    assert_eq!(server.public.get(&format!("/q/{code}")).await.status, 200);
    drop(silent);
}

#[tokio::test]
async fn a_command_whose_operator_hangs_up_is_carried_out() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let mut stream = UnixStream::connect(socket(&folder)).expect("a connection");
    let suspend = posted(&format!(r#"{{"move_tag":{{"code":"{code}","to":"suspend"}}}}"#));
    stream.write_all(&suspend).expect("a command");
    // Until it is heard: then the operator leaves without an answer.
    let heard = async { while server.public.get(&format!("/q/{code}")).await.status == 200 {} };
    tokio::time::timeout(PATIENCE, heard).await.expect("a suspended tag");
    drop(stream);
    assert_eq!(folder.operated(&["tags", "show", &code])[0]["status"], "suspended");
}
