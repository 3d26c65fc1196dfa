//! The provider that people log in at: what it says of itself, and what is made of its answers.

use data_encoding::BASE64URL_NOPAD;
use keyward_sdk::secret::SecretString;
use oauth2::{
    AuthUrl, Client, ClientId, DeviceAuthorizationUrl, EndpointMaybeSet, EndpointNotSet, EndpointSet, ErrorResponse,
    ExtraTokenFields, RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use serde::{Deserialize, Serialize};

use super::http::{Http, HttpError, allowed};
use crate::cli::CliError;

/// What is used of the discovery document.
#[derive(Debug, Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    device_authorization_endpoint: Option<String>,
}

/// What OIDC adds to a token answer. `Clone` because the client type asks for it, and is cloned before there is one.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct IdTokenField {
    #[serde(default)]
    id_token: Option<String>,
}

impl std::fmt::Debug for IdTokenField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdTokenField(..)")
    }
}

impl ExtraTokenFields for IdTokenField {}

/// The answer with an ID token.
pub(super) type Answer = StandardTokenResponse<IdTokenField, BasicTokenType>;

/// A public client of the provider.
pub(super) type PublicClient = Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointMaybeSet,
    EndpointMaybeSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// See the module.
pub(super) struct Provider {
    pub(super) issuer: String,
    pub(super) client: PublicClient,
    scopes: Vec<String>,
}

impl Provider {
    /// Asks the provider where its endpoints are.
    pub(super) async fn discover(
        http: &Http,
        issuer: &str,
        client_id: String,
        scopes: Vec<String>,
    ) -> Result<Self, CliError> {
        let fail = |why: &dyn std::fmt::Display| CliError::other(format!("asking {issuer} how to log in"), why);
        let url = format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer));
        let document = http.get(&url).await.map_err(|error| fail(&error))?;
        let document: Document = serde_json::from_slice(&document).map_err(|error| fail(&error))?;
        if document.issuer != issuer {
            return Err(fail(&"its discovery document names another issuer; the two are compared byte for byte"));
        }
        let endpoint = |url: String| allowed(&url).map(|_| url).map_err(|error| fail(&error));
        let optional = |url: Option<String>| url.map(endpoint).transpose();
        let token = TokenUrl::new(endpoint(document.token_endpoint)?).map_err(|error| fail(&error))?;
        let authorization = optional(document.authorization_endpoint)?.map(AuthUrl::new).transpose();
        let device = optional(document.device_authorization_endpoint)?.map(DeviceAuthorizationUrl::new).transpose();
        let client = Client::new(ClientId::new(client_id))
            .set_token_uri(token)
            .set_auth_uri_option(authorization.map_err(|error| fail(&error))?)
            .set_device_authorization_url_option(device.map_err(|error| fail(&error))?);
        Ok(Self { issuer: issuer.to_owned(), client, scopes })
    }

    /// What to ask for.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Scope> + '_ {
        let more = self.scopes.iter().filter(|scope| *scope != "openid").cloned();
        std::iter::once("openid".to_owned()).chain(more).map(Scope::new)
    }

    /// The ID token of an answer. Whether it holds is up to the broker, which knows the issuer's keys; here only that it
    /// belongs to this very login.
    pub(super) fn id_token(&self, answer: &Answer, nonce: Option<&str>) -> Result<SecretString, CliError> {
        let fail = |why: &str| CliError::other(format!("logging in at {}", self.issuer), why);
        let token = answer.extra_fields().id_token.as_deref();
        let token =
            token.ok_or_else(|| fail("its answer has no ID token; does the client have the scope `openid`?"))?;
        if let Some(nonce) = nonce
            && claim(token, "nonce").as_deref() != Some(nonce)
        {
            return Err(fail("its ID token is not for this login"));
        }
        SecretString::new(token.to_owned()).map_err(|error| fail(&error.to_string()))
    }

    /// What the provider refused, in its words.
    pub(super) fn refused<T>(&self, error: RequestTokenError<HttpError, T>) -> CliError
    where
        T: ErrorResponse + std::fmt::Display + 'static,
    {
        let doing = format!("logging in at {}", self.issuer);
        match error {
            RequestTokenError::ServerResponse(said) => CliError::other(doing, format!("the provider refuses: {said}")),
            RequestTokenError::Request(error) => CliError::other(doing, error),
            // The answer itself may hold a token, so nothing of it is shown.
            RequestTokenError::Parse(..) => CliError::other(doing, "the provider's answer cannot be read"),
            RequestTokenError::Other(_) => CliError::other(doing, "the provider's answer is empty or of another kind"),
        }
    }
}

fn claim(token: &str, name: &str) -> Option<String> {
    let payload = BASE64URL_NOPAD.decode(token.split('.').nth(1)?.as_bytes()).ok()?;
    let payload: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    payload.get(name)?.as_str().map(str::to_owned)
}
