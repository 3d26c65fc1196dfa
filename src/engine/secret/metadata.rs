//! Metadata without values.

use std::collections::BTreeMap;

use keyward_sdk::time::Span;

use super::{
    dropped,
    record::{self, MAX_VERSIONS, SecretRecord},
    retention::retain,
};
use crate::{
    engine::{Done, EngineError, Kept, Operation, Reply, World},
    keyring::Changes,
    method::{Action, Method, NamePath, SecretResource, rows},
    policy::Permit,
};

/// Shows it.
pub struct GetSecretMetadata {
    /// Where.
    pub path: NamePath,
}

impl Reply for SecretRecord {}

impl Action for GetSecretMetadata {
    const METHOD: &'static Method = &rows::secret::METADATA;
    type Resource = SecretResource;
    fn resource(&self) -> SecretResource {
        SecretResource(self.path.clone())
    }
}

impl Operation for GetSecretMetadata {
    type Reply = SecretRecord;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<SecretRecord>, EngineError> {
        Ok(Done::Answer(record::existing(world, permit.tenant(), &self.path).await?.0))
    }
}

/// Changes it. What is none stays as it is.
pub struct UpdateSecretMetadata {
    /// Where.
    pub path: NamePath,
    /// How many versions are kept; 0: the default.
    pub max_versions: Option<u32>,
    /// Versions older than this go; zero: never.
    pub max_age: Option<Span>,
    /// The secret stops being readable after this; zero: never.
    pub expires_in: Option<Span>,
    /// Replaces all labels.
    pub labels: Option<BTreeMap<String, String>>,
}

impl Action for UpdateSecretMetadata {
    const METHOD: &'static Method = &rows::secret::UPDATE_METADATA;
    type Resource = SecretResource;
    fn resource(&self) -> SecretResource {
        SecretResource(self.path.clone())
    }
}

impl Operation for UpdateSecretMetadata {
    type Reply = Kept<SecretRecord>;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        let tenant = permit.tenant();
        let (mut secret, expect) = record::existing(world, tenant, &self.path).await?;
        if let Some(count) = self.max_versions {
            if count > MAX_VERSIONS {
                return Err(EngineError::invalid("max_versions", format!("at most {MAX_VERSIONS} are allowed")));
            }
            secret.max_versions = if count == 0 { record::DEFAULT_VERSIONS } else { count };
        }
        let unless_zero = |span: Span| (span > Span::ZERO).then_some(span);
        if let Some(age) = self.max_age {
            secret.max_age = unless_zero(age);
        }
        if let Some(span) = self.expires_in {
            secret.expires_at = unless_zero(span).map(|span| world.clock.now().saturating_add(span));
        }
        if let Some(labels) = &self.labels {
            check_labels(labels)?;
            secret.labels.clone_from(labels);
        }
        let place = record::place(tenant, &self.path)?;
        let (now, mut changes) = (world.clock.now(), Changes::new());
        dropped::drop_all(tenant, retain(&mut secret, now), now, &mut changes)?;
        changes.expect(place.clone(), expect);
        changes.put_data(place, &secret)?;
        Ok(Done::Change(changes, Kept(secret)))
    }
}

fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), EngineError> {
    let fits = |(name, value): (&String, &String)| {
        name.parse::<crate::method::Name>().is_ok() && value.len() <= 256 && !value.chars().any(char::is_control)
    };
    if labels.len() > 64 || !labels.iter().all(fits) {
        return Err(EngineError::invalid(
            "labels",
            "at most 64 labels; names as of secrets, values of at most 256 bytes without control characters",
        ));
    }
    Ok(())
}
