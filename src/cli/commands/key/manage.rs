//! Making, changing and destroying keys.

use keyward_api::v1::{
    CancelKeyDestructionRequest, CreateKeyRequest, GetKeyRequest, GetPublicKeyRequest, KeyLabels, KeyOrigin, KeyType,
    KeyVersionState, ListKeysRequest, RotateKeyRequest, ScheduleKeyDestructionRequest, SetKeyVersionStateRequest,
    UpdateKeyRequest, key_service_client::KeyServiceClient,
};

use super::{KeyCommand, show};
use crate::cli::{
    CliError,
    connect::{Client, Target},
    input,
    output::Output,
    prompt::{self, Confirmed},
};

/// Carries it out.
pub(super) async fn run(command: KeyCommand, target: &Target, output: &Output) -> Result<(), CliError> {
    let mut client = KeyServiceClient::new(target.connect().await?).max_decoding_message_size(8 << 20);
    let key = match command {
        KeyCommand::Create { path, kind, imported, operations, exportable, rotate_every, protect, labels } => {
            let request = CreateKeyRequest {
                path,
                r#type: KeyType::from(kind).into(),
                origin: if imported { KeyOrigin::Imported } else { KeyOrigin::Generated }.into(),
                operations: operations.into_iter().map(Into::into).collect(),
                exportable,
                rotation_period: rotate_every.map(input::duration).transpose()?,
                deletion_protection: protect,
                labels: labels.into_iter().collect(),
            };
            client.create_key(request).await?.into_inner().key
        }
        KeyCommand::Get { path } => client.get_key(GetKeyRequest { path }).await?.into_inner().key,
        KeyCommand::List { folder } => return list(client, folder.unwrap_or_default(), output).await,
        KeyCommand::Update { path, rotate_every, protect, not_exportable, labels } => {
            let request = UpdateKeyRequest {
                path,
                rotation_period: rotate_every.map(input::duration).transpose()?,
                deletion_protection: protect,
                exportable: not_exportable.then_some(false),
                labels: (!labels.is_empty()).then(|| KeyLabels { labels: labels.into_iter().collect() }),
            };
            client.update_key(request).await?.into_inner().key
        }
        KeyCommand::Rotate { path } => client.rotate_key(RotateKeyRequest { path }).await?.into_inner().key,
        KeyCommand::Disable { path, at: version } => {
            let request = SetKeyVersionStateRequest { path, version, state: KeyVersionState::Disabled.into() };
            client.set_key_version_state(request).await?.into_inner().key
        }
        KeyCommand::Enable { path, at: version } => enable(&mut client, path, version).await?,
        KeyCommand::Destroy { path, at: version, after, yes } => {
            let what =
                version.map_or_else(|| format!("key `{path}`"), |version| format!("version {version} of key `{path}`"));
            let warning = format!("Destroying {what} makes unreadable what was encrypted under it");
            prompt::confirm(&warning, &path, Confirmed::from(yes))?;
            let request = ScheduleKeyDestructionRequest {
                path,
                version: version.unwrap_or(0),
                waiting_period: Some(input::duration(after)?),
            };
            client.schedule_key_destruction(request).await?.into_inner().key
        }
        KeyCommand::CancelDestruction { path, at: version } => {
            let request = CancelKeyDestructionRequest { path, version: version.unwrap_or(0) };
            client.cancel_key_destruction(request).await?.into_inner().key
        }
        KeyCommand::PublicKey { path, at: version } => {
            let request = GetPublicKeyRequest { path, version: version.unwrap_or(0) };
            let public = client.get_public_key(request).await?.into_inner();
            output.line(public.pem.trim_end());
            return Ok(());
        }
        // The others are carried out elsewhere.
        _ => return Ok(()),
    };
    show::key(&key.unwrap_or_default(), output);
    Ok(())
}

/// The primary is enabled, another version decrypts and verifies again.
async fn enable(
    client: &mut KeyServiceClient<Client>,
    path: String,
    version: u32,
) -> Result<Option<keyward_api::v1::Key>, CliError> {
    let key = client.get_key(GetKeyRequest { path: path.clone() }).await?.into_inner().key.unwrap_or_default();
    let state = if key.primary_version == version { KeyVersionState::Enabled } else { KeyVersionState::DecryptOnly };
    let request = SetKeyVersionStateRequest { path, version, state: state.into() };
    Ok(client.set_key_version_state(request).await?.into_inner().key)
}

async fn list(mut client: KeyServiceClient<Client>, folder: String, output: &Output) -> Result<(), CliError> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListKeysRequest { folder: folder.clone(), page_size: 1_000, page_token };
        let page = client.list_keys(request).await?.into_inner();
        rows.extend(page.keys.iter().map(show::row));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            output.rows(&show::COLUMNS, rows);
            return Ok(());
        }
    }
}
