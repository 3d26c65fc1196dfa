//! Tokens as callers show them.

use std::{collections::BTreeMap, sync::{Arc, LazyLock}};

use keyward::{
    identity::{
        Binding, IssuerRef, Principal, Scope,
        token::{self, Grant, Sealed, mint},
    },
    keyring::{Keyring, KeyringRecord},
    method::TenantId,
};
use keyward_sdk::time::Span;

use crate::support::{NOW, altered, changes, frozen_tokens};

static RING: LazyLock<Keyring> = LazyLock::new(|| Keyring::new(KeyringRecord::generate(NOW)).unwrap());
static MINTED: LazyLock<String> = LazyLock::new(|| {
    let principal =
        Principal { tenant: TenantId([7; 16]), issuer: IssuerRef::Oidc("ci".parse().unwrap()), subject: "repo:a".into() };
    let grant = Grant {
        principal,
        role: "deploy".parse().unwrap(),
        claims: Arc::new(BTreeMap::new()),
        scope: Scope::unlimited(),
        life: Span::from_minutes(15),
        binding: Binding::Key([9; 32]),
    };
    mint(&RING, grant, NOW).unwrap().text.expose().to_owned()
});

pub(super) fn run(bytes: &[u8]) {
    if let Some(sealed) = std::str::from_utf8(bytes).ok().and_then(Sealed::parse) {
        assert!(token::open(&RING, &sealed).is_err(), "a token was forged");
    }
    let changed = altered(MINTED.as_bytes(), bytes);
    let opened = std::str::from_utf8(&changed).ok().and_then(Sealed::parse).map(|sealed| token::open(&RING, &sealed));
    assert_eq!(opened.is_some_and(|opened| opened.is_ok()), changed == MINTED.as_bytes(), "an altered token opens");
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    changes().into_iter().chain(frozen_tokens().into_iter().map(|row| row.token.into_bytes())).collect()
}
