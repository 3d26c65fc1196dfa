//! `keyward status`.

use keyward_api::v1::{GetSealStatusRequest, GetStatusRequest, SealState, seal_service_client::SealServiceClient};
use serde_json::{Value, json};
use tonic::Code;

use super::seal::{progress, state};
use crate::cli::{
    CliError,
    connect::Target,
    output::{Output, time},
};

/// Shows the installation; of a sealed broker, and to someone who is not logged in, what is public.
pub(crate) async fn status(target: &Target, output: &Output) -> Result<(), CliError> {
    let mut seal = SealServiceClient::new(target.connect().await?);
    let public = seal.get_seal_status(GetSealStatusRequest {}).await?.into_inner();
    let known = if public.state() == SealState::Unsealed {
        match seal.get_status(GetStatusRequest {}).await {
            Ok(known) => Some(known.into_inner()),
            Err(refused) if matches!(refused.code(), Code::Unauthenticated | Code::PermissionDenied) => {
                output.note("Log in as an operator to see more.");
                None
            }
            Err(refused) => return Err(refused.into()),
        }
    } else {
        None
    };
    let Some(known) = known else {
        output.record(&[
            ("state", json!(state(public.state))),
            ("installation", json!(public.installation_id)),
            ("progress", progress(&public.progress)),
            ("reason", json!(public.reason)),
        ]);
        return Ok(());
    };
    let rings: Vec<Value> = known
        .keyrings
        .iter()
        .map(|ring| {
            let tenant = if ring.tenant.is_empty() { "(system)" } else { &ring.tenant };
            let rotated = time(ring.rotated_at.as_ref());
            json!({ "tenant": tenant, "versions": ring.versions, "primary": ring.primary, "rotated_at": rotated })
        })
        .collect();
    output.record(&[
        ("version", json!(known.version)),
        ("state", json!(state(known.state))),
        ("installation", json!(known.installation_id)),
        ("root_fingerprint", json!(known.root_fingerprint)),
        ("store", json!(known.store_kind)),
        ("started_at", time(known.started_at.as_ref())),
        ("last_backup_at", time(known.last_backup_at.as_ref())),
        ("memory_protection", json!(known.memory_protection)),
        ("keyrings", json!(rings)),
        ("warnings", json!(known.warnings)),
    ]);
    Ok(())
}
