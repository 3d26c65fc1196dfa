use keyward_api::v1::WhoAmIRequest;
use rustix::process::Signal;
use tonic::Code;

use super::{Stage, child, stage};
use crate::support::{Key, reason};

/// Prints the token and the key that it is bound to: without the key, it would be of no use in any case.
const SHOW: &str = "echo ready; echo \"$KEYWARD_TOKEN\"; echo %%; cat \"$KEYWARD_CLIENT_CERT\"; echo %%; cat \"$KEYWARD_CLIENT_KEY\"; echo %%;";

/// What the command was given.
fn given(text: &str) -> (String, Key) {
    let mut parts = text.split("%%\n").map(str::to_owned);
    let mut next = || parts.next().unwrap();
    (next().trim().to_owned(), Key { certificate: next(), key: next() })
}

async fn who(stage: &Stage, token: &str, key: Option<&Key>) -> Result<(), (Code, String)> {
    let caller = stage.broker.caller();
    let caller = key.map_or(caller.clone(), |key| caller.key(key)).token(token).connect().await;
    let asked = caller.auth().who_am_i(WhoAmIRequest {}).await;
    asked.map(|_| ()).map_err(|status| (status.code(), reason(&status)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_bound_and_taken_back_however_the_command_ends() {
    let stage = stage().await;
    let job = stage.gitlab();
    for (end, told, code) in [
        ("exit 0", None, 0),
        ("exit 3", None, 3),
        ("kill -KILL $$", None, 137),
        ("exec sleep 600", Some(Signal::TERM), 143),
    ] {
        let script = format!("{SHOW} echo end; {end}");
        let (mut run, mut output) = child::ready(&job, &["--pass-token"], &script);
        if let Some(signal) = told {
            let mut text = String::new();
            while !text.ends_with("end\n") {
                assert!(std::io::BufRead::read_line(&mut output, &mut text).unwrap() > 0, "{text}");
            }
            let (token, key) = given(&text);
            who(&stage, &token, Some(&key)).await.expect("it serves while the command runs");
            let copied = who(&stage, &token, None).await.unwrap_err();
            assert_eq!(copied, (Code::Unauthenticated, "TOKEN_NOT_BOUND".to_owned()));
            child::send(&run, signal);
            assert_eq!(run.wait().unwrap().code(), Some(code), "{end}");
            assert_eq!(who(&stage, &token, Some(&key)).await.unwrap_err().1, "TOKEN_REVOKED", "{end}");
        } else {
            assert_eq!(run.wait().unwrap().code(), Some(code), "{end}");
            let (token, key) = given(&child::rest(&mut output));
            assert_eq!(who(&stage, &token, Some(&key)).await.unwrap_err().1, "TOKEN_REVOKED", "{end}");
        }
    }
}
