//! How a gateway leaves: not ready, still accepting while clients learn of it, then draining, then gone.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use bulkhead_crds::lane::LaneDrain;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::view::View;

/// How to leave before any lane document was read: nothing was served, so there is nothing to wait for.
const NO_DOCUMENT: LaneDrain = LaneDrain { lameduck_ms: 0, timeout_ms: 1_000 };

/// How long the last spans may take that a lane sends at least, though its drain has taken all its time, and at most, though it has
/// taken none. What a pod has left then is five seconds.
const LAST_SPANS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(5));

/// The signals that ask a process to end.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on: the process no longer dies of them.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The next signal's exit code: 128 and its number, as shells have it.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => 128 + 15,
            _ = self.interrupt.recv() => 128 + 2,
        }
    }
}

/// Waits for a signal, then leaves. A second signal ends at once. Returns the exit code of the process.
pub async fn wait(mut signals: Signals, view: &View, control_ended: oneshot::Receiver<()>) -> ExitCode {
    let outcome = tokio::select! {
        _ = signals.next() => ExitCode::SUCCESS,
        // Without it no change would ever be seen again: another process has to take over.
        _ = control_ended => {
            tracing::error!("the control thread has ended, this is a defect: the gateway drains and ends");
            ExitCode::FAILURE
        }
    };
    let leave = pin!(leave(view));
    tokio::select! {
        () = leave => outcome,
        code = signals.next() => {
            tracing::warn!("a second signal: ending at once");
            ExitCode::from(code)
        }
    }
}

fn leave(view: &View) -> impl Future<Output = ()> {
    view.begin_drain();
    let drain = view.state().drain.clone().unwrap_or(NO_DOCUMENT);
    view.proxy.lameduck(Duration::from_millis(drain.lameduck_ms));
    async move {
        tracing::info!(
            lameduck_ms = drain.lameduck_ms,
            timeout_ms = drain.timeout_ms,
            "leaving: not ready, still accepting"
        );
        sleep(Duration::from_millis(drain.lameduck_ms)).await;
        tracing::info!(connections = view.proxy.connections(), "leaving: no longer accepting, requests in flight end");
        // What the document says now: it may have changed meanwhile.
        let drain = view.state().drain.clone().unwrap_or(NO_DOCUMENT);
        let deadline = Instant::now() + Duration::from_millis(drain.timeout_ms);
        let cut = view.proxy.drain(Duration::from_millis(drain.timeout_ms)).await;
        let now = Instant::now();
        view.proxy.spans().settle(deadline.clamp(now + LAST_SPANS.0, now + LAST_SPANS.1)).await;
        tracing::info!(cut, "left");
    }
}
