//! The table of findings: every kind of finding, how bad it is, and what to do about it.

use bulkhead_crds::finding::Severity::{self, Error, Warning};

/// A kind of finding. Its name is the stable word in [`Finding::code`](bulkhead_crds::finding::Finding::code).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingCode {
    /// An annotation that this version does not obey; the route is served without it.
    AnnotationNotServed,
    /// An annotation whose value cannot be read; it is as if it were not written.
    AnnotationUnreadable,
    /// A backend under TLS whose certificate is not verified; it is served all the same, as ingress-nginx does.
    BackendNotVerified,
    /// A protocol that is not spoken with backends; every route of the Ingress answers 503.
    BackendProtocolNotServed,
    /// TLS towards a backend that cannot be as it is wanted; the route answers 503.
    BackendTlsBroken,
    /// Annotations on TLS towards a backend that is spoken to in clear text.
    BackendTlsUnused,
    /// A backend that is neither one Service port nor one resource.
    BadBackend,
    /// A rule's host that no request can have; the rule is left out.
    BadHost,
    /// A trusted address block that is none; it is left out.
    BadNetwork,
    /// A rule's path that no request can have; the rule is left out.
    BadPath,
    /// A canary Ingress; it is left out, so that it never takes all of the traffic.
    CanaryNotServed,
    /// Two certificates for one host; that of the older Ingress, or of the earlier entry, is shown.
    CertificateConflict,
    /// A certificate that is not valid any more; the default certificate is shown.
    CertificateExpired,
    /// A private key that is not the certificate's; the default certificate is shown.
    CertificateKeyMismatch,
    /// A certificate that is not for the host that wants it; the default certificate is shown.
    CertificateNotForHost,
    /// A certificate's Secret that does not exist; the default certificate is shown.
    CertificateNotFound,
    /// A certificate that is not valid yet; the default certificate is shown.
    CertificateNotYetValid,
    /// A certificate's Secret that does not hold one; the default certificate is shown.
    CertificateUnreadable,
    /// A host of a TLS entry that no rule is for.
    CertificateUnused,
    /// Two wishes for the ciphers of one host; that of the older Ingress, or of the namespace that had the host first, counts.
    CipherConflict,
    /// Ciphers that are not spoken; handshakes do without them.
    CiphersLeftOut,
    /// A list of ciphers of which none is spoken; handshakes go on as if it were not there.
    CiphersRefused,
    /// Client certificates that are wanted and cannot be judged; the routes that they are to protect answer 503.
    ClientCertificateBroken,
    /// Two wishes for the client certificates of one host; the routes of the younger Ingress answer 503.
    ClientCertificateConflict,
    /// Client certificates that another Ingress wants for a host; they are needed for all of it.
    ClientCertificateImposed,
    /// A host, path and path type that an older rule has already; the younger rule is left out.
    DuplicatePath,
    /// An endpoint on an address that a gateway must not be sent to; it is left out.
    EndpointRefused,
    /// Endpoints that are not IP addresses; they are left out.
    EndpointUnreadable,
    /// A Service that pages are to come from and that cannot be asked; errors are answered without pages.
    ErrorPagesMissing,
    /// A Service that is only a DNS name; its routes answer 503.
    ExternalName,
    /// A host that belongs to another namespace; the rules are left out.
    HostNotOwned,
    /// More findings of one object than are kept.
    MoreFindings,
    /// A name that leads to no address; what is asked of it fails until it does.
    NameNotResolved,
    /// A Service port without endpoints; its routes answer 503 until there are some.
    NoEndpoints,
    /// A protection that this version does not offer; every route of the Ingress answers 503.
    PolicyNotServed,
    /// A Service without the port that a route names; the route answers 503.
    PortNotFound,
    /// A Service port that is not TCP; the route answers 503.
    PortNotTcp,
    /// An annotation that protects and whose value cannot be read; every route of the Ingress answers 503.
    ProtectionUnreadable,
    /// A backend that is not a Service; the route answers 503.
    ResourceBackend,
    /// A Secret that an Ingress refers to and that gateways must not have; what needs it is as if it did not exist.
    SecretNotCopied,
    /// A Service that does not exist; the route answers 503.
    ServiceNotFound,
    /// An Ingress with more paths than are looked at; the last ones are left out.
    TooManyPaths,
    /// A protocol of a backend that is not known; another is spoken.
    UnknownBackendProtocol,
    /// A path type that is none; `Prefix` is served.
    UnknownPathType,
}

