//! Secrets and ConfigMaps that an Ingress refers to and whose content is not known: what a lane would find missing need not be.

use std::collections::BTreeSet;

use bulkhead_compile::annotation::{self, PREFIX, State};
use bulkhead_compile::{FindingCode, ReferenceKind, is_reference, references};
use bulkhead_crds::finding::Finding;
use k8s_openapi::api::networking::v1::Ingress;

use super::material::{Material, Place};
use super::verdict::{Item, Verdict};
use crate::table::printable;

/// Annotations that name a ConfigMap. All others that name an object name a Secret.
const OF_CONFIG_MAPS: [&str; 2] = ["auth-proxy-set-headers", "custom-headers"];

/// What is not known of what one Ingress refers to.
pub(super) struct Unread<'a> {
    namespace: &'a str,
    objects: BTreeSet<(ReferenceKind, String)>,
    /// The name by the number of the TLS entry.
    certificates: Vec<Option<&'a str>>,
    is_complete: bool,
}

impl<'a> Unread<'a> {
    pub(super) fn of(material: &Material, place: &'a Place, ingress: &'a Ingress) -> Self {
        let (namespace, _) = place;
        let objects = references(ingress).into_iter().filter(|reference| {
            let place = (namespace.clone(), reference.name.clone());
            !material.contents.contains(&(reference.kind, place))
        });
        let objects = objects.map(|reference| (reference.kind, reference.name)).collect();
        let entries = ingress.spec.iter().flat_map(|spec| spec.tls.iter().flatten());
        let certificates = entries.map(|entry| entry.secret_name.as_deref()).collect();
        Self { namespace, objects, certificates, is_complete: material.is_complete }
    }

    /// What is to be said of an annotation that names such an object.
    pub(super) fn about(&self, key: &str, value: &str) -> Option<Item> {
        let row = annotation::row(key.strip_prefix(PREFIX)?)?;
        let obeyed = matches!(row.state, State::Obeyed | State::Approximated(_));
        let name = value.trim();
        let name = name.strip_prefix(self.namespace).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
        let kind = if OF_CONFIG_MAPS.contains(&row.name) { ReferenceKind::ConfigMap } else { ReferenceKind::Secret };
        (obeyed && is_reference(key) && self.has(kind, name)).then(|| self.not_checked(&printable(key), kind, name))
    }

    /// The same of a TLS entry whose certificate is found missing.
    pub(super) fn about_field(&self, finding: &Finding) -> Option<Item> {
        let entry = finding.field.strip_prefix("spec.tls[")?.split(']').next()?.parse::<usize>().ok()?;
        let name = (*self.certificates.get(entry)?)?;
        let is_missing = finding.code == FindingCode::CertificateNotFound.as_str();
        (is_missing && self.has(ReferenceKind::Secret, name))
            .then(|| self.not_checked(&finding.field, ReferenceKind::Secret, name))
    }

    fn has(&self, kind: ReferenceKind, name: &str) -> bool {
        self.objects.contains(&(kind, name.to_owned()))
    }

    fn not_checked(&self, field: &str, kind: ReferenceKind, name: &str) -> Item {
        let kind = match kind {
            ReferenceKind::Secret => "Secret",
            ReferenceKind::ConfigMap => "ConfigMap",
        };
        let object = format!("{kind} {}/{}", printable(self.namespace), printable(name));
        let message = if self.is_complete {
            format!("The {object} is not among these files, so it is taken to be in the cluster, and as it should.")
        } else {
            format!("What is in the {object} was not read, so it is taken to be as it should.")
        };
        Item {
            field: field.to_owned(),
            verdict: Verdict::NotChecked,
            code: None,
            message,
            remedy: String::new(),
            directives: Vec::new(),
        }
    }
}
