//! The API server's own client of KMS v2, as a command: what a Kubernetes of that version would see.

use std::process::Command;

use serde_json::Value;

use crate::{Output, Tool, bin};

/// Drives the provider at `endpoint` (`unix:///path`) with `tool` ([`Tool::KmsClient031`] or [`Tool::KmsClient036`])
/// and gives what it saw, or, where the provider could not be talked to, what went wrong.
///
/// The members are `version`, `healthz`, `key_id`, `ciphertext_size`, `ciphertext_key_id`, `annotations_size`,
/// `round_trip`, `other_uid`, `distinct_ciphertexts` (booleans), `corrupted`, `truncated`, `unknown_key_id` (the gRPC
/// code each got), `concurrent_ok` of `concurrent`, and `errors`: empty when all was as it should be.
///
/// # Errors
/// When Status or Encrypt failed.
///
/// # Panics
/// When the client cannot be started or prints no JSON.
pub async fn kms_client(tool: Tool, endpoint: &str, concurrent: usize) -> Result<Value, Output> {
    let mut command = tokio::process::Command::from(Command::new(bin(tool)));
    command.args(["-endpoint", endpoint, "-concurrent", &concurrent.to_string()]);
    let output = command.kill_on_drop(true).output().await.expect("the client runs");
    if output.status.code() == Some(2) {
        return Err(Output {
            ok: false,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    Ok(serde_json::from_slice(&output.stdout).expect("the client prints JSON"))
}
