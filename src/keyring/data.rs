//! Reading data outside the control state.

use serde::de::DeserializeOwned;

use super::{DataPath, Vault, VaultError, codec};
use crate::{
    method::TenantId,
    storage::{Entry, Path, Revision},
};

impl Vault {
    /// Reads and opens one value.
    ///
    /// # Errors
    /// [`VaultError`] when it does not open or the store does not answer.
    pub async fn read<T: DeserializeOwned>(&self, place: &DataPath) -> Result<Option<(T, Revision)>, VaultError> {
        let Some(entry) = self.storage().get(place.path()).await? else { return Ok(None) };
        Ok(Some((self.open_data(place, &entry)?, entry.revision)))
    }

    /// Places below `prefix` (as in [`DataPath::rest`]), after `after`, without opening what lies there.
    ///
    /// # Errors
    /// [`VaultError`] when the store does not answer.
    pub async fn places(
        &self,
        tenant: TenantId,
        prefix: &str,
        after: Option<&DataPath>,
        limit: usize,
    ) -> Result<Vec<DataPath>, VaultError> {
        Ok(self.page(tenant, prefix, after, limit).await?.into_iter().map(|(place, _)| place).collect())
    }

    /// As [`Self::places`], with the values.
    ///
    /// # Errors
    /// [`VaultError`] when one does not open or the store does not answer.
    pub async fn values<T: DeserializeOwned>(
        &self,
        tenant: TenantId,
        prefix: &str,
        after: Option<&DataPath>,
        limit: usize,
    ) -> Result<Vec<(DataPath, T)>, VaultError> {
        let page = self.page(tenant, prefix, after, limit).await?;
        page.into_iter().map(|(place, entry)| Ok((place.clone(), self.open_data(&place, &entry)?))).collect()
    }

    async fn page(
        &self,
        tenant: TenantId,
        prefix: &str,
        after: Option<&DataPath>,
        limit: usize,
    ) -> Result<Vec<(DataPath, Entry)>, VaultError> {
        let prefix = format!("d/{tenant}/{prefix}");
        let page: Vec<(Path, Entry)> = self.storage().list(&prefix, after.map(DataPath::path), limit).await?;
        Ok(page.into_iter().map(|(path, entry)| (DataPath::from_listed(tenant, path), entry)).collect())
    }

    fn open_data<T: DeserializeOwned>(&self, place: &DataPath, entry: &Entry) -> Result<T, VaultError> {
        let opened = self.rings().open(place.tenant(), place.path().as_str(), 0, &entry.value)?;
        codec::decode(opened.expose(), place.path().as_str())
    }
}
