//! One file per behaviour. Objects are fed by hand, as manifests; what comes out is compared as a reader would see it.

mod annotations;
mod backends;
mod bounds;
mod ciphers;
mod class_ownership;
mod clients;
mod default_backend;
mod duplicates;
mod endpoints;
mod host_ownership;
mod incremental;
mod injection;
mod names;
mod pages;
mod paths;
mod scale;
mod scope;
mod settings;
mod tenancy;
mod tls;
mod transport;
mod world;
