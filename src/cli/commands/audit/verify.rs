//! `keyward audit verify`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use keyward_api::v1::{AuditLog, ListAuditLogsRequest, audit_service_client::AuditServiceClient};
use keyward_kit::audit::{Checkpoint, Verifier};
use serde_json::{Value, json};

use crate::{
    audit::verify::{Expected, Finding, Known, Report, verify},
    cli::{CliError, connect::Target, input, output::Output},
};

/// What a shell gets when the log is not whole.
const NOT_WHOLE: u8 = 7;

/// What is checked, and against what.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The folder of a log, checked without a broker. Without it: the broker's own folder on this machine, against the
    /// broker's register.
    folder: Option<PathBuf>,
    /// The public key of a log's checkpoints, as text or as a file, from elsewhere than the log's folder. May be repeated.
    #[arg(long = "key", value_name = "VERIFIER")]
    keys: Vec<String>,
    /// A checkpoint that was kept elsewhere. May be repeated.
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
}

impl VerifyArgs {
    pub(super) async fn run(
        self,
        target: impl FnOnce() -> Result<Target, CliError>,
        output: &Output,
    ) -> Result<ExitCode, CliError> {
        let Registered { folder, mut expected } = match &self.folder {
            Some(folder) => Registered { folder: folder.clone(), ..Registered::default() },
            None => register(&target()?).await?,
        };
        for key in &self.keys {
            add_key(&mut expected, key)?;
        }
        for file in &self.checkpoints {
            add_checkpoint(&mut expected, file)?;
        }
        let mut report = verify(&folder, &expected).map_err(|error| {
            let why = if self.folder.is_some() {
                error.to_string()
            } else {
                format!(
                    "{error}; run this on the broker's machine as a user who may read it, or give a copy of the folder"
                )
            };
            CliError::other(format!("reading {}", folder.display()), why)
        })?;
        let gone = expected.given_up.iter().filter(|log| !report.logs.iter().any(|there| there.origin == **log));
        let gone: Vec<_> = gone.collect();
        report.remarks.extend(gone.into_iter().map(|log| {
            format!("log `{log}`: an operator accepted that its files are gone; what it said cannot be shown any more")
        }));
        show(&report, output);
        Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(NOT_WHOLE) })
    }
}

/// What the broker has registered.
#[derive(Default)]
struct Registered {
    /// Where it keeps its log.
    folder: PathBuf,
    expected: Expected,
}

async fn register(target: &Target) -> Result<Registered, CliError> {
    let mut client = AuditServiceClient::new(target.connect().await?);
    let listed = client.list_audit_logs(ListAuditLogsRequest {}).await?.into_inner();
    if listed.folder.is_empty() {
        return Err(CliError::usage("only the tenant `main` is told where the log lies; give a copy of the folder"));
    }
    // Logs of other replicas lie elsewhere.
    let current = listed.logs.iter().find(|log| log.current);
    let replica = |log: &AuditLog| log.origin.split('/').nth(1).map(str::to_owned);
    let here = current.and_then(replica);
    let ours = || listed.logs.iter().filter(|log| here.is_none() || replica(log) == here);
    let known = |log: &AuditLog| Known {
        origin: log.origin.clone(),
        verifier: Some(log.verifier.clone()),
        checkpoints: [&log.first_checkpoint, &log.last_checkpoint]
            .into_iter()
            .filter(|note| !note.is_empty())
            .cloned()
            .collect(),
    };
    Ok(Registered {
        folder: PathBuf::from(listed.folder),
        expected: Expected {
            logs: ours().map(known).collect(),
            // Their files are gone, which an operator accepted. Where they are there all the same, they are checked.
            given_up: ours().filter(|log| log.given_up).map(|log| log.origin.clone()).collect(),
        },
    })
}

fn log_of<'a>(expected: &'a mut Expected, origin: &str) -> Option<&'a mut Known> {
    if !expected.logs.iter().any(|known| known.origin == origin) {
        expected.logs.push(Known { origin: origin.to_owned(), ..Known::default() });
    }
    expected.logs.iter_mut().find(|known| known.origin == origin)
}

fn add_key(expected: &mut Expected, key: &str) -> Result<(), CliError> {
    let text = if Path::new(key).is_file() { input::text(Path::new(key))? } else { key.to_owned() };
    let verifier = Verifier::parse(&text).map_err(|error| CliError::usage(format!("--key: {error}")))?;
    if let Some(known) = log_of(expected, verifier.name()) {
        known.verifier = Some(text);
    }
    Ok(())
}

fn add_checkpoint(expected: &mut Expected, file: &Path) -> Result<(), CliError> {
    let text = input::text(file)?;
    let checkpoint = Checkpoint::danger_unverified(&text);
    let checkpoint = checkpoint.map_err(|error| CliError::usage(format!("{}: {error}", file.display())))?;
    if let Some(known) = log_of(expected, &checkpoint.origin) {
        known.checkpoints.push(text);
    }
    Ok(())
}

fn finding(finding: &Finding) -> Value {
    json!({
        "kind": finding.kind.name(),
        "file": finding.file,
        "offset": finding.offset,
        "record": finding.sequence,
        "text": finding.text,
    })
}

fn show(report: &Report, output: &Output) {
    if output.is_json() {
        let log = |log: &crate::audit::verify::LogReport| {
            json!({
                "origin": log.origin, "files": log.files, "records": log.records, "checkpoints": log.checkpoints,
                "proven": log.proven,
            })
        };
        return output.json(&json!({
            "whole": report.is_clean(),
            "logs": report.logs.iter().map(log).collect::<Vec<_>>(),
            "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
            "remarks": report.remarks,
            "unproven": report.unproven,
        }));
    }
    let row = |log: &crate::audit::verify::LogReport| {
        vec![json!(log.origin), json!(log.files), json!(log.records), json!(log.checkpoints), json!(log.proven)]
    };
    output.rows(&["log", "files", "records", "checkpoints", "proven"], report.logs.iter().map(row).collect());
    for found in &report.findings {
        output.line(&format!("FOUND     {found}"));
    }
    for remark in &report.remarks {
        output.line(&format!("remark    {remark}"));
    }
    for unproven in &report.unproven {
        output.line(&format!("unproven  {unproven}"));
    }
    let words = match report.findings.len() {
        0 if report.logs.iter().all(|log| log.proven == 0) => {
            "Nothing wrong was found, and nothing is proven: no checkpoint covers a record.".to_owned()
        }
        0 => "Nothing was changed, removed or cut, as far as can be proven.".to_owned(),
        1 => "1 finding: the log is not as it was written.".to_owned(),
        many => format!("{many} findings: the log is not as it was written."),
    };
    output.line(&words);
}
