//! A client that reports every failed request.

use kube::{Client, Config};

/// A client that sends each request once. By default `kube` repeats for a while what is answered with 429, 503 or 504:
/// right for a program, but a test that counts failures would not see them.
///
/// # Errors
/// When the configuration holds an unusable certificate or address.
pub fn client_without_retries(mut config: Config) -> kube::Result<Client> {
    config.default_retry = false;
    Client::try_from(config)
}
