//! Sealing anew what lies under older versions of a keyring, so that those can be forgotten.

use keyward_sdk::envelope::Header;

use super::{
    Changes, DataPath, Vault, VaultError,
    control::unstamp,
    place::{self, CONTROL_PREFIX, ControlPlace},
};
use crate::{
    method::TenantId,
    storage::{Entry, Expect, MAX_LIST, Path},
};

/// How many values go into one commit: with their index it stays within a batch.
const AT_ONCE: usize = 40;
/// And how many bytes of them.
const BYTES: usize = 256 << 10;

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resealed {
    /// Some were sealed anew; others may be left.
    Some,
    /// Nothing lies under an older version.
    All,
}

impl Vault {
    /// Seals one commit's worth of an owner's values anew under the primary version of its keyring.
    ///
    /// # Errors
    /// [`VaultError::Conflict`] when something was written meanwhile: to be tried again.
    pub async fn reseal(&self, owner: TenantId) -> Result<Resealed, VaultError> {
        let mut changes = Changes::new();
        changes.based_on(owner, self.counter(owner));
        let mut bytes = 0;
        for prefix in [format!("{CONTROL_PREFIX}{owner}/e/"), format!("d/{owner}/")] {
            let mut after: Option<Path> = None;
            loop {
                let page = self.storage().list(&prefix, after.as_ref(), MAX_LIST).await?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.clone());
                for (path, entry) in page {
                    if changes.control.len() + changes.data.len() >= AT_ONCE || bytes >= BYTES {
                        self.commit(changes).await?;
                        return Ok(Resealed::Some);
                    }
                    bytes += self.reseal_one(owner, path, &entry, &mut changes)?;
                }
            }
        }
        if changes.is_empty() {
            return Ok(Resealed::All);
        }
        self.commit(changes).await?;
        Ok(Resealed::Some)
    }

    /// Adds a value to the changes if it lies under an older version. Says how many bytes that is.
    fn reseal_one(
        &self,
        owner: TenantId,
        path: Path,
        entry: &Entry,
        changes: &mut Changes,
    ) -> Result<usize, VaultError> {
        let rings = self.rings();
        let primary = rings.of(owner)?.primary();
        let place = path.as_str().to_owned();
        let cut = || VaultError::Format { place: place.clone(), why: "it is cut short".to_owned() };
        let (stamp, sealed) = match place::parse(&path) {
            // The system keyring itself is sealed by the root.
            Some(ControlPlace::Entry(_, key)) if key == format!("{}/{}", super::control::KEYRING, TenantId::SYSTEM) => {
                return Ok(0);
            }
            Some(ControlPlace::Entry(..)) => unstamp(&entry.value).ok_or_else(cut)?,
            Some(ControlPlace::Head(_) | ControlPlace::Index(..)) => return Ok(0), // written with every entry
            None => (0, &entry.value[..]),
        };
        let version =
            Header::parse(sealed).map_err(|error| VaultError::Sealed { place: place.clone(), error })?.version;
        if version == primary {
            return Ok(0);
        }
        let plain = rings.open(owner, &place, stamp, sealed)?;
        let plain = zeroize::Zeroizing::new(plain.expose().to_vec());
        let bytes = plain.len();
        if let Some(ControlPlace::Entry(_, key)) = place::parse(&path) {
            changes.control.insert((owner, key.to_owned()), Some(plain));
        } else {
            let place = DataPath::from_listed(owner, path);
            changes.expect(place.clone(), Expect::At(entry.revision));
            changes.data.insert(place, Some(plain));
        }
        Ok(bytes)
    }
}
