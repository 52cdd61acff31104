//! One rule a test, object by object.

mod deployment;
mod permissions;
mod reach;
mod size;
