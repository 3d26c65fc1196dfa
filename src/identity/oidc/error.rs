//! Why a token of an issuer is refused.

use super::fetch::FetchError;

/// Why a token of an issuer is refused. No variant shows more of a token than names from its issuer's settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// Signed with an algorithm that the issuer's settings do not allow.
    #[error("token is signed with an algorithm that the issuer's settings do not allow")]
    Algorithm,
    /// Meant for someone else.
    #[error("token is meant for another audience; ask the issuer for one of the audiences in its settings here")]
    Audience,
    /// Its life is over.
    #[error("token has expired; get a new one from its issuer")]
    Expired,
    /// Not a token.
    #[error("token cannot be read: {0}")]
    Garbled(&'static str),
    /// Tries to bring its own key, or asks for something that is not understood.
    #[error("token has the header member `{0}`, which is never accepted")]
    Header(&'static str),
    /// Issued after now.
    #[error("token was issued in the future; compare the clocks")]
    IssuedInFuture,
    /// Nobody registered its issuer in this tenant.
    #[error("token is from an issuer that is not registered in this tenant; `iss` is compared byte for byte")]
    IssuerUnknown,
    /// The issuer does not publish the key.
    #[error("token is signed with a key that its issuer does not publish")]
    KeyUnknown,
    /// The issuer's keys cannot be had.
    #[error("keys of the token's issuer are not available: {0}")]
    KeysUnavailable(FetchError),
    /// A claim that must be there is not.
    #[error("token lacks the claim `{0}`")]
    Missing(&'static str),
    /// To be used later.
    #[error("token is not valid yet; compare the clocks")]
    NotYetValid,
    /// The signature does not match.
    #[error("token has a signature that does not match")]
    Signature,
    /// No usable subject.
    #[error("token has a subject that is empty, longer than {max} bytes, or has control characters", max = super::verify::MAX_SUBJECT_BYTES)]
    Subject,
    /// Issued too long ago.
    #[error("token was issued longer ago than the issuer's settings allow")]
    TooOld,
    /// A claim is not of its declared type.
    #[error("claim `{0}` is not of its declared type, or larger than allowed")]
    ClaimType(String),
}

impl OidcError {
    /// A fixed word for the reply and the audit record.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Algorithm => "ID_TOKEN_ALGORITHM",
            Self::Audience => "ID_TOKEN_AUDIENCE",
            Self::ClaimType(_) => "ID_TOKEN_CLAIM_TYPE",
            Self::Expired => "ID_TOKEN_EXPIRED",
            Self::Garbled(_) => "ID_TOKEN_GARBLED",
            Self::Header(_) => "ID_TOKEN_HEADER",
            Self::IssuedInFuture => "ID_TOKEN_ISSUED_IN_FUTURE",
            Self::IssuerUnknown => "ISSUER_UNKNOWN",
            Self::KeyUnknown => "ID_TOKEN_KEY_UNKNOWN",
            Self::KeysUnavailable(_) => "ISSUER_KEYS_UNAVAILABLE",
            Self::Missing(_) => "ID_TOKEN_CLAIM_MISSING",
            Self::NotYetValid => "ID_TOKEN_NOT_YET_VALID",
            Self::Signature => "ID_TOKEN_SIGNATURE",
            Self::Subject => "ID_TOKEN_SUBJECT",
            Self::TooOld => "ID_TOKEN_TOO_OLD",
        }
    }
}
