//! A token taken apart. Nothing here believes what it reads.

use data_encoding::BASE64URL_NOPAD;

use super::{SignatureAlgorithm, error::OidcError, json::Json};

/// The most bytes of a token.
pub const MAX_TOKEN_BYTES: usize = 16 << 10;
/// The most bytes of a key id.
const MAX_KID_BYTES: usize = 512;
/// Members of a header that bring a key, name a place to fetch one from, or change what the token is.
const FORBIDDEN: [&str; 8] = ["jku", "jwk", "x5u", "x5c", "crit", "b64", "enc", "zip"];

/// A token, taken apart.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    /// What is signed: header and payload as they came.
    pub(super) signed: &'a str,
    pub(super) signature: &'a str,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) kid: Option<String>,
    pub(super) payload: Json,
}

impl<'a> Parts<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, OidcError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(OidcError::Garbled("it is longer than 16 KiB"));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(OidcError::Garbled("it has no three parts"))?;
        let (header, payload) = signed.split_once('.').ok_or(OidcError::Garbled("it has no three parts"))?;
        if payload.contains('.') {
            return Err(OidcError::Garbled("it has more than three parts"));
        }
        if signature.is_empty() {
            return Err(OidcError::Garbled("it is not signed"));
        }
        let (algorithm, kid) = read_header(&part(header)?)?;
        let payload = part(payload)?;
        if payload.object().is_none() {
            return Err(OidcError::Garbled("its payload is no JSON object"));
        }
        Ok(Self { signed, signature, algorithm, kid, payload })
    }

    /// The issuer that the token names.
    pub(super) fn issuer(&self) -> Result<&str, OidcError> {
        self.payload.get("iss").and_then(Json::text).ok_or(OidcError::Missing("iss"))
    }
}

fn part(text: &str) -> Result<Json, OidcError> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| OidcError::Garbled("it is not base64url"))?;
    Json::parse(&bytes).map_err(OidcError::Garbled)
}

fn read_header(header: &Json) -> Result<(SignatureAlgorithm, Option<String>), OidcError> {
    let members = header.object().ok_or(OidcError::Garbled("its header is no JSON object"))?;
    // RFC 7515 4.1.11: whoever does not understand a member of `crit` refuses the token; we understand none.
    if let Some(name) = FORBIDDEN.into_iter().find(|name| members.contains_key(*name)) {
        return Err(OidcError::Header(name));
    }
    match members.get("typ") {
        None => {}
        Some(Json::Text(typ)) if is_identity(typ) => {}
        // A token of another kind (a logout token, a security event) must not pass for an identity.
        Some(_) => return Err(OidcError::Header("typ")),
    }
    let algorithm = members.get("alg").and_then(Json::text).ok_or(OidcError::Algorithm)?;
    let algorithm = SignatureAlgorithm::find(algorithm).ok_or(OidcError::Algorithm)?;
    let kid = match members.get("kid") {
        None => None,
        Some(Json::Text(kid)) if kid.len() <= MAX_KID_BYTES => Some(kid.clone()),
        Some(_) => return Err(OidcError::Garbled("its key id is no text of at most 512 bytes")),
    };
    Ok((algorithm, kid))
}

fn is_identity(typ: &str) -> bool {
    let typ =
        typ.get(..12).filter(|p| p.eq_ignore_ascii_case("application/")).map_or(typ, |_| typ.get(12..).unwrap_or(""));
    ["jwt", "at+jwt", "id+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_header(header: &str) -> Result<(), OidcError> {
        let token = format!("{}.{}.AAAA", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(b"{}"));
        Parts::parse(&token).map(|_| ())
    }

    #[test]
    fn headers_that_bring_or_fetch_a_key_are_refused() {
        for name in ["jku", "jwk", "x5u", "x5c", "crit", "b64", "enc", "zip"] {
            let header = format!(r#"{{"alg":"RS256","{name}":"https://attacker.example"}}"#);
            assert_eq!(with_header(&header), Err(OidcError::Header(name)));
            assert_eq!(with_header(&format!(r#"{{"alg":"RS256","{name}":null}}"#)), Err(OidcError::Header(name)));
        }
    }

    #[test]
    fn only_the_kinds_of_an_identity_are_taken() {
        for typ in ["JWT", "jwt", "at+jwt", "application/at+JWT"] {
            assert_eq!(with_header(&format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#)), Ok(()));
        }
        for typ in ["\"logout+jwt\"", "\"secevent+jwt\"", "\"dpop+jwt\"", "\"\"", "7", "[\"JWT\"]", "\"äöüäöüäöü\""]
        {
            assert_eq!(with_header(&format!(r#"{{"alg":"RS256","typ":{typ}}}"#)), Err(OidcError::Header("typ")));
        }
    }

    #[test]
    fn unsigned_and_symmetric_tokens_are_refused() {
        for alg in ["\"none\"", "\"NONE\"", "\"HS256\"", "null", "[\"RS256\"]", "7"] {
            assert_eq!(with_header(&format!(r#"{{"alg":{alg}}}"#)), Err(OidcError::Algorithm));
        }
        assert_eq!(with_header("{}"), Err(OidcError::Algorithm));
    }

    #[test]
    fn shapes_other_than_three_parts_are_refused() {
        for bad in
            ["", ".", "..", "...", "a.b", "e30.e30", "e30.e30.", "e30.e30.AA.AA", "e30=.e30.AA", "e30.e30 .AA", "ä.ö.ü"]
        {
            assert!(Parts::parse(bad).is_err(), "{bad}");
        }
        assert!(matches!(Parts::parse(&"a".repeat(MAX_TOKEN_BYTES + 1)), Err(OidcError::Garbled(_))));
    }

    #[test]
    fn duplicate_members_are_refused_before_anything_is_believed() {
        assert!(matches!(with_header(r#"{"alg":"none","alg":"RS256"}"#), Err(OidcError::Garbled(_))));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_apart_or_refused(
            header in r#"(\{"alg":"RS256"\}|[ -~]{0,40})"#,
            payload in r#"(\{"iss":"x"\}|[\{\}\[\]",:a0 ]{0,60})"#,
            text in "[A-Za-z0-9_.-]{0,200}",
        ) {
            let _ = Parts::parse(&text);
            let parts = [header, payload].map(|part| BASE64URL_NOPAD.encode(part.as_bytes()));
            let _ = Parts::parse(&format!("{}.{}.AAAA", parts[0], parts[1])).map(|parts| parts.issuer().is_ok());
        }
    }
}
