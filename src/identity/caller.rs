//! The proof that someone was identified.

use std::{fmt, sync::Arc};

use keyward_sdk::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Claims, Scope, ShownNode};
use crate::method::{Method, Name, TenantId};

/// Who vouches for a principal. Part of who it is: the same subject of two issuers is two principals.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum IssuerRef {
    /// A client certificate of the configured authority.
    Certificate,
    /// The daemon's own user on its unix socket.
    LocalUser,
    /// The node authority of the tenant; the subject is `cluster/node`.
    Node,
    /// An OIDC issuer registered in the tenant.
    Oidc(Name),
    /// Nobody: a public, sealed or bootstrap call that has not proven anything.
    Anonymous,
    /// The installation's own operator bootstrap (`init`, `recover`).
    Operator,
}

/// A principal: structured, never a joined text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Principal {
    /// The tenant in which it acts.
    pub tenant: TenantId,
    /// Who vouches for it.
    pub issuer: IssuerRef,
    /// Its name at that issuer, at most 512 bytes.
    pub subject: Arc<str>,
}

impl Principal {
    /// The subject of an operator whom `keyward operator recover` made.
    pub const RECOVERED: &'static str = "recover";

    /// Whether this is an operator whom `keyward operator recover` made: it may mend the policies that lock everyone out.
    #[must_use]
    pub fn is_recovered(&self) -> bool {
        self.issuer == IssuerRef::Operator && &*self.subject == Self::RECOVERED
    }
}

/// The id of a token: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TokenId(#[serde(with = "byte_array")] pub [u8; 16]);

/// Arrays of bytes as bytes, not as lists of numbers: half the size in a token.
mod byte_array {
    use serde::{
        Deserializer, Serializer,
        de::{Error, SeqAccess, Visitor},
    };

    pub(super) fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<[u8; N], D::Error> {
        from.deserialize_bytes(Bytes::<N>)
    }

    struct Bytes<const N: usize>;

    impl<'de, const N: usize> Visitor<'de> for Bytes<N> {
        type Value = [u8; N];
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{N} bytes")
        }
        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<[u8; N], E> {
            bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<[u8; N], A::Error> {
            let mut bytes = [0; N];
            for (at, byte) in bytes.iter_mut().enumerate() {
                *byte = items.next_element()?.ok_or_else(|| A::Error::invalid_length(at, &self))?;
            }
            if items.next_element::<u8>()?.is_some() { Err(A::Error::invalid_length(N + 1, &self)) } else { Ok(bytes) }
        }
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self})")
    }
}

/// What is known of the token that a caller came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// The token's id.
    pub id: TokenId,
    /// The tokens it was narrowed from, oldest first.
    pub ancestors: Vec<TokenId>,
    /// When the first of them was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What its holder must show beside it.
    pub binding: Binding,
}

/// What the holder of a token must show beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Binding {
    /// Nothing: whoever has the token may use it. Only where the role allows it.
    Bearer,
    /// A certificate whose public key (SPKI) has this SHA-256.
    Key(#[serde(with = "byte_array")] [u8; 32]),
    /// To be this user at the other end of the unix socket, as the kernel says.
    LocalUser(u32),
}

/// What makes a caller. Public so that tests of this crate and the policy checker can build one's parts; the
/// [`Caller`] itself is made by identity only.
#[derive(Clone, Debug)]
pub struct CallerParts {
    /// Who.
    pub principal: Principal,
    /// The role it acts in; none before login.
    pub role: Option<Name>,
    /// What its issuer says of it, as declared types.
    pub claims: Claims,
    /// What it asked to be narrowed to.
    pub scope: Scope,
    /// What its role is narrowed to now, whatever its token says.
    pub ceiling: Scope,
    /// Its token, where it came with one.
    pub token: Option<TokenFacts>,
    /// The node that it is, where it came with a node certificate.
    pub node: Option<ShownNode>,
}

/// Proof that a caller was identified. Cheap to clone; cloning proves nothing new.
///
/// ```compile_fail
/// // Only identity makes callers.
/// let forged = keyward::identity::Caller { inner: todo!() };
/// ```
#[derive(Clone, Debug)]
pub struct Caller {
    inner: Arc<CallerParts>,
}

impl Caller {
    pub(in crate::identity) fn new(parts: CallerParts) -> Self {
        Self { inner: Arc::new(parts) }
    }

    /// A caller for the tests of the stations behind identity.
    #[cfg(test)]
    pub(crate) fn for_tests(parts: CallerParts) -> Self {
        Self::new(parts)
    }

    /// A caller that has proven nothing, for public, sealed and bootstrap calls.
    #[must_use]
    pub fn anonymous(tenant: TenantId) -> Self {
        Self::new(CallerParts {
            principal: Principal { tenant, issuer: IssuerRef::Anonymous, subject: Arc::from("") },
            role: None,
            claims: Claims::default(),
            scope: Scope::unlimited(),
            ceiling: Scope::unlimited(),
            token: None,
            node: None,
        })
    }

    /// The same caller under another scope of its role.
    pub(in crate::identity) fn under(&self, ceiling: Scope) -> Self {
        Self::new(CallerParts { ceiling, ..CallerParts::clone(&self.inner) })
    }

    /// What its role is narrowed to.
    pub(in crate::identity) fn ceiling(&self) -> &Scope {
        &self.inner.ceiling
    }

    /// Whether a request lies within its scope, and within that of its role.
    #[must_use]
    pub fn covers(&self, method: &Method, name: &str) -> bool {
        self.inner.scope.covers(method, name) && self.inner.ceiling.covers(method, name)
    }

    /// The tenant in which it acts.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.inner.principal.tenant
    }

    /// Who it is.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.inner.principal
    }

    /// The role it acts in.
    #[must_use]
    pub fn role(&self) -> Option<&Name> {
        self.inner.role.as_ref()
    }

    /// What its issuer says of it.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.inner.claims
    }

    /// What it asked to be narrowed to.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.inner.scope
    }

    /// Its token, where it came with one.
    #[must_use]
    pub fn token(&self) -> Option<&TokenFacts> {
        self.inner.token.as_ref()
    }

    /// The node that it is, where it came with a node certificate.
    #[must_use]
    pub fn node(&self) -> Option<&ShownNode> {
        self.inner.node.as_ref()
    }

    /// Tells two callers apart without comparing them: the same for clones of one identification. For caches that also
    /// hold a clone, so that the address is not used again.
    #[must_use]
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }
}