impl FindingCode {
    /// Every kind of finding, in alphabetical order.
    pub const ALL: [Self; 44] = [
        Self::AnnotationNotServed,
        Self::AnnotationUnreadable,
        Self::BackendNotVerified,
        Self::BackendProtocolNotServed,
        Self::BackendTlsBroken,
        Self::BackendTlsUnused,
        Self::BadBackend,
        Self::BadHost,
        Self::BadNetwork,
        Self::BadPath,
        Self::CanaryNotServed,
        Self::CertificateConflict,
        Self::CertificateExpired,
        Self::CertificateKeyMismatch,
        Self::CertificateNotForHost,
        Self::CertificateNotFound,
        Self::CertificateNotYetValid,
        Self::CertificateUnreadable,
        Self::CertificateUnused,
        Self::CipherConflict,
        Self::CiphersLeftOut,
        Self::CiphersRefused,
        Self::ClientCertificateBroken,
        Self::ClientCertificateConflict,
        Self::ClientCertificateImposed,
        Self::DuplicatePath,
        Self::EndpointRefused,
        Self::EndpointUnreadable,
        Self::ErrorPagesMissing,
        Self::ExternalName,
        Self::HostNotOwned,
        Self::MoreFindings,
        Self::NameNotResolved,
        Self::NoEndpoints,
        Self::PolicyNotServed,
        Self::PortNotFound,
        Self::PortNotTcp,
        Self::ProtectionUnreadable,
        Self::ResourceBackend,
        Self::SecretNotCopied,
        Self::ServiceNotFound,
        Self::TooManyPaths,
        Self::UnknownBackendProtocol,
        Self::UnknownPathType,
    ];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        self.row().1
    }

    /// What to do about it, as a sentence.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        self.row().2
    }

    const fn row(self) -> (&'static str, Severity, &'static str) {
        match self {
            Self::AnnotationNotServed => (
                "AnnotationNotServed",
                Warning,
                "Remove the annotation if the route works without it, or keep the Ingress on a controller that obeys it.",
            ),
            Self::AnnotationUnreadable => {
                ("AnnotationUnreadable", Warning, "Correct the value as the finding says, or remove the annotation.")
            }
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
            Self::BadHost => {
                ("BadHost", Error, "Write a DNS name, or `*.` and a DNS name; leave the host out to serve every host.")
            }
            Self::BadNetwork => {
                ("BadNetwork", Error, "Write an address, a slash and a prefix length, such as `10.0.0.0/8`.")
            }
            Self::BadPath => (
                "BadPath",
                Error,
                "Write an absolute path of at most 8 KiB without query, backslashes, encoded slashes and `..`; regular expressions are not served.",
            ),
            Self::CanaryNotServed => (
                "CanaryNotServed",
                Error,
                "Delete the canary Ingress, or keep the host on a controller that splits traffic until the release is over.",
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
            Self::NoEndpoints => (
                "NoEndpoints",
                Warning,
                "Check that the Service's selector matches Pods that are ready; of an EndpointSlice that you write yourself, that its label `kubernetes.io/service-name` names the Service, and that its port has the name of the Service's port.",
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
            Self::SecretNotCopied => (
                "SecretNotCopied",
                Error,
                "Refer to a Secret of the type `kubernetes.io/tls` that holds a certificate and its key and nothing longer.",
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
        }
    }
}
