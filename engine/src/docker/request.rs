//! What every request shares: time limits, and turning bollard's errors into ours.

use std::{collections::HashMap, future::Future, time::Duration};

use bollard::errors::Error;

use crate::{EngineError, Labels};

/// How long the engine may take for a request that moves no image data.
const LIMIT: Duration = Duration::from_secs(120);

/// Sends a request and names it in the error.
pub(super) async fn send<T>(
    action: &'static str,
    object: &str,
    request: impl Future<Output = Result<T, Error>>,
) -> Result<T, EngineError> {
    match tokio::time::timeout(LIMIT, request).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(translate(action, object, error)),
        Err(_) => Err(EngineError::TimedOut { action, object: object.to_owned(), seconds: LIMIT.as_secs() }),
    }
}

/// Our error for one of bollard's.
pub(super) fn translate(action: &'static str, object: &str, error: Error) -> EngineError {
    let object = object.to_owned();
    match error {
        Error::DockerResponseServerError { status_code, message } => {
            EngineError::Refused { action, object, status: status_code, message }
        }
        Error::DockerStreamError { error } => EngineError::Refused { action, object, status: 500, message: error },
        other => EngineError::Broken { action, object, source: Box::new(other) },
    }
}

/// The engine's answer, with "there is no such thing" turned into `None`.
pub(super) fn optional<T>(answer: Result<T, EngineError>) -> Result<Option<T>, EngineError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A label filter in the API's words; an empty value stands for any.
pub(super) fn label_filter(labels: &Labels) -> HashMap<String, Vec<String>> {
    let wanted =
        labels.iter().map(|(key, value)| if value.is_empty() { key.clone() } else { format!("{key}={value}") });
    HashMap::from([("label".to_owned(), wanted.collect())])
}

/// An answer as text for people.
pub(super) fn pretty(answer: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(answer).unwrap_or_default()
}
