//! The operator: watches GatewayInstances, applies what `bulkhead-plan` says, and reports what it sees.
//!
//! In: the objects of a cluster, through `watch` into [`caches`]. Out: the objects of every lane, through [`apply`], and a status on every
//! instance, through [`report`]. Decisions are elsewhere: in `bulkhead-plan`, or here in the pure files [`observe`], [`conditions`],
//! [`owner`], [`prune::surplus`], [`watch::concerns`] and [`election::verdict`].
//!
//! Start with [`reconcile`], which tells the order of the steps; then [`run`], which starts everything around it. [`manifests`] writes what
//! is installed. [`webhook`] judges objects before they are stored, if it is asked to.

pub mod apply;
pub mod backoff;
pub mod balancer;
pub mod caches;
pub mod call;
pub mod cleanup;
pub mod client;
pub mod conditions;
pub mod contest;
pub mod context;
pub mod election;
pub mod events;
pub mod fence;
pub mod fleet;
pub mod gather;
pub mod health;
pub mod herald;
pub mod kind;
pub mod lean;
pub mod manifests;
pub mod metrics;
pub mod observe;
pub mod ours;
pub mod owner;
pub mod poll;
pub mod prune;
pub mod publish;
pub mod reconcile;
pub mod remove;
pub mod report;
pub mod rollback;
pub mod run;
pub mod sweep;
pub mod teardown;
pub mod turns;
pub mod version;
pub mod watch;
pub mod webhook;
