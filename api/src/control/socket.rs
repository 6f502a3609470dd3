//! The control socket: a file that only the engine's user may open, from its first moment on.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Bytes of a path that a socket's address holds, its ending zero left out (`sun_path` of unix(7)).
const ADDRESS_BYTES_MAX: usize = 107;

/// A socket that listens; dropped, it is gone, unless somebody else's stands there by then.
#[derive(Debug)]
pub struct ControlSocket {
    pub(super) path: PathBuf,
    /// Device and inode, by which it knows itself.
    identity: (u64, u64),
    pub(super) listener: UnixListener,
}

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody listens there.
    #[error("another engine answers on the control socket {0}; stop it, or set another server.control_socket")]
    Live(PathBuf),
    /// A file that is no socket stands there.
    #[error("{0} is no socket; set another server.control_socket, or move that file away")]
    NoSocket(PathBuf),
    /// Anything else.
    #[error("the control socket {path}: {source}; {}", advice(source))]
    Io {
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// What helps against what the operating system said.
fn advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "free some space, then start again",
        _ => "set server.control_socket to a place where this user may write",
    }
}

impl ControlSocket {
    /// Listens at `path`. What a dead engine left there is replaced.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        let failed = |source| SocketError::Io { path: path.to_owned(), source };
        match connect(path) {
            Ok(_) => return Err(SocketError::Live(path.to_owned())),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {}
            Err(e) => return Err(failed(e)),
        }
        if std::fs::symlink_metadata(path).is_ok_and(|file| !file.file_type().is_socket()) {
            return Err(SocketError::NoSocket(path.to_owned()));
        }
        Self::replace(path).map_err(failed)
    }

    /// Made in a folder that nobody else can enter, and moved to its place when nobody else can open it.
    fn replace(path: &Path) -> std::io::Result<Self> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // A temporary folder has mode 0700 from the first.
        let closed = tempfile::Builder::new().prefix(".control").tempdir_in(folder)?;
        let fresh = closed.path().join("s");
        let address = Address::of(&fresh)?;
        let listener = UnixListener::bind(&address.path)?;
        listener.set_nonblocking(true)?;
        std::fs::set_permissions(&fresh, Permissions::from_mode(0o600))?;
        let made = std::fs::symlink_metadata(&fresh)?;
        std::fs::rename(&fresh, path)?;
        Ok(Self { path: path.to_owned(), identity: (made.dev(), made.ino()), listener })
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let ours = |file: std::fs::Metadata| (file.dev(), file.ino()) == self.identity;
        if std::fs::symlink_metadata(&self.path).is_ok_and(ours) {
            // What cannot be removed is replaced by the next engine.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Connects to whoever listens at `path`.
pub(super) fn connect(path: &Path) -> std::io::Result<UnixStream> {
    UnixStream::connect(Address::of(path)?.path)
}

/// Whether somebody listens at `path`.
pub fn listens(path: &Path) -> bool {
    connect(path).is_ok()
}

/// A path that fits into a socket's address: a long one goes by its opened folder.
struct Address {
    path: PathBuf,
    /// Kept open as long as the path is used.
    _folder: Option<OwnedFd>,
}

impl Address {
    fn of(path: &Path) -> std::io::Result<Self> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(Self { path: path.to_owned(), _folder: None });
        };
        if path.as_os_str().as_bytes().len() <= ADDRESS_BYTES_MAX {
            return Ok(Self { path: path.to_owned(), _folder: None });
        }
        let folder = OwnedFd::from(std::fs::File::open(folder)?);
        let short = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        Ok(Self { path: short, _folder: Some(folder) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_user_may_open_it_and_it_goes_when_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        let socket = ControlSocket::bind(&path).unwrap();
        assert_eq!(std::fs::symlink_metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(connect(&path).is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        drop(socket);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_dead_one_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        drop(UnixListener::bind(&path).unwrap());
        let socket = ControlSocket::bind(&path).unwrap();
        assert!(matches!(ControlSocket::bind(&path), Err(SocketError::Live(_))));
        assert!(connect(&path).is_ok(), "the live one goes on");

        // Another engine's socket is not taken away by the end of this one.
        std::fs::remove_file(&path).unwrap();
        let other = ControlSocket::bind(&path).unwrap();
        drop(socket);
        assert!(connect(&path).is_ok());
        drop(other);
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        std::fs::write(&path, "precious").unwrap();
        assert!(ControlSocket::bind(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn a_path_longer_than_an_address_is_one_too() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a".repeat(100)).join("b".repeat(100));
        std::fs::create_dir_all(&deep).unwrap();
        let path = deep.join("control.sock");
        let socket = ControlSocket::bind(&path).unwrap();
        assert!(connect(&path).is_ok());
        drop(socket);
        assert!(!path.exists());
    }
}
