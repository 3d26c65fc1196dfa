//! Why a caller was not identified.

use super::NodeProblem;

/// Why a caller was not identified: one reason each, and nothing of what was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The certificate is past its time.
    #[error("certificate is not valid at this time; renew it")]
    CertificateExpired,
    /// The certificate or whom it names was revoked.
    #[error("certificate was revoked")]
    CertificateRevoked,
    /// The certificate is from nobody we know.
    #[error("certificate comes from no authority that this installation knows; log in for a token")]
    CertificateUnknown,
    /// The node does not count any more.
    #[error(transparent)]
    Node(#[from] NodeProblem),
    /// Nothing was shown.
    #[error("no token was sent; log in with `keyward login`, or send a token as `authorization: Bearer ..`")]
    NoToken,
    /// The token's time is over.
    #[error("token has expired; log in again")]
    TokenExpired,
    /// The token is of another installation or tenant, or of a key that is gone.
    #[error("token is of another installation or tenant, or of a key that is gone; log in here")]
    TokenForeign,
    /// What was sent is no token, or was changed.
    #[error("what was sent is no token, or was changed on the way")]
    TokenGarbled,
    /// The token is bound to a key that the connection does not prove.
    #[error("token is bound to another key than this connection's; it serves only where it was issued")]
    TokenNotBound,
    /// The token is bound to no key, and its role does not allow that (any more).
    #[error("role of this token does not let it be used without proof of a key; log in again")]
    TokenNotBearer,
    /// The token, or what it came from, was revoked.
    #[error("token was revoked; log in again")]
    TokenRevoked,
    /// Policies no longer let the token's owner take its role.
    #[error("role of this token may not be taken by its owner any more; log in again with another one")]
    TokenRoleDenied,
    /// The token's role is gone.
    #[error("role of this token was deleted; log in again with another one")]
    TokenRoleGone,
}

impl IdentityError {
    /// A fixed word for the reply and the log.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::CertificateExpired => "CERTIFICATE_EXPIRED",
            Self::CertificateRevoked => "CERTIFICATE_REVOKED",
            Self::CertificateUnknown => "CERTIFICATE_UNKNOWN",
            Self::Node(problem) => problem.reason(),
            Self::NoToken => "NO_TOKEN",
            Self::TokenExpired => "TOKEN_EXPIRED",
            Self::TokenForeign => "TOKEN_FOREIGN",
            Self::TokenGarbled => "TOKEN_GARBLED",
            Self::TokenNotBearer => "TOKEN_NOT_BEARER",
            Self::TokenNotBound => "TOKEN_NOT_BOUND",
            Self::TokenRevoked => "TOKEN_REVOKED",
            Self::TokenRoleDenied => "TOKEN_ROLE_DENIED",
            Self::TokenRoleGone => "TOKEN_ROLE_GONE",
        }
    }
}
