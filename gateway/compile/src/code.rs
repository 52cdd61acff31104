//! The table of findings: every kind of finding, how bad it is, and what to do about it.

mod row;

use bulkhead_crds::finding::Severity;

/// A kind of finding. Its name is the stable word in [`Finding::code`](bulkhead_crds::finding::Finding::code).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingCode {
    /// An annotation that this version does not obey; the route is served without it.
    AnnotationNotServed,
    /// An annotation of a canary that is about more than its share; the Ingress whose traffic it shares says what holds, as in
    /// ingress-nginx.
    AnnotationOnCanary,
    /// An annotation whose value cannot be read; it is as if it were not written.
    AnnotationUnreadable,
    /// Fields for an authentication service that are wanted and cannot be had; every route of the Ingress answers 503.
    AuthFieldsBroken,
    /// Fields for an authentication service that only the gateway itself says; they are left out.
    AuthFieldsLeftOut,
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
    /// A URL of a collector that is none; no spans are made.
    BadCollector,
    /// A path that is meant as a regular expression and cannot be matched as one; what begins as it does answers 503.
    BadExpression,
    /// A rule's host that no request can have; the rule is left out.
    BadHost,
    /// A trusted address block that is none; it is left out.
    BadNetwork,
    /// A rule's path that no request can have; the rule is left out.
    BadPath,
    /// A canary that takes no requests; all go where they went without it.
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
    /// A regular expression of another namespace that is not served, and closes what the Ingress has a path for; requests of it answer 503.
    ExpressionClosesPath,
    /// A regular expression that takes what another namespace has a path for, as in ingress-nginx.
    ExpressionTakesPath,
    /// A Service that is only a DNS name; its routes answer 503.
    ExternalName,
    /// A host that belongs to another namespace; the rules are left out.
    HostNotOwned,
    /// More findings of one object than are kept.
    MoreFindings,
    /// A name that leads to no address; what is asked of it fails until it does.
    NameNotResolved,
    /// A further name of a host that is a host already, or another's; it is left out.
    NameTaken,
    /// A Service without an address of its own that is to be asked by it; its endpoints are asked.
    NoClusterAddress,
    /// A Service port without endpoints; its routes answer 503 until there are some.
    NoEndpoints,
    /// A path that is a regular expression, for which there is no room; what begins as it does answers 503.
    NoRoomForExpression,
    /// Plain paths that are matched as regular expressions because another namespace has some for the host, as in ingress-nginx.
    PathsWidened,
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
    /// Fields of responses that are wanted and cannot be had; every route of the Ingress answers 503.
    ResponseFieldsBroken,
    /// Fields of responses that are never set for a whole route; they are left out.
    ResponseFieldsLeftOut,
    /// A Secret that an Ingress refers to and that gateways must not have; what needs it is as if it did not exist.
    SecretNotCopied,
    /// A Service that does not exist; the route answers 503, and a canary takes no requests.
    ServiceNotFound,
    /// An Ingress with more paths than are looked at; on hosts of the last ones, what no other path of it takes answers 503, as do routes of
    /// other Ingresses of its namespace.
    TooManyPaths,
    /// A protocol of a backend that is not known; another is spoken.
    UnknownBackendProtocol,
    /// A path type that is none; `Prefix` is served.
    UnknownPathType,
    /// Users who are to be let in by their passwords, and of whom none can be; every route of the Ingress answers 503.
    UsersBroken,
    /// Entries of a list of users that let nobody in.
    UsersLeftOut,
}

impl FindingCode {
    /// Every kind of finding, in alphabetical order.
    pub const ALL: [Self; 59] = [
        Self::AnnotationNotServed,
        Self::AnnotationOnCanary,
        Self::AnnotationUnreadable,
        Self::AuthFieldsBroken,
        Self::AuthFieldsLeftOut,
        Self::BackendNotVerified,
        Self::BackendProtocolNotServed,
        Self::BackendTlsBroken,
        Self::BackendTlsUnused,
        Self::BadBackend,
        Self::BadCollector,
        Self::BadExpression,
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
        Self::ExpressionClosesPath,
        Self::ExpressionTakesPath,
        Self::ExternalName,
        Self::HostNotOwned,
        Self::MoreFindings,
        Self::NameNotResolved,
        Self::NameTaken,
        Self::NoClusterAddress,
        Self::NoEndpoints,
        Self::NoRoomForExpression,
        Self::PathsWidened,
        Self::PolicyNotServed,
        Self::PortNotFound,
        Self::PortNotTcp,
        Self::ProtectionUnreadable,
        Self::ResourceBackend,
        Self::ResponseFieldsBroken,
        Self::ResponseFieldsLeftOut,
        Self::SecretNotCopied,
        Self::ServiceNotFound,
        Self::TooManyPaths,
        Self::UnknownBackendProtocol,
        Self::UnknownPathType,
        Self::UsersBroken,
        Self::UsersLeftOut,
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
}
