//! `AuthService`.

use keyward_api::v1 as pb;
use keyward_sdk::{secret::SecretString, time::Timestamp};
use tonic::{Request, Response, Status};

use super::{
    convert::{parse, parse_optional, span_optional, timestamp},
    door::Door,
};
use crate::{
    engine::{
        Connection, EngineError, Kept,
        auth::{Attenuate, IssuedToken, Login, RedeemBootstrapToken, Revoke, RevokeSelf, RevokeWhat, WhoAmI, WhoIs},
    },
    identity::{IssuerRef, Scope, TokenId},
    method::TenantId,
};

pub(super) fn scope(scope: Option<pb::Scope>) -> Result<Scope, EngineError> {
    let scope = scope.unwrap_or_default();
    let paths = scope.paths.iter().map(|path| parse("scope.paths", path)).collect::<Result<_, _>>()?;
    Scope::new(paths, scope.actions).map_err(|error| EngineError::invalid("scope", error.to_string()))
}

pub(super) fn shown(scope: &Scope) -> pb::Scope {
    pb::Scope { paths: scope.paths().iter().map(ToString::to_string).collect(), actions: scope.actions().to_vec() }
}

fn secret(field: &'static str, text: String) -> Result<SecretString, EngineError> {
    SecretString::new(text).map_err(|error| EngineError::invalid(field, error.to_string()))
}

impl From<IssuedToken> for pb::Token {
    fn from(token: IssuedToken) -> Self {
        Self {
            token: token.text.expose().to_owned(),
            id: token.id.to_string(),
            expires_at: Some(timestamp(token.expires_at)),
            role: token.role.to_string(),
            scope: Some(shown(&token.scope)),
            bound: token.bound,
        }
    }
}

impl TryFrom<pb::LoginRequest> for Login {
    type Error = EngineError;
    fn try_from(request: pb::LoginRequest) -> Result<Self, EngineError> {
        let oidc = (!request.oidc_token.is_empty()).then(|| secret("oidc_token", request.oidc_token)).transpose()?;
        Ok(Self {
            role: parse("role", &request.role)?,
            oidc,
            scope: scope(request.scope)?,
            life: span_optional("life", request.life.as_ref())?,
            connection: Connection::default(),
        })
    }
}

impl From<IssuedToken> for pb::LoginResponse {
    fn from(token: IssuedToken) -> Self {
        Self { token: Some(token.into()) }
    }
}

impl TryFrom<pb::RedeemBootstrapTokenRequest> for RedeemBootstrapToken {
    type Error = EngineError;
    fn try_from(request: pb::RedeemBootstrapTokenRequest) -> Result<Self, EngineError> {
        Ok(Self { token: secret("bootstrap_token", request.bootstrap_token)?, connection: Connection::default() })
    }
}

impl From<Kept<IssuedToken>> for pb::RedeemBootstrapTokenResponse {
    fn from(Kept(token): Kept<IssuedToken>) -> Self {
        Self { token: Some(token.into()) }
    }
}

impl TryFrom<pb::AttenuateRequest> for Attenuate {
    type Error = EngineError;
    fn try_from(request: pb::AttenuateRequest) -> Result<Self, EngineError> {
        Ok(Self { scope: scope(request.scope)?, life: span_optional("life", request.life.as_ref())? })
    }
}

impl From<IssuedToken> for pb::AttenuateResponse {
    fn from(token: IssuedToken) -> Self {
        Self { token: Some(token.into()) }
    }
}

impl TryFrom<pb::RevokeRequest> for Revoke {
    type Error = EngineError;
    fn try_from(request: pb::RevokeRequest) -> Result<Self, EngineError> {
        use pb::revoke_request::What;
        let what = match request.what.ok_or_else(|| EngineError::invalid("what", "say whose tokens"))? {
            What::TokenId(id) => {
                let id =
                    TenantId::from_hex(&id).ok_or_else(|| EngineError::invalid("token_id", "is not 32 hex digits"))?;
                RevokeWhat::Token(TokenId(id.0))
            }
            What::Principal(who) => {
                RevokeWhat::Principal(parse_optional("principal.issuer", &who.issuer)?, who.subject)
            }
            What::Role(name) => RevokeWhat::Role(parse("role", &name)?),
            What::Issuer(name) => RevokeWhat::Issuer(parse("issuer", &name)?),
            What::Tenant(true) => RevokeWhat::Tenant,
            What::Tenant(false) => {
                return Err(EngineError::invalid("tenant", "say `true` to revoke all tokens of the tenant"));
            }
        };
        let issued_before = request.issued_before.map(|at| {
            let millis = u64::try_from(at.seconds).ok().and_then(|s| s.checked_mul(1_000));
            millis.map(Timestamp::from_millis).ok_or_else(|| EngineError::invalid("issued_before", "is not a time"))
        });
        Ok(Self { what, issued_before: issued_before.transpose()? })
    }
}

impl From<Kept<()>> for pb::RevokeResponse {
    fn from(_: Kept<()>) -> Self {
        Self {}
    }
}

impl TryFrom<pb::RevokeSelfRequest> for RevokeSelf {
    type Error = EngineError;
    fn try_from(_request: pb::RevokeSelfRequest) -> Result<Self, EngineError> {
        Ok(Self)
    }
}

impl From<Kept<()>> for pb::RevokeSelfResponse {
    fn from(_: Kept<()>) -> Self {
        Self {}
    }
}

impl TryFrom<pb::WhoAmIRequest> for WhoAmI {
    type Error = EngineError;
    fn try_from(_request: pb::WhoAmIRequest) -> Result<Self, EngineError> {
        Ok(Self)
    }
}

impl From<WhoIs> for pb::WhoAmIResponse {
    fn from(who: WhoIs) -> Self {
        let caller = who.caller;
        let (kind, issuer) = match &caller.principal().issuer {
            IssuerRef::Anonymous => ("anonymous", String::new()),
            IssuerRef::Certificate => ("certificate", String::new()),
            IssuerRef::LocalUser => ("local_user", String::new()),
            IssuerRef::Node => ("node", String::new()),
            IssuerRef::Oidc(name) => ("oidc", name.to_string()),
            IssuerRef::Operator => ("operator", String::new()),
        };
        let claims = caller.claims().iter();
        Self {
            tenant: who.tenant,
            issuer_kind: kind.to_owned(),
            issuer,
            subject: caller.principal().subject.to_string(),
            role: caller.role().map(ToString::to_string).unwrap_or_default(),
            scope: Some(shown(caller.scope())),
            claims: claims
                .map(|(name, value)| (name.clone(), serde_json::to_string(value).unwrap_or_default()))
                .collect(),
            token_id: caller.token().map(|token| token.id.to_string()).unwrap_or_default(),
            expires_at: caller.token().map(|token| timestamp(token.expires_at)),
        }
    }
}

super::door::service! {
    pb::auth_service_server::AuthService;
    login(LoginRequest) -> LoginResponse = Login;
    redeem_bootstrap_token(RedeemBootstrapTokenRequest) -> RedeemBootstrapTokenResponse = RedeemBootstrapToken;
    attenuate(AttenuateRequest) -> AttenuateResponse = Attenuate;
    revoke(RevokeRequest) -> RevokeResponse = Revoke;
    revoke_self(RevokeSelfRequest) -> RevokeSelfResponse = RevokeSelf;
    who_am_i(WhoAmIRequest) -> WhoAmIResponse = WhoAmI;
}
