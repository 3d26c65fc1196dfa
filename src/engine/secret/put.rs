//! Writes a version.

use keyward_sdk::{secret::Secret, time::Span};

use super::{
    body::Body,
    dropped,
    record::{self, Fields, SecretRecord, VersionEntry, VersionState},
    retention::retain,
};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, Method, NamePath, SecretResource, rows},
    policy::Permit,
    storage::Expect,
};

/// The most fields of a secret.
const MAX_FIELDS: usize = 256;

/// See the module.
pub struct PutSecret {
    /// Where.
    pub path: NamePath,
    /// What.
    pub fields: Fields,
    /// Compare-and-set: the newest version must be this, 0 for none.
    pub expected_version: Option<u32>,
    /// When the new version stops being readable.
    pub expires_in: Option<Span>,
}

impl Action for PutSecret {
    const METHOD: &'static Method = &rows::secret::PUT;
    type Resource = SecretResource;
    fn resource(&self) -> SecretResource {
        SecretResource(self.path.clone())
    }
}

impl Operation for PutSecret {
    type Reply = Kept<VersionEntry>;

    fn secrets(&self) -> Vec<(&str, &Secret)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value)).collect()
    }

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Self::Reply>, EngineError> {
        self.check()?;
        let tenant = permit.tenant();
        let now = world.clock.now();
        let (mut secret, expect) = match record::find(world, tenant, &self.path).await? {
            Some(found) => found,
            None => (SecretRecord::new(self.path.clone(), now), Expect::Absent),
        };
        if let Some(expected) = self.expected_version.filter(|expected| *expected != secret.current) {
            return Err(EngineError::VersionMismatch { name: self.path.to_string(), expected, found: secret.current });
        }
        let mut changes = Changes::new();
        let body = Body::write(world, tenant, &self.fields, &mut changes).await?;
        secret.current =
            secret.current.checked_add(1).ok_or(EngineError::Limit { what: "the version", limit: u32::MAX.into() })?;
        let version = VersionEntry {
            number: secret.current,
            created_at: now,
            state: VersionState::Live,
            expires_at: self.expires_in.map(|span| now.saturating_add(span)),
            body,
        };
        secret.versions.push(version.clone());
        dropped::drop_all(tenant, retain(&mut secret, now), now, &mut changes)?;
        let place = record::place(tenant, &self.path)?;
        changes.expect(place.clone(), expect);
        changes.put_data(place, &secret)?;
        Ok(Done::Change(changes, Kept(version)))
    }
}

impl PutSecret {
    fn check(&self) -> Result<(), EngineError> {
        if self.fields.is_empty() || self.fields.len() > MAX_FIELDS {
            return Err(EngineError::invalid("fields", format!("1 to {MAX_FIELDS} fields are allowed")));
        }
        if let Some(name) = self.fields.keys().find(|name| name.parse::<crate::method::Name>().is_err()) {
            return Err(EngineError::invalid("fields", format!("`{}` is not a field name", name.escape_debug())));
        }
        Ok(())
    }
}
