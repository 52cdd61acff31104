//! One lane's gateway process.
//!
//! In: a lane document ([`lane`]) and Kubernetes objects ([`source`]: an API server or a directory of manifests). Out:
//! snapshots published to the data threads of `bulkhead-proxy`, and admin pages ([`admin`]) that say how things stand.
//!
//! Between them, on the control thread ([`control`]): the [`store`] knows what exists and which lists are complete, the
//! [`rebuild`] compiles what changed and publishes it. Start reading at [`run`], which is the life of the process.

pub mod admin;
pub mod args;
pub mod control;
pub mod feed;
pub mod findings;
pub mod lane;
pub mod logging;
pub mod metrics;
pub mod names;
pub mod overload;
pub mod readiness;
pub mod rebuild;
pub mod run;
pub mod shutdown;
pub mod source;
pub mod stand_in;
pub mod state;
pub mod status;
pub mod store;
#[cfg(test)]
mod testing;
pub mod traces;
pub mod view;

pub use args::RunArgs;
pub use run::main_with;
