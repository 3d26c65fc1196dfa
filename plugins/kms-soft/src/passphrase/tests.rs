use keyward_sdk::conformance::{self, Expect};

use super::*;

fn member(text: &str) -> Passphrase {
    Passphrase::new("words", SecretString::new(text.to_owned()).unwrap()).at_cost(Cost::new(64, 1, 1).unwrap())
}

#[tokio::test]
async fn a_passphrase_conforms() {
    conformance::run(
        || async { member("correct horse battery staple") },
        || async { member("incorrect horse battery staple") },
        Expect { kind: "passphrase", ..Expect::ALL },
    )
    .await;
}

#[tokio::test]
async fn the_default_cost_is_the_recommended_one_and_works() {
    let text = SecretString::new("correct horse battery staple".to_owned()).unwrap();
    let member = Passphrase::new("words", text);
    let secret = Secret::random(32);
    let wrapped = member.wrap(&secret, b"").await.unwrap();
    assert_eq!(wrapped.blob()[..10], [1, 0, 1, 0, 0, 0, 0, 0, 3, 4]);
    assert!(member.unwrap(&wrapped, b"").await.unwrap().same_as(&secret));
}

#[tokio::test]
async fn a_blob_that_asks_for_too_much_is_refused_before_memory_is_taken() {
    let member = member("correct horse battery staple");
    let wrapped = member.wrap(&Secret::random(32), b"").await.unwrap();
    for (at, byte) in [(1, 0xff), (1, 0x01), (5, 0xff), (8, 17), (8, 0), (9, 0), (9, 17), (9, 255), (0, 2)] {
        let mut blob = wrapped.blob().to_vec();
        blob[at] = byte;
        assert!(Recipe::parse(&blob).is_err(), "byte {at} = {byte}");
        let hostile = Wrapped::new("passphrase", "words", blob).unwrap();
        assert_eq!(member.unwrap(&hostile, b"").await.unwrap_err().fault, Fault::Integrity);
    }
}

#[tokio::test]
async fn what_was_wrapped_at_another_cost_still_opens() {
    let secret = Secret::random(16);
    let wrapped = member("correct horse battery staple").wrap(&secret, b"").await.unwrap();
    let raised = member("correct horse battery staple").at_cost(Cost::new(128, 2, 1).unwrap());
    assert!(raised.unwrap(&wrapped, b"").await.unwrap().same_as(&secret));
}

#[tokio::test]
async fn a_short_passphrase_wraps_nothing_new() {
    let refused = member("hunter2").wrap(&Secret::random(32), b"").await.unwrap_err();
    assert_eq!(refused.fault, Fault::Settings);
    assert!(!refused.to_string().contains("hunter2"));
}

/// The vector of RFC 9106 needs a secret and associated data, which are not used here; this one is OpenSSL's answer.
#[test]
fn derivation_is_argon2id_version_19() {
    let recipe = Recipe { cost: Cost::new(64, 2, 1).unwrap(), salt: *b"somesaltsomesalt" };
    let key = recipe.derive(&SecretString::new("password".to_owned()).unwrap()).unwrap();
    let hex: String = key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "1a98fba8e6394425c9bdc333a9c750aaf811df070f5fb4a5788e1cf4db5793a1");
}
