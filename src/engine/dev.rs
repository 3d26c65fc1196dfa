//! What `keyward dev` needs: an installation made without asking, and a token that can be exported.

use std::{collections::BTreeMap, path::Path};

use keyward_sdk::{secret::SecretString, time::Span};

use super::{
    EngineError, Lifecycle, SealState, bootstrap, certificate,
    system::{Initialize, SealedOperation, pem},
};
use crate::{
    identity::{
        Binding, Claims, IssuerRef, Principal, Scope,
        token::{self, Grant},
    },
    keyring::Changes,
    seal::{NameError, NewMember, NewPath, Who},
};

/// How long it lives: a day of trying things out.
const LIFE: Span = Span::from_hours(24);

/// What a shell exports.
pub struct DevToken {
    /// An operator's bearer token.
    pub token: SecretString,
    /// The authority of the broker's certificate, PEM.
    pub ca_certificate: String,
}

/// Makes the installation if the store is empty, opens it, and makes a token. Only a lifecycle of a `dev` store lets an
/// operator's token be used without a key.
///
/// # Errors
/// [`EngineError`] when it cannot be made or opened.
pub async fn dev_token(lifecycle: &Lifecycle, key_file: &Path) -> Result<DevToken, EngineError> {
    if !lifecycle.parts.operator_bearer {
        return Err(EngineError::Internal("bearer tokens for operators are for dev stores only".to_owned()));
    }
    if lifecycle.state().await? == SealState::Uninitialized {
        let bad = |error: NameError| EngineError::Internal(error.to_string());
        let settings = BTreeMap::from([("path".to_owned(), key_file.display().to_string())]);
        let member = NewMember {
            name: "key-file".parse().map_err(bad)?,
            who: Who::Wrapper { kind: "key-file".to_owned(), settings },
        };
        let path = NewPath { name: "auto".parse().map_err(bad)?, k: 1, members: vec![member] };
        let _made =
            Initialize { paths: vec![path] }.execute(lifecycle, Some(rustix::process::getuid().as_raw())).await?;
    }
    lifecycle.open_by_itself().await?;
    let world = lifecycle.world()?;
    let (main, role) = (world.main_tenant(), lifecycle.parts.operator_role()?);
    // Deleted or made stricter while trying things out, the token would be of no use.
    let mut changes = Changes::new();
    if bootstrap::put_role_back(&world, main, &role, &mut changes)? {
        world.vault.commit(changes).await?;
    }
    let grant = Grant {
        principal: Principal { tenant: main, issuer: IssuerRef::Operator, subject: "dev".into() },
        role: role.name.clone(),
        claims: Claims::default(),
        scope: Scope::unlimited(),
        life: LIFE,
        binding: Binding::Bearer,
    };
    let rings = world.vault.rings();
    let minted = token::mint(rings.of(main)?, grant, world.clock.now());
    let minted = minted.map_err(|error| EngineError::Internal(error.to_string()))?;
    let authority = certificate::authority(&world)?;
    Ok(DevToken { token: minted.text, ca_certificate: pem(authority.certificate()) })
}
