//! `keyward issuer`.

mod add;
mod preset;

use clap::Subcommand;
use keyward_api::v1::{
    ClaimType, DeleteIssuerRequest, GetIssuerRequest, Issuer, IssuerState, ListIssuersRequest, RefreshIssuerRequest,
    Replay, issuer::Keys, issuer_service_client::IssuerServiceClient,
};
use serde_json::{Value, json};

use crate::cli::{
    CliError,
    connect::{Client, Target},
    output::{Output, time},
};

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum IssuerCommand {
    /// Trust the tokens of an issuer, or change how.
    Add(add::AddArgs),
    /// Show one, and how its keys are.
    Get {
        /// Its name.
        name: String,
    },
    /// Show all.
    List,
    /// Remove one, and take back the tokens that were given for its word.
    Delete {
        /// Its name.
        name: String,
        /// Remove it even when policies become invalid by it, or nobody is left who can write policies.
        #[arg(long)]
        force: bool,
    },
    /// Fetch its keys now.
    Refresh {
        /// Its name.
        name: String,
    },
}

impl IssuerCommand {
    /// Carries it out.
    pub(crate) async fn run(self, target: &Target, output: &Output) -> Result<(), CliError> {
        let mut client = IssuerServiceClient::new(target.connect().await?);
        match self {
            Self::Add(args) => {
                let issuer = client.put_issuer(args.request()?).await?.into_inner().issuer.unwrap_or_default();
                let fetched = !matches!(issuer.keys, Some(Keys::Jwks(_)));
                let state = if fetched { fetch(&mut client, &issuer.name, output).await } else { None };
                show(&issuer, state.as_ref(), output);
            }
            Self::Get { name } => {
                let shown = client.get_issuer(GetIssuerRequest { name }).await?.into_inner();
                show(&shown.issuer.unwrap_or_default(), shown.state.as_ref(), output);
            }
            Self::List => list(client, output).await?,
            Self::Delete { name, force } => {
                client.delete_issuer(DeleteIssuerRequest { name: name.clone(), force }).await?;
                output.record(&[("name", json!(name)), ("state", json!("deleted"))]);
            }
            Self::Refresh { name } => {
                let state =
                    client.refresh_issuer(RefreshIssuerRequest { name: name.clone() }).await?.into_inner().state;
                let mut fields = vec![("name", json!(name))];
                fields.extend(state_fields(state.as_ref()));
                output.record(&fields);
            }
        }
        Ok(())
    }
}

/// Fetches the keys of an issuer that was just made, so that a mistake shows at once. It is registered all the same.
async fn fetch(client: &mut IssuerServiceClient<Client>, name: &str, output: &Output) -> Option<IssuerState> {
    match client.refresh_issuer(RefreshIssuerRequest { name: name.to_owned() }).await {
        Ok(answer) => {
            let state = answer.into_inner().state;
            if let Some(error) = state.as_ref().map(|state| &state.last_error).filter(|error| !error.is_empty()) {
                output.note(&format!("The issuer is registered, but its keys cannot be fetched: {error}"));
            }
            state
        }
        Err(status) => {
            output.note(&format!("The issuer is registered; its keys were not fetched yet: {}", status.message()));
            None
        }
    }
}

fn show(issuer: &Issuer, state: Option<&IssuerState>, output: &Output) {
    let claims: Vec<_> = issuer.claims.iter().map(|(name, claim)| (name, claim.r#type(), &claim.path)).collect();
    let mut claims: Vec<String> = claims
        .iter()
        .map(|(name, kind, path)| {
            let at = if path.is_empty() { String::new() } else { format!("@{path}") };
            format!("{name}={}{at}", claim_type(*kind))
        })
        .collect();
    claims.sort_unstable();
    let mut fields: Vec<_> = COLUMNS.iter().copied().zip(row(issuer)).collect();
    fields.push(("clock_skew_seconds", json!(issuer.clock_skew_seconds)));
    fields.push(("max_token_age_seconds", json!(issuer.max_token_age_seconds)));
    fields.push(("claims", json!(claims)));
    fields.push(("ca_certificates", json!(issuer.ca_certificates.matches("-----BEGIN CERTIFICATE-----").count())));
    fields.extend(state_fields(state));
    output.record(&fields);
}

fn state_fields(state: Option<&IssuerState>) -> Vec<(&'static str, Value)> {
    let Some(state) = state else { return Vec::new() };
    let key = |key: &keyward_api::v1::IssuerKey| format!("{} ({})", key.kid, key.algorithms.join(" "));
    vec![
        ("last_attempt", time(state.last_attempt.as_ref())),
        ("last_success", time(state.last_success.as_ref())),
        ("last_error", json!(state.last_error)),
        ("keys_now", json!(state.keys.iter().map(key).collect::<Vec<_>>())),
    ]
}

const COLUMNS: [&str; 6] = ["name", "iss", "keys", "audiences", "algorithms", "replay"];

fn row(issuer: &Issuer) -> Vec<Value> {
    let keys = match &issuer.keys {
        Some(Keys::Discovery(_)) => "discovery",
        Some(Keys::JwksUrl(url)) => url,
        Some(Keys::Jwks(_)) => "given",
        None => "",
    };
    let replay = if issuer.replay() == Replay::Once { "once" } else { "allow" };
    vec![
        json!(issuer.name),
        json!(issuer.iss),
        json!(keys),
        json!(issuer.audiences),
        json!(issuer.algorithms),
        json!(replay),
    ]
}

fn claim_type(kind: ClaimType) -> &'static str {
    match kind {
        ClaimType::Bool => "bool",
        ClaimType::Long => "long",
        ClaimType::Text => "text",
        ClaimType::Texts => "texts",
        ClaimType::Unspecified => "unknown",
    }
}

async fn list(mut client: IssuerServiceClient<Client>, output: &Output) -> Result<(), CliError> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = client.list_issuers(ListIssuersRequest { page_size: 1_000, page_token }).await?.into_inner();
        rows.extend(page.issuers.iter().map(row));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            output.rows(&COLUMNS, rows);
            return Ok(());
        }
    }
}
