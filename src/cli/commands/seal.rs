//! `keyward seal`.

use std::collections::HashMap;

use clap::{Args, Subcommand};
use keyward_api::v1::{
    DeleteSealPathRequest, DrillSealRequest, GetSealStatusRequest, ListSealPathsRequest, PersonShare,
    PutSealPathRequest, SealMember, SealPath, SealState, UnsealProgress, seal_service_client::SealServiceClient,
};
use serde_json::{Value, json};

use crate::cli::{
    CliError,
    connect::{Client, Target},
    output::{Output, time},
    prompt::{self, Confirmed},
};

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum SealCommand {
    /// Show what the broker is in, and how far people's shares have come.
    Status,
    /// Show and change the paths that open the root key.
    #[command(subcommand)]
    Path(PathCommand),
    /// Say who opens each path together, and which losses the seal survives. Asks no one.
    Drill,
}

/// What to do with paths.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum PathCommand {
    /// Show paths and members with what is known of them.
    List {
        /// Ask every member now.
        #[arg(long)]
        probe: bool,
    },
    /// Add a path, or replace one of the same name: its members get new shares, and its people are shown theirs.
    Put(PutArgs),
    /// Remove a path, and with it what its members can open from now on.
    Delete {
        /// Its name.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// `keyward seal path put`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyward seal path put auto --threshold 1 --member key-file:/etc/keyward/seal.key
  keyward seal path put people --threshold 3 --person ann --person bob --person eve --person joe --person kim")]
pub(crate) struct PutArgs {
    /// Its name.
    name: String,
    /// How many members open it.
    #[arg(long, value_name = "K")]
    threshold: u32,
    /// A member that is a key, as KIND:PATH. May be repeated.
    #[arg(long = "member", value_name = "KIND:PATH", required_unless_present = "people")]
    members: Vec<String>,
    /// A member that is a person, by name. May be repeated.
    #[arg(long = "person", value_name = "NAME")]
    people: Vec<String>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl SealCommand {
    /// Carries it out.
    pub(crate) async fn run(self, target: &Target, output: &Output) -> Result<(), CliError> {
        let mut seal = SealServiceClient::new(target.connect().await?);
        match self {
            Self::Status => status(&mut seal, output).await,
            Self::Path(command) => command.run(seal, output).await,
            Self::Drill => drill(seal, output).await,
        }
    }
}

/// What anyone may see.
pub(super) async fn status(seal: &mut SealServiceClient<Client>, output: &Output) -> Result<(), CliError> {
    let status = seal.get_seal_status(GetSealStatusRequest {}).await?.into_inner();
    output.record(&[
        ("state", json!(state(status.state))),
        ("installation", json!(status.installation_id)),
        ("progress", progress(&status.progress)),
        ("reason", json!(status.reason)),
    ]);
    Ok(())
}

impl PathCommand {
    async fn run(self, mut seal: SealServiceClient<Client>, output: &Output) -> Result<(), CliError> {
        match self {
            Self::List { probe } => {
                let paths = seal.list_seal_paths(ListSealPathsRequest { probe }).await?.into_inner().paths;
                let rows = paths.iter().flat_map(|path| {
                    path.members.iter().map(|member| {
                        let seen = match (member.kind.as_str(), member.reachable) {
                            ("", _) => "person",
                            (_, true) => "reachable",
                            (_, false) if member.problem.is_empty() => "not tried yet",
                            (_, false) => "failed",
                        };
                        vec![
                            json!(path.name),
                            json!(path.threshold),
                            json!(path.epoch),
                            json!(member.name),
                            json!(member.kind),
                            json!(member.holder),
                            json!(seen),
                            time(member.proven_at.as_ref()),
                            json!(member.problem),
                        ]
                    })
                });
                let heading =
                    ["path", "threshold", "epoch", "member", "kind", "holder", "seen", "proven_at", "problem"];
                output.rows(&heading, rows.collect());
            }
            Self::Put(args) => {
                let listed = seal.list_seal_paths(ListSealPathsRequest { probe: false }).await?.into_inner().paths;
                if listed.iter().any(|path| path.name == args.name) {
                    let what = format!("Path `{}` is there: replacing it makes every share of it worthless", args.name);
                    prompt::confirm(&what, &args.name, Confirmed::from(args.yes))?;
                }
                let path = args.path()?;
                let changed = seal.put_seal_path(PutSealPathRequest { path: Some(path) }).await?.into_inner();
                shown(output, &changed.shares, &changed.notes);
            }
            Self::Delete { name, yes } => {
                let what = format!("Removing the path `{name}` takes its members' right to open the broker away");
                prompt::confirm(&what, &name, Confirmed::from(yes))?;
                let changed = seal.delete_seal_path(DeleteSealPathRequest { name }).await?.into_inner();
                shown(output, &[], &changed.notes);
            }
        }
        Ok(())
    }
}

impl PutArgs {
    fn path(self) -> Result<SealPath, CliError> {
        let keys = self.members.iter().enumerate().map(|(at, text)| member(at, text));
        let people = self.people.into_iter().map(|name| Ok(SealMember { name, ..SealMember::default() }));
        let members = keys.chain(people).collect::<Result<_, CliError>>()?;
        Ok(SealPath { name: self.name, threshold: self.threshold, members })
    }
}

fn shown(output: &Output, shares: &[PersonShare], notes: &[String]) {
    if output.is_json() {
        let shares: Vec<Value> = shares.iter().map(share).collect();
        output.json(&json!({ "shares": shares, "notes": notes }));
        return;
    }
    for share in shares {
        output.record(&[("member", json!(share.member)), ("share", json!(share.share))]);
    }
    if !shares.is_empty() {
        output.note("Shares are shown only now. Give each to its person, and keep none.");
    }
    notes.iter().for_each(|note| output.note(note));
}

async fn drill(mut seal: SealServiceClient<Client>, output: &Output) -> Result<(), CliError> {
    let drill = seal.drill_seal(DrillSealRequest {}).await?.into_inner();
    let losses = |losses: &[keyward_api::v1::SealLoss]| -> Vec<Value> {
        losses.iter().map(|loss| json!({ "lost": loss.lost, "survived": loss.survived })).collect()
    };
    if output.is_json() {
        let coalitions = drill
            .coalitions
            .iter()
            .map(|one| json!({ "path": one.path, "threshold": one.threshold, "of": one.of, "smallest": one.smallest }));
        output.json(&json!({
            "coalitions": coalitions.collect::<Vec<_>>(),
            "single_losses": losses(&drill.single_losses),
            "fatal": losses(&drill.fatal),
            "survives_any": drill.survives_any,
            "alone": drill.alone,
        }));
        return Ok(());
    }
    let rows = drill
        .coalitions
        .iter()
        .map(|one| vec![json!(one.path), json!(one.threshold), json!(one.of), json!(one.smallest)]);
    output.rows(&["path", "threshold", "holders", "smallest"], rows.collect());
    let rows = drill
        .single_losses
        .iter()
        .map(|loss| vec![json!(loss.lost), json!(if loss.survived { "opens" } else { "SHUT FOR EVER" })]);
    output.rows(&["lost", "then"], rows.collect());
    let fatal: Vec<Value> = drill.fatal.iter().map(|loss| json!(loss.lost.join(" and "))).collect();
    output.record(&[
        ("survives_any", json!(drill.survives_any)),
        ("fatal_together", json!(fatal)),
        ("opens_alone", json!(drill.alone)),
    ]);
    Ok(())
}

/// `key-file:/path` or `passphrase:file:/path`: the kind, then what its main setting is.
pub(super) fn member(at: usize, text: &str) -> Result<SealMember, CliError> {
    let (kind, rest) = text
        .split_once(':')
        .ok_or_else(|| CliError::usage(format!("`{text}`: write KIND:PATH, e.g. key-file:/etc/keyward/seal.key")))?;
    let setting = match kind {
        "passphrase" => "passphrase",
        _ => "path",
    };
    // The daemon reads the file, which stands elsewhere than whoever writes this.
    let whole = |path: &str| {
        let whole = std::path::absolute(path).map_err(|error| CliError::usage(format!("`{text}`: {error}")))?;
        whole.into_os_string().into_string().map_err(|_| CliError::usage(format!("`{text}`: the path is not UTF-8")))
    };
    let value = match (kind, rest.strip_prefix("file:")) {
        ("key-file", _) => whole(rest)?,
        ("passphrase", Some(file)) => format!("file:{}", whole(file)?),
        _ => rest.to_owned(),
    };
    let settings = HashMap::from([(setting.to_owned(), value)]);
    Ok(SealMember { name: format!("{kind}-{}", at + 1), kind: kind.to_owned(), settings })
}

pub(super) fn share(share: &PersonShare) -> Value {
    json!({ "path": share.path, "member": share.member, "share": share.share })
}

pub(super) fn state(state: i32) -> &'static str {
    match SealState::try_from(state) {
        Ok(SealState::Uninitialized) => "uninitialized",
        Ok(SealState::Sealed) => "sealed",
        Ok(SealState::Unsealed) => "unsealed",
        _ => "unknown",
    }
}

pub(super) fn progress(progress: &[UnsealProgress]) -> Value {
    progress.iter().map(|p| json!(format!("{}: {} of {}", p.path, p.received, p.threshold))).collect()
}
