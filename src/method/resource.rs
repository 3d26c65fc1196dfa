//! What a request acts on, in the words that policies use.

use super::{Name, NamePath};

/// The entity types of resources in the policy schema. Each tenant has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// The audit log.
    Audit,
    /// A registered Kubernetes cluster.
    Cluster,
    /// A trusted issuer of OIDC tokens.
    Issuer,
    /// A named key.
    Key,
    /// A policy.
    Policy,
    /// A role.
    Role,
    /// A versioned secret.
    Secret,
    /// The installation: seal, keyrings, backup.
    System,
    /// A tenant.
    Tenant,
    /// Tokens of a tenant.
    Token,
}

impl ResourceKind {
    /// The name of the entity type in the policy schema.
    #[must_use]
    pub const fn entity_type(self) -> &'static str {
        match self {
            Self::Audit => "Audit",
            Self::Cluster => "Cluster",
            Self::Issuer => "Issuer",
            Self::Key => "Key",
            Self::Policy => "Policy",
            Self::Role => "Role",
            Self::Secret => "Secret",
            Self::System => "System",
            Self::Tenant => "Tenant",
            Self::Token => "Token",
        }
    }
}

/// One attribute of a resource that a policy can read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// A yes or no.
    Bool(&'static str, bool),
    /// A whole number.
    Long(&'static str, i64),
    /// A text.
    Text(&'static str, String),
}

/// The attributes of a resource, in a fixed order.
pub type Attributes = Vec<Attribute>;

/// A thing that policies can name.
pub trait Resource: Clone + Send + Sync + 'static {
    /// Its entity type.
    fn kind(&self) -> ResourceKind;
    /// Its name within the tenant. Segments separated by `/` are folders.
    fn name(&self) -> &str;
}

macro_rules! resource {
    ($(#[$doc:meta] $name:ident($inner:ty) = $kind:ident;)*) => {$(
        #[$doc]
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub $inner);
        impl Resource for $name {
            fn kind(&self) -> ResourceKind { ResourceKind::$kind }
            fn name(&self) -> &str { self.0.as_str() }
        }
    )*};
}

resource! {
    /// A cluster, by name.
    ClusterResource(Name) = Cluster;
    /// An issuer, by name.
    IssuerResource(Name) = Issuer;
    /// A named key, by path.
    KeyResource(NamePath) = Key;
    /// A policy, by name.
    PolicyResource(Name) = Policy;
    /// A role, by name.
    RoleResource(Name) = Role;
    /// A secret, by path.
    SecretResource(NamePath) = Secret;
    /// A tenant, by name.
    TenantResource(Name) = Tenant;
}

/// All things of one kind in the tenant: what a request is about that names no single one, such as a list from the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tenantwide(pub ResourceKind);

impl Resource for Tenantwide {
    fn kind(&self) -> ResourceKind {
        self.0
    }
    fn name(&self) -> &str {
        ""
    }
}
