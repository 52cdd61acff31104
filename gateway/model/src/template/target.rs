//! A path and a query with variables, for a question of the gateway's own. What a client sends stays a value in it: it neither leads to
//! another path nor becomes a parameter.

use super::{Overflow, Piece, Template, TemplateError, UNRESERVED, Variable, escape};
use crate::path::Target;
use crate::request::Request;

/// What a value of a client keeps in a query: what a query may have (RFC 3986 §3.4), but nothing that ends a parameter. The percent sign
/// stays, for a value that is encoded already.
const OF_VALUE: &[u8] = b"-._~:/?[]@!$'()*+,=%";
/// The same of a whole query, whose parameters end where the client says.
const OF_QUERY: &[u8] = b"-._~:/?[]@!$'()*+,=%&;";

/// A path, perhaps with a query, in which variables stand for parts of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TargetTemplate(Template);

/// Why a text is no such template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// Variables that are none.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// With variables, it must be known what the rest means.
    #[error("its path has variables in it, and dot segments or characters that must be written otherwise")]
    Path,
}

/// What a request makes of it is not to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    /// Longer than it may be.
    #[error(transparent)]
    TooLong(#[from] Overflow),
    /// What the request has makes another path of it.
    #[error("the path would not be the one that is written")]
    Path,
}

impl TargetTemplate {
    /// The target that a text is. A path without variables is its author's, whatever it is like; beside variables it must be canonical,
    /// as the whole of it must when they are filled in.
    ///
    /// # Errors
    /// [`BadTarget`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BadTarget> {
        let template = Template::parse(text)?;
        let mut sample = Vec::new();
        for piece in &template.0 {
            sample.extend_from_slice(match piece {
                Piece::Text(text) => text.as_bytes(),
                Piece::Variable(Variable::Uri | Variable::Path) => b"/x",
                Piece::Variable(Variable::Question) => b"?",
                Piece::Variable(_) => b"x",
            });
        }
        match template.is_fixed() || is_canonical(&sample) {
            true => Ok(Self(template)),
            false => Err(BadTarget::Path),
        }
    }

    /// Writes what it makes of a request behind what is in `out`, `most` bytes at most. In the path, whatever a client sends is
    /// percent-encoded, but for the request's own path, which is canonical; in the query, what would end the value is.
    ///
    /// # Errors
    /// [`NoTarget`], and `out` is of no use then.
    pub fn write(&self, request: &Request<'_>, most: usize, out: &mut Vec<u8>) -> Result<(), NoTarget> {
        if self.0.is_fixed() {
            return Ok(self.0.write(request, most, out)?);
        }
        let (start, end) = (out.len(), out.len().saturating_add(most));
        let (mut value, mut is_query) = (Vec::new(), false);
        for piece in &self.0.0 {
            let begin = out.len();
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Variable(variable) => {
                    value.clear();
                    variable.write(request, &mut value);
                    put(variable, &value, request, is_query, out);
                }
            }
            if out.len() > end {
                return Err(Overflow.into());
            }
            is_query |= out.get(begin..).is_some_and(|written| written.contains(&b'?'));
        }
        is_canonical(out.get(start..).unwrap_or_default()).then_some(()).ok_or(NoTarget::Path)
    }
}

/// Writes a variable's value, as it may stand there.
fn put(variable: &Variable, value: &[u8], request: &Request<'_>, is_query: bool, out: &mut Vec<u8>) {
    match variable {
        Variable::EscapedUri | Variable::Question => out.extend_from_slice(value),
        Variable::Uri | Variable::Query if is_query => escape(value, OF_QUERY, out),
        _ if is_query => escape(value, OF_VALUE, out),
        Variable::Path => out.extend_from_slice(value),
        Variable::Uri => {
            out.extend_from_slice(request.path);
            if let Some(query) = request.query {
                out.push(b'?');
                escape(query, OF_QUERY, out);
            }
        }
        _ => escape(value, UNRESERVED, out),
    }
}

/// Whether the path of a target is read in one way only, and as it is written.
fn is_canonical(target: &[u8]) -> bool {
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    Target::parse(path).is_ok_and(|target| *target.path == *path)
}

#[cfg(test)]
mod tests;
