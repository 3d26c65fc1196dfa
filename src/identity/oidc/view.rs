//! Issuers as the control state has them.

use super::{IssuerConfig, Issuers};
use crate::{
    keyring::{self, ControlType, VaultError, View},
    method::TenantId,
};

impl ControlType for IssuerConfig {
    const KIND: &'static str = "issuer";
}

impl View for Issuers {
    fn kind(&self) -> &'static str {
        IssuerConfig::KIND
    }

    fn apply(&self, tenant: TenantId, name: &str, value: Option<&[u8]>) -> Result<(), VaultError> {
        let config = value.map(|value| keyring::decode::<IssuerConfig>(value, name)).transpose()?;
        self.change(tenant, |registered| {
            registered.retain(|known, _| known.as_str() != name);
            registered.extend(config.map(|config| (config.name.clone(), config)));
        });
        Ok(())
    }
}
