//! `keyward backup`: made from a broker that serves; verified and restored where no broker runs.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use keyward_api::v1::{
    BackupSummary, CreateBackupRequest, backup_service_client::BackupServiceClient, create_backup_response::Part,
};
use keyward_sdk::crypto::digest::Hasher;
use serde_json::json;

use crate::cli::{
    CliError,
    connect::Target,
    output::{Output, time},
};

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum BackupCommand {
    /// Write everything the store holds, sealed as it is, while the broker goes on.
    Create {
        /// Where to. Nothing may lie there.
        file: PathBuf,
    },
    /// Check that a backup is whole. Needs no broker and no key.
    #[cfg(feature = "server")]
    Verify {
        /// The backup.
        file: PathBuf,
    },
    /// Make a store out of a backup. Needs no broker and no key; the broker that opens it is started with
    /// `--accept-older-store` once.
    #[cfg(feature = "server")]
    Restore {
        /// The backup.
        file: PathBuf,
        /// The new store. Nothing may lie there.
        #[arg(long, value_name = "STORE")]
        to: PathBuf,
    },
}

impl BackupCommand {
    /// Carries it out.
    pub(crate) async fn run(
        self,
        target: impl Fn() -> Result<Target, CliError>,
        output: &Output,
    ) -> Result<(), CliError> {
        match self {
            Self::Create { file } => {
                let summary = create(&target()?, &file, output).await?;
                output.record(&[
                    ("file", json!(file.display().to_string())),
                    ("entries", json!(summary.entries)),
                    ("bytes", json!(summary.bytes)),
                    ("revision", json!(summary.revision)),
                    ("created_at", time(summary.created_at.as_ref())),
                ]);
            }
            #[cfg(feature = "server")]
            Self::Verify { file } => offline::verify(&file, output)?,
            #[cfg(feature = "server")]
            Self::Restore { file, to } => offline::restore(&file, &to, output)?,
        }
        Ok(())
    }
}

/// The file gets its name when the whole backup is on the disk.
async fn create(target: &Target, file: &Path, output: &Output) -> Result<BackupSummary, CliError> {
    let failed = |error: &dyn std::fmt::Display| CliError::other(format!("writing {}", file.display()), error);
    if file.symlink_metadata().is_ok() {
        return Err(CliError::usage(format!("{} exists already and is not overwritten", file.display())));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut out = tempfile::Builder::new().prefix(".keyward-backup-").tempfile_in(folder).map_err(|e| failed(&e))?;
    let mut parts = BackupServiceClient::new(target.connect().await?)
        .max_decoding_message_size(1 << 20)
        .create_backup(CreateBackupRequest {})
        .await?
        .into_inner();
    let (mut hash, mut bytes, progress) = (Hasher::new(), 0_u64, output.progress("backup", None));
    while let Some(message) = parts.message().await? {
        match message.part {
            Some(Part::Chunk(chunk)) => {
                hash.update(&chunk);
                bytes += chunk.len() as u64;
                progress.at(bytes);
                out.write_all(&chunk).map_err(|e| failed(&e))?;
            }
            Some(Part::Summary(summary)) => {
                if summary.bytes != bytes || summary.sha256 != hash.finish().as_slice() {
                    return Err(failed(&"what arrived is not what was sent; try again"));
                }
                out.as_file().sync_all().map_err(|e| failed(&e))?;
                out.persist_noclobber(file).map_err(|e| failed(&e.error))?;
                File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| failed(&e))?;
                return Ok(summary);
            }
            None => {}
        }
    }
    Err(failed(&"the backup ended before its summary; try again"))
}

/// What needs the format of backups and no broker.
#[cfg(feature = "server")]
mod offline {
    use std::{
        fs::File,
        io::{BufRead, BufReader},
        path::Path,
    };

    use serde_json::json;

    use crate::{
        cli::{
            CliError,
            output::{Output, Progress},
        },
        storage::backup::{self, Summary},
    };

    pub(super) fn verify(file: &Path, output: &Output) -> Result<(), CliError> {
        let (_shown, input) = open(file, "checking", output)?;
        let checked = backup::verify(input).map_err(|e| CliError::other(format!("checking {}", file.display()), e))?;
        show("whole", &checked, output);
        Ok(())
    }

    pub(super) fn restore(file: &Path, to: &Path, output: &Output) -> Result<(), CliError> {
        let (_shown, input) = open(file, "restoring", output)?;
        let made =
            backup::restore(input, to).map_err(|e| CliError::other(format!("restoring to {}", to.display()), e))?;
        show("restored", &made, output);
        output.note("The audit log has seen a newer state: start the broker once with `--accept-older-store`.");
        Ok(())
    }

    fn open(file: &Path, doing: &'static str, output: &Output) -> Result<(Progress, impl BufRead + use<>), CliError> {
        let failed = |error| CliError::other(format!("reading {}", file.display()), error);
        let opened = File::open(file).map_err(failed)?;
        let progress = output.progress(doing, Some(opened.metadata().map_err(failed)?.len()));
        let input = BufReader::with_capacity(1 << 20, progress.reading(opened));
        Ok((progress, input))
    }

    fn show(state: &str, summary: &Summary, output: &Output) {
        output.record(&[
            ("state", json!(state)),
            ("store", json!(summary.kind.name())),
            ("entries", json!(summary.entries)),
            ("bytes", json!(summary.bytes)),
            ("revision", json!(summary.revision.0)),
            ("created_at", json!(summary.created.to_string())),
        ]);
    }
}
