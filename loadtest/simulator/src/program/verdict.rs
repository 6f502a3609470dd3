//! Whether a call went as it was scripted.

use qnect_simulator::{CallReport, Dial, OwnerScript};

/// What differs from a masked call in which the owner did what the script says.
pub(crate) fn faults(report: &CallReport, dial: &Dial, owner: OwnerScript) -> Vec<String> {
    let mut faults: Vec<String> = report.protocol_errors.iter().map(|e| format!("protocol error: {e}")).collect();
    // A caller who hangs up may have been too early, or not.
    let stays = dial.hang_up_after.is_none() && dial.hang_up_when.is_none();
    let accepts = owner == OwnerScript::Answers;
    if report.bridged != accepts && (report.bridged || stays) {
        faults.push(if report.bridged { "bridged" } else { "not bridged" }.to_owned());
    }
    if report.bridged && report.bridged_without_key {
        faults.push("bridged without a key".to_owned());
    }
    let Some(number) = &report.owner_number else {
        if stays {
            faults.push("the owner was never dialled".to_owned());
        }
        return faults;
    };
    // A telephone that never rang has shown nothing, which is no leak.
    if report.owner_saw.is_some() {
        faults.extend(report.leaks(&dial.from, number).into_iter().map(str::to_owned));
    }
    faults
}
