//! `keyward secret`.

use std::collections::HashMap;

use bytes::Bytes;
use clap::Subcommand;
use keyward_api::v1::{
    DeleteSecretRequest, DestroySecretRequest, GetSecretMetadataRequest, GetSecretRequest, Labels, ListSecretsRequest,
    PutSecretRequest, SecretMetadata, SecretVersionState, UndeleteSecretRequest, UpdateSecretMetadataRequest,
    secret_service_client::SecretServiceClient,
};
use serde_json::{Map, Value, json};

use crate::cli::{
    CliError,
    connect::Target,
    input,
    output::{self, Output, time},
    prompt::{self, Confirmed},
};

/// What to do.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
pub(crate) enum SecretCommand {
    /// Write a new version.
    #[command(after_help = "Examples:
  keyward secret put prod/db password=@-            (the value from standard input)
  keyward secret put prod/db password=@/run/pw user=app")]
    Put {
        /// Where, e.g. `prod/db`.
        path: String,
        /// Fields as NAME=VALUE; NAME=@FILE reads a file and NAME=@- standard input (one line of text without its line
        /// break), so that a value is seen nowhere.
        #[arg(required = true, value_name = "NAME=VALUE")]
        fields: Vec<String>,
        /// Only if the newest version is this one; 0 when there must be none.
        #[arg(long, value_name = "VERSION")]
        expect: Option<u32>,
        /// The version stops being readable after this, e.g. `30d`.
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        expires_in: Option<std::time::Duration>,
    },
    /// Read a version.
    Get {
        /// Where.
        path: String,
        /// Print the value of one field and nothing else.
        #[arg(long, value_name = "NAME")]
        field: Option<String>,
        /// Which version; the newest when not given.
        #[arg(long = "at", value_name = "VERSION")]
        at: Option<u32>,
    },
    /// List names below a folder.
    List {
        /// The folder; without it, the top.
        folder: Option<String>,
        /// Everything below instead of one level.
        #[arg(long)]
        recursive: bool,
    },
    /// Show every version without values.
    History {
        /// Where.
        path: String,
    },
    /// Change how versions are kept, when the secret expires, and its labels.
    #[command(after_help = "Examples:
  keyward secret metadata prod/db --max-versions 5 --max-age 90d
  keyward secret metadata prod/db --expires-in 30d --label team=payments")]
    Metadata {
        /// Where.
        path: String,
        /// How many versions are kept; 0 is the default, 10.
        #[arg(long, value_name = "COUNT")]
        max_versions: Option<u32>,
        /// Versions older than this go, but for the newest; `0s` is never.
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        max_age: Option<std::time::Duration>,
        /// The secret as a whole stops being readable after this; `0s` is never.
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        expires_in: Option<std::time::Duration>,
        /// Replaces all labels; give it once for each.
        #[arg(long = "label", value_name = "NAME=VALUE", value_parser = input::label)]
        labels: Vec<(String, String)>,
    },
    /// Hide versions; `undelete` brings them back.
    Delete {
        /// Where.
        path: String,
        /// Which; the newest when none is given.
        #[arg(long = "at", value_name = "VERSION")]
        versions: Vec<u32>,
    },
    /// Bring hidden versions back.
    Undelete {
        /// Where.
        path: String,
        /// Which; the newest when none is given.
        #[arg(long = "at", value_name = "VERSION")]
        versions: Vec<u32>,
    },
    /// Remove values for good.
    Destroy {
        /// Where.
        path: String,
        /// Which versions; without any, the whole secret.
        #[arg(long = "at", value_name = "VERSION")]
        versions: Vec<u32>,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

impl SecretCommand {
    /// Carries it out.
    pub(crate) async fn run(self, target: &Target, output: &Output) -> Result<(), CliError> {
        let mut client = SecretServiceClient::new(target.connect().await?).max_decoding_message_size(8 << 20);
        match self {
            Self::Put { path, fields, expect, expires_in } => {
                let request = PutSecretRequest {
                    path,
                    fields: read_fields(&fields)?,
                    expected_version: expect,
                    expires_in: expires_in.map(input::duration).transpose()?,
                };
                let version = client.put_secret(request).await?.into_inner().version.unwrap_or_default();
                output
                    .record(&[("version", json!(version.version)), ("created_at", time(version.created_at.as_ref()))]);
            }
            Self::Get { path, field, at } => {
                let request = GetSecretRequest { path: path.clone(), version: at.unwrap_or(0) };
                let secret = client.get_secret(request).await?.into_inner();
                match field {
                    Some(name) => {
                        let value = secret.fields.get(&name);
                        let value = value.ok_or_else(|| CliError::no_field(&path, &name, secret.fields.keys()))?;
                        output.bytes(value);
                    }
                    None => output.json_or_record(secret.fields.into_iter().collect()),
                }
            }
            Self::List { folder, recursive } => {
                let mut page_token = String::new();
                let mut names = Vec::new();
                loop {
                    let request = ListSecretsRequest {
                        folder: folder.clone().unwrap_or_default(),
                        page_size: 1_000,
                        page_token,
                        recursive,
                    };
                    let page = client.list_secrets(request).await?.into_inner();
                    names.extend(page.names);
                    page_token = page.next_page_token;
                    if page_token.is_empty() {
                        break;
                    }
                }
                output.rows(&["name"], names.into_iter().map(|name| vec![json!(name)]).collect());
            }
            Self::History { path } => {
                let metadata =
                    client.get_secret_metadata(GetSecretMetadataRequest { path }).await?.into_inner().metadata;
                history(metadata, output);
            }
            Self::Metadata { path, max_versions, max_age, expires_in, labels } => {
                let request = UpdateSecretMetadataRequest {
                    path,
                    max_versions,
                    max_age: max_age.map(input::duration).transpose()?,
                    expires_in: expires_in.map(input::duration).transpose()?,
                    labels: (!labels.is_empty()).then(|| Labels { labels: labels.into_iter().collect() }),
                };
                let metadata = client.update_secret_metadata(request).await?.into_inner().metadata.unwrap_or_default();
                output.record(&[
                    ("path", json!(metadata.path)),
                    ("current_version", json!(metadata.current_version)),
                    ("max_versions", json!(metadata.max_versions)),
                    ("max_age", output::span(metadata.max_age.as_ref())),
                    ("expires_at", time(metadata.expires_at.as_ref())),
                    ("labels", json!(metadata.labels.into_iter().collect::<std::collections::BTreeMap<_, _>>())),
                ]);
            }
            Self::Delete { path, versions } => {
                history(
                    client.delete_secret(DeleteSecretRequest { path, versions }).await?.into_inner().metadata,
                    output,
                );
            }
            Self::Undelete { path, versions } => {
                history(
                    client.undelete_secret(UndeleteSecretRequest { path, versions }).await?.into_inner().metadata,
                    output,
                );
            }
            Self::Destroy { path, versions, yes } => {
                prompt::confirm(
                    &format!("Destroying values of `{path}` cannot be undone"),
                    &path,
                    Confirmed::from(yes),
                )?;
                let all = versions.is_empty();
                let request = DestroySecretRequest { path, versions, all };
                history(client.destroy_secret(request).await?.into_inner().metadata, output);
            }
        }
        Ok(())
    }
}

fn read_fields(given: &[String]) -> Result<HashMap<String, Bytes>, CliError> {
    let mut fields = HashMap::new();
    for text in given {
        let (name, value) = text.split_once('=').ok_or_else(|| CliError::usage("fields are written NAME=VALUE"))?;
        let value = match value.strip_prefix('@') {
            Some("-") => prompt::value(&format!("{name}: "))?,
            Some(file) => std::fs::read(file).map_err(|e| CliError::other(format!("reading {file}"), e))?.into(),
            None => Bytes::copy_from_slice(value.as_bytes()),
        };
        if fields.insert(name.to_owned(), value).is_some() {
            return Err(CliError::usage(format!("field `{name}` is given twice")));
        }
    }
    Ok(fields)
}

fn history(metadata: Option<SecretMetadata>, output: &Output) {
    let Some(metadata) = metadata else {
        output.record(&[("state", json!("destroyed"))]);
        return;
    };
    let rows = metadata.versions.iter().map(|version| {
        let state = match SecretVersionState::try_from(version.state) {
            Ok(SecretVersionState::Live) => "live",
            Ok(SecretVersionState::Deleted) => "deleted",
            Ok(SecretVersionState::Destroyed) => "destroyed",
            Ok(SecretVersionState::Expired) => "expired",
            _ => "unknown",
        };
        vec![json!(version.version), json!(state), time(version.created_at.as_ref()), time(version.expires_at.as_ref())]
    });
    output.rows(&["version", "state", "created_at", "expires_at"], rows.collect());
}

impl Output {
    /// Fields of a secret. What is no text is shown as base64.
    fn json_or_record(&self, mut fields: Vec<(String, Bytes)>) {
        fields.sort();
        let base64 = |value: &Bytes| data_encoding::BASE64.encode(value);
        let text = |value: &Bytes| match std::str::from_utf8(value) {
            Ok(text) => json!(text),
            // No text looks like it, for programs; for people, a word says what it is.
            Err(_) if self.is_json() => json!({ "base64": base64(value) }),
            Err(_) => json!(format!("base64:{}", base64(value))),
        };
        if self.is_json() {
            self.json(&Value::Object(
                fields.iter().map(|(name, value)| (name.clone(), text(value))).collect::<Map<_, _>>(),
            ));
        } else {
            let shown: Vec<(&str, Value)> = fields.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
            self.record(&shown);
        }
    }
}
