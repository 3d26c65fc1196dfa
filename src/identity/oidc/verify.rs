//! One token checked with keys that are at hand. Pure: no clock, no network.

use std::sync::Arc;

use keyward_sdk::{
    crypto::digest,
    time::{Span, Timestamp},
};

use super::{
    IssuerConfig, claims,
    error::OidcError,
    json::Json,
    jwk::{KeySet, VerifyingKey},
    parse::Parts,
};
use crate::identity::Claims;

/// The most bytes of a subject.
pub(super) const MAX_SUBJECT_BYTES: usize = 512;
/// The most audiences of one token.
const MAX_AUDIENCES: usize = 32;
/// How many keys of one id are tried.
const MAX_CANDIDATES: usize = 4;

/// What a token proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The issuer whose token it is.
    pub issuer: Arc<IssuerConfig>,
    /// Its subject at that issuer.
    pub subject: Arc<str>,
    /// Its declared claims.
    pub claims: Claims,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Until when it would be taken, the issuer's clock skew included: how long a token that serves once must be
    /// remembered.
    pub accepted_until: Timestamp,
    /// The same for the same token however it is signed: what is remembered where a token serves once. A hash of what was
    /// signed and not of the whole, because an ECDSA signature has a twin that anyone can make.
    pub fingerprint: [u8; 32],
}

/// Whether there is a key for the token at all; if not, fetching anew may help.
pub(super) fn has_key(parts: &Parts<'_>, keys: &KeySet) -> bool {
    keys.candidates(parts.algorithm, parts.kid.as_deref()).next().is_some()
}

/// Checks a token that names this issuer.
pub(super) fn verify(
    issuer: &Arc<IssuerConfig>,
    keys: &KeySet,
    parts: &Parts<'_>,
    now: Timestamp,
) -> Result<Verified, OidcError> {
    if !issuer.algorithms.contains(&parts.algorithm) {
        return Err(OidcError::Algorithm);
    }
    if !has_key(parts, keys) {
        return Err(OidcError::KeyUnknown);
    }
    let mut candidates = keys.candidates(parts.algorithm, parts.kid.as_deref()).take(MAX_CANDIDATES);
    if !candidates.any(|key| signed_with(key, parts)) {
        return Err(OidcError::Signature);
    }
    // From here on the payload is the issuer's word.
    let expires_at = check_times(issuer, &parts.payload, now)?;
    check_audience(issuer, &parts.payload)?;
    Ok(Verified {
        issuer: Arc::clone(issuer),
        subject: subject(&parts.payload)?,
        claims: claims::declared(&issuer.claims, &parts.payload)?,
        expires_at,
        accepted_until: expires_at.saturating_add(issuer.clock_skew()),
        fingerprint: digest::sha256(parts.signed.as_bytes()),
    })
}

fn signed_with(key: &VerifyingKey, parts: &Parts<'_>) -> bool {
    let signed = parts.signed.as_bytes();
    jsonwebtoken::crypto::verify(parts.signature, signed, &key.key, parts.algorithm.jwt()).unwrap_or(false)
}

fn check_times(issuer: &IssuerConfig, payload: &Json, now: Timestamp) -> Result<Timestamp, OidcError> {
    let skew = issuer.clock_skew();
    let expires_at = moment(payload, "exp")?.ok_or(OidcError::Missing("exp"))?;
    if now >= expires_at.saturating_add(skew) {
        return Err(OidcError::Expired);
    }
    let latest = now.saturating_add(skew);
    if moment(payload, "nbf")?.is_some_and(|start| start > latest) {
        return Err(OidcError::NotYetValid);
    }
    let issued_at = moment(payload, "iat")?;
    if issued_at.is_some_and(|issued| issued > latest) {
        return Err(OidcError::IssuedInFuture);
    }
    if let Some(age) = issuer.max_token_age_seconds {
        let issued_at = issued_at.ok_or(OidcError::Missing("iat"))?;
        if now >= issued_at.saturating_add(Span::from_secs(age.into())).saturating_add(skew) {
            return Err(OidcError::TooOld);
        }
    }
    Ok(expires_at)
}

/// A NumericDate of RFC 7519: seconds since 1970, fractions allowed and cut off.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked in the guard")]
fn moment(payload: &Json, name: &'static str) -> Result<Option<Timestamp>, OidcError> {
    let seconds = match payload.get(name) {
        None => return Ok(None),
        Some(Json::Long(seconds)) => u64::try_from(*seconds).ok(),
        Some(Json::Float(seconds)) if (0.0..9.0e15).contains(seconds) => Some(*seconds as u64),
        Some(_) => None,
    };
    seconds.map(Timestamp::from_secs).map(Some).ok_or_else(|| OidcError::ClaimType(name.to_owned()))
}

fn check_audience(issuer: &IssuerConfig, payload: &Json) -> Result<(), OidcError> {
    let ours = |text: &str| issuer.audiences.iter().any(|own| own == text);
    let wrong = || OidcError::ClaimType("aud".to_owned());
    let found = match payload.get("aud").ok_or(OidcError::Missing("aud"))? {
        Json::Text(one) => ours(one),
        Json::List(many) if many.len() <= MAX_AUDIENCES => {
            let texts = many.iter().map(|item| item.text().ok_or_else(wrong)).collect::<Result<Vec<_>, _>>()?;
            texts.into_iter().any(ours)
        }
        _ => return Err(wrong()),
    };
    if found { Ok(()) } else { Err(OidcError::Audience) }
}

fn subject(payload: &Json) -> Result<Arc<str>, OidcError> {
    let subject = match payload.get("sub") {
        None => return Err(OidcError::Missing("sub")),
        Some(subject) => subject.text().ok_or(OidcError::Subject)?,
    };
    if subject.is_empty() || subject.len() > MAX_SUBJECT_BYTES || subject.chars().any(char::is_control) {
        return Err(OidcError::Subject);
    }
    Ok(Arc::from(subject))
}
