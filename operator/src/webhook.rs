//! The admission webhook, which is optional: says at `kubectl apply` what otherwise stands in a status later.
//!
//! In: an AdmissionReview of a GatewayInstance or an Ingress. Out: whether it may be stored, and what of it will not be as written. It
//! judges as reconciles and gateways do, by the same functions: [`instances`] by `bulkhead_plan::validate`, [`ingresses`] by
//! `bulkhead_compile::findings_alone`. Both are pure, and [`verdict`] bounds what they say. [`review`] reads reviews and writes answers.

pub mod ingresses;
pub mod instances;
pub mod known;
pub mod review;
pub mod verdict;
