//! `IssuerService`.

use std::collections::BTreeMap;

use keyward_api::v1 as pb;
use tonic::{Request, Response, Status};

use super::{
    convert::{page, parse, timestamp},
    door::Door,
};
use crate::{
    engine::{
        EngineError, Kept, Page,
        issuer::{DeleteIssuer, GetIssuer, ListIssuers, PutIssuer, RefreshIssuer, RefreshedKeys, ShownIssuer},
    },
    identity::{
        ClaimType, IssuerConfig,
        oidc::{
            Authorities, ClaimPath, DEFAULT_SKEW_SECONDS, DeclaredClaim, IssuerState, KeySource, Replay,
            SignatureAlgorithm,
        },
    },
};

impl From<IssuerConfig> for pb::Issuer {
    fn from(issuer: IssuerConfig) -> Self {
        let keys = match issuer.keys {
            KeySource::Discovery => pb::issuer::Keys::Discovery(pb::KeyDiscovery {}),
            KeySource::Jwks(url) => pb::issuer::Keys::JwksUrl(url),
            KeySource::Static(document) => pb::issuer::Keys::Jwks(document),
        };
        let replay = match issuer.replay {
            Replay::Allow => pb::Replay::Allow,
            Replay::Once => pb::Replay::Once,
        };
        Self {
            name: issuer.name.into(),
            iss: issuer.iss,
            keys: Some(keys),
            audiences: issuer.audiences,
            algorithms: issuer.algorithms.iter().map(|algorithm| algorithm.name().to_owned()).collect(),
            clock_skew_seconds: Some(issuer.clock_skew_seconds),
            max_token_age_seconds: issuer.max_token_age_seconds,
            replay: replay.into(),
            claims: issuer.claims.into_iter().map(|(name, claim)| (name, claim.into())).collect(),
            ca_certificates: issuer.authorities.map(String::from).unwrap_or_default(),
        }
    }
}

impl From<DeclaredClaim> for pb::DeclaredClaim {
    fn from(claim: DeclaredClaim) -> Self {
        let kind = match claim.kind {
            ClaimType::Bool => pb::ClaimType::Bool,
            ClaimType::Long => pb::ClaimType::Long,
            ClaimType::Text => pb::ClaimType::Text,
            ClaimType::Texts => pb::ClaimType::Texts,
        };
        Self { r#type: kind.into(), path: claim.path.map(String::from).unwrap_or_default() }
    }
}

fn declared(name: &str, claim: pb::DeclaredClaim) -> Result<DeclaredClaim, EngineError> {
    let invalid = |why: &str| EngineError::invalid("issuer.claims", format!("claim `{name}`: {why}"));
    let kind = match claim.r#type() {
        pb::ClaimType::Bool => ClaimType::Bool,
        pb::ClaimType::Long => ClaimType::Long,
        pb::ClaimType::Text => ClaimType::Text,
        pb::ClaimType::Texts => ClaimType::Texts,
        pb::ClaimType::Unspecified => return Err(invalid("needs a type")),
    };
    let path = (!claim.path.is_empty()).then(|| ClaimPath::try_from(claim.path).map_err(invalid)).transpose()?;
    Ok(DeclaredClaim { kind, path })
}

impl TryFrom<pb::PutIssuerRequest> for PutIssuer {
    type Error = EngineError;
    fn try_from(request: pb::PutIssuerRequest) -> Result<Self, EngineError> {
        let issuer = request.issuer.ok_or_else(|| EngineError::invalid("issuer", "is missing"))?;
        let replay = match issuer.replay() {
            pb::Replay::Unspecified | pb::Replay::Allow => Replay::Allow,
            pb::Replay::Once => Replay::Once,
        };
        let keys = match issuer.keys {
            Some(pb::issuer::Keys::Discovery(_)) => KeySource::Discovery,
            Some(pb::issuer::Keys::JwksUrl(url)) => KeySource::Jwks(url),
            Some(pb::issuer::Keys::Jwks(document)) => KeySource::Static(document),
            None => return Err(EngineError::invalid("issuer.keys", "say where the keys come from")),
        };
        let algorithm = |name: &String| {
            SignatureAlgorithm::find(name).ok_or_else(|| {
                let known = SignatureAlgorithm::ALL.map(SignatureAlgorithm::name).join(", ");
                EngineError::invalid("issuer.algorithms", format!("one of {known}; never `none` or an HMAC"))
            })
        };
        let authorities = Some(issuer.ca_certificates).filter(|pem| !pem.is_empty()).map(Authorities::try_from);
        let authorities = authorities.transpose().map_err(|why| EngineError::invalid("issuer.ca_certificates", why))?;
        let claims = issuer.claims.into_iter().map(|(name, claim)| {
            let claim = declared(&name, claim)?;
            Ok((name, claim))
        });
        let config = IssuerConfig {
            name: parse("issuer.name", &issuer.name)?,
            iss: issuer.iss,
            keys,
            authorities,
            audiences: issuer.audiences,
            algorithms: issuer.algorithms.iter().map(algorithm).collect::<Result<_, _>>()?,
            clock_skew_seconds: issuer.clock_skew_seconds.unwrap_or(DEFAULT_SKEW_SECONDS),
            max_token_age_seconds: issuer.max_token_age_seconds,
            replay,
            claims: claims.collect::<Result<BTreeMap<_, _>, EngineError>>()?,
        };
        Ok(Self { issuer: config, force: request.force })
    }
}

