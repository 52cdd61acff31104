//! Watches how full memory and descriptors are, and has the data threads shed load before the system ends the process.
//!
//! On a thread of its own: it must not wait for a compile, nor for whoever asks the admin pages.

use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use bulkhead_model::overload::{Level, Pressure};
use bulkhead_proxy::Proxy;
use tokio::sync::watch;

mod descriptors;
mod memory;

pub use descriptors::raise_limit;
pub use memory::Memory;

/// Between two readings. A process takes seconds to fill its memory, so the ladder is climbed rung by rung; a reading costs
/// some tens of microseconds.
const EVERY: Duration = Duration::from_millis(250);

/// How full things were when they were last looked at. `None`: there is no bound, or it cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Memory.
    pub memory: Option<Pressure>,
    /// File descriptors.
    pub descriptors: Option<Pressure>,
    /// What is done about it.
    pub level: Level,
}

/// Watches on behalf of `proxy` until it is gone.
///
/// # Errors
/// When there is no thread for it.
pub fn start(memory: Memory, proxy: Weak<Proxy>) -> io::Result<watch::Receiver<Reading>> {
    let (readings, latest) = watch::channel(Reading::default());
    let body = move || {
        let mut last = Reading::default();
        while let Some(proxy) = proxy.upgrade() {
            last = look(&memory, &proxy, last.level);
            drop(proxy);
            readings.send_replace(last);
            thread::sleep(EVERY);
        }
    };
    thread::Builder::new().name("overload".to_owned()).spawn(body)?;
    Ok(latest)
}

/// Takes one reading and has the data threads act on it.
fn look(memory: &Memory, proxy: &Arc<Proxy>, before: Level) -> Reading {
    let pressure = memory.pressure();
    let descriptors = descriptors::pressure();
    let held = memory.limit().map_or_else(Pressure::default, |limit| Pressure::of(proxy.held(), limit));
    let level = before.next(pressure.unwrap_or_default(), held, descriptors.unwrap_or_default());
    if level != before {
        let (memory, descriptors) = (thousandths(pressure), thousandths(descriptors));
        tracing::warn!(
            level = level.name(),
            before = before.name(),
            memory,
            descriptors,
            held = held.thousandths(),
            "the level of overload has changed; fullness is in thousandths"
        );
        proxy.press(level);
    }
    Reading { memory: pressure, descriptors, level }
}

fn thousandths(pressure: Option<Pressure>) -> Option<u16> {
    pressure.map(Pressure::thousandths)
}
