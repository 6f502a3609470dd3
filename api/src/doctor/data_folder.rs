//! The data folder: whose it is, and whether a start would take it.

use std::os::unix::fs::MetadataExt;

use qnect_storage::{Inspection, StorageError, inspect};
use rustix::fs::{Access, access};
use rustix::process::geteuid;

use super::disk::{existing, holds_data};
use super::{Check, Patient, clock};
use crate::control::listens;

const ID: &str = "data_folder";

/// The folder, and the clock beside its last commit where no engine has it.
pub(super) fn data_folder(patient: &Patient) -> Vec<Check> {
    if let Some(trouble) = belongs_to_another(patient) {
        return vec![trouble];
    }
    let folder = patient.data_dir.display();
    let socket = patient.control_socket.display();
    if listens(&patient.control_socket) {
        return vec![Check::ok(ID, format!("{folder}: an engine has it, and listens on {socket}"))];
    }
    match inspect(&patient.data_dir) {
        Ok(_) if !holds_data(&patient.data_dir) => {
            vec![Check::ok(ID, format!("{folder}: nothing in it yet; the first start makes a database"))]
        }
        Ok(Inspection { last, torn_bytes }) => {
            let torn = match torn_bytes {
                0 => String::new(),
                bytes => format!("; a start cuts off {bytes} bytes that were never acknowledged"),
            };
            let check = Check::ok(ID, format!("{folder}: no engine has it, and one would start{torn}"));
            let gap_days_max = patient.config.storage.clock_gap_days_max;
            let last = last.and_then(|last| clock::last_commit(last, gap_days_max));
            std::iter::once(check.with("torn_bytes", torn_bytes)).chain(last).collect()
        }
        Err(StorageError::InUse(_)) => {
            let text = format!(
                "{folder}: a process has it that does not listen on {socket}; it starts or ends just now, or its \
                 server.control_socket is another"
            );
            vec![Check::warn(ID, text)]
        }
        Err(error) => vec![Check::fail(ID, error.to_string())],
    }
}

/// What keeps this user out, or lets others in.
fn belongs_to_another(patient: &Patient) -> Option<Check> {
    let (folder, me) = (&patient.data_dir, geteuid().as_raw());
    let shown = folder.display();
    let Ok(there) = std::fs::metadata(folder) else {
        let around = existing(folder);
        return Some(match access(around, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Check::ok(ID, format!("{shown}: not there yet; the first start makes it")),
            Err(_) => Check::fail(
                ID,
                format!(
                    "{shown}: not there, and user {me} may not make it in {}; make it for this user",
                    around.display()
                ),
            ),
        });
    };
    let (owner, mode) = (there.uid(), there.mode() & 0o7777);
    if !there.is_dir() {
        return Some(Check::fail(ID, format!("{shown}: no folder; name another storage.data_dir")));
    }
    if access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let text =
            format!("{shown}: it is user {owner}'s, and user {me} may not write there; look as the engine's user");
        return Some(Check::fail(ID, text));
    }
    if owner != me {
        let text = format!("{shown}: it is user {owner}'s, and this is user {me}; look again as the engine's user");
        return Some(Check::warn(ID, text));
    }
    if mode & 0o077 != 0 {
        let text = format!("{shown}: others may look into it (mode {mode:04o}); run `chmod 700 {shown}`");
        return Some(Check::warn(ID, text));
    }
    None
}
