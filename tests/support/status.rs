//! What a refusal says to machines.

use tonic::Status;
use tonic_types::StatusExt;

/// The fixed word of a refusal.
pub fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("{status:?} has a reason"));
    assert_eq!(info.domain, "keyward");
    info.reason.clone()
}

/// The field that a refusal blames.
pub fn field(status: &Status) -> String {
    let details = status.get_error_details();
    let violations = details.bad_request().unwrap_or_else(|| panic!("{status:?} names a field"));
    violations.field_violations[0].field.clone()
}
