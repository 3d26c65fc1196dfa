//! What the tokens of CI systems look like, so that nobody has to find out which number is a text.
//!
//! Each list is what the system documents; a claim of another type than declared would refuse the login, so only what is
//! known for certain is listed. More can be added with `--claim`.

use clap::ValueEnum;
use keyward_api::v1::{ClaimType, DeclaredClaim, Issuer, Replay};

/// A CI system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// Azure Pipelines.
    AzurePipelines,
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Jenkins with the plugin oidc-provider.
    Jenkins,
    /// Service accounts of a Kubernetes cluster.
    Kubernetes,
}

/// All texts, numbers and booleans included.
const GITHUB: &[&str] = &[
    "actor",
    "actor_id",
    "base_ref",
    "check_run_id",
    "enterprise",
    "enterprise_id",
    "environment",
    "event_name",
    "head_ref",
    "job_workflow_ref",
    "job_workflow_sha",
    "jti",
    "ref",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repository_visibility",
    "run_attempt",
    "run_id",
    "run_number",
    "runner_environment",
    "sha",
    "workflow",
    "workflow_ref",
    "workflow_sha",
];
/// Ids are texts, and so are `ref_protected` and `environment_protected`.
const GITLAB: &[&str] = &[
    "ci_config_ref_uri",
    "ci_config_sha",
    "deployment_tier",
    "environment",
    "environment_action",
    "environment_protected",
    "job_id",
    "jti",
    "namespace_id",
    "namespace_path",
    "pipeline_id",
    "pipeline_source",
    "project_id",
    "project_path",
    "project_visibility",
    "ref",
    "ref_path",
    "ref_protected",
    "ref_type",
    "runner_environment",
    "sha",
    "user_access_level",
    "user_email",
    "user_id",
    "user_login",
];
const AZURE: &[&str] = &["def_id", "jti", "org_id", "prj_id", "rpo_id", "rpo_ref", "rpo_uri", "rpo_ver", "run_id"];
const KUBERNETES: &[(&str, &str)] = &[
    ("namespace", "/kubernetes.io/namespace"),
    ("node", "/kubernetes.io/node/name"),
    ("pod", "/kubernetes.io/pod/name"),
    ("pod_uid", "/kubernetes.io/pod/uid"),
    ("serviceaccount", "/kubernetes.io/serviceaccount/name"),
    ("serviceaccount_uid", "/kubernetes.io/serviceaccount/uid"),
];

impl Preset {
    /// What it says of an issuer.
    pub(crate) fn issuer(self) -> Issuer {
        let mut issuer = Issuer { algorithms: vec!["RS256".to_owned()], ..Issuer::default() };
        issuer.set_replay(Replay::Allow);
        let mut declare = |name: &str, kind: ClaimType, path: &str| {
            issuer.claims.insert(name.to_owned(), DeclaredClaim { r#type: kind.into(), path: path.to_owned() });
        };
        match self {
            Self::AzurePipelines => AZURE.iter().for_each(|claim| declare(claim, ClaimType::Text, "")),
            Self::Github => GITHUB.iter().for_each(|claim| declare(claim, ClaimType::Text, "")),
            Self::Gitlab => {
                GITLAB.iter().for_each(|claim| declare(claim, ClaimType::Text, ""));
                declare("groups_direct", ClaimType::Texts, "");
                declare("runner_id", ClaimType::Long, "");
            }
            Self::Jenkins => declare("build_number", ClaimType::Long, ""),
            Self::Kubernetes => KUBERNETES.iter().for_each(|(claim, path)| declare(claim, ClaimType::Text, path)),
        }
        match self {
            Self::AzurePipelines => {
                // The audience is the same for everyone, so whoever else gets a token could use it here.
                issuer.audiences = vec!["api://AzureADTokenExchange".to_owned()];
                issuer.set_replay(Replay::Once);
            }
            Self::Github => issuer.iss = "https://token.actions.githubusercontent.com".to_owned(),
            Self::Gitlab => issuer.iss = "https://gitlab.com".to_owned(),
            Self::Kubernetes => issuer.algorithms.push("ES256".to_owned()),
            Self::Jenkins => {}
        }
        issuer
    }

    /// Where people find the `iss` that the preset cannot know.
    pub(crate) fn iss_hint(self) -> &'static str {
        match self {
            Self::AzurePipelines => "https://vstoken.dev.azure.com/ and the id of the organisation",
            Self::Github => "https://HOST/_services/token of the enterprise server",
            Self::Gitlab => "the address of the GitLab server",
            Self::Jenkins => "https://JENKINS/oidc, with the path of the folder if the credential is of one",
            Self::Kubernetes => "what `kubectl get --raw /.well-known/openid-configuration` shows as `issuer`",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_gitlab_are_texts_and_only_the_runner_is_a_number() {
        let issuer = Preset::Gitlab.issuer();
        let kind = |claim: &str| issuer.claims.get(claim).map(DeclaredClaim::r#type);
        assert_eq!(kind("project_id"), Some(ClaimType::Text));
        assert_eq!(kind("ref_protected"), Some(ClaimType::Text));
        assert_eq!(kind("runner_id"), Some(ClaimType::Long));
        assert_eq!(kind("groups_direct"), Some(ClaimType::Texts));
    }

    #[test]
    fn a_token_whose_audience_cannot_be_ours_serves_once() {
        for preset in Preset::value_variants() {
            let issuer = preset.issuer();
            assert_eq!(issuer.replay() == Replay::Once, !issuer.audiences.is_empty(), "{preset:?}");
            assert!(issuer.claims.len() <= 64 && !issuer.algorithms.is_empty());
        }
    }
}
