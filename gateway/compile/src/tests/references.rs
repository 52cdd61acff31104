//! What an Ingress refers to can be told from the annotations whose rows say so.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::Ingress;
use proptest::prelude::*;

use crate::annotation::{PREFIX, rows};
use crate::{is_reference, references};

/// Values that some of the annotations understand, and some that none does.
const VALUES: [&str; 16] = [
    "", "0", "1", "a b", "auth-map", "basic", "digest", "farm/x", "mill/x", "never", "off", "on", "true", "x", "CN=x",
    "\u{7}",
];

proptest! {
    /// Whoever keeps only annotations that refer, as the operator does, sees the same references.
    #[test]
    fn annotations_that_do_not_refer_change_no_reference(
        written in proptest::collection::btree_map(
            proptest::sample::select(rows().map(|row| row.name).collect::<Vec<_>>()),
            proptest::sample::select(&VALUES[..]),
            0..80,
        ),
        basics in any::<bool>(),
    ) {
        let mut all: BTreeMap<String, String> =
            written.into_iter().map(|(name, value)| (format!("{PREFIX}{name}"), value.to_owned())).collect();
        if basics {
            for (name, value) in [("auth-type", "basic"), ("auth-secret", "x"), ("auth-tls-secret", "y"), ("proxy-ssl-secret", "z")] {
                all.insert(format!("{PREFIX}{name}"), value.to_owned());
            }
        }
        let mut ingress = Ingress::default();
        ingress.metadata.namespace = Some("mill".to_owned());
        ingress.metadata.annotations = Some(all.clone());
        let before = references(&ingress);
        all.retain(|key, _| is_reference(key));
        ingress.metadata.annotations = Some(all);
        prop_assert_eq!(references(&ingress), before);
    }
}
