//! The master key: its file, and whether it is the one of the key table that is there.

use std::os::unix::fs::MetadataExt;

use qnect_storage::keys::{KeyError, KeyTable, MasterKey};

use super::disk::holds_data;
use super::{Check, Patient};

const ID: &str = "key_file";

/// A start would read it, and open the key table with it.
pub(super) fn key_file(patient: &Patient) -> Check {
    let (path, folder) = (&patient.key_file, &patient.data_dir);
    let master = match MasterKey::read_file(path) {
        Ok(master) => master,
        Err(error) => return Check::fail(ID, error.to_string()),
    };
    let shown = path.display();
    let table = match KeyTable::expect_master(&folder.join("keys.table"), &master) {
        Ok(keys) => format!("it opens the key table, which has {keys} keys"),
        Err(KeyError::TableMissing { .. }) if !holds_data(folder) => "there is no key table yet".to_owned(),
        Err(error) => return Check::fail(ID, error.to_string()),
    };
    let canonical = |path: &std::path::Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if canonical(path).starts_with(canonical(folder)) {
        let text = format!("{shown}: it lies in the data folder, whose copies it then opens; move it elsewhere");
        return Check::warn(ID, text);
    }
    let owner = |path: &std::path::Path| std::fs::metadata(path).map(|file| file.uid()).ok();
    if let (Some(key), Some(data)) = (owner(path), owner(folder))
        && key != data
    {
        let text =
            format!("{shown}: it is user {key}'s, and the data folder user {data}'s; give both to the engine's user");
        return Check::warn(ID, text);
    }
    Check::ok(ID, format!("{shown}: only its user may read it; {table}"))
}
