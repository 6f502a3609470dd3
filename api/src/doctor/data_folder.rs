//! The data folder: whose it is, whether a start would take its database, and how old that is.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use qnect_storage::{Inspection, StorageError, inspect};
use rustix::fs::{Access, access};
use rustix::process::{Uid, geteuid};

use super::disk::{existing, holds_data};
use super::{Check, Patient, State, clock};
use crate::control::listens;

const FOLDER: &str = "data_folder";
const DATABASE: &str = "database";

/// The folder; its database, if this user may look at it; and the clock beside the last commit, where no engine has it.
pub(super) fn data_folder(patient: &Patient) -> Vec<Check> {
    let folder = belongings(&patient.data_dir);
    if folder.state == State::Fail || !patient.data_dir.exists() {
        return vec![folder];
    }
    std::iter::once(folder).chain(database(patient)).collect()
}

fn database(patient: &Patient) -> Vec<Check> {
    let socket = patient.control_socket.display();
    if listens(&patient.control_socket) {
        return vec![Check::ok(DATABASE, format!("an engine has it, and listens on {socket}"))];
    }
    match inspect(&patient.data_dir) {
        Ok(_) if !holds_data(&patient.data_dir) => vec![Check::ok(DATABASE, "none yet; the first start makes it")],
        Ok(Inspection { last, torn_bytes }) => {
            let torn = match torn_bytes {
                0 => String::new(),
                bytes => format!("; it cuts off {bytes} bytes that a crash left and nobody was told of"),
            };
            let check = Check::ok(DATABASE, format!("no engine has it, and a start would take it{torn}"));
            let gap_days_max = patient.config.storage.clock_gap_days_max;
            let last = last.and_then(|last| clock::last_commit(last, gap_days_max));
            std::iter::once(check.with("torn_bytes", torn_bytes)).chain(last).collect()
        }
        Err(StorageError::InUse(_)) => {
            let text = format!(
                "a process has it that does not listen on {socket}; it starts or ends just now, or its \
                 server.control_socket is another"
            );
            vec![Check::warn(DATABASE, text)]
        }
        Err(error) => vec![Check::fail(DATABASE, error.to_string())],
    }
}

/// Whether this user may work there, and others may not look in. Root may look for any user.
fn belongings(folder: &Path) -> Check {
    let (shown, me) = (folder.display(), geteuid());
    let Ok(there) = std::fs::metadata(folder) else {
        let around = existing(folder);
        return match access(around, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Check::ok(FOLDER, format!("{shown}: not there yet; the first start makes it")),
            Err(_) => {
                let around = around.display();
                let text =
                    format!("{shown}: not there, and user {me} may not make it in {around}; make it for that user");
                Check::fail(FOLDER, text)
            }
        };
    };
    let (owner, mode) = (there.uid(), there.mode() & 0o7777);
    if !there.is_dir() {
        return Check::fail(FOLDER, format!("{shown}: no folder; name another storage.data_dir"));
    }
    if access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let text =
            format!("{shown}: it is user {owner}'s, and user {me} may not write there; look as the engine's user");
        return Check::fail(FOLDER, text);
    }
    if owner != me.as_raw() && me != Uid::ROOT {
        return Check::warn(
            FOLDER,
            format!("{shown}: it is user {owner}'s, and this is user {me}; look as the engine's user"),
        );
    }
    if mode & 0o077 != 0 {
        return Check::warn(
            FOLDER,
            format!("{shown}: others may look into it (mode {mode:04o}); run `chmod 700 {shown}`"),
        );
    }
    Check::ok(FOLDER, format!("{shown}: user {owner}'s alone"))
}
