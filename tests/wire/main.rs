//! Real sockets and raw bytes against a real gateway process that reads manifests from a directory.
//!
//! A case shows the bytes on both sides: what a client sends and gets, and what the backend saw of it. `requests` and `responses` are
//! the tables of hostile messages, `paths` that of request targets; `annotations` that of what Ingresses ask for by annotations; `routing`, `classes`, `changes`, `limits`, `overload`, `admin`, `tls`, `traces` and `leaving` tell one behaviour
//! a function. `support`, which other suites share, starts the gateway, its backends and its clients. Nothing sleeps: what is waited for is looked at.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test binary: a panic is a failed test, and its output is for a developer"
)]

mod abandoned;
mod accounts;
mod admin;
mod annotations;
mod changes;
mod classes;
mod http2;
mod incidents;
mod leaving;
mod limits;
mod overload;
mod paths;
mod requests;
mod responses;
mod routing;
mod tls;
mod traces;

use bulkhead_tests::gateway as support;
