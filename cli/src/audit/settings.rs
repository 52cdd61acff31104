//! An installation of ingress-nginx, found among objects, and the GatewayInstance that says the same.
//!
//! `clients` and `traffic` are the keys of the controller's ConfigMap, `flags` those of its command line: one row each. `controller` finds
//! both, `instance` puts the fields together.

mod clients;
mod controller;
mod flags;
mod instance;
mod row;
mod traffic;

use serde::Serialize;

pub(crate) use self::controller::{config_maps, controllers};
#[cfg(test)]
pub(crate) use self::instance::has_field;
pub(crate) use self::row::{Meaning, Setting};
use super::verdict::Verdict;

/// Keys of the ConfigMap, in the order of the documentation.
pub(crate) fn keys() -> impl Iterator<Item = &'static Setting> {
    clients::KEYS.iter().chain(traffic::KEYS)
}

/// Flags of the command line.
pub(crate) fn flags() -> impl Iterator<Item = &'static Setting> {
    flags::FLAGS.iter()
}

/// An installation of ingress-nginx.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ControllerReport {
    /// Kind, namespace and name of what it was found by.
    pub(crate) object: String,
    /// The classes that it serves.
    pub(crate) classes: Vec<String>,
    /// What is written for it.
    pub(crate) settings: Vec<SettingReport>,
    /// The GatewayInstance that says the same, as YAML.
    pub(crate) instance: String,
}

/// What becomes of one setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SettingReport {
    /// `key: value` of the ConfigMap or `--flag=value`, shortened.
    pub(crate) setting: String,
    pub(crate) verdict: Verdict,
    /// Where it stands in the GatewayInstance; empty where it does not.
    pub(crate) field: String,
    /// What there is to know, in sentences.
    pub(crate) message: String,
}

#[cfg(test)]
mod tests;
