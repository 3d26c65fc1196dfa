use keyward_sdk::{
    secret::Key32,
    time::{Span, Timestamp},
};
use proptest::prelude::*;

use super::*;
use crate::{
    identity::{
        Binding, Caller, CallerParts, ClaimValue, IdentityError, IssuerRef, Principal, Scope,
        token::attenuate::Narrowing,
    },
    keyring::{KeyVersionId, KeyVersionState, Keyring, KeyringRecord, VersionRecord},
    method::{NamePath, TenantId},
};

const TENANT: TenantId = TenantId([7; 16]);

fn now() -> Timestamp {
    Timestamp::from_secs(1_800_000_000)
}

fn keyring(seed: u8, primary: u32) -> Keyring {
    let version = |number: u32| VersionRecord {
        number,
        id: KeyVersionId([0; 8]),
        created_at: now(),
        state: KeyVersionState::Enabled,
        material: Key32::copy_of(&[seed.wrapping_add(number as u8); 32]),
    };
    let versions = (1..=primary).map(version).collect();
    Keyring::new(KeyringRecord { versions, primary, audit_hash_key: Key32::copy_of(&[0; 32]) }).unwrap()
}

fn path(text: &str) -> NamePath {
    text.parse().unwrap()
}

fn grant() -> Grant {
    let claims =
        [("ref".to_owned(), ClaimValue::Text("refs/heads/main".into())), ("run".to_owned(), ClaimValue::Long(7))];
    Grant {
        principal: Principal {
            tenant: TENANT,
            issuer: IssuerRef::Oidc("github".parse().unwrap()),
            subject: "repo:org/app:ref:refs/heads/main".into(),
        },
        role: "deploy".parse().unwrap(),
        claims: std::sync::Arc::new(claims.into()),
        scope: Scope::new(vec![path("prod")], vec![]).unwrap(),
        life: Span::from_minutes(15),
        binding: Binding::Key([9; 32]),
    }
}

fn opened(text: &str, keyring: &Keyring) -> Result<CallerParts, IdentityError> {
    open(keyring, &Sealed::parse(text).ok_or(IdentityError::TokenGarbled)?)
}

fn caller(text: &str, keyring: &Keyring) -> Caller {
    Caller::for_tests(opened(text, keyring).unwrap())
}

#[test]
fn a_token_opens_to_what_was_granted() {
    let keyring = keyring(1, 1);
    let minted = mint(&keyring, grant(), now()).unwrap();
    let parts = opened(minted.text.expose(), &keyring).unwrap();
    assert_eq!((parts.principal, parts.role, parts.claims), (grant().principal, Some(grant().role), grant().claims));
    assert_eq!((parts.scope, parts.token), (grant().scope, Some(minted.facts.clone())));
    assert_eq!(minted.facts.expires_at, now().saturating_add(Span::from_minutes(15)));
    assert!(minted.text.expose().starts_with("kw1."));
    assert!(!format!("{minted:?}").contains("kw1."));
}

#[test]
fn a_frozen_token_still_opens() {
    let frozen: serde_json::Value = serde_json::from_str(include_str!("../../../tests/vectors/token.json")).unwrap();
    let vectors = frozen["tokens"].as_array().unwrap();
    assert!(vectors.len() >= 3);
    for vector in vectors {
        let keyring = keyring(vector["seed"].as_u64().unwrap() as u8, 2);
        let parts = opened(vector["token"].as_str().unwrap(), &keyring).unwrap();
        assert_eq!(&*parts.principal.subject, vector["subject"].as_str().unwrap());
        assert_eq!(parts.claims, grant().claims);
        assert_eq!(parts.scope, grant().scope);
        let token = parts.token.unwrap();
        assert_eq!(token.id.to_string(), vector["id"].as_str().unwrap());
        assert_eq!(token.ancestors.len() as u64, vector["ancestors"].as_u64().unwrap());
        assert_eq!(token.expires_at.to_string(), vector["expires_at"].as_str().unwrap());
        assert_eq!(
            token.binding,
            if vector["bearer"].as_bool().unwrap() { Binding::Bearer } else { Binding::Key([9; 32]) }
        );
    }
}

#[test]
fn a_changed_byte_anywhere_is_refused() {
    let keyring = keyring(1, 1);
    let minted = mint(&keyring, grant(), now()).unwrap();
    for at in 0..minted.text.len() {
        let mut bytes = minted.text.expose().as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let refused = opened(std::str::from_utf8(&bytes).unwrap(), &keyring).unwrap_err();
        assert!(matches!(refused, IdentityError::TokenGarbled | IdentityError::TokenForeign), "byte {at}");
        assert!(opened(&minted.text.expose()[..at], &keyring).is_err(), "cut at {at}");
    }
}

