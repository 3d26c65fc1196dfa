//! `keyward login` and `keyward logout`: a token for a person, or for whoever has an OIDC token, bound to a key made here.

mod browser;
mod callback;
mod device;
mod http;
mod provider;

use std::path::PathBuf;

use clap::Args;
use keyward_api::v1::{LoginRequest, RevokeSelfRequest, Scope, auth_service_client::AuthServiceClient};
use keyward_sdk::secret::SecretString;
use serde_json::json;

pub use self::callback::{Wanted, code};
use self::{http::Http, provider::Provider};
use super::{
    CliError,
    connect::Target,
    context::People,
    identity::Ephemeral,
    input,
    output::{Output, time},
    session::Session,
};

/// How to log in. What a context says need not be given.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// The role to act in.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Log in at this OIDC provider, which the broker knows as an issuer.
    #[arg(long, value_name = "URL", conflicts_with = "oidc_token_file")]
    issuer: Option<String>,
    /// The id under which the provider knows this command line: a public client, without a secret.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// What to ask the provider for besides `openid`, e.g. `groups`. May be repeated.
    #[arg(long = "request-scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Log in on another device with a code, when no browser can reach this machine.
    #[arg(long)]
    device: bool,
    /// Do not open a browser, only print the address.
    #[arg(long, conflicts_with = "device")]
    no_browser: bool,
    /// The port on which the browser's answer is awaited; 0 lets the system choose.
    #[arg(long, value_name = "PORT", default_value_t = 0, conflicts_with = "device")]
    port: u16,
    /// The certificate of the authority that the provider's certificate comes from.
    #[arg(long, value_name = "FILE")]
    issuer_ca_cert: Option<PathBuf>,
    /// Log in with the OIDC token in this file, `-` for standard input.
    #[arg(long, value_name = "FILE")]
    oidc_token_file: Option<PathBuf>,
    /// Only paths at or below this. May be repeated.
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<String>,
    /// Only this action. May be repeated.
    #[arg(long = "action", value_name = "ACTION")]
    actions: Vec<String>,
    /// How long the token shall live; at most what the role allows.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    life: Option<std::time::Duration>,
}

/// Logs in and keeps the token with its key in the runtime directory.
pub(crate) async fn login(args: LoginArgs, people: People, target: &Target, output: &Output) -> Result<(), CliError> {
    let role = args.role.clone().or_else(|| people.role.clone());
    let role =
        role.ok_or_else(|| CliError::usage("give `--role`, or keep one with `keyward context set NAME --role ROLE`"))?;
    let life =
        args.life.map(prost_types::Duration::try_from).transpose().map_err(|e| CliError::usage(e.to_string()))?;
    let proof = proof(&args, people, output).await?;
    let ephemeral = Ephemeral::make()?;
    let (certificate, key) = (ephemeral.certificate.clone(), ephemeral.key.expose().to_owned());
    let bound = target.anonymous(ephemeral).connect().await?;
    let request = LoginRequest {
        role,
        oidc_token: proof.expose().to_owned(),
        scope: Some(Scope { paths: args.paths, actions: args.actions }),
        life,
    };
    let token = AuthServiceClient::new(bound).login(request).await?.into_inner().token.unwrap_or_default();
    let expires = time(token.expires_at.as_ref());
    Session::of(token.token, certificate, key, &expires)?.save(target.place())?;
    output.record(&[("role", json!(token.role)), ("token_id", json!(token.id)), ("expires_at", expires)]);
    target.say_whose(output);
    Ok(())
}

/// Takes the token back and forgets it. It is forgotten also where the broker cannot be asked, which is said.
pub(crate) async fn logout(target: &Target, output: &Output) -> Result<(), CliError> {
    let session = match Session::load(target.place()) {
        Ok(Some(session)) => session,
        Ok(None) => {
            output.record(&[("state", json!("not logged in"))]);
            return Ok(());
        }
        Err(error) => {
            // What cannot be read is of no use to anyone; who may not remove it is told.
            Session::remove(target.place())?;
            output.note(&format!("The session was removed and its token not taken back: {error}"));
            output.record(&[("state", json!("logged out"))]);
            return Ok(());
        }
    };
    // Another token may be in the environment: it is not the one to take back.
    let revoked = match target.within(session).connect().await {
        Ok(client) => {
            AuthServiceClient::new(client).revoke_self(RevokeSelfRequest {}).await.map_err(CliError::from).map(|_| ())
        }
        Err(error) => Err(error),
    };
    Session::remove(target.place())?;
    if let Err(error) = revoked {
        output.note(&format!("The token was forgotten here but not taken back: {error}"));
    }
    output.record(&[("state", json!("logged out"))]);
    Ok(())
}

/// The OIDC token that says who one is.
async fn proof(args: &LoginArgs, people: People, output: &Output) -> Result<SecretString, CliError> {
    if let Some(file) = &args.oidc_token_file {
        let text = input::text(file)?.trim().to_owned();
        return SecretString::new(text).map_err(|error| CliError::other("reading the OIDC token", error));
    }
    let hint = "give `--issuer` and `--client-id`, or `--oidc-token-file`, or keep them with `keyward context set`";
    let issuer = args.issuer.clone().or(people.issuer).ok_or_else(|| CliError::usage(hint))?;
    let client_id = args.client_id.clone().or(people.client_id).ok_or_else(|| CliError::usage(hint))?;
    let scopes = if args.scopes.is_empty() { people.scopes } else { args.scopes.clone() };
    let http = Http::new(args.issuer_ca_cert.as_deref().or(people.issuer_ca_cert.as_deref()))?;
    let provider = Provider::discover(&http, &issuer, client_id, scopes).await?;
    if args.device {
        device::log_in(&provider, &http, output).await
    } else {
        browser::log_in(&provider, &http, args.port, !args.no_browser, output).await
    }
}
