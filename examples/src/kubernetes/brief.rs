//! Errors of the `kube` crate in a few words.

/// What went wrong, without the whole answer that the error holds.
pub fn brief(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} {}", status.code, status.message),
        other => other.to_string(),
    }
}
