//! Reviews as bytes and answers to them (Kubernetes reference, `admission.k8s.io/v1`).

use bulkhead_crds::instance::GatewayInstance;
use k8s_openapi::api::networking::v1::Ingress;
use kube::ResourceExt;
use kube::core::DynamicObject;
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview, META_API_VERSION_V1, Operation};

use super::verdict::{Opinion, Verdict};

/// HTTP status of a refusal: the object is understood and wrong (RFC 9110 section 15.5.21).
const UNPROCESSABLE: u16 = 422;

/// A review that cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// No review at all.
    #[error("reading the content as an AdmissionReview: {0}")]
    Json(#[from] serde_json::Error),
    /// One of another version.
    #[error("reading the review: its apiVersion is \"{0}\", and only {META_API_VERSION_V1} is answered")]
    Version(String),
    /// One without a question.
    #[error("reading the review: it has no request")]
    Empty,
    /// A question about nothing.
    #[error("reading the review: its request has no object")]
    NoObject,
    /// An object that is not what the path is for.
    #[error("reading the object of the review: {0}")]
    Object(String),
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
    let review: AdmissionReview<DynamicObject> = serde_json::from_slice(content)?;
    if review.types.api_version != META_API_VERSION_V1 {
        return Err(Malformed::Version(
            review.types.api_version.chars().take(64).flat_map(char::escape_debug).collect(),
        ));
    }
    let request: AdmissionRequest<DynamicObject> = review.try_into().map_err(|_| Malformed::Empty)?;
    let verdict = if passes(&request) { Verdict::pass() } else { judge(subject, &request, known)? };
    let word = verdict.word();
    let response = AdmissionResponse::from(&request);
    let (mut response, warnings) = match verdict {
        Verdict::Allowed { warnings } => (response, warnings),
        Verdict::Refused { message, warnings } => {
            let mut response = response.deny(message);
            response.result.code = UNPROCESSABLE;
            response.result.reason = "Invalid".to_owned();
            (response, warnings)
        }
    };
    response.warnings = Some(warnings).filter(|warnings| !warnings.is_empty());
    Ok((serde_json::to_vec(&response.into_review())?, word))
}

/// Whether nothing is asked that a verdict could be about: the object goes, or neither what it wants nor its annotations change.
fn passes(request: &AdmissionRequest<DynamicObject>) -> bool {
    let sub_resource = request.sub_resource.as_deref().is_some_and(|sub| !sub.is_empty());
    if sub_resource || !matches!(request.operation, Operation::Create | Operation::Update) {
        return true;
    }
    let Some(object) = &request.object else { return false };
    let same = |old: &DynamicObject| {
        old.data.get("spec") == object.data.get("spec") && old.annotations() == object.annotations()
    };
    object.metadata.deletion_timestamp.is_some() || request.old_object.as_ref().is_some_and(same)
}

fn judge(
    subject: Subject,
    request: &AdmissionRequest<DynamicObject>,
    known: &impl Known,
) -> Result<Verdict, Malformed> {
    let new = request.object.as_ref().ok_or(Malformed::NoObject)?;
    let old = request.old_object.as_ref();
    let name = new.metadata.name.as_deref().unwrap_or(&request.name);
    let namespace = request.namespace.as_deref().or(new.metadata.namespace.as_deref()).unwrap_or_default();
    let place = format!("{namespace}/{name}");
    match subject {
        Subject::Instances => {
            let of = |object: &DynamicObject| match object.clone().try_parse() {
                Ok(instance) => known.instance(&instance),
                Err(error) => super::instances::unreadable(&error.to_string()),
            };
            Ok(of(new).verdict(&format!("GatewayInstance {place}"), old.map(of).as_ref()))
        }
        Subject::Ingresses => {
            let of = |object: &DynamicObject| object.clone().try_parse().map(|ingress| known.ingress(&ingress));
            let before = old.map(of).transpose().map_err(|error| Malformed::Object(error.to_string()))?;
            let opinion = of(new).map_err(|error| Malformed::Object(error.to_string()))?;
            Ok(opinion.verdict(&format!("Ingress {place}"), before.as_ref()))
        }
    }
}

#[cfg(test)]
mod tests;
