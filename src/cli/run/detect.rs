//! Which CI system this is, and where it keeps the job's identity.

use std::path::{Path, PathBuf};

use keyward_sdk::secret::SecretString;

use crate::cli::CliError;

/// The variable that holds an OIDC token for Keyward.
pub(super) const TOKEN: &str = "KEYWARD_ID_TOKEN";
/// The variable that names a file with one.
pub(super) const TOKEN_FILE: &str = "KEYWARD_ID_TOKEN_FILE";
/// Where a projected token of a Kubernetes service account lies by convention. Not the one that every pod gets: that is
/// meant for the API server, which alone should see it.
pub(super) const PROJECTED: &str = "/var/run/secrets/keyward/token";

/// Where to get the token from.
#[derive(Debug)]
pub(super) enum Source {
    /// It is here already.
    Given(SecretString),
    /// It is in a file.
    File(PathBuf),
    /// GitHub Actions makes one for an audience.
    Github {
        /// Where to ask.
        url: String,
        /// What opens that door.
        bearer: SecretString,
    },
    /// Azure Pipelines makes one.
    Azure {
        /// Where to ask.
        url: String,
        /// What opens that door.
        bearer: SecretString,
    },
}

/// What options say about it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Given<'a> {
    /// A file with the token.
    pub(super) file: Option<&'a Path>,
    /// A variable with the token.
    pub(super) variable: Option<&'a str>,
}

/// Looks at options and environment. None when this is no CI system that is known here.
///
/// # Errors
/// When this is one and the job was not given an identity: how to give it one.
pub(super) fn detect(
    given: Given<'_>,
    env: &dyn Fn(&str) -> Option<String>,
    exists: &dyn Fn(&Path) -> bool,
) -> Result<Option<Source>, CliError> {
    let secret = |text: String| {
        SecretString::new(text)
            .map(SecretString::trimmed)
            .map_err(|error| CliError::other("reading the OIDC token", error))
    };
    let set = |name: &str| env(name).filter(|value| !value.trim().is_empty());
    if let Some(file) = given.file {
        return Ok(Some(Source::File(file.to_owned())));
    }
    if let Some(name) = given.variable {
        let text = set(name)
            .ok_or_else(|| CliError::usage(format!("the variable `{name}` of `--oidc-token-env` is not set")))?;
        return Ok(Some(Source::Given(secret(text)?)));
    }
    if let Some(text) = set(TOKEN) {
        return Ok(Some(Source::Given(secret(text)?)));
    }
    if let Some(file) = set(TOKEN_FILE) {
        return Ok(Some(Source::File(file.into())));
    }
    if let (Some(url), Some(bearer)) = (set("ACTIONS_ID_TOKEN_REQUEST_URL"), set("ACTIONS_ID_TOKEN_REQUEST_TOKEN")) {
        return Ok(Some(Source::Github { url, bearer: secret(bearer)? }));
    }
    if let (Some(url), Some(bearer)) = (set("SYSTEM_OIDCREQUESTURI"), set("SYSTEM_ACCESSTOKEN")) {
        return Ok(Some(Source::Azure { url, bearer: secret(bearer)? }));
    }
    if exists(Path::new(PROJECTED)) {
        return Ok(Some(Source::File(PROJECTED.into())));
    }
    match missing(&set) {
        Some(hint) => Err(CliError::usage(hint)),
        None => Ok(None),
    }
}

