//! What of a Secret becomes part of a keyring. Authors of Ingresses choose the Secret: only what serving TLS takes is copied.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use tracing::warn;

/// The type that Kubernetes gives to a certificate with its key.
const TLS_SECRET_TYPE: &str = "kubernetes.io/tls";
/// Keys that such a Secret has.
const KEYS: [&str; 3] = ["tls.crt", "tls.key", "ca.crt"];
/// Longest value that is copied: a chain of certificates takes a tenth of it, and several values fit one Secret of the keyring.
const VALUE_BYTES: usize = 128 * 1024;

/// The entries of the Secret `place` that are copied. What is refused is told in the log, and routes that need it say so.
pub(super) fn entries(place: &str, secret: Secret) -> Vec<(String, Vec<u8>)> {
    let kind = secret.type_.unwrap_or_default();
    if kind != TLS_SECRET_TYPE {
        warn!(
            secret = place,
            r#type = kind,
            "not copied, for an Ingress may only refer to Secrets of type {TLS_SECRET_TYPE}"
        );
        return Vec::new();
    }
    let known = secret.data.unwrap_or_default().into_iter().filter(|(key, _)| KEYS.contains(&key.as_str()));
    known.filter(|(key, value)| fits(place, key, value)).map(|(key, value)| (key, value.0)).collect()
}

fn fits(place: &str, key: &str, value: &ByteString) -> bool {
    let fits = value.0.len() <= VALUE_BYTES;
    if !fits {
        warn!(secret = place, key, bytes = value.0.len(), most = VALUE_BYTES, "not copied, for it is too long");
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(of: &str, data: &[(&str, usize)]) -> Vec<String> {
        let data = data.iter().map(|&(key, bytes)| (key.to_owned(), ByteString(vec![0; bytes]))).collect();
        let secret = Secret { type_: Some(of.to_owned()), data: Some(data), ..Secret::default() };
        entries("team/web", secret).into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn only_what_serving_tls_takes_is_copied() {
        let all = [("tls.crt", 1), ("tls.key", 1), ("ca.crt", 1), ("password", 1)];
        assert_eq!(keys(TLS_SECRET_TYPE, &all), ["ca.crt", "tls.crt", "tls.key"]);
        assert_eq!(keys("Opaque", &all), Vec::<String>::new());
        assert_eq!(keys("kubernetes.io/service-account-token", &all), Vec::<String>::new());
    }

    #[test]
    fn a_value_that_is_too_long_is_left_out_and_the_others_are_not() {
        let data = [("tls.crt", VALUE_BYTES + 1), ("tls.key", VALUE_BYTES)];
        assert_eq!(keys(TLS_SECRET_TYPE, &data), ["tls.key"]);
    }
}
