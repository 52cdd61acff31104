//! One call to the API server: its time is bounded, and its failure says what was attempted.

use std::future::Future;
use std::time::Duration;

/// Longest time for one call. The client itself has no read timeout and retries for minutes.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The API server, or the way to it, refused.
    #[error("{attempt}: {}", reason(source))]
    Refused {
        /// What was attempted.
        attempt: String,
        /// Why not.
        #[source]
        source: Box<kube::Error>,
    },
    /// No answer in time. The write may have taken effect.
    #[error("{attempt}: no answer within {} s", CALL_TIMEOUT.as_secs())]
    TimedOut {
        /// What was attempted.
        attempt: String,
    },
}

impl CallError {
    /// A word for metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TimedOut { .. } => "timeout",
            Self::Refused { source, .. } => match source.as_ref() {
                kube::Error::Api(status) if status.is_conflict() || status.is_already_exists() => "conflict",
                kube::Error::Api(status) if status.is_forbidden() => "forbidden",
                kube::Error::Api(status) if status.is_invalid() => "invalid",
                kube::Error::Api(status) if status.is_not_found() => "not_found",
                kube::Error::Api(_) => "refused",
                _ => "unreachable",
            },
        }
    }

    /// Whether the object, or the namespace it belongs into, does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind() == "not_found"
    }

    /// Whether a precondition did not hold, so that it was another object or another version of it, or there is one already.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.kind() == "conflict"
    }
}

/// What the API server said, without the debug form that kube's own message carries.
fn reason(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => other.to_string(),
    }
}

/// Waits for `call`, at most [`CALL_TIMEOUT`].
///
/// # Errors
/// When the call fails or takes too long.
pub async fn call<T>(attempt: impl Into<String>, call: impl Future<Output = kube::Result<T>>) -> Result<T, CallError> {
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(source)) => Err(CallError::Refused { attempt: attempt.into(), source: Box::new(source) }),
        Err(_) => Err(CallError::TimedOut { attempt: attempt.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_hangs_ends_after_its_time_and_says_what_it_was() {
        let error = call("applying Service infra/edge", std::future::pending::<kube::Result<()>>()).await.unwrap_err();
        assert_eq!(error.to_string(), "applying Service infra/edge: no answer within 10 s");
        assert_eq!(error.kind(), "timeout");
    }
}
