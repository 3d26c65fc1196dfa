//! What a key's record and its hot form promise.

mod imported;

use std::collections::{BTreeMap, BTreeSet};

use keyward_sdk::time::{Span, Timestamp};
use proptest::prelude::*;

use super::{change::ChangeKey, *};
use crate::{
    engine::EngineError,
    keyring::{Changes, View, decode, encode},
    method::TenantId,
};

const TENANT: TenantId = TenantId([7; 16]);
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn create(kind: KeyType) -> CreateKey {
    CreateKey {
        path: "app/db".parse().unwrap(),
        kind,
        origin: Origin::Generated,
        uses: BTreeSet::new(),
        exportable: false,
        rotation_period: None,
        deletion_protection: false,
        labels: BTreeMap::new(),
    }
}

/// A key of one version, as the operations make it.
pub(in crate::engine) fn record(kind: KeyType, uses: &[Use]) -> KeyRecord {
    let ask = CreateKey { uses: uses.iter().copied().collect(), ..create(kind) };
    let mut record = KeyRecord { info: ask.info(NOW).unwrap(), material: BTreeMap::new() };
    rotate(&mut record);
    record
}

pub(in crate::engine) fn rotate(record: &mut KeyRecord) {
    record.add_version(Material::generate(record.info.kind).unwrap(), NOW).unwrap();
}

pub(in crate::engine) fn set(record: &mut KeyRecord, version: u32, state: VersionState) {
    record.version_mut(version).unwrap().state = state;
}

fn reason(error: EngineError) -> &'static str {
    match error {
        EngineError::State { reason, .. } => reason,
        EngineError::Invalid { field, .. } => field,
        other => panic!("{other}"),
    }
}

fn states(record: &KeyRecord) -> Vec<VersionState> {
    record.info.versions.iter().map(|v| v.state).collect()
}

#[test]
fn a_key_gets_only_uses_that_fit_its_type() {
    for kind in KeyType::ALL {
        for used in [Use::Encrypt, Use::Decrypt, Use::Sign, Use::Verify, Use::Mac, Use::VerifyMac] {
            let ask = CreateKey { uses: [used].into(), ..create(kind) };
            let fits = match used {
                Use::Encrypt | Use::Decrypt => {
                    kind.is_rsa() || matches!(kind, KeyType::Aes256Gcm | KeyType::Chacha20Poly1305)
                }
                Use::Sign | Use::Verify => kind.pair().is_some(),
                Use::Mac | Use::VerifyMac => kind == KeyType::HmacSha256,
            };
            assert_eq!(ask.info(NOW).is_ok(), fits, "{kind} {used}");
        }
        assert_eq!(create(kind).info(NOW).unwrap().uses.len(), 2, "{kind}");
    }
}

#[test]
fn an_rsa_key_signs_or_decrypts_and_never_both() {
    let ask = CreateKey { uses: [Use::Sign, Use::Decrypt].into(), ..create(KeyType::Rsa2048) };
    assert_eq!(reason(ask.info(NOW).unwrap_err()), "operations");
}

#[test]
fn labels_and_periods_have_limits() {
    let labels = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
    for bad in [labels("a b", "x"), labels("a", "x\n"), labels("a", &"x".repeat(257))] {
        assert!(CreateKey { labels: bad, ..create(KeyType::Aes256Gcm) }.info(NOW).is_err());
    }
    for bad in [Span::from_hours(23), Span::from_days(4_000)] {
        assert!(CreateKey { rotation_period: Some(bad), ..create(KeyType::Aes256Gcm) }.info(NOW).is_err());
    }
    let imported = CreateKey {
        rotation_period: Some(Span::from_days(30)),
        origin: Origin::Imported,
        ..create(KeyType::Aes256Gcm)
    };
    assert!(imported.info(NOW).is_err());
}

