use super::*;
use crate::identity::Binding;

const TENANT: TenantId = TenantId([1; 16]);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

fn principal(subject: &str) -> Principal {
    Principal { tenant: TENANT, issuer: IssuerRef::Oidc("ci".parse().unwrap()), subject: subject.into() }
}

fn token(id: u8, ancestors: &[u8], issued: u64) -> TokenFacts {
    TokenFacts {
        id: TokenId([id; 16]),
        ancestors: ancestors.iter().map(|id| TokenId([*id; 16])).collect(),
        issued_at: at(issued),
        expires_at: at(issued + 900),
        binding: Binding::Bearer,
    }
}

fn list(what: Revoked) -> Revocations {
    let list = Revocations::default();
    list.set(TENANT, "r", Some(Revocation::now(what, at(1_000))));
    list
}

#[test]
fn a_revoked_token_takes_its_descendants_with_it() {
    let list = list(Revoked::Token(TokenId([1; 16])));
    let revoked = |token| list.is_revoked(&token, &principal("a"), None);
    assert!(revoked(token(1, &[], 900)));
    assert!(revoked(token(2, &[1], 900)));
    assert!(revoked(token(4, &[3, 1, 2], 900)));
    assert!(!revoked(token(3, &[2], 900)));
}

#[test]
fn principal_role_issuer_and_tenant_take_back_what_was_issued_before() {
    let role: Name = "deploy".parse().unwrap();
    let issuer = IssuerRef::Oidc("ci".parse().unwrap());
    for what in
        [Revoked::Principal(principal("a")), Revoked::Role(role.clone()), Revoked::Issuer(issuer), Revoked::Tenant]
    {
        let list = list(what.clone());
        let revoked = |issued| list.is_revoked(&token(1, &[], issued), &principal("a"), Some(&role));
        assert!(revoked(999) && revoked(1_000), "{what:?}");
        assert!(!revoked(1_001), "{what:?}");
    }
    let list = list(Revoked::Principal(principal("a")));
    assert!(!list.is_revoked(&token(1, &[], 1), &principal("b"), Some(&role)));
}

#[test]
fn a_record_of_one_tenant_matches_nothing_of_another() {
    let list = list(Revoked::Token(TokenId([1; 16])));
    let other = Principal { tenant: TenantId([2; 16]), ..principal("a") };
    assert!(!list.is_revoked(&token(1, &[], 1), &other, None));
}

#[test]
fn certificates_fall_with_their_principal() {
    let list = list(Revoked::Principal(principal("a")));
    assert!(list.is_certificate_revoked(&principal("a"), at(1_000)));
    assert!(!list.is_certificate_revoked(&principal("a"), at(1_001)));
    assert!(!list.is_certificate_revoked(&principal("b"), at(1)));
}

#[test]
fn records_are_forgotten_when_nothing_they_match_can_live() {
    let list = list(Revoked::Token(TokenId([1; 16])));
    assert!(list.forgettable(TENANT, at(1_000 + 24 * 3_600)).is_empty());
    assert_eq!(list.forgettable(TENANT, at(1_001 + 24 * 3_600)), ["r"]);
    list.set(TENANT, "r", None);
    assert!(!list.is_revoked(&token(1, &[], 1), &principal("a"), None));
}

#[test]
fn a_token_that_its_holder_took_back_is_forgotten_when_it_would_have_ended() {
    let list = Revocations::default();
    let record = Revocation::now(Revoked::Token(TokenId([1; 16])), at(1_000));
    let own = OwnToken { by: principal("a"), ends: at(1_900) };
    list.set(TENANT, "r", Some(Revocation { own: Some(own), ..record.clone() }));
    list.set(TENANT, "by an operator", Some(record));
    assert_eq!([list.own(TENANT), list.own_of(&principal("a")), list.own_of(&principal("b"))], [1, 1, 0]);
    assert!(list.forgettable(TENANT, at(1_900)).is_empty());
    assert_eq!(list.forgettable(TENANT, at(1_901)), ["r"]);
}
