//! What each CI system says about a job, and the environment it gives it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::REQUEST_TOKEN;

pub(super) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970")
}

fn now() -> u64 {
    since_epoch().as_secs()
}

fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{:032x}", since_epoch().as_nanos() << 16 | u128::from(COUNT.fetch_add(1, Ordering::Relaxed) & 0xffff))
}

fn uuid() -> String {
    let id = unique();
    format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..])
}

/// `base` with the members of `overrides` put in; null takes one out.
pub(super) fn merged(mut base: Value, overrides: Value) -> Value {
    if let (Value::Object(base), Value::Object(overrides)) = (&mut base, overrides) {
        for (name, value) in overrides {
            if value.is_null() {
                base.remove(&name);
            } else {
                base.insert(name, value);
            }
        }
    }
    base
}

pub(super) fn github(issuer: &str) -> Value {
    let now = now();
    json!({
        "iss": issuer, "aud": "https://github.com/acme", "sub": "repo:acme/shop:environment:production",
        "jti": uuid(), "iat": now, "nbf": now - 5, "exp": now + 300,
        "repository": "acme/shop", "repository_id": "74218", "repository_owner": "acme", "repository_owner_id": "65",
        "repository_visibility": "private", "ref": "refs/heads/main", "ref_type": "branch", "ref_protected": "true",
        "base_ref": "", "head_ref": "", "environment": "production", "event_name": "push", "actor": "octocat",
        "actor_id": "12", "workflow": "deploy",
        "workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
        "workflow_sha": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "job_workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
        "job_workflow_sha": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "sha": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "run_id": "7349181", "run_number": "10", "run_attempt": "2", "runner_environment": "github-hosted",
        "check_run_id": "40321998",
    })
}

pub(super) fn gitlab(issuer: &str) -> Value {
    let now = now();
    json!({
        "iss": issuer, "aud": "keyward", "sub": "project_path:acme/shop:ref_type:branch:ref:main",
        "jti": uuid(), "iat": now, "nbf": now - 5, "exp": now + 300,
        "namespace_id": "72", "namespace_path": "acme", "project_id": "20", "project_path": "acme/shop",
        "project_visibility": "private", "user_id": "1", "user_login": "sample", "user_email": "sample@example.com",
        "user_access_level": "developer", "user_identities": [{ "provider": "github", "extern_uid": "2435223452345" }],
        "pipeline_id": "574", "pipeline_source": "push", "job_id": "302", "ref": "main", "ref_type": "branch",
        "ref_path": "refs/heads/main", "ref_protected": "true", "groups_direct": ["acme", "acme/operators"],
        "environment": "production", "environment_protected": "true", "deployment_tier": "production",
        "environment_action": "start", "runner_id": 1, "runner_environment": "self-hosted",
        "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "ci_config_ref_uri": "gitlab.example.com/acme/shop//.gitlab-ci.yml@refs/heads/main",
        "ci_config_sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
    })
}

pub(super) fn azure(issuer: &str) -> Value {
    let now = now();
    json!({
        // vstoken: `nbf` ten minutes back, `exp` ten minutes ahead, an audience that a job cannot choose.
        "iss": format!("{issuer}/3f0ba7d4-1a4e-4f0c-9d3c-3c8ac6b0b6c1"),
        "aud": "api://AzureADTokenExchange", "sub": "p://acme/shop/deploy",
        "jti": uuid(), "iat": now, "nbf": now - 600, "exp": now + 600,
        "org_id": "3f0ba7d4-1a4e-4f0c-9d3c-3c8ac6b0b6c1", "prj_id": "5f3a2c41-7d2b-4d8e-a6c1-2b9b6d1e8a70",
        "def_id": "17", "rpo_id": "b0b9a1de-6f3c-4a55-8f39-4c1f1a0f8d11",
        "rpo_uri": "https://dev.azure.com/acme/shop/_git/shop",
        "rpo_ver": "714a629c0b401fdce83e847fc9589983fc6f46bc", "rpo_ref": "refs/heads/main", "run_id": "4711",
    })
}

pub(super) fn jenkins(issuer: &str) -> Value {
    let now = now();
    // Neither `jti` nor `nbf`: the plugin sets neither.
    json!({
        "iss": format!("{issuer}/oidc"), "aud": "keyward", "sub": "https://jenkins.example.com/job/shop/job/deploy/",
        "iat": now, "exp": now + 3600, "build_number": 42,
    })
}

fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn github_env(base: &str) -> Vec<(String, String)> {
    env(&[
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REPOSITORY", "acme/shop"),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_RUN_ID", "7349181"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("{base}/github/idtoken?api-version=2.0")),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN),
    ])
}

pub(super) fn gitlab_env(issuer: &str, token: String) -> Vec<(String, String)> {
    env(&[
        ("CI", "true"),
        ("GITLAB_CI", "true"),
        ("CI_SERVER_URL", issuer),
        ("CI_PROJECT_PATH", "acme/shop"),
        ("CI_JOB_ID", "302"),
        ("KEYWARD_ID_TOKEN", &token),
    ])
}

pub(super) fn azure_env(base: &str) -> Vec<(String, String)> {
    let plan = "_apis/distributedtask/hubs/build/plans/6b1f0d5e/jobs/12f1170f";
    env(&[
        ("TF_BUILD", "True"),
        ("BUILD_BUILDID", "4711"),
        ("SYSTEM_TEAMPROJECT", "shop"),
        ("SYSTEM_OIDCREQUESTURI", &format!("{base}/azure/{plan}/oidctoken")),
        ("SYSTEM_ACCESSTOKEN", REQUEST_TOKEN),
    ])
}

pub(super) fn jenkins_env(issuer: &str, token: String) -> Vec<(String, String)> {
    env(&[
        ("JENKINS_URL", issuer),
        ("BUILD_NUMBER", "42"),
        ("JOB_NAME", "shop/deploy"),
        ("JOB_URL", "https://jenkins.example.com/job/shop/job/deploy/"),
        ("KEYWARD_ID_TOKEN", &token),
    ])
}
