//! Which Ingresses a lane serves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::rule;

/// The IngressClass of a lane, and classes of others that it serves as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rule(
    "!has(self.name) || !has(self.alsoServe) || !(self.name in self.alsoServe)",
    "alsoServe must not contain the lane's own class: remove it from alsoServe",
)))]
pub struct IngressClassSpec {
    /// Name of the IngressClass that the operator makes for this lane. When unset, it is the name of the instance followed by -north-south
    /// or -east-west. A class of that name that somebody else made is not taken over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: Option<String>,
    /// Whether the class is the cluster's default, which new Ingresses without a class get. Make it so for one class of the cluster only.
    #[serde(rename = "default")]
    pub is_default: bool,
    /// Further classes, made by others, whose Ingresses this lane serves by name, for moving from another controller side by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        inner(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub also_serve: Vec<String>,
    /// Whether the address of this lane is written into the status of Ingresses of the classes in alsoServe. Turn it on when their former controller
    /// is gone, or both will write.
    pub publish_status_for_also_served: bool,
}