/// What a job of this CI system lacks.
fn missing(set: &dyn Fn(&str) -> Option<String>) -> Option<&'static str> {
    let table = [
        (
            "GITHUB_ACTIONS",
            "this GitHub Actions job may not ask who it is: give it `permissions: { id-token: write, contents: read }`",
        ),
        (
            "GITLAB_CI",
            "this GitLab job has no identity for Keyward: give it `id_tokens: { KEYWARD_ID_TOKEN: { aud: AUDIENCE } }`",
        ),
        (
            "TF_BUILD",
            "this Azure Pipelines step may not ask who it is: give it `env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }`",
        ),
        (
            "JENKINS_URL",
            "this Jenkins step has no identity for Keyward: bind a credential of the plugin oidc-provider to the variable \
             KEYWARD_ID_TOKEN, or its file to KEYWARD_ID_TOKEN_FILE",
        ),
        (
            "KUBERNETES_SERVICE_HOST",
            "this pod has no identity for Keyward: project a service-account token with Keyward's audience to \
             /var/run/secrets/keyward/token, or name its file with `--oidc-token-file`",
        ),
    ];
    table.into_iter().find(|(name, _)| set(name).is_some()).map(|(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GITHUB: &[(&str, &str)] = &[
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://pipelines.example/token?api-version=2.0"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "door"),
    ];
    const AZURE: &[(&str, &str)] = &[
        ("TF_BUILD", "True"),
        ("SYSTEM_OIDCREQUESTURI", "https://dev.example/oidctoken"),
        ("SYSTEM_ACCESSTOKEN", "door"),
    ];

    fn found(env: &[(&str, &str)], given: Given<'_>, projected: bool) -> Result<Option<Source>, CliError> {
        let get = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        detect(given, &get, &|_| projected)
    }

    fn kind(env: &[(&str, &str)]) -> String {
        match found(env, Given::default(), false).unwrap() {
            None => "none".to_owned(),
            Some(Source::Given(text)) => format!("given {}", text.expose()),
            Some(Source::File(file)) => format!("file {}", file.display()),
            Some(Source::Github { url, bearer }) => format!("github {url} {}", bearer.expose()),
            Some(Source::Azure { url, bearer }) => format!("azure {url} {}", bearer.expose()),
        }
    }

    #[test]
    fn each_system_is_known_by_its_environment() {
        assert_eq!(kind(GITHUB), "github https://pipelines.example/token?api-version=2.0 door");
        assert_eq!(kind(AZURE), "azure https://dev.example/oidctoken door");
        assert_eq!(kind(&[("GITLAB_CI", "true"), (TOKEN, " a.b.c\n")]), "given a.b.c");
        assert_eq!(kind(&[("JENKINS_URL", "https://jenkins.example/"), (TOKEN, "a.b.c")]), "given a.b.c");
        assert_eq!(kind(&[("JENKINS_URL", "https://jenkins.example/"), (TOKEN_FILE, "/w/token")]), "file /w/token");
        assert_eq!(kind(&[("HOME", "/root")]), "none");
        let projected = found(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")], Given::default(), true).unwrap();
        assert!(matches!(projected, Some(Source::File(file)) if file == Path::new(PROJECTED)));
    }

    #[test]
    fn what_is_named_for_keyward_comes_before_what_the_system_offers() {
        let both = [GITHUB, &[(TOKEN, "a.b.c")]].concat();
        assert_eq!(kind(&both), "given a.b.c");
        let given = Given { variable: Some("OTHER"), file: None };
        let named = [GITHUB, &[(TOKEN, "a.b.c"), ("OTHER", "d.e.f")]].concat();
        assert!(matches!(found(&named, given, true).unwrap(), Some(Source::Given(text)) if text.expose() == "d.e.f"));
        let file = Given { variable: None, file: Some(Path::new("/t")) };
        assert!(matches!(found(&named, file, true).unwrap(), Some(Source::File(path)) if path == Path::new("/t")));
        assert!(found(GITHUB, given, true).is_err(), "a variable that was named must be there");
    }

    #[test]
    fn a_job_without_an_identity_is_told_how_to_get_one() {
        for (name, word) in [
            ("GITHUB_ACTIONS", "id-token: write"),
            ("GITLAB_CI", "id_tokens"),
            ("TF_BUILD", "SYSTEM_ACCESSTOKEN"),
            ("JENKINS_URL", "oidc-provider"),
            ("KUBERNETES_SERVICE_HOST", PROJECTED),
        ] {
            let said = found(&[(name, "true"), (TOKEN, "")], Given::default(), false).unwrap_err().to_string();
            assert!(said.contains(word), "{name}: {said}");
        }
    }

    #[test]
    fn half_of_what_a_system_gives_is_not_enough() {
        assert!(found(&GITHUB[..3], Given::default(), false).is_err());
        assert!(found(&AZURE[..2], Given::default(), false).is_err());
    }
}
