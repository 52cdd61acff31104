//! What the tests that cross crates share. In: the binaries that Cargo built and the manifests of a test. Out: a real control
//! plane in a sandbox of its own, processes with captured logs, backends that echo, wire-exact HTTP/1.1 and awaited conditions.
//!
//! `cluster` starts etcd, kube-apiserver and kube-controller-manager and plays the node; `suite` turns async functions into tests;
//! `house` holds the rules of the repository; `process` and `binaries` run what we ship; `echo` and `exchange` are the two ends of a request,
//! `http2` is the client's in the other version; `gateway` is a gateway process between the two, as wire tests need it; `wait` replaces every sleep.

pub mod binaries;
pub mod cluster;
pub mod echo;
pub mod exchange;
pub mod gateway;
pub mod house;
pub mod http2;
pub mod places;
pub mod process;
pub mod suite;
pub mod wait;
