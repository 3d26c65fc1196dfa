use serde_json::json;

use super::{PASSWORD, stage};
use crate::support::Keyward;

/// A run that would leave a mark if its command were started.
fn marked(job: &Keyward, more: &[&str]) -> (i32, String) {
    let mark = job.home().join("started");
    let touch = mark.display().to_string();
    let ran = job.run(&[&["run", "--role", "deploy"], more, &["--", "touch", &touch]].concat());
    assert!(!mark.exists() && ran.stdout.is_empty(), "{ran:?}");
    assert!(!ran.stderr.contains(PASSWORD) && !ran.stderr.contains("kw1."), "{ran:?}");
    (ran.code(), ran.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_secret_that_may_not_be_read_and_the_command_never_starts() {
    let stage = stage().await;
    let job = stage.gitlab();
    let good = "--env=A=prod/db/main#password";
    let (code, said) = marked(&job, &[good, "--env=B=prod/web#password"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("reading `prod/web`: permission denied"), "{said}");
    assert!(
        said.contains("policy explain secret.read prod/web --issuer gitlab --subject 'project_path:acme/shop"),
        "{said}"
    );
    let (code, said) = marked(&job, &[good, "--path", "prod/db/other"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("narrowed to prod/db/other"), "{said}");
    let (code, said) = marked(&job, &["--env=A=prod/db/main#pasword"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("no field `pasword`; the fields are password, user"), "{said}");
    let (code, said) = marked(&job, &["--env=A=prod/db/none#password"]);
    assert_eq!(code, 4, "what the role may read and is not there: {said}");
    let (code, said) = marked(&job, &[good, "--env=A=prod/db/main#user"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("given twice"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_may_not_take_the_role_is_told_whose_word_was_not_enough() {
    let stage = stage().await;
    let iss = format!("{}/gitlab", stage.tokens.issuer());
    let with = |claims| stage.job(stage.tokens.gitlab_env(claims));
    let (code, said) = marked(&with(json!({ "iss": iss, "project_id": "21", "sub": "project_path:acme/other" })), &[]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("logging in as `deploy`") && said.contains("policy explain assume deploy"), "{said}");
    assert!(said.contains("project_path:acme/other"), "{said}");
    let (code, said) = marked(&with(json!({ "iss": "https://unknown.example" })), &[]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("issuer add NAME --iss https://unknown.example"), "{said}");
    let (code, said) = marked(&with(json!({ "iss": iss, "exp": 1_000_000_000 })), &[]);
    assert_eq!(code, 3, "{said}");
    let (code, said) = marked(&stage.job(vec![("GITHUB_ACTIONS".into(), "true".into())]), &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("id-token: write"), "{said}");
}
