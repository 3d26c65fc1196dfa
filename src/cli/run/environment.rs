//! What the command gets beside what it would get without us, and what it does not.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, path::Path};

use keyward_sdk::secret::Secret;
use tokio::process::Command;

use super::{access::Access, detect, place::Placed, want::Variable};
use crate::cli::CliError;

/// Where the command finds the files whose names have no `/`.
pub(super) const FILES: &str = "KEYWARD_FILES";
/// What only logs in to Keyward: the command does not get it.
const OURS: &[&str] = &["KEYWARD_TOKEN", "KEYWARD_TOKEN_FILE", "KEYWARD_CLIENT_CERT", "KEYWARD_CLIENT_KEY"];
/// What CI systems let a job ask who it is with. Other tools may need it, so it goes only when that is asked.
const CI: &[&str] =
    &["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "SYSTEM_ACCESSTOKEN", "SYSTEM_OIDCREQUESTURI"];
/// The longest text that Linux takes as one variable (MAX_ARG_STRLEN).
const MOST: usize = 128 * 1024;

/// Takes away what is not the command's.
pub(super) fn clean(command: &mut Command, token_variable: Option<&str>, hide_ci: bool) {
    let ci = CI.iter().filter(|_| hide_ci);
    for name in OURS.iter().chain([&detect::TOKEN, &detect::TOKEN_FILE]).chain(ci) {
        command.env_remove(name);
    }
    if let Some(name) = token_variable {
        command.env_remove(name);
    }
}

/// Puts a value into the environment.
pub(super) fn put(command: &mut Command, variable: &Variable, value: &Secret) -> Result<(), CliError> {
    let Variable { name, field } = variable;
    let fail =
        |why: &str| CliError::usage(format!("`{}#{}` cannot be the variable {name}: {why}", field.path, field.name));
    if value.expose().contains(&0) {
        return Err(fail("it has a zero byte; use `--file`"));
    }
    if name.len() + value.len() + 2 > MOST {
        return Err(fail("it is longer than 128 KiB; use `--file`"));
    }
    command.env(name, OsString::from_vec(value.expose().to_vec()));
    Ok(())
}

/// Gives the command the token of this run, for `--pass-token`. The token is bound to a key, which is needed as well.
pub(super) fn pass_token(command: &mut Command, access: &Access, placed: &mut Placed) -> Result<(), CliError> {
    let target = access.target();
    command.env("KEYWARD_ADDR", &target.addr);
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Some(file) = target.ca_cert() {
        command.env("KEYWARD_CA_CERT", absolute(file));
    }
    if let Some(tenant) = target.tenant() {
        command.env("KEYWARD_TENANT", tenant);
    }
    if let Some(token) = target.token() {
        command.env("KEYWARD_TOKEN", token.expose());
    }
    if let Some((certificate, key)) = target.certificate() {
        let certificate =
            Secret::copy_of(certificate.as_bytes()).map_err(|e| CliError::other("passing the token", e))?;
        command.env("KEYWARD_CLIENT_CERT", placed.write_inside(Path::new(".keyward.crt"), &certificate)?);
        command.env("KEYWARD_CLIENT_KEY", placed.write_inside(Path::new(".keyward.key"), &key.to_secret())?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::run::want;

    #[test]
    fn a_value_that_no_variable_can_hold_is_refused_without_showing_it() {
        let variable = want::variable("A=prod/db#key").unwrap();
        for value in [b"s3cr3t\0".to_vec(), vec![b'x'; MOST]] {
            let said = put(&mut Command::new("true"), &variable, &Secret::new(value).unwrap()).unwrap_err().to_string();
            assert!(said.contains("prod/db#key") && said.contains("--file"), "{said}");
            assert!(!said.contains("s3cr3t") && !said.contains("xxx"), "{said}");
        }
        put(&mut Command::new("true"), &variable, &Secret::new(vec![0xff, b'\n']).unwrap()).unwrap();
    }
}
