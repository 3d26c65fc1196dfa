//! `keyward token`.

use clap::Subcommand;
use keyward_api::v1::{
    AttenuateRequest, PrincipalRef, RevokeRequest, RevokeSelfRequest, Scope, WhoAmIRequest,
    auth_service_client::AuthServiceClient, revoke_request::What,
};
use serde_json::json;

use crate::cli::{
    CliError,
    connect::Target,
    output::{Output, time},
    session::Session,
};

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum TokenCommand {
    /// Show who the caller is.
    Whoami,
    /// Make a token that may do less than one's own.
    Attenuate {
        /// Only paths at or below this. May be repeated.
        #[arg(long = "path", value_name = "PATH")]
        paths: Vec<String>,
        /// Only this action, e.g. `secret.read`. May be repeated.
        #[arg(long = "action", value_name = "ACTION")]
        actions: Vec<String>,
        /// Only so long, e.g. `5m`.
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        life: Option<std::time::Duration>,
    },
    /// Take tokens back. Without options: one's own.
    Revoke(RevokeArgs),
}

/// Whose tokens.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(crate) struct RevokeArgs {
    /// One token and all that were narrowed from it.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// A principal's, as ISSUER/SUBJECT.
    #[arg(long, value_name = "ISSUER/SUBJECT")]
    principal: Option<String>,
    /// All in a role.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// All of an issuer.
    #[arg(long, value_name = "ISSUER")]
    issuer: Option<String>,
    /// The whole tenant's.
    #[arg(long)]
    all: bool,
}

impl TokenCommand {
    /// Carries it out.
    pub(crate) async fn run(self, target: &Target, output: &Output) -> Result<(), CliError> {
        let mut client = AuthServiceClient::new(target.connect().await?);
        match self {
            Self::Whoami => {
                let me = client.who_am_i(WhoAmIRequest {}).await?.into_inner();
                let scope = me.scope.unwrap_or_default();
                output.record(&[
                    ("tenant", json!(me.tenant)),
                    ("issuer_kind", json!(me.issuer_kind)),
                    ("issuer", json!(me.issuer)),
                    ("subject", json!(me.subject)),
                    ("role", json!(me.role)),
                    ("paths", json!(scope.paths)),
                    ("actions", json!(scope.actions)),
                    ("claims", json!(me.claims)),
                    ("token_id", json!(me.token_id)),
                    ("expires_at", time(me.expires_at.as_ref())),
                ]);
            }
            Self::Attenuate { paths, actions, life } => {
                let life = life
                    .map(prost_types::Duration::try_from)
                    .transpose()
                    .map_err(|e| CliError::usage(e.to_string()))?;
                let request = AttenuateRequest { scope: Some(Scope { paths, actions }), life };
                let token = client.attenuate(request).await?.into_inner().token.unwrap_or_default();
                output.record(&[
                    ("token", json!(token.token)),
                    ("id", json!(token.id)),
                    ("expires_at", time(token.expires_at.as_ref())),
                ]);
            }
            Self::Revoke(args) => match args.what()? {
                Some(what) => {
                    client.revoke(RevokeRequest { what: Some(what), issued_before: None }).await?;
                    output.record(&[("state", json!("revoked"))]);
                }
                None => {
                    client.revoke_self(RevokeSelfRequest {}).await?;
                    let kept = Session::load(target.place()).unwrap_or_default();
                    if kept.is_some_and(|kept| target.token().is_some_and(|used| used.same_as(&kept.token))) {
                        Session::remove(target.place())?;
                    }
                    output.record(&[("state", json!("revoked"))]);
                }
            },
        }
        Ok(())
    }
}

impl RevokeArgs {
    fn what(self) -> Result<Option<What>, CliError> {
        if let Some(text) = self.principal {
            let (issuer, subject) = text
                .split_once('/')
                .ok_or_else(|| CliError::usage("write ISSUER/SUBJECT; `/SUBJECT` for a client certificate"))?;
            return Ok(Some(What::Principal(PrincipalRef { issuer: issuer.to_owned(), subject: subject.to_owned() })));
        }
        let all = self.all.then_some(What::Tenant(true));
        Ok(self.id.map(What::TokenId).or(self.role.map(What::Role)).or(self.issuer.map(What::Issuer)).or(all))
    }
}
