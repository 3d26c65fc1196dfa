//! Reads all that is wanted, or nothing.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use keyward_api::v1::{GetSecretRequest, secret_service_client::SecretServiceClient};
use keyward_sdk::secret::Secret;
use tonic::Status;
use zeroize::Zeroize;

use super::{access::Access, says::quoted, want::Field};
use crate::cli::CliError;

/// How many are asked for at a time.
const AT_ONCE: usize = 8;
/// The largest answer.
const MOST: usize = 8 << 20;

/// The values of `fields`, in their order. Each secret is read once, so all its fields are of one version.
///
/// # Errors
/// The first that cannot be had, with how to get it.
pub(super) async fn resolve(access: &Access, fields: &[&Field]) -> Result<Vec<Secret>, CliError> {
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    let client = SecretServiceClient::new(access.connect().await?).max_decoding_message_size(MOST);
    let mut paths: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    let reads = paths.into_iter().map(|path| {
        let mut client = client.clone();
        async move {
            let request = GetSecretRequest { path: path.to_owned(), version: 0 };
            let read = client.get_secret(request).await.map_err(|status| (path, status))?;
            Ok::<_, (&str, Status)>((path, read.into_inner().fields))
        }
    });
    let read: Result<BTreeMap<&str, HashMap<String, Bytes>>, _> =
        stream::iter(reads).buffer_unordered(AT_ONCE).try_collect().await;
    let read = match read {
        Ok(read) => read,
        Err((path, status)) => return Err(refused(access, path, status).await),
    };
    let found = fields.iter().map(|field| pick(&read, field)).collect();
    read.into_values().flat_map(HashMap::into_values).for_each(wipe);
    found
}

fn pick(read: &BTreeMap<&str, HashMap<String, Bytes>>, field: &Field) -> Result<Secret, CliError> {
    let Field { path, name } = field;
    let fields = read.get(path.as_str());
    let Some(value) = fields.and_then(|fields| fields.get(name)) else {
        return Err(CliError::no_field(path, name, fields.into_iter().flat_map(HashMap::keys)));
    };
    Secret::copy_of(value).map_err(|error| CliError::other(format!("reading `{path}`"), error))
}

/// Wipes a value as it came in, unless it shares its memory with others of the same answer.
fn wipe(value: Bytes) {
    if let Ok(mut alone) = value.try_into_mut() {
        alone.as_mut().zeroize();
    }
}

/// Whether a token that is narrowed to these paths, or to none, reaches one.
fn covers(paths: &[String], path: &str) -> bool {
    let within =
        |of: &String| path.strip_prefix(of.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    paths.is_empty() || paths.iter().any(within)
}

async fn refused(access: &Access, path: &str, status: Status) -> CliError {
    let error = CliError::from(status);
    let next = match error.reason().as_deref() {
        Some("DENIED") => access.whoami().await.map(|me| {
            let scope = me.scope.unwrap_or_default();
            if !covers(&scope.paths, path) {
                return format!("the token is narrowed to {}; take a path that covers it", scope.paths.join(", "));
            }
            format!(
                "no policy lets the role `{role}` read it. An operator sees why with `keyward policy explain secret.read \
                 {path} --issuer {issuer} --subject {subject} --role {role}`",
                role = me.role,
                issuer = me.issuer,
                subject = quoted(&me.subject),
            )
        }),
        _ => None,
    };
    error.while_doing(format!("reading `{path}`"), next)
}
