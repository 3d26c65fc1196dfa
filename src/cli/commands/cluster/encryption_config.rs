//! `keyward cluster encryption-config`: the file that `kube-apiserver --encryption-provider-config` takes.

use clap::Args;
use serde_json::json;

use super::{Clusters, get};
use crate::cli::{CliError, output::Output};

/// What to encrypt, and where the provider is.
#[derive(Debug, Args)]
pub(crate) struct EncryptionConfigArgs {
    /// The cluster.
    name: String,
    /// The provider's socket on the control-plane node. `@name` is an abstract one.
    #[arg(long, value_name = "PATH")]
    socket: Option<String>,
    /// A resource to encrypt; may be given several times.
    #[arg(long = "resource", value_name = "NAME", default_value = "secrets")]
    resources: Vec<String>,
    /// The name under which etcd remembers the provider. It can never change for a cluster.
    #[arg(long, value_name = "NAME")]
    provider_name: Option<String>,
    /// How long the API server waits for the provider.
    #[arg(long, value_name = "DURATION", default_value = "3s")]
    timeout: String,
}

impl EncryptionConfigArgs {
    pub(super) async fn run(self, client: &mut Clusters, output: &Output) -> Result<(), CliError> {
        let cluster = get(client, self.name.clone()).await?;
        let socket = self.socket.unwrap_or_else(|| format!("/run/keyward/@{}.sock", cluster.name));
        let endpoint = if socket.starts_with('@') { format!("unix:///{socket}") } else { format!("unix://{socket}") };
        let provider = self.provider_name.unwrap_or_else(|| format!("keyward-{}", cluster.name));
        for (what, text) in [("--provider-name", &provider), ("--socket", &endpoint), ("--timeout", &self.timeout)] {
            check(what, text)?;
        }
        self.resources.iter().try_for_each(|resource| check("--resource", resource))?;
        if provider.contains(':') {
            return Err(CliError::usage("--provider-name: kube-apiserver allows no `:` in it"));
        }
        if output.is_json() {
            output.json(&json!({
                "apiVersion": "apiserver.config.k8s.io/v1",
                "kind": "EncryptionConfiguration",
                "resources": [{
                    "resources": self.resources,
                    "providers": [
                        { "kms": { "apiVersion": "v2", "name": provider, "endpoint": endpoint, "timeout": self.timeout } },
                        { "identity": {} },
                    ],
                }],
            }));
            return Ok(());
        }
        let resources: String = self.resources.iter().map(|resource| format!("      - \"{resource}\"\n")).collect();
        output.line(&format!(
            "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n  - resources:\n{resources}    \
             providers:\n      - kms:\n          apiVersion: v2\n          name: \"{provider}\"\n          endpoint: \"{endpoint}\"\n          \
             timeout: {}\n      # Reads what was written before; remove it when everything has been rewritten.\n      - identity: {{}}",
            self.timeout
        ));
        Ok(())
    }
}

/// What would not stand in quotes as it is.
fn check(what: &str, text: &str) -> Result<(), CliError> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    if plain {
        Ok(())
    } else {
        Err(CliError::usage(format!("{what}: `{}` has characters that do not fit", text.escape_debug())))
    }
}
