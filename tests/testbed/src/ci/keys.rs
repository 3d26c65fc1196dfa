//! The issuer's keys and its signatures.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alg {
    /// ECDSA on P-256.
    Es256,
    /// Not at all: `alg` is `none` and the signature empty.
    None,
    /// RSA 2048, PKCS#1 v1.5.
    Rs256,
}

#[derive(Debug)]
pub(super) struct Keys {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    generation: u128,
}

impl Keys {
    pub(super) fn generate() -> Self {
        Self {
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key"),
            ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a P-256 key"),
            generation: super::claims::since_epoch().as_nanos(),
        }
    }

    pub(super) fn jwks(&self, leading_zero: bool) -> Value {
        // RSAPublicKey of 2048 bits: SEQUENCE (4 bytes), INTEGER (4), a zero, the modulus (256), the exponent.
        let public = self.rsa.public_key().as_ref().to_vec();
        let modulus = &public[if leading_zero { 8 } else { 9 }..265];
        let point = self.ec.public_key().as_ref();
        json!({ "keys": [
            { "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.kid(Alg::Rs256),
              "n": BASE64URL_NOPAD.encode(modulus), "e": "AQAB" },
            { "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid(Alg::Es256),
              "x": BASE64URL_NOPAD.encode(&point[1..33]), "y": BASE64URL_NOPAD.encode(&point[33..65]) },
        ] })
    }

    pub(super) fn sign(&self, alg: Alg, header: Value, claims: &Value) -> String {
        let name = match alg {
            Alg::Es256 => "ES256",
            Alg::None => "none",
            Alg::Rs256 => "RS256",
        };
        let header = super::claims::merged(json!({ "typ": "JWT", "alg": name, "kid": self.kid(alg) }), header);
        let encode = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let body = format!("{}.{}", encode(&header), encode(claims));
        let random = SystemRandom::new();
        let signature = match alg {
            Alg::Es256 => self.ec.sign(&random, body.as_bytes()).expect("a signature").as_ref().to_vec(),
            Alg::None => Vec::new(),
            Alg::Rs256 => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &random, body.as_bytes(), &mut signature).expect("a signature");
                signature
            }
        };
        format!("{body}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    fn kid(&self, alg: Alg) -> String {
        format!("{}-{:x}", if alg == Alg::Es256 { "ec" } else { "rsa" }, self.generation)
    }
}
