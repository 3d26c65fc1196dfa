//! Device code (RFC 8628): the login happens on another device.

use keyward_sdk::secret::SecretString;
use oauth2::StandardDeviceAuthorizationResponse;

use super::{http::Http, provider::Provider};
use crate::cli::{CliError, output::Output};

/// Logs in with a code.
pub(super) async fn log_in(provider: &Provider, http: &Http, output: &Output) -> Result<SecretString, CliError> {
    let call = |request| http.send(request);
    let request = provider.client.exchange_device_code().map_err(|_| {
        CliError::other(
            format!("logging in at {}", provider.issuer),
            "the provider has no device login; leave `--device` out",
        )
    })?;
    let details = request.add_scopes(provider.scopes()).request_async(&call).await;
    let details: StandardDeviceAuthorizationResponse = details.map_err(|error| provider.refused(error))?;
    let place =
        details.verification_uri_complete().map_or_else(|| details.verification_uri().as_str(), |uri| uri.secret());
    output.note(&format!("Log in here:\n  {place}\nwith the code {}", details.user_code().secret()));
    // Waits as often and as long as the provider says.
    let answer =
        provider.client.exchange_device_access_token(&details).request_async(&call, tokio::time::sleep, None).await;
    provider.id_token(&answer.map_err(|error| provider.refused(error))?, None)
}