#[test]
fn a_token_of_one_tenant_does_not_open_in_another() {
    let (ours, theirs) = (keyring(1, 1), keyring(50, 1));
    let minted = mint(&ours, grant(), now()).unwrap();
    assert_eq!(opened(minted.text.expose(), &theirs).unwrap_err(), IdentityError::TokenGarbled);
    // Even under the same key, moved to another tenant by its clear part.
    let mut sealed = Sealed::parse(minted.text.expose()).unwrap();
    sealed.bytes[1] ^= 1;
    sealed.tenant.0[0] ^= 1;
    assert_eq!(open(&ours, &sealed).unwrap_err(), IdentityError::TokenGarbled);
}

#[test]
fn older_key_versions_open_and_unknown_ones_are_foreign() {
    let old = mint(&keyring(1, 1), grant(), now()).unwrap();
    assert!(opened(old.text.expose(), &keyring(1, 2)).is_ok());
    let new = mint(&keyring(1, 2), grant(), now()).unwrap();
    assert_eq!(opened(new.text.expose(), &keyring(1, 1)).unwrap_err(), IdentityError::TokenForeign);
}

#[test]
fn no_token_outlives_24_hours() {
    let with = |life| mint(&keyring(1, 1), Grant { life, ..grant() }, now());
    assert!(with(Span::from_hours(24)).is_ok());
    assert!(matches!(with(Span::from_millis(24 * 3_600_000 + 1)), Err(MintError::Life)));
    assert!(matches!(with(Span::ZERO), Err(MintError::Life)));
}

#[test]
fn a_narrowed_token_is_weaker_in_every_way() {
    let keyring = keyring(1, 1);
    let parent = mint(&keyring, grant(), now()).unwrap();
    let parent_caller = caller(parent.text.expose(), &keyring);
    let later = now().saturating_add(Span::from_minutes(1));
    let scope = Scope::new(vec![path("prod/db")], vec![]).unwrap();
    let narrowing = Narrowing { scope: scope.clone(), life: Some(Span::from_minutes(2)) };
    let child = attenuate(&keyring, &parent_caller, narrowing, later).unwrap();
    let parts = opened(child.text.expose(), &keyring).unwrap();
    assert_eq!(parts.scope, scope);
    assert_ne!(child.facts.id, parent.facts.id);
    assert_eq!(child.facts.ancestors, [parent.facts.id]);
    assert_eq!(child.facts.issued_at, parent.facts.issued_at);
    assert_eq!(child.facts.binding, parent.facts.binding);
    assert_eq!(child.facts.expires_at, later.saturating_add(Span::from_minutes(2)));
    assert_eq!((parts.principal, parts.claims), (grant().principal, grant().claims));
}

#[test]
fn a_token_cannot_be_widened() {
    let keyring = keyring(1, 1);
    let parent = caller(mint(&keyring, grant(), now()).unwrap().text.expose(), &keyring);
    for wide in ["dev", "pro", "prod2"] {
        let scope = Scope::new(vec![path(wide)], vec![]).unwrap();
        let refused = attenuate(&keyring, &parent, Narrowing { scope, life: None }, now());
        assert!(matches!(refused, Err(MintError::Scope(_))), "{wide}");
    }
    let longer = Narrowing { life: Some(Span::from_days(9)), ..Narrowing::default() };
    let child = attenuate(&keyring, &parent, longer, now()).unwrap();
    assert_eq!(child.facts.expires_at, parent.token().unwrap().expires_at);
    let unscoped = attenuate(&keyring, &parent, Narrowing::default(), now()).unwrap();
    assert_eq!(opened(unscoped.text.expose(), &keyring).unwrap().scope, grant().scope);
}

#[test]
fn narrowing_has_a_depth() {
    let keyring = keyring(1, 1);
    let mut holder = caller(mint(&keyring, grant(), now()).unwrap().text.expose(), &keyring);
    for _ in 0..MAX_ANCESTORS {
        holder = caller(attenuate(&keyring, &holder, Narrowing::default(), now()).unwrap().text.expose(), &keyring);
    }
    assert!(matches!(attenuate(&keyring, &holder, Narrowing::default(), now()), Err(MintError::Depth)));
    let nobody = Caller::anonymous(TENANT);
    assert!(matches!(attenuate(&keyring, &nobody, Narrowing::default(), now()), Err(MintError::NoToken)));
}

#[test]
fn a_token_with_too_many_claims_is_not_made() {
    let keyring = keyring(1, 1);
    let groups = |n: usize| {
        let groups = vec!["0f8fad5b-d9cb-469f-a165-70867728950e".to_owned(); n];
        let claims = [("groups".to_owned(), ClaimValue::Texts(groups))];
        mint(&keyring, Grant { claims: std::sync::Arc::new(claims.into()), ..grant() }, now())
    };
    assert!(groups(200).is_ok());
    assert!(matches!(groups(400), Err(MintError::TooLarge)));
}

proptest! {
    #[test]
    fn any_text_is_refused(text in "(kw1\\.)?[A-Za-z0-9_-]{0,400}") {
        prop_assert!(opened(&text, &keyring(1, 1)).is_err());
    }
}
