//! A copy of every request, for somebody who wants to see them.

use crate::errand::Errand;

/// Where copies go, and what they have in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Mirror {
    /// Who gets them.
    pub to: Errand,
    /// Whether content is copied as well.
    pub content: bool,
}
