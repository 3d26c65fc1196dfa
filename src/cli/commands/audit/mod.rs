//! `keyward audit`.

mod shown;
mod tail;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;
use keyward_api::v1::{
    GetAuditRecordRequest, GetAuditRecordResponse, GetCheckpointRequest, ListAuditLogsRequest,
    audit_service_client::AuditServiceClient,
};
use keyward_kit::audit::{Verifier, checkpoint::check_proof, tree::leaf_hash};
use serde_json::{Value, json};

use self::{tail::TailArgs, verify::VerifyArgs};
use crate::cli::{CliError, connect::Target, output::Output};

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum AuditCommand {
    /// Show records, oldest first, and new ones as they come.
    Tail(TailArgs),
    /// Show one record.
    Show {
        /// The log and the record's place in it; without a log, the one that the broker writes now.
        #[arg(value_name = "[ORIGIN] SEQUENCE", num_args = 1..=2, required = true)]
        place: Vec<String>,
        /// Show a proof that it is in the log (C2SP tlog-proof), and check it.
        #[arg(long)]
        proof: bool,
    },
    /// Show every log that was ever registered.
    Logs,
    /// Show the latest signed checkpoint of a log: keep it elsewhere, and `verify --checkpoint` proves more.
    Checkpoint {
        /// The log; without it, the one that the broker writes now.
        origin: Option<String>,
    },
    /// Check the log and say what was changed, removed or cut, and where. Exits with 7 when something was.
    Verify(VerifyArgs),
}

impl AuditCommand {
    /// Carries it out. `target` says where the broker is; a folder is checked without one.
    pub(crate) async fn run(
        self,
        target: impl FnOnce() -> Result<Target, CliError>,
        output: &Output,
    ) -> Result<ExitCode, CliError> {
        match self {
            Self::Verify(args) => return args.run(target, output).await,
            Self::Tail(args) => args.run(&target()?, output).await?,
            Self::Show { place, proof } => {
                let (origin, sequence) = match place.as_slice() {
                    [sequence] => (String::new(), sequence),
                    [origin, sequence] => (origin.clone(), sequence),
                    _ => return Err(CliError::usage("give a sequence, or a log and a sequence")),
                };
                let sequence = sequence.parse().map_err(|_| CliError::usage("a record's place is a whole number"))?;
                let mut client = AuditServiceClient::new(target()?.connect().await?);
                let request = GetAuditRecordRequest { origin, sequence, proof };
                show(&client.get_audit_record(request).await?.into_inner(), output)?;
            }
            Self::Logs => {
                let mut client = AuditServiceClient::new(target()?.connect().await?);
                let listed = client.list_audit_logs(ListAuditLogsRequest {}).await?.into_inner();
                let row = |log: &keyward_api::v1::AuditLog| {
                    vec![json!(log.origin), json!(log.size), json!(log.current), json!(log.verifier)]
                };
                output.rows(&["origin", "size", "current", "verifier"], listed.logs.iter().map(row).collect());
            }
            Self::Checkpoint { origin } => {
                let mut client = AuditServiceClient::new(target()?.connect().await?);
                let request = GetCheckpointRequest { origin: origin.unwrap_or_default() };
                let latest = client.get_checkpoint(request).await?.into_inner();
                if output.is_json() {
                    output.record(&[("checkpoint", json!(latest.checkpoint)), ("verifier", json!(latest.verifier))]);
                } else {
                    output.line(latest.checkpoint.trim_end_matches('\n'));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Shows a record; a proof is checked before it is shown.
fn show(answer: &GetAuditRecordResponse, output: &Output) -> Result<(), CliError> {
    let record = answer.record.clone().unwrap_or_default();
    let mut fields = shown::fields(&record);
    if answer.proof.is_empty() {
        output.record(&fields);
        return Ok(());
    }
    let refused = |why: String| CliError::other("checking the proof", why);
    let verifier = Verifier::parse(&answer.verifier).map_err(|error| refused(error.to_string()))?;
    let leaf = leaf_hash(&answer.previous, &answer.raw);
    let checkpoint = check_proof(&answer.proof, leaf, &verifier).map_err(|error| refused(error.to_string()))?;
    if output.is_json() {
        let base64 = |bytes: &[u8]| Value::String(data_encoding::BASE64.encode(bytes));
        fields.extend([
            ("raw", base64(&answer.raw)),
            ("previous", base64(&answer.previous)),
            ("proof", json!(answer.proof)),
            ("verifier", json!(answer.verifier)),
        ]);
        output.record(&fields);
    } else {
        output.record(&fields);
        output.line("");
        output.line(answer.proof.trim_end_matches('\n'));
        output.note(&format!(
            "Proven: the record is in the log of {} records that was signed with the key {}",
            checkpoint.size, answer.verifier
        ));
    }
    Ok(())
}
