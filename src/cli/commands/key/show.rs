//! Keys for people and programs.

use keyward_api::v1::{Key, KeyOperation, KeyOrigin, KeyType, KeyVersion, KeyVersionState};
use serde_json::{Value, json};

use crate::cli::output::{Output, span, time};

/// The columns of a list.
pub(super) const COLUMNS: [&str; 6] = ["path", "type", "origin", "primary_version", "next_rotation_at", "destroy_at"];

/// A key in a list.
pub(super) fn row(key: &Key) -> Vec<Value> {
    vec![
        json!(key.path),
        json!(kind(key)),
        json!(origin(key)),
        json!(key.primary_version),
        time(key.next_rotation_at.as_ref()),
        time(key.destroy_at.as_ref()),
    ]
}

/// A key and its versions.
pub(super) fn key(key: &Key, output: &Output) {
    let operations: Vec<_> = key.operations.iter().map(|operation| json!(operation_name(*operation))).collect();
    let labels = key.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let fields = [
        ("path", json!(key.path)),
        ("id", json!(key.id)),
        ("type", json!(kind(key))),
        ("origin", json!(origin(key))),
        ("operations", Value::Array(operations)),
        ("exportable", json!(key.exportable)),
        ("created_at", time(key.created_at.as_ref())),
        ("primary_version", json!(key.primary_version)),
        ("rotation_period", span(key.rotation_period.as_ref())),
        ("next_rotation_at", time(key.next_rotation_at.as_ref())),
        ("deletion_protection", json!(key.deletion_protection)),
        ("labels", Value::Object(labels)),
        ("destroy_at", time(key.destroy_at.as_ref())),
    ];
    // What counts the uses is not asked by commands that change something.
    let counted = key.versions.iter().all(|version| version.uses.is_some());
    let columns: Vec<&str> = VERSION.iter().copied().filter(|name| counted || *name != "uses").collect();
    if output.is_json() {
        let versions = key
            .versions
            .iter()
            .map(|v| Value::Object(columns.iter().map(|n| (*n).to_owned()).zip(version(v)).collect()));
        let mut document: serde_json::Map<_, _> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        document.insert("versions".to_owned(), Value::Array(versions.collect()));
        output.json(&Value::Object(document));
        return;
    }
    output.record(&fields);
    if !key.versions.is_empty() {
        output.rows(&columns, key.versions.iter().map(version).collect());
    }
}

const VERSION: [&str; 6] = ["version", "id", "created_at", "state", "destroy_at", "uses"];

fn version(version: &KeyVersion) -> Vec<Value> {
    let state = match KeyVersionState::try_from(version.state) {
        Ok(KeyVersionState::Enabled) => "enabled",
        Ok(KeyVersionState::DecryptOnly) => "decrypt-only",
        Ok(KeyVersionState::Disabled) => "disabled",
        Ok(KeyVersionState::Scheduled) => "to be destroyed",
        Ok(KeyVersionState::Destroyed) => "destroyed",
        _ => "unknown",
    };
    let mut row = vec![
        json!(version.version),
        json!(version.id),
        time(version.created_at.as_ref()),
        json!(state),
        time(version.destroy_at.as_ref()),
    ];
    row.extend(version.uses.map(|uses| json!(uses)));
    row
}

fn kind(key: &Key) -> &'static str {
    match key.r#type() {
        KeyType::Aes256Gcm => "aes256-gcm",
        KeyType::Chacha20Poly1305 => "chacha20-poly1305",
        KeyType::HmacSha256 => "hmac-sha256",
        KeyType::Ed25519 => "ed25519",
        KeyType::EcdsaP256 => "ecdsa-p256",
        KeyType::EcdsaP384 => "ecdsa-p384",
        KeyType::Rsa2048 => "rsa-2048",
        KeyType::Rsa3072 => "rsa-3072",
        KeyType::Rsa4096 => "rsa-4096",
        KeyType::Unspecified => "unknown",
    }
}

fn origin(key: &Key) -> &'static str {
    match key.origin() {
        KeyOrigin::Generated => "generated",
        KeyOrigin::Imported => "imported",
        KeyOrigin::Unspecified => "unknown",
    }
}

fn operation_name(operation: i32) -> &'static str {
    match KeyOperation::try_from(operation) {
        Ok(KeyOperation::Encrypt) => "encrypt",
        Ok(KeyOperation::Decrypt) => "decrypt",
        Ok(KeyOperation::Sign) => "sign",
        Ok(KeyOperation::Verify) => "verify",
        Ok(KeyOperation::Mac) => "mac",
        Ok(KeyOperation::VerifyMac) => "verify-mac",
        _ => "unknown",
    }
}
