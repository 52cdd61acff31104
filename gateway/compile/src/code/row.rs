//! The rows of the table of findings.

use bulkhead_crds::finding::Severity::{self, Error, Warning};

use super::FindingCode;

impl FindingCode {
    /// The stable word, how bad it is, and what to do about it.
    pub(super) const fn row(self) -> (&'static str, Severity, &'static str) {
        match self {
            Self::AnnotationNotServed => (
                "AnnotationNotServed",
                Warning,
                "Remove the annotation if the route works without it, or keep the Ingress on a controller that obeys it.",
            ),
            Self::AnnotationOnCanary => (
                "AnnotationOnCanary",
                Warning,
                "Nothing needs doing: write on the Ingress whose traffic it shares what is to hold for both.",
            ),
            Self::AnnotationUnreadable => {
                ("AnnotationUnreadable", Warning, "Correct the value as the finding says, or remove the annotation.")
            }
            Self::AuthFieldsBroken => (
                "AuthFieldsBroken",
                Error,
                "Name by the annotation `auth-proxy-set-headers` a ConfigMap beside the Ingress whose keys are names of header fields and whose values are one line each, with variables that are known here.",
            ),
            Self::AuthFieldsLeftOut => (
                "AuthFieldsLeftOut",
                Warning,
                "Take them out of the ConfigMap: the gateway tells the service who asks for what.",
            ),
            Self::BackendNotVerified => (
                "BackendNotVerified",
                Warning,
                "Name a Secret with the backend's certification authorities in its key `ca.crt` by the annotation `proxy-ssl-secret`, and set `proxy-ssl-verify` to `on`.",
            ),
            Self::BackendProtocolNotServed => (
                "BackendProtocolNotServed",
                Error,
                "Write `HTTP`, `HTTPS`, `GRPC` or `GRPCS`, or keep the Ingress on a controller that speaks it.",
            ),
            Self::BackendTlsBroken => (
                "BackendTlsBroken",
                Error,
                "Name by `proxy-ssl-secret` a Secret beside the Ingress that has `ca.crt`, or `tls.crt` and `tls.key`, or all three in PEM form, and write `on` or `off` for the switches.",
            ),
            Self::BackendTlsUnused => (
                "BackendTlsUnused",
                Warning,
                "Set the annotation `backend-protocol` to `HTTPS` or `GRPCS`, or the `appProtocol` of the Service's port to `https`; or remove the annotations.",
            ),
            Self::BadBackend => {
                ("BadBackend", Error, "Name one Service and either the number or the name of one of its ports.")
            }
            Self::BadCollector => (
                "BadCollector",
                Error,
                "Write a URL with a scheme, a host and perhaps a port and a path, such as `http://otel-collector.observability:4318`. It may have no user and no query.",
            ),
            Self::BadExpression => (
                "BadExpression",
                Error,
                "Write the path without look-around and back-references, in at most 2 KiB, and divide what matches very much.",
            ),
            Self::BadHost => {
                ("BadHost", Error, "Write a DNS name, or `*.` and a DNS name; leave the host out to serve every host.")
            }
            Self::BadNetwork => {
                ("BadNetwork", Error, "Write an address, a slash and a prefix length, such as `10.0.0.0/8`.")
            }
            Self::BadPath => (
                "BadPath",
                Error,
                "Write an absolute path of at most 8 KiB without query, backslashes, encoded slashes and `..`; set the annotation `use-regex` if it is a regular expression.",
            ),
            Self::CanaryNotServed => (
                "CanaryNotServed",
                Error,
                "Give the canary the host, path and path type of a rule of another Ingress of its namespace, which has no other canary, and correct what the finding names; delete it when the release is over.",
            ),
            Self::CertificateConflict => {
                ("CertificateConflict", Warning, "Name the same Secret wherever the host stands in a TLS entry.")
            }
            Self::CertificateExpired => {
                ("CertificateExpired", Error, "Put a new certificate into the Secret; it is shown to the next client.")
            }
            Self::CertificateKeyMismatch => (
                "CertificateKeyMismatch",
                Error,
                "Put the private key of the first certificate in `tls.crt` into `tls.key`.",
            ),
            Self::CertificateNotForHost => (
                "CertificateNotForHost",
                Error,
                "Use a certificate that has the host among its subject alternative names.",
            ),
            Self::CertificateNotFound => (
                "CertificateNotFound",
                Error,
                "Create the Secret in the namespace of the object that names it, or correct its name; other namespaces cannot be referred to.",
            ),
            Self::CertificateNotYetValid => (
                "CertificateNotYetValid",
                Error,
                "Wait until it is, or check the clocks of whoever issued it and of the node.",
            ),
            Self::CertificateUnreadable => (
                "CertificateUnreadable",
                Error,
                "Put the certificate chain, its own certificate first, into `tls.crt` and the private key into `tls.key`, both in PEM form.",
            ),
            Self::CertificateUnused => {
                ("CertificateUnused", Warning, "Remove the host from the TLS entry, or give the Ingress a rule for it.")
            }
            Self::CipherConflict => (
                "CipherConflict",
                Warning,
                "Write the same `ssl-ciphers` and `ssl-prefer-server-ciphers` into every Ingress of the host, or into its oldest one only.",
            ),
            Self::CiphersLeftOut => (
                "CiphersLeftOut",
                Warning,
                "Take what is not spoken out of the list. Spoken are the ciphers of TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305, and all of TLS 1.3.",
            ),
            Self::CiphersRefused => (
                "CiphersRefused",
                Error,
                "Name at least one cipher of TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305, such as `ECDHE-RSA-AES128-GCM-SHA256`, or remove the annotation.",
            ),
            Self::ClientCertificateBroken => (
                "ClientCertificateBroken",
                Error,
                "Name by the annotation `auth-tls-secret` a Secret beside the Ingress that has the issuers of client certificates in its key `ca.crt`, in PEM form, and correct what the finding names.",
            ),
            Self::ClientCertificateConflict => (
                "ClientCertificateConflict",
                Error,
                "Write the same Secret, `auth-tls-verify-client`, `auth-tls-verify-depth` and `auth-tls-match-cn` into every Ingress of the host that wants client certificates.",
            ),
            Self::ClientCertificateImposed => (
                "ClientCertificateImposed",
                Warning,
                "Write the same annotations into this Ingress to say that it is meant so, or give the protected paths a host of their own.",
            ),
            Self::DuplicatePath => {
                ("DuplicatePath", Error, "Delete one of the two rules, or give them different paths.")
            }
            Self::EndpointRefused => (
                "EndpointRefused",
                Error,
                "Give the Service endpoints that other nodes can reach: not loopback, link-local, multicast or metadata addresses.",
            ),
            Self::EndpointUnreadable => {
                ("EndpointUnreadable", Error, "Use an EndpointSlice of addressType IPv4 or IPv6 with IP addresses.")
            }
            Self::ErrorPagesMissing => (
                "ErrorPagesMissing",
                Warning,
                "Create the Service that `default-backend` names in the Ingress's namespace, with a TCP port, or correct its name.",
            ),
            Self::ExpressionClosesPath => (
                "ExpressionClosesPath",
                Error,
                "Have the other namespace correct or remove its expression, which has a finding of its own, or set `spec.scope.hostOwnership` to `Namespace`, so that only the namespace of a host's oldest Ingress has paths for it.",
            ),
            Self::ExpressionTakesPath => (
                "ExpressionTakesPath",
                Warning,
                "Write the expression so that it begins with what is yours alone; set `hostOwnership: Namespace` where namespaces do not trust each other.",
            ),
            Self::ExternalName => (
                "ExternalName",
                Error,
                "Set `upstream.externalNames` of the lane if the authors of its Services may decide where the gateway connects; or use a Service with a selector, or one with EndpointSlices of its own.",
            ),
            Self::HostNotOwned => (
                "HostNotOwned",
                Error,
                "Move the rules into the namespace that owns the host, or set `spec.scope.hostOwnership` to `Shared`.",
            ),
            Self::MoreFindings => {
                ("MoreFindings", Warning, "Deal with the findings that are shown; the others show up as they go.")
            }
            Self::NameNotResolved => (
                "NameNotResolved",
                Warning,
                "Check that the name is written in full, such as `auth.shop.svc.cluster.local`, and that the nameservers of the gateway's pods know it.",
            ),
            Self::NameTaken => (
                "NameTaken",
                Warning,
                "Take the name out of the annotation, or the rules for it out of the other Ingress.",
            ),
            Self::NoClusterAddress => (
                "NoClusterAddress",
                Warning,
                "Remove the annotation `service-upstream`, or give the Service a cluster IP.",
            ),
            Self::NoEndpoints => (
                "NoEndpoints",
                Warning,
                "Check that the Service's selector matches Pods that are ready; of an EndpointSlice that you write yourself, that its label `kubernetes.io/service-name` names the Service, and that its port has the name of the Service's port.",
            ),
            Self::NoRoomForExpression => (
                "NoRoomForExpression",
                Error,
                "Write fewer or smaller expressions, plain paths where those will do, or move some to another host, namespace or lane, as the finding says.",
            ),
            Self::PathsWidened => (
                "PathsWidened",
                Warning,
                "Give the expressions, or the plain paths, a host of their own; or set `spec.scope.hostOwnership` to `Namespace`, or `spec.profile` to `Standard`, where paths stay what their own Ingress says.",
            ),
            Self::PolicyNotServed => (
                "PolicyNotServed",
                Error,
                "Remove the annotation if the route may be served without this protection, or keep the Ingress on a controller that offers it.",
            ),
            Self::PortNotFound => {
                ("PortNotFound", Error, "Name a port that the Service has, or add it to the Service.")
            }
            Self::PortNotTcp => ("PortNotTcp", Error, "Name a TCP port of the Service."),
            Self::ProtectionUnreadable => (
                "ProtectionUnreadable",
                Error,
                "Correct the value as the finding says; remove the annotation only if the routes may be open to everybody.",
            ),
            Self::ResourceBackend => ("ResourceBackend", Error, "Use a Service as the backend."),
            Self::ResponseFieldsBroken => (
                "ResponseFieldsBroken",
                Error,
                "Name by the annotation `custom-headers` a ConfigMap beside the Ingress whose keys are names of header fields and whose values are one line each.",
            ),
            Self::ResponseFieldsLeftOut => (
                "ResponseFieldsLeftOut",
                Warning,
                "Take them out of the ConfigMap; what they say is for a backend to say of each response.",
            ),
            Self::SecretNotCopied => (
                "SecretNotCopied",
                Error,
                "Refer, for a certificate and its key, to a Secret of the type `kubernetes.io/tls`; for users, to one that holds hashes such as `htpasswd -B` writes and no passwords; and to nothing that is longer than such things are.",
            ),
            Self::ServiceNotFound => {
                ("ServiceNotFound", Error, "Create the Service in the Ingress's namespace, or correct its name.")
            }
            Self::TooManyPaths => (
                "TooManyPaths",
                Error,
                "Spread the paths over several Ingresses, or let one prefix stand for many of them.",
            ),
            Self::UnknownBackendProtocol => (
                "UnknownBackendProtocol",
                Warning,
                "Of a Service's port, write `http`, `https`, `grpc`, `grpcs`, `kubernetes.io/h2c`, `kubernetes.io/ws` or `kubernetes.io/wss`; of the annotation `backend-protocol`, `HTTP`, `HTTPS`, `GRPC` or `GRPCS`.",
            ),
            Self::UnknownPathType => {
                ("UnknownPathType", Warning, "Write `Exact`, `Prefix` or `ImplementationSpecific`.")
            }
            Self::UsersBroken => (
                "UsersBroken",
                Error,
                "Name by the annotation `auth-secret` a Secret beside the Ingress: with `htpasswd` lines under its key `auth`, or, where `auth-secret-type` is `auth-map`, with a key for each user whose value is the hash.",
            ),
            Self::UsersLeftOut => ("UsersLeftOut", Warning, "Hash these passwords anew, as `htpasswd -B` does."),
        }
    }
}
