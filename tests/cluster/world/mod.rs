//! The whole product on a real control plane. In: a cluster. Out: [`Fleet`], one instance whose gateways are running processes.
//!
//! `operator` installs what ships and runs the operator with the token of its own service account; `gateways` plays the kubelet: a pod of a
//! lane becomes a gateway process, started as the pod says, with the token of the pod's service account; `fleet` is what most tests
//! hold; `proxy` spoils the way to the API server; `routes` makes backends and Ingresses; `tls` has clients with certificates; `objects` lists what there is.

mod fleet;
pub(crate) mod gateways;
pub(crate) mod objects;
pub(crate) mod operator;
pub(crate) mod proxy;
pub(crate) mod routes;
pub(crate) mod tls;

pub(crate) use fleet::{Fleet, SMALL};

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// Longest wait for anything that an event brings about. All of it takes milliseconds on an idle machine; tests share two cores.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Addresses given out so far.
static ADDRESSES: AtomicU16 = AtomicU16::new(0);

/// An address that no other pod or backend of this run has.
pub(crate) fn address() -> Ipv4Addr {
    // From 10.77.16.0 on, well away from the addresses that tests of the harness write by hand.
    const FIRST: u16 = 16 << 8;
    let nth = ADDRESSES.fetch_add(1, Ordering::SeqCst);
    let [third, fourth] = (FIRST + nth / 250 * 256 + nth % 250 + 1).to_be_bytes();
    Ipv4Addr::new(10, 77, third, fourth)
}

/// The sample that so many percent of `samples` do not exceed.
pub(crate) fn quantile(samples: &mut [Duration], percent: usize) -> Duration {
    samples.sort();
    samples.get((samples.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}
