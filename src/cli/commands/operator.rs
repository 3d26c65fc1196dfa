//! `keyward operator`.

use std::collections::HashMap;

use clap::{Args, Subcommand};
use keyward_api::v1::{
    GetSealStatusRequest, InitializeRequest, RedeemBootstrapTokenRequest, RotateKeyringRequest, SealMember, SealPath, SealRequest,
    SealState, UnsealProgress, UnsealRequest, auth_service_client::AuthServiceClient, seal_service_client::SealServiceClient,
};
use serde_json::{Value, json};

use crate::cli::{
    CliError,
    connect::Target,
    context::Session,
    identity::Ephemeral,
    output::{Output, time},
    prompt::{self, Confirmed},
};

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum OperatorCommand {
    /// Make an installation in an empty store.
    Init(InitArgs),
    /// Show what the broker is in.
    Status,
    /// Give one share, read hidden from the terminal or from standard input; with `--members`, ask the members again.
    Unseal {
        /// Ask the members that need no person, instead of giving a share.
        #[arg(long)]
        members: bool,
    },
    /// Wipe all keys from the broker's memory.
    Seal {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Log in with a bootstrap token of `init`, `recover` or a new tenant, read hidden or from standard input.
    Login,
    /// Add a version to a keyring.
    RotateKeyring {
        /// A tenant; without it, the system keyring.
        #[arg(value_name = "TENANT")]
        name: Option<String>,
    },
}

/// `keyward operator init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyward operator init --member key-file:/etc/keyward/seal.key
  keyward operator init --member key-file:/etc/keyward/seal.key --people 5 --threshold 3")]
pub(crate) struct InitArgs {
    /// A member of the path `auto`, as KIND:PATH; any one of them opens the broker. May be repeated.
    #[arg(long = "member", value_name = "KIND:PATH", required_unless_present = "people")]
    members: Vec<String>,
    /// Makes a path `people` with so many shares.
    #[arg(long, value_name = "N", requires = "threshold")]
    people: Option<u32>,
    /// How many shares of people open the broker.
    #[arg(long, value_name = "K", requires = "people")]
    threshold: Option<u32>,
}

impl OperatorCommand {
    /// Carries it out.
    pub(crate) async fn run(self, target: &Target, output: &Output) -> Result<(), CliError> {
        let channel = target.connect().await?;
        let mut seal = SealServiceClient::new(channel.clone());
        match self {
            Self::Init(args) => init(args, seal, output).await?,
            Self::Status => {
                let status = seal.get_seal_status(GetSealStatusRequest {}).await?.into_inner();
                output.record(&[
                    ("state", json!(state(status.state))),
                    ("installation", json!(status.installation_id)),
                    ("progress", shown(&status.progress)),
                    ("reason", json!(status.reason)),
                ]);
            }
            Self::Unseal { members } => {
                let share = if members { String::new() } else { prompt::secret("Share: ")?.expose().to_owned() };
                let answer = seal.unseal(UnsealRequest { share }).await?.into_inner();
                output.record(&[("state", json!(state(answer.state))), ("progress", shown(&answer.progress))]);
            }
            Self::Seal { yes } => {
                prompt::confirm("Sealing stops every request until the broker is unsealed", "seal", Confirmed::from(yes))?;
                seal.seal(SealRequest {}).await?;
                output.record(&[("state", json!("sealed"))]);
            }
            Self::Login => {
                let ephemeral = Ephemeral::make()?;
                let (certificate, key) = (ephemeral.certificate.clone(), ephemeral.key.expose().to_owned());
                let bound = target.anonymous(ephemeral).connect().await?;
                let bootstrap_token = prompt::secret("Bootstrap token: ")?.expose().to_owned();
                let request = RedeemBootstrapTokenRequest { bootstrap_token };
                let token = AuthServiceClient::new(bound).redeem_bootstrap_token(request).await?.into_inner().token.unwrap_or_default();
                let expires = time(token.expires_at.as_ref());
                Session::of(token.token, certificate, key, &expires)?.save(&target.addr)?;
                output.record(&[("role", json!(token.role)), ("token_id", json!(token.id)), ("expires_at", expires)]);
            }
            Self::RotateKeyring { name } => {
                let request = RotateKeyringRequest { tenant: name.unwrap_or_default() };
                let version = seal.rotate_keyring(request).await?.into_inner().version;
                output.record(&[("version", json!(version))]);
            }
        }
        Ok(())
    }
}

async fn init(args: InitArgs, mut seal: SealServiceClient<crate::cli::connect::Client>, output: &Output) -> Result<(), CliError> {
    let mut paths = Vec::new();
    if !args.members.is_empty() {
        let members = args.members.iter().enumerate().map(|(at, member)| self::member(at, member)).collect::<Result<_, _>>()?;
        paths.push(SealPath { name: "auto".to_owned(), threshold: 1, members });
    }
    if let (Some(people), Some(threshold)) = (args.people, args.threshold) {
        let members = (1..=people).map(|at| SealMember { name: format!("person-{at}"), ..SealMember::default() }).collect();
        paths.push(SealPath { name: "people".to_owned(), threshold, members });
    }
    let made = seal.initialize(InitializeRequest { paths }).await?.into_inner();
    let shares: Vec<Value> = made.shares.iter().map(|s| json!({ "path": s.path, "member": s.member, "share": s.share })).collect();
    if output.is_json() {
        output.json(&json!({
            "installation": made.installation_id,
            "root_fingerprint": made.root_fingerprint,
            "shares": shares,
            "operator_token": made.operator_token,
            "ca_certificate": made.ca_certificate,
        }));
        return Ok(());
    }
    output.record(&[
        ("installation", json!(made.installation_id)),
        ("root_fingerprint", json!(made.root_fingerprint)),
        ("operator_token", json!(made.operator_token)),
    ]);
    for share in &made.shares {
        output.record(&[("member", json!(share.member)), ("share", json!(share.share))]);
    }
    output.line(&made.ca_certificate);
    output.note("The operator token serves once, within an hour: `keyward operator login`. Shares are shown only now.");
    Ok(())
}

/// `key-file:/path` or `passphrase:file:/path`: the kind, then what its main setting is.
fn member(at: usize, text: &str) -> Result<SealMember, CliError> {
    let (kind, rest) = text
        .split_once(':')
        .ok_or_else(|| CliError::usage(format!("`{text}`: write KIND:PATH, e.g. key-file:/etc/keyward/seal.key")))?;
    let setting = match kind {
        "passphrase" => "passphrase",
        _ => "path",
    };
    let settings = HashMap::from([(setting.to_owned(), rest.to_owned())]);
    Ok(SealMember { name: format!("{kind}-{}", at + 1), kind: kind.to_owned(), settings })
}

fn state(state: i32) -> &'static str {
    match SealState::try_from(state) {
        Ok(SealState::Uninitialized) => "uninitialized",
        Ok(SealState::Sealed) => "sealed",
        Ok(SealState::Unsealed) => "unsealed",
        _ => "unknown",
    }
}

fn shown(progress: &[UnsealProgress]) -> Value {
    progress.iter().map(|p| json!(format!("{}: {} of {}", p.path, p.received, p.threshold))).collect()
}
