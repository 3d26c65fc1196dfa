//! `keyward issuer add`.

use std::{collections::HashMap, path::PathBuf};

use clap::ValueEnum;
use keyward_api::v1::{ClaimType, DeclaredClaim, KeyDiscovery, PutIssuerRequest, Replay, issuer::Keys};

use super::preset::Preset;
use crate::cli::{CliError, input};

/// How often one token may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplayArg {
    /// Until it expires.
    Allow,
    /// Once.
    Once,
}

/// An issuer. What a preset says can be said otherwise.
#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    /// The name that principals and policies use.
    name: String,
    /// Fill in what a CI system's tokens look like.
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// The claim `iss` of its tokens, byte for byte.
    #[arg(long, value_name = "URL")]
    iss: Option<String>,
    /// An audience that means this broker. May be repeated.
    #[arg(long = "audience", value_name = "AUDIENCE")]
    audiences: Vec<String>,
    /// An algorithm that its tokens may be signed with, e.g. RS256. May be repeated.
    #[arg(long = "algorithm", value_name = "ALG")]
    algorithms: Vec<String>,
    /// Fetch its keys from this JWKS document; without it they are found by discovery.
    #[arg(long, value_name = "URL", conflicts_with = "jwks_file")]
    jwks_url: Option<String>,
    /// Take its keys from this JWKS file, `-` for standard input, and fetch nothing.
    #[arg(long, value_name = "FILE")]
    jwks_file: Option<PathBuf>,
    /// Trust these authorities (a PEM file) for the host that its keys are fetched from, instead of the authorities of the
    /// broker's system.
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_file")]
    issuer_ca_cert: Option<PathBuf>,
    /// A claim that policies may read: text, texts, long or bool, and where it lies if not under its name, e.g.
    /// `groups=texts@realm_access.roles`. May be repeated.
    #[arg(long = "claim", value_name = "NAME=TYPE[@PATH]")]
    claims: Vec<String>,
    /// How often one token may log in.
    #[arg(long, value_enum)]
    replay: Option<ReplayArg>,
    /// How far its clock may be off, in seconds.
    #[arg(long, value_name = "SECONDS")]
    clock_skew: Option<u32>,
    /// How long after it was issued a token may log in, in seconds.
    #[arg(long, value_name = "SECONDS")]
    max_token_age: Option<u32>,
    /// Write it even when policies become invalid by it, or nobody is left who can write policies.
    #[arg(long)]
    force: bool,
}

impl AddArgs {
    /// The request.
    pub(crate) fn request(self) -> Result<PutIssuerRequest, CliError> {
        let mut issuer = self.preset.map(Preset::issuer).unwrap_or_default();
        issuer.name = self.name;
        if let Some(iss) = self.iss {
            issuer.iss = iss;
        }
        if issuer.iss.is_empty() {
            let hint = self.preset.map_or("the claim `iss` of its tokens", Preset::iss_hint);
            return Err(CliError::usage(format!("give `--iss`: {hint}")));
        }
        if !self.audiences.is_empty() {
            issuer.audiences = self.audiences;
        }
        if issuer.audiences.is_empty() {
            return Err(CliError::usage(
                "give `--audience`: what the job asks its CI for, e.g. the address of this broker",
            ));
        }
        if !self.algorithms.is_empty() {
            issuer.algorithms = self.algorithms;
        }
        if issuer.algorithms.is_empty() {
            issuer.algorithms = vec!["RS256".to_owned()];
        }
        issuer.keys = Some(match (self.jwks_url, self.jwks_file) {
            (Some(url), _) => Keys::JwksUrl(url),
            (None, Some(file)) => Keys::Jwks(input::text(&file)?),
            (None, None) => Keys::Discovery(KeyDiscovery {}),
        });
        if let Some(file) = self.issuer_ca_cert {
            issuer.ca_certificates = input::text(&file)?;
        }
        issuer.claims.extend(self.claims.iter().map(|claim| declared(claim)).collect::<Result<HashMap<_, _>, _>>()?);
        match self.replay {
            Some(ReplayArg::Allow) => issuer.set_replay(Replay::Allow),
            Some(ReplayArg::Once) => issuer.set_replay(Replay::Once),
            None => {}
        }
        issuer.clock_skew_seconds = self.clock_skew;
        issuer.max_token_age_seconds = self.max_token_age;
        Ok(PutIssuerRequest { issuer: Some(issuer), force: self.force })
    }
}

fn declared(text: &str) -> Result<(String, DeclaredClaim), CliError> {
    let wrong =
        || CliError::usage(format!("`{text}`: write NAME=TYPE or NAME=TYPE@PATH, TYPE is text, texts, long or bool"));
    let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (kind, path) = rest.split_once('@').unwrap_or((rest, ""));
    let kind = match kind {
        "bool" => ClaimType::Bool,
        "long" => ClaimType::Long,
        "text" => ClaimType::Text,
        "texts" => ClaimType::Texts,
        _ => return Err(wrong()),
    };
    Ok((name.to_owned(), DeclaredClaim { r#type: kind.into(), path: path.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_written_as_name_type_and_place() {
        let (name, claim) = declared("groups=texts@realm_access.roles").unwrap();
        assert_eq!(
            (name.as_str(), claim.r#type(), claim.path.as_str()),
            ("groups", ClaimType::Texts, "realm_access.roles")
        );
        for wrong in ["groups", "groups=list", "=", "a=Text"] {
            assert!(declared(wrong).is_err(), "{wrong}");
        }
    }
}