impl From<Kept<IssuerConfig>> for pb::PutIssuerResponse {
    fn from(Kept(issuer): Kept<IssuerConfig>) -> Self {
        Self { issuer: Some(issuer.into()) }
    }
}

impl From<IssuerState> for pb::IssuerState {
    fn from(state: IssuerState) -> Self {
        let fetches = state.fetches;
        let key = |key: crate::identity::oidc::IssuerKey| pb::IssuerKey {
            kid: key.kid.unwrap_or_default(),
            algorithms: key.algorithms.iter().map(|algorithm| algorithm.name().to_owned()).collect(),
        };
        Self {
            last_attempt: fetches.last_attempt.map(timestamp),
            last_success: fetches.last_success.map(timestamp),
            last_error: fetches.last_error.map(|error| error.to_string()).unwrap_or_default(),
            keys: state.keys.into_iter().map(key).collect(),
        }
    }
}

impl From<ShownIssuer> for pb::GetIssuerResponse {
    fn from(shown: ShownIssuer) -> Self {
        Self { issuer: Some(shown.issuer.into()), state: shown.state.map(Into::into) }
    }
}

impl TryFrom<pb::ListIssuersRequest> for ListIssuers {
    type Error = EngineError;
    fn try_from(request: pb::ListIssuersRequest) -> Result<Self, EngineError> {
        Ok(Self { page: page(request.page_size, request.page_token)? })
    }
}

impl From<Page<IssuerConfig>> for pb::ListIssuersResponse {
    fn from(page: Page<IssuerConfig>) -> Self {
        // Without given keys: a page of them could be larger than a message may be.
        let issuer = |issuer: IssuerConfig| match issuer.keys {
            KeySource::Static(_) => pb::Issuer { keys: Some(pb::issuer::Keys::Jwks(String::new())), ..issuer.into() },
            KeySource::Discovery | KeySource::Jwks(_) => issuer.into(),
        };
        Self { issuers: page.items.into_iter().map(issuer).collect(), next_page_token: page.next }
    }
}

impl TryFrom<pb::GetIssuerRequest> for GetIssuer {
    type Error = EngineError;
    fn try_from(request: pb::GetIssuerRequest) -> Result<Self, EngineError> {
        Ok(Self { name: parse("name", &request.name)? })
    }
}

impl TryFrom<pb::DeleteIssuerRequest> for DeleteIssuer {
    type Error = EngineError;
    fn try_from(request: pb::DeleteIssuerRequest) -> Result<Self, EngineError> {
        Ok(Self { name: parse("name", &request.name)?, force: request.force })
    }
}

impl From<Kept<()>> for pb::DeleteIssuerResponse {
    fn from(_: Kept<()>) -> Self {
        Self {}
    }
}

impl TryFrom<pb::RefreshIssuerRequest> for RefreshIssuer {
    type Error = EngineError;
    fn try_from(request: pb::RefreshIssuerRequest) -> Result<Self, EngineError> {
        Ok(Self { name: parse("name", &request.name)? })
    }
}

impl From<RefreshedKeys> for pb::RefreshIssuerResponse {
    fn from(RefreshedKeys(state): RefreshedKeys) -> Self {
        Self { state: state.map(Into::into) }
    }
}

super::door::service! {
    pb::issuer_service_server::IssuerService;
    put_issuer(PutIssuerRequest) -> PutIssuerResponse = PutIssuer;
    get_issuer(GetIssuerRequest) -> GetIssuerResponse = GetIssuer;
    list_issuers(ListIssuersRequest) -> ListIssuersResponse = ListIssuers;
    delete_issuer(DeleteIssuerRequest) -> DeleteIssuerResponse = DeleteIssuer;
    refresh_issuer(RefreshIssuerRequest) -> RefreshIssuerResponse = RefreshIssuer;
}
