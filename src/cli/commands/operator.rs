//! `keyward operator`.

use clap::{Args, Subcommand};
use keyward_api::v1::{
    InitializeRequest, RecoverRequest, RedeemBootstrapTokenRequest, RotateKeyringRequest, RotateRootKeyRequest,
    SealMember, SealPath, SealRequest, SealState, UnsealRequest, UnsealResponse,
    auth_service_client::AuthServiceClient, seal_service_client::SealServiceClient,
};
use keyward_sdk::secret::SecretString;
use serde_json::{Value, json};

use super::seal::{member, progress, share, state};
use crate::cli::{
    CliError,
    connect::Target,
    identity::Ephemeral,
    output::{Output, time},
    prompt::{self, Confirmed},
    session::{MAIN, Session},
};

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum OperatorCommand {
    /// Make an installation in an empty store.
    Init(InitArgs),
    /// Show what the broker is in.
    Status,
    /// Give a share, read hidden from the terminal, or one a line from standard input; with `--members`, ask the members
    /// again.
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
    /// Make an operator token from shares of a path of people, given one a line; without such a path, on the broker's unix
    /// socket as its own user. For when no operator can log in any more; loudly audited.
    Recover {
        /// No path is of people: ask as the broker's own user on its unix socket.
        #[arg(long)]
        local: bool,
        /// The tenant whose operator it will be; without it, `main`.
        #[arg(value_name = "TENANT")]
        name: Option<String>,
    },
    /// Make a new root key under the same paths. Needs no member and no person; every share stays good.
    RotateRoot,
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
            Self::Status => super::seal::status(&mut seal, output).await?,
            Self::Unseal { members } => {
                let shares = if members { vec![String::new()] } else { given_shares()? };
                let mut answer = UnsealResponse::default();
                for share in shares {
                    answer = seal.unseal(UnsealRequest { share }).await?.into_inner();
                    if answer.state() == SealState::Unsealed {
                        break;
                    }
                }
                output.record(&[("state", json!(state(answer.state))), ("progress", progress(&answer.progress))]);
            }
            Self::Seal { yes } => {
                prompt::confirm(
                    "Sealing stops every request until the broker is unsealed",
                    "seal",
                    Confirmed::from(yes),
                )?;
                seal.seal(SealRequest {}).await?;
                output.record(&[("state", json!("sealed"))]);
            }
            Self::Login => {
                let ephemeral = Ephemeral::make()?;
                let (certificate, key) = (ephemeral.certificate.clone(), ephemeral.key.expose().to_owned());
                // A token of another tenant is not spent here: the session would be kept as one of this tenant.
                let bound = target.anonymous(ephemeral).named().connect().await?;
                let bootstrap_token = prompt::secret("Bootstrap token: ")?.expose().to_owned();
                let request = RedeemBootstrapTokenRequest { bootstrap_token };
                let token = AuthServiceClient::new(bound)
                    .redeem_bootstrap_token(request)
                    .await?
                    .into_inner()
                    .token
                    .unwrap_or_default();
                let expires = time(token.expires_at.as_ref());
                Session::of(token.token, certificate, key, &expires)?.save(target.place())?;
                output.record(&[("role", json!(token.role)), ("token_id", json!(token.id)), ("expires_at", expires)]);
                target.say_whose(output);
            }
            Self::Recover { local, name } => {
                let shares = if local { Vec::new() } else { shares()? };
                let of = name.as_deref().filter(|name| *name != MAIN).map(|name| format!(" --tenant {name}"));
                let next = format!("keyward{} operator login", of.unwrap_or_default());
                let request = RecoverRequest { shares, tenant: name.unwrap_or_default() };
                let made = seal.recover(request).await?.into_inner();
                output.record(&[("operator_token", json!(made.operator_token))]);
                output.note(&format!("The operator token serves once, within an hour: `{next}`."));
            }
            Self::RotateRoot => {
                let made = seal.rotate_root_key(RotateRootKeyRequest {}).await?.into_inner();
                output.record(&[("root_fingerprint", json!(made.root_fingerprint))]);
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

/// On a terminal one, hidden; elsewhere a line each.
fn given_shares() -> Result<Vec<String>, CliError> {
    let text = prompt::secret("Share: ")?;
    let shares = lines(&text);
    if shares.is_empty() {
        return Err(CliError::usage("give a share, or `--members` to ask the seal members again"));
    }
    Ok(shares)
}

fn lines(text: &SecretString) -> Vec<String> {
    text.expose().lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

/// On a terminal one after another, hidden, until an empty one; elsewhere a line each.
fn shares() -> Result<Vec<String>, CliError> {
    use std::io::IsTerminal;
    if !std::io::stdin().is_terminal() {
        return Ok(lines(&prompt::secret("")?));
    }
    let mut shares = Vec::new();
    loop {
        let share = prompt::secret(&format!("Share {} (empty: no more): ", shares.len() + 1))?;
        if share.expose().trim().is_empty() {
            return Ok(shares);
        }
        shares.push(share.expose().to_owned());
    }
}

async fn init(
    args: InitArgs,
    mut seal: SealServiceClient<crate::cli::connect::Client>,
    output: &Output,
) -> Result<(), CliError> {
    let mut paths = Vec::new();
    if !args.members.is_empty() {
        let members = args.members.iter().enumerate().map(|(at, text)| member(at, text)).collect::<Result<_, _>>()?;
        paths.push(SealPath { name: "auto".to_owned(), threshold: 1, members });
    }
    if let (Some(people), Some(threshold)) = (args.people, args.threshold) {
        let members =
            (1..=people).map(|at| SealMember { name: format!("person-{at}"), ..SealMember::default() }).collect();
        paths.push(SealPath { name: "people".to_owned(), threshold, members });
    }
    let made = seal.initialize(InitializeRequest { paths }).await?.into_inner();
    let shares: Vec<Value> = made.shares.iter().map(share).collect();
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