#[test]
fn rotation_moves_the_primary_and_leaves_the_old_version_to_decrypt() {
    let mut key = record(KeyType::Aes256Gcm, &[]);
    rotate(&mut key);
    rotate(&mut key);
    assert_eq!(key.info.primary, 3);
    assert_eq!(states(&key), [VersionState::DecryptOnly, VersionState::DecryptOnly, VersionState::Enabled]);
    let ids: BTreeSet<_> = key.info.versions.iter().map(|v| v.id).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn rotation_leaves_a_disabled_version_disabled() {
    let mut key = record(KeyType::Aes256Gcm, &[]);
    set(&mut key, 1, VersionState::Disabled);
    rotate(&mut key);
    assert_eq!(states(&key), [VersionState::Disabled, VersionState::Enabled]);
}

#[test]
fn there_is_a_limit_to_versions_and_to_their_size() {
    let mut key = record(KeyType::Aes256Gcm, &[]);
    (1..MAX_VERSIONS).for_each(|_| rotate(&mut key));
    assert!(key.store(TENANT, &mut Changes::new()).is_ok());
    let more = key.add_version(Material::generate(KeyType::Aes256Gcm).unwrap(), NOW);
    assert!(matches!(more, Err(EngineError::Limit { .. })));

    let mut large = record(KeyType::HmacSha256, &[]);
    large.info.kind = KeyType::Rsa4096;
    for number in 2..250 {
        large.add_version(Material::generate(KeyType::HmacSha256).unwrap(), NOW).unwrap();
        large.info.labels.insert(format!("l{number}"), "x".repeat(2_000));
    }
    assert!(matches!(large.store(TENANT, &mut Changes::new()), Err(EngineError::Limit { .. })));
}

#[test]
fn the_next_rotation_counts_from_the_newest_version() {
    let mut key = record(KeyType::Aes256Gcm, &[]);
    assert_eq!(key.info.next_rotation(), None);
    key.info.rotation_period = Some(Span::from_days(30));
    assert_eq!(key.info.next_rotation(), Some(NOW.saturating_add(Span::from_days(30))));
    key.info.destroy_at = Some(NOW);
    assert_eq!(key.info.next_rotation(), None);
}

#[test]
fn exportable_can_only_be_turned_off() {
    let update = |exportable| UpdateKey {
        path: "app/db".parse().unwrap(),
        rotation_period: None,
        deletion_protection: None,
        exportable: Some(exportable),
        labels: None,
    };
    let mut key = record(KeyType::Aes256Gcm, &[]);
    key.info.exportable = true;
    update(true).apply(&mut key, NOW).unwrap();
    update(false).apply(&mut key, NOW).unwrap();
    assert!(!key.info.exportable);
    assert_eq!(reason(update(true).apply(&mut key, NOW).unwrap_err()), "NOT_EXPORTABLE");
}

fn state_to(version: u32, state: Settable) -> SetKeyVersionState {
    SetKeyVersionState { path: "app/db".parse().unwrap(), version, state }
}

#[test]
fn states_are_set_as_they_make_sense() {
    let mut key = record(KeyType::Aes256Gcm, &[]);
    rotate(&mut key);
    assert_eq!(reason(state_to(1, Settable::Enabled).apply(&mut key, NOW).unwrap_err()), "NOT_PRIMARY");
    assert_eq!(reason(state_to(2, Settable::DecryptOnly).apply(&mut key, NOW).unwrap_err()), "PRIMARY");
    assert_eq!(reason(state_to(3, Settable::Disabled).apply(&mut key, NOW).unwrap_err()), "NO_SUCH_VERSION");
    for (version, state) in
        [(2, Settable::Disabled), (2, Settable::Enabled), (1, Settable::Disabled), (1, Settable::DecryptOnly)]
    {
        state_to(version, state).apply(&mut key, NOW).unwrap();
    }
    set(&mut key, 1, VersionState::Scheduled(NOW));
    assert_eq!(reason(state_to(1, Settable::DecryptOnly).apply(&mut key, NOW).unwrap_err()), "KEY_VERSION_DESTROYING");
    set(&mut key, 1, VersionState::Destroyed);
    assert_eq!(reason(state_to(1, Settable::DecryptOnly).apply(&mut key, NOW).unwrap_err()), "KEY_VERSION_DESTROYED");
}

fn destroy(version: Option<u32>, days: Option<u64>) -> ScheduleKeyDestruction {
    ScheduleKeyDestruction { path: "app/db".parse().unwrap(), version, waiting_period: days.map(Span::from_days) }
}

#[test]
fn a_version_is_destroyed_only_when_its_waiting_period_is_over() {
    let mut key = record(KeyType::Aes256Gcm, &[]);
    rotate(&mut key);
    assert!(destroy(Some(1), Some(6)).apply(&mut key, NOW).is_err());
    assert!(destroy(Some(1), Some(91)).apply(&mut key, NOW).is_err());
    destroy(Some(1), None).apply(&mut key, NOW).unwrap();
    let at = NOW.saturating_add(Span::from_days(30));
    assert_eq!(states(&key)[0], VersionState::Scheduled(at));

    key.destroy_due(at.saturating_sub(Span::from_millis(1)));
    assert_eq!((states(&key)[0], key.material.len()), (VersionState::Scheduled(at), 2));
    key.destroy_due(at);
    assert_eq!((states(&key)[0], key.material.len()), (VersionState::Destroyed, 1));
    assert_eq!(reason(destroy(Some(1), None).apply(&mut key, NOW).unwrap_err()), "KEY_VERSION_DESTROYED");
}

#[test]
fn a_destruction_can_be_called_off_while_the_period_lasts() {
    let cancel = |version| CancelKeyDestruction { path: "app/db".parse().unwrap(), version };
    let mut key = record(KeyType::Aes256Gcm, &[]);
    assert_eq!(reason(cancel(None).apply(&mut key, NOW).unwrap_err()), "NOT_DESTROYING");
    assert_eq!(reason(cancel(Some(1)).apply(&mut key, NOW).unwrap_err()), "NOT_DESTROYING");

    destroy(None, Some(7)).apply(&mut key, NOW).unwrap();
    let hot = HotKey::new(TENANT, key.clone(), None);
    assert_eq!(reason(hot.version_for(Use::Decrypt, 0).err().unwrap()), "KEY_DESTROYING");
    assert_eq!(
        reason(cancel(None).apply(&mut key, NOW.saturating_add(Span::from_days(7))).unwrap_err()),
        "NOT_DESTROYING"
    );
    cancel(None).apply(&mut key, NOW).unwrap();
    assert_eq!((key.info.destroy_at, states(&key)[0]), (None, VersionState::Disabled));

    destroy(Some(1), Some(7)).apply(&mut key, NOW).unwrap();
    cancel(Some(1)).apply(&mut key, NOW).unwrap();
    assert_eq!(states(&key)[0], VersionState::Disabled);
}

#[test]
fn scheduling_twice_does_not_move_the_end() {
    let mut key = record(KeyType::Aes256Gcm, &[]);
    destroy(None, Some(90)).apply(&mut key, NOW).unwrap();
    let first = key.info.destroy_at;
    destroy(None, Some(7)).apply(&mut key, NOW).unwrap();
    assert_eq!(key.info.destroy_at, first);
}

#[test]
fn a_protected_key_is_not_destroyed_and_neither_is_a_version_of_it() {
    let mut key = record(KeyType::Aes256Gcm, &[]);
    key.info.deletion_protection = true;
    for version in [None, Some(1)] {
        assert_eq!(reason(destroy(version, None).apply(&mut key, NOW).unwrap_err()), "DELETION_PROTECTED");
    }
}

#[test]
fn only_an_enabled_version_makes_and_only_a_usable_one_opens() {
    let mut key = record(KeyType::Aes256Gcm, &[]);
    let table = [
        (VersionState::Enabled, None, None),
        (VersionState::DecryptOnly, Some("KEY_VERSION_DECRYPT_ONLY"), None),
        (VersionState::Disabled, Some("KEY_VERSION_DISABLED"), Some("KEY_VERSION_DISABLED")),
        (VersionState::Scheduled(NOW), Some("KEY_VERSION_DESTROYING"), Some("KEY_VERSION_DESTROYING")),
        (VersionState::Destroyed, Some("KEY_VERSION_DESTROYED"), Some("KEY_VERSION_DESTROYED")),
    ];
    for (state, makes, opens) in table {
        set(&mut key, 1, state);
        let hot = HotKey::new(TENANT, key.clone(), None);
        assert_eq!(hot.version_for(Use::Encrypt, 0).err().map(reason), makes, "{state:?}");
        assert_eq!(hot.version_for(Use::Decrypt, 1).err().map(reason), opens, "{state:?}");
    }
    let hot = HotKey::new(TENANT, key, None);
    assert_eq!(hot.version_for(Use::Sign, 0).err().map(reason), Some("OPERATION_NOT_ALLOWED"));
    assert_eq!(hot.version_for(Use::Decrypt, 9).err().map(reason), Some("NO_SUCH_VERSION"));
}

#[test]
fn uses_are_counted_and_outlive_a_rotation() {
    let mut key = record(KeyType::HmacSha256, &[]);
    let hot = HotKey::new(TENANT, key.clone(), None);
    (0..3).for_each(|_| assert_eq!(hot.version_for(Use::Mac, 0).unwrap().number, 1));
    rotate(&mut key);
    let hot = HotKey::new(TENANT, key, Some(&hot));
    assert_eq!(hot.uses(), [(1, 3), (2, 0)].into());
}

#[test]
fn a_stored_key_comes_back_and_shows_no_material() {
    for kind in [KeyType::Chacha20Poly1305, KeyType::EcdsaP256] {
        let key = record(kind, &[]);
        let back: KeyRecord = decode(&encode(&key).unwrap(), "a key").unwrap();
        assert_eq!(back.info, key.info);
        assert!(back.material[&1].secret().same_as(key.material[&1].secret()));
        assert!(format!("{key:?}").contains("Material(..)"));
    }
}

#[test]
fn the_view_follows_changes_of_each_tenant_by_itself() {
    let (keys, other) = (Keys::default(), TenantId([8; 16]));
    let key = record(KeyType::Aes256Gcm, &[]);
    let path = key.info.path.clone();
    keys.apply(TENANT, path.as_str(), Some(&encode(&key).unwrap())).unwrap();
    assert!(keys.find(TENANT, &path).is_ok() && keys.find(other, &path).is_err());
    assert_eq!(keys.attributes(TENANT, &path).len(), 3);
    assert!(keys.attributes(other, &path).is_empty());
    assert!(keys.apply(TENANT, path.as_str(), Some(b"no record")).is_err());
    keys.apply(TENANT, path.as_str(), None).unwrap();
    assert!(keys.get(TENANT, &path).is_none());
}

#[test]
fn lists_page_through_a_folder_and_nothing_beside_it() {
    let keys = Keys::default();
    let encoded = encode(&record(KeyType::Aes256Gcm, &[])).unwrap();
    for path in ["a", "a/1", "a/2", "a/3", "a0", "ab/1", "b"] {
        let mut record: KeyRecord = decode(&encoded, path).unwrap();
        record.info.path = path.parse().unwrap();
        keys.apply(TENANT, path, Some(&encode(&record).unwrap())).unwrap();
    }
    let page = |prefix, after, limit| {
        let found = keys.list(TENANT, prefix, after, limit);
        found.iter().map(|key| key.info().path.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(page("a/", "", 2), ["a/1", "a/2"]);
    assert_eq!(page("a/", "a/2", 2), ["a/3"]);
    assert_eq!(page("a/", "zzz", 2), Vec::<String>::new());
    assert_eq!(page("", "", 100).len(), 7);
}

proptest! {
    /// Whatever is done to a key, only its primary is enabled, and destroyed versions have no material.
    #[test]
    fn only_the_primary_is_ever_enabled(steps in prop::collection::vec((0_u8..5, 1_u32..6), 0..40)) {
        let mut key = record(KeyType::Chacha20Poly1305, &[]);
        let mut now = NOW;
        for (step, version) in steps {
            now = now.saturating_add(Span::from_days(3));
            // Some steps are refused; what counts is what they leave.
            let _refused = match step {
                0 => key.add_version(Material::generate(key.info.kind).unwrap(), now),
                1 => state_to(version, Settable::Disabled).apply(&mut key, NOW),
                2 => state_to(version, Settable::Enabled).apply(&mut key, NOW),
                3 => destroy(Some(version), Some(7)).apply(&mut key, now),
                _ => CancelKeyDestruction { path: key.info.path.clone(), version: Some(version) }.apply(&mut key, now),
            };
            key.destroy_due(now);
            for version in &key.info.versions {
                prop_assert!(version.state != VersionState::Enabled || version.number == key.info.primary);
                prop_assert_eq!(version.state == VersionState::Destroyed, !key.material.contains_key(&version.number));
            }
        }
    }
}
