//! A case: an Ingress with annotations, the requests that show what they do, and what becomes of each.

use bulkhead_crds::lane::Profile;

/// One Ingress, and what it comes to.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// Annotations that it is a proof of, without prefix.
    pub(crate) proves: &'static [&'static str],
    /// What holds, as a sentence.
    pub(crate) what: &'static str,
    pub(crate) profiles: &'static [Profile],
    /// Names without prefix, and values.
    pub(crate) annotations: &'static [(&'static str, &'static str)],
    /// The Service of all paths, `main` but for cases that need one of their own.
    pub(crate) backend: &'static str,
    /// Paths and their types.
    pub(crate) paths: &'static [(&'static str, &'static str)],
    /// Annotations of a second Ingress for the same paths to the Service `other`; empty: there is none.
    pub(crate) canary: &'static [(&'static str, &'static str)],
    /// Whether it has a TLS entry for its host, without a Secret.
    pub(crate) tls: bool,
    /// Further manifests: documents divided by `---`. The Service `other` of the case is there already.
    pub(crate) more: &'static str,
    pub(crate) exchanges: &'static [Exchange],
}

pub(crate) const BOTH: &[Profile] = &[Profile::Standard, Profile::IngressNginx];

impl Case {
    /// What most cases have in common.
    pub(crate) const PLAIN: Self = Self {
        proves: &[],
        what: "",
        profiles: BOTH,
        annotations: &[],
        backend: "main",
        paths: &[("/", "Prefix")],
        canary: &[],
        tls: false,
        more: "",
        exchanges: &[],
    };
}

/// A request and what comes of it.
#[derive(Clone, Copy)]
pub(crate) struct Exchange {
    /// Method, target, and fields as `Name: value` lines. Host is written by itself, unless a line has it.
    pub(crate) sends: &'static [&'static str],
    /// Whether it is sent under TLS.
    pub(crate) secure: bool,
    /// Content, which Content-Length is written for.
    pub(crate) content: &'static str,
    /// The status, and lines that the head of the response has.
    pub(crate) gets: &'static [&'static str],
    /// Fields that the response does not have.
    pub(crate) lacks: &'static [&'static str],
    /// What the backend saw.
    pub(crate) saw: Saw,
    /// Fields that the backend did not see.
    pub(crate) unseen: &'static [&'static str],
}

/// What became of a request behind the gateway.
#[derive(Clone, Copy)]
pub(crate) enum Saw {
    /// No backend was asked.
    Nothing,
    /// The Service `main` was, with these lines in its head: the first one is the request line or a part of it.
    Main(&'static [&'static str]),
    /// The Service `other` was asked last, with these lines; `main` may have been asked before.
    Other(&'static [&'static str]),
    /// The same, and `main` was not asked.
    OnlyOther(&'static [&'static str]),
    /// The same, where that of `other` may come later.
    Copied(&'static [&'static str], &'static [&'static str]),
    /// Both were, with these lines of `main` and those of `other`.
    Both(&'static [&'static str], &'static [&'static str]),
}

impl Exchange {
    /// `GET /` that is answered 200 by the Service `main`.
    pub(crate) const PLAIN: Self = Self {
        sends: &["GET /"],
        secure: false,
        content: "",
        gets: &["200"],
        lacks: &[],
        saw: Saw::Main(&["GET / "]),
        unseen: &[],
    };
}
