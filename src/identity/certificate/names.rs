//! Names in certificates.

use x509_parser::{extensions::GeneralName, prelude::X509Certificate};

use crate::{identity::NodeIdentity, method::TenantId};

const NODE: &str = "keyward:node:";
const SPIFFE: &str = "spiffe://";
const MAX_SUBJECT_BYTES: usize = 512;

/// The name of a node in its certificate: `keyward:node:TENANT:CLUSTER:ID:NODE:ID:GENERATION`. No part has a colon.
#[must_use]
pub fn node_uri(node: &NodeIdentity) -> String {
    let NodeIdentity { tenant, cluster, cluster_id, node, node_id, generation } = node;
    format!("{NODE}{tenant}:{cluster}:{cluster_id}:{node}:{node_id}:{generation}")
}

/// What a certificate calls its owner.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    Node(NodeIdentity),
    /// A SPIFFE id as it is, a common name after `cn:`, so that neither can pass for the other.
    Subject(String),
    Nobody,
}

pub(super) fn named(certificate: &X509Certificate<'_>) -> Named {
    let Ok(extension) = certificate.subject_alternative_name() else { return Named::Nobody };
    let names = extension.map_or(&[][..], |extension| &extension.value.general_names);
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    match (uris.next(), uris.next()) {
        (Some(uri), None) if uri.starts_with(NODE) => read_node(uri).map_or(Named::Nobody, Named::Node),
        // A SPIFFE certificate has exactly one URI.
        (Some(uri), None) if is_spiffe(uri) => Named::Subject(uri.to_owned()),
        (Some(_), Some(_)) => Named::Nobody,
        _ => common_name(certificate).map_or(Named::Nobody, |name| Named::Subject(format!("cn:{name}"))),
    }
}

fn read_node(uri: &str) -> Option<NodeIdentity> {
    let mut parts = uri.strip_prefix(NODE)?.split(':');
    let mut part = || parts.next();
    let (tenant, cluster, cluster_id, node, node_id, generation) =
        (part()?, part()?, part()?, part()?, part()?, part()?);
    if part().is_some() {
        return None;
    }
    let bytes = data_encoding::HEXLOWER.decode(tenant.as_bytes()).ok()?;
    Some(NodeIdentity {
        tenant: TenantId(bytes.try_into().ok()?),
        cluster: cluster.parse().ok()?,
        cluster_id: cluster_id.parse().ok()?,
        node: node.parse().ok()?,
        node_id: node_id.parse().ok()?,
        generation: generation.parse().ok()?,
    })
}

fn is_spiffe(uri: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    uri.len() <= MAX_SUBJECT_BYTES
        && uri.strip_prefix(SPIFFE).is_some_and(|rest| !rest.is_empty() && rest.chars().all(allowed))
}

fn common_name<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a str> {
    let mut names = certificate.subject().iter_common_name();
    let (name, None) = (names.next()?.as_str().ok()?, names.next()) else { return None };
    let fits = !name.is_empty() && name.len() <= MAX_SUBJECT_BYTES - 3 && !name.chars().any(char::is_control);
    fits.then_some(name)
}
