//! Awaiting a condition: the only way a test lets time pass.

use std::time::Duration;

use anyhow::anyhow;
use tokio::time::{Instant, sleep, timeout_at};

/// Between two looks at a condition: short beside anything awaited, long enough to leave the CPU to what is awaited.
const PERIOD: Duration = Duration::from_millis(25);

/// Looks again and again until `probe` answers `Ok`, and returns that.
///
/// An `Err` of the probe means "not yet" and says what was seen instead: `ensure!(phase == "Running", "phase is {phase}")`.
///
/// # Errors
/// After `deadline`, with `what` was awaited and the last state seen.
pub async fn wait_for<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let end = Instant::now() + deadline;
    let mut seen = anyhow!("no look at it ended in time");
    loop {
        match timeout_at(end, probe()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(state)) => seen = state,
            Err(_) => {}
        }
        if Instant::now() + PERIOD >= end {
            return Err(seen.context(format!("{what}: not within {} s; last seen", deadline.as_secs_f32())));
        }
        sleep(PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_condition_that_comes_true_ends_the_wait() {
        let mut looks = 0;
        let seen = wait_for("three looks", Duration::from_secs(5), async || {
            looks += 1;
            anyhow::ensure!(looks == 3, "{looks} looks");
            Ok(looks)
        });
        assert_eq!(seen.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_condition_that_never_comes_fails_with_what_was_seen() {
        let never = wait_for("a blue moon", Duration::from_millis(60), async || {
            anyhow::bail!("the moon is white") as anyhow::Result<()>
        });
        let message = format!("{:#}", never.await.unwrap_err());
        assert!(
            message.contains("a blue moon: not within 0.06 s") && message.contains("the moon is white"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn a_look_that_hangs_does_not_outlive_the_deadline() {
        let hang = wait_for("an answer", Duration::from_millis(60), async || {
            std::future::pending::<anyhow::Result<()>>().await
        });
        assert!(format!("{:#}", hang.await.unwrap_err()).contains("no look at it ended in time"));
    }
}
