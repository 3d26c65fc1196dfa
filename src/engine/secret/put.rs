//! Writes a version.

use keyward_sdk::{secret::Secret, time::Span};

use super::{
    body::Body,
    record::{self, Fields, SecretRecord, VersionEntry, VersionState},
};
use crate::{
    engine::{Done, EngineError, Kept, Operation, World},
    keyring::Changes,
    method::{Action, Method, NamePath, SecretResource, TenantId, rows},
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
        retain(&mut secret, tenant, now, &mut changes)?;
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

/// Drops what retention by count and age no longer keeps, oldest first; never the newest.
fn retain(
    secret: &mut SecretRecord,
    tenant: TenantId,
    now: keyward_sdk::time::Timestamp,
    changes: &mut Changes,
) -> Result<(), EngineError> {
    let keep = usize::try_from(secret.max_versions.max(1)).unwrap_or(usize::MAX);
    let excess = secret.versions.len().saturating_sub(keep);
    let oldest = secret.max_age.map(|age| now.saturating_sub(age));
    let current = secret.current;
    let mut at = 0;
    let mut dropped = Vec::new();
    secret.versions.retain(|version| {
        let too_old = oldest.is_some_and(|oldest| version.created_at < oldest);
        let keep = version.number == current || (at >= excess && !too_old);
        at += 1;
        if !keep {
            dropped.push(version.body.clone());
        }
        keep
    });
    // A batch has a limit; what it cannot hold is dropped with the next write.
    for body in dropped.into_iter().take(40) {
        body.remove(tenant, changes)?;
    }
    Ok(())
}
