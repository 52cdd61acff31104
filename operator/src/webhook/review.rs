//! Reviews as bytes and answers to them (Kubernetes reference, `admission.k8s.io/v1`).
//!
//! Only an API server should ask, but whoever reaches the port can. So a review is read into the types that a verdict takes and into nothing
//! on the way: what those types do not have is skipped, and takes no memory.

use bulkhead_crds::instance::GatewayInstance;
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::instances::unreadable;
use super::verdict::{Opinion, Verdict};

/// The only version of reviews that there is.
const VERSION: &str = "admission.k8s.io/v1";
/// HTTP status of a refusal: the object is understood and wrong (RFC 9110 section 15.5.21).
const UNPROCESSABLE: u16 = 422;

/// A review that cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// No review at all.
    #[error("reading the content as an AdmissionReview: {0}")]
    Json(serde_json::Error),
    /// One of another version.
    #[error("reading the review: its apiVersion is \"{0}\", and only {VERSION} is answered")]
    Version(String),
    /// One without a question.
    #[error("reading the review: it has no request")]
    Empty,
    /// A question about nothing.
    #[error("reading the review: its request has no object")]
    NoObject,
    /// An object that is not what the path is for.
    #[error("reading the object of the review: {0}")]
    Object(serde_json::Error),
}

/// What is reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// GatewayInstances.
    Instances,
    /// Ingresses.
    Ingresses,
}

impl Subject {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Instances, Self::Ingresses];

    /// Name of the resource, which is the last part of the path and a label of metrics as well.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Instances => "gatewayinstances",
            Self::Ingresses => "ingresses",
        }
    }

    /// What is asked at this path.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        let plural = path.strip_prefix(PATH)?;
        Self::ALL.into_iter().find(|subject| subject.plural() == plural)
    }

    /// Where it is asked.
    #[must_use]
    pub fn path(self) -> String {
        format!("{PATH}{}", self.plural())
    }
}

/// What every path begins with.
const PATH: &str = "/validate/";

/// What is known of the cluster, as far as a verdict takes it.
pub trait Known {
    /// What is to be said of an instance.
    fn instance(&self, instance: &GatewayInstance) -> Opinion;
    /// What is to be said of an Ingress.
    fn ingress(&self, ingress: &Ingress) -> Opinion;
}

/// Answers one review; with a word for metrics.
///
/// # Errors
/// When it cannot be read.
pub fn answer(subject: Subject, content: &[u8], known: &impl Known) -> Result<(Vec<u8>, &'static str), Malformed> {
    let review: Review<Request> = serde_json::from_slice(content).map_err(Malformed::Json)?;
    if review.api_version != VERSION {
        return Err(Malformed::Version(review.api_version.chars().take(64).flat_map(char::escape_debug).collect()));
    }
    let request = review.request.ok_or(Malformed::Empty)?;
    let verdict = match subject {
        _ if request.goes() => Verdict::pass(),
        Subject::Instances => {
            let judge = |instance: &GatewayInstance| known.instance(instance);
            judged(&request, content, judge, |error| Ok(unreadable(&error.to_string())))?
        }
        Subject::Ingresses => {
            let judge = |ingress: &Ingress| known.ingress(ingress);
            judged(&request, content, judge, |error| Err(Malformed::Object(error)))?
        }
    };
    let word = verdict.word();
    Ok((written(request.uid, verdict)?, word))
}

/// What becomes of the object of a request. `odd` says what is to be said of one that cannot be read.
fn judged<T: Reviewed>(
    request: &Request,
    content: &[u8],
    judge: impl Fn(&T) -> Opinion,
    odd: impl FnOnce(serde_json::Error) -> Result<Opinion, Malformed>,
) -> Result<Verdict, Malformed> {
    let what = |name: &str| {
        let namespace = request.namespace.as_deref().unwrap_or_default();
        format!("{} {namespace}/{name}", T::KIND)
    };
    // What is stored already may be older than our types, which is nobody's fault now.
    let old = serde_json::from_slice::<Review<Old<T>>>(content).ok().and_then(|review| review.request?.old_object);
    let new = match serde_json::from_slice::<Review<New<T>>>(content) {
        Ok(review) => review.request.and_then(|request| request.object).ok_or(Malformed::NoObject)?,
        Err(error) => return Ok(odd(error)?.verdict(&what(&request.name), None)),
    };
    if new.metadata().deletion_timestamp.is_some() || old.as_ref().is_some_and(|old| is_same(old, &new)) {
        return Ok(Verdict::pass());
    }
    let name = new.metadata().name.as_deref().unwrap_or(&request.name);
    let opinion = judge(&new);
    // What was wrong before is asked only where something is wrong now.
    let before = old.as_ref().filter(|_| !opinion.errors.is_empty()).map(judge);
    Ok(opinion.verdict(&what(name), before.as_ref()))
}

/// Whether neither what is wanted nor its annotations differ.
fn is_same<T: Reviewed>(old: &T, new: &T) -> bool {
    let annotations = |of: &T| of.metadata().annotations.clone().unwrap_or_default();
    old.wants_what(new) && annotations(old) == annotations(new)
}

fn written(uid: String, verdict: Verdict) -> Result<Vec<u8>, Malformed> {
    let (status, warnings) = match verdict {
        Verdict::Allowed { warnings } => (None, warnings),
        Verdict::Refused { message, warnings } => {
            (Some(Status { code: UNPROCESSABLE, reason: "Invalid", message }), warnings)
        }
    };
    let response = Response { uid, allowed: status.is_none(), status, warnings };
    serde_json::to_vec(&Answer { api_version: VERSION, kind: "AdmissionReview", response }).map_err(Malformed::Json)
}

/// An object that is reviewed.
trait Reviewed: DeserializeOwned {
    const KIND: &'static str;
    fn metadata(&self) -> &ObjectMeta;
    /// Whether both ask for the same.
    fn wants_what(&self, other: &Self) -> bool;
}

impl Reviewed for GatewayInstance {
    const KIND: &'static str = "GatewayInstance";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn wants_what(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

impl Reviewed for Ingress {
    const KIND: &'static str = "Ingress";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn wants_what(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

/// A review, of whose request only one part is read at a time.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review<R> {
    api_version: String,
    request: Option<R>,
}

/// Everything but the objects.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    uid: String,
    operation: String,
    sub_resource: Option<String>,
    #[serde(default)]
    name: String,
    namespace: Option<String>,
}

impl Request {
    /// Whether nothing is asked that a verdict could be about.
    fn goes(&self) -> bool {
        let sub_resource = self.sub_resource.as_deref().is_some_and(|sub| !sub.is_empty());
        sub_resource || !matches!(self.operation.as_str(), "CREATE" | "UPDATE")
    }
}

#[derive(Deserialize)]
struct New<T> {
    object: Option<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Old<T> {
    old_object: Option<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: &'static str,
    kind: &'static str,
    response: Response,
}

#[derive(Serialize)]
struct Response {
    uid: String,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Status {
    code: u16,
    reason: &'static str,
    message: String,
}

#[cfg(test)]
mod tests;
