//! The token of this run: got, used, taken back.

use std::time::Duration;

use keyward_api::v1::{
    AttenuateRequest, LoginRequest, RevokeSelfRequest, Scope, Token, WhoAmIRequest, WhoAmIResponse,
    auth_service_client::AuthServiceClient,
};
use keyward_sdk::secret::SecretString;

use super::says::Says;
use crate::cli::{
    CliError,
    connect::{Client, Target},
    identity::Ephemeral,
    output::Output,
};

/// How long taking the token back may take.
const REVOKE: Duration = Duration::from_secs(5);

/// What the token is narrowed to.
#[derive(Clone, Debug, Default)]
pub(super) struct Narrowed {
    pub(super) scope: Scope,
    pub(super) life: Option<prost_types::Duration>,
}

/// A broker that is called with the token of this run.
pub(super) struct Access {
    target: Target,
}

impl Access {
    /// Logs in with an OIDC token and a key made for this run.
    pub(super) async fn with_token_of_job(
        target: &Target,
        role: &str,
        proof: &SecretString,
        narrowed: Narrowed,
    ) -> Result<Self, CliError> {
        let target = target.anonymous(Ephemeral::make()?);
        let says = Says::of(proof);
        let logged_in = log_in(&target, role, proof.expose().to_owned(), narrowed).await;
        logged_in.and_then(|token| Self::made(target, token)).map_err(|error| {
            let next = error.reason().and_then(|reason| says.next_step(&reason, role));
            error.while_doing(format!("logging in as `{role}`"), next)
        })
    }

    /// Logs in with what the connection proves: a client certificate, or the socket.
    pub(super) async fn with_connection(target: Target, role: &str, narrowed: Narrowed) -> Result<Self, CliError> {
        let token = log_in(&target, role, String::new(), narrowed).await;
        token
            .and_then(|token| Self::made(target, token))
            .map_err(|error| error.while_doing(format!("logging in as `{role}`"), None))
    }

    /// Narrows the token at hand, which is not touched by what happens to the new one.
    pub(super) async fn narrowed(target: Target, narrowed: Narrowed) -> Result<Self, CliError> {
        let request = AttenuateRequest { scope: Some(narrowed.scope), life: narrowed.life };
        let made = AuthServiceClient::new(target.connect().await?).attenuate(request).await;
        let made = made.map_err(|error| CliError::from(error).while_doing("making a token for this run", None))?;
        Self::made(target, made.into_inner().token)
    }

    fn made(target: Target, token: Option<Token>) -> Result<Self, CliError> {
        let text = token.map(|token| token.token).filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| CliError::other("logging in", "the broker's answer has no token"))?;
        let token = SecretString::new(text).map_err(|error| CliError::other("logging in", error))?;
        Ok(Self { target: target.with_token(token) })
    }

    /// Where and as whom.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Connects.
    pub(super) async fn connect(&self) -> Result<Client, CliError> {
        self.target.connect().await
    }

    /// Who the token says one is; for errors, so none when that cannot be had either.
    pub(super) async fn whoami(&self) -> Option<WhoAmIResponse> {
        let client = self.connect().await.ok()?;
        Some(AuthServiceClient::new(client).who_am_i(WhoAmIRequest {}).await.ok()?.into_inner())
    }

    /// Takes the token back. If that fails it is said, and the token ends by itself soon.
    pub(super) async fn revoke(self, output: &Output) {
        let revoked = async {
            // A new connection: the old one may have been idle for hours.
            let mut client = AuthServiceClient::new(self.connect().await?);
            client.revoke_self(RevokeSelfRequest {}).await?;
            Ok::<_, CliError>(())
        };
        let failed = match tokio::time::timeout(REVOKE, revoked).await {
            Ok(Ok(())) => return,
            // What has ended or is gone needs no taking back.
            Ok(Err(error)) if matches!(error.reason().as_deref(), Some("TOKEN_EXPIRED" | "TOKEN_REVOKED")) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", REVOKE.as_secs()),
        };
        output.note(&format!("The token of this run was not taken back and ends by itself: {failed}"));
    }
}

async fn log_in(
    target: &Target,
    role: &str,
    oidc_token: String,
    narrowed: Narrowed,
) -> Result<Option<Token>, CliError> {
    let request = LoginRequest { role: role.to_owned(), oidc_token, scope: Some(narrowed.scope), life: narrowed.life };
    Ok(AuthServiceClient::new(target.connect().await?).login(request).await?.into_inner().token)
}
