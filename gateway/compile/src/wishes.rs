//! Reads the annotations of ingress-nginx that one part of the compiler obeys.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::code::FindingCode;
use crate::findings::{Notes, quote};

/// What the annotations begin with.
const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// The key of the annotation with this name.
pub(crate) fn key(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// Annotations of one Ingress, and what becomes of those that cannot be obeyed.
pub(crate) struct Wishes<'r, 'n> {
    pub(crate) annotations: &'r BTreeMap<String, String>,
    pub(crate) notes: &'r mut Notes<'n>,
    /// The finding about one that closes routes, and the end of its sentence.
    pub(crate) closes: (FindingCode, &'static str),
    /// Whether any did.
    pub(crate) refused: bool,
}

impl<'r> Wishes<'r, '_> {
    /// The value of an annotation. An empty one is as good as none.
    pub(crate) fn value(&self, name: &str) -> Option<&'r str> {
        Some(self.annotations.get(&key(name))?.trim()).filter(|value| !value.is_empty())
    }

    /// Notes that routes are closed because of an annotation.
    pub(crate) fn refuse(&mut self, name: &str, why: &str) {
        self.refused = true;
        let (code, so) = self.closes;
        self.notes.add(code, &key(name), || format!("The annotation {name} cannot be obeyed: {why}, so {so}."));
    }

    /// A Secret of the Ingress's own namespace, with or without that before its name.
    pub(crate) fn secret(&mut self, name: &str, namespace: &str) -> Option<Arc<str>> {
        let value = self.value(name)?;
        match value.split_once('/') {
            None => Some(value.into()),
            Some((place, secret)) if place == namespace && !secret.is_empty() && !secret.contains('/') => {
                Some(secret.into())
            }
            Some(_) => {
                self.refuse(name, "only Secrets of the Ingress's own namespace can be referred to");
                None
            }
        }
    }

    /// How many intermediate certificates a chain may have.
    pub(crate) fn depth(&mut self, name: &str) -> Option<u8> {
        let value = self.value(name)?;
        let depth = value.parse().ok();
        if depth.is_none() {
            self.refuse(name, &format!("{} is not a number from 0 to 255", quote(value)));
        }
        depth
    }

    /// A switch, as Go's `strconv.ParseBool` has it. One that is neither is noted, with what it comes to, and is none.
    pub(crate) fn switch(&mut self, name: &str, so: &str) -> Option<bool> {
        match self.value(name)? {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
            value => {
                self.notes.add(FindingCode::AnnotationNotServed, &key(name), || {
                    format!("{} is neither true nor false, so {so}.", quote(value))
                });
                None
            }
        }
    }
}
