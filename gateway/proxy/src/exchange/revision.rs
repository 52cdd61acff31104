//! What a backend's answer says otherwise to the client.

use bulkhead_http1::{Name, Overlay, ResponseHead};
use bulkhead_model::revision::Words;
use bulkhead_model::substitution::Allowance;

/// What is changed of a head besides what `over` changes; `None`: nothing. What `over` says itself is not a backend's, and stays.
#[cold]
pub(super) fn revise(words: &Words, over: &Overlay, response: &ResponseHead, bytes: &[u8]) -> Option<Overlay> {
    let mut allowance = Allowance::for_response();
    let mut revised = None;
    for name in
        [Name::Location, Name::Refresh, Name::SetCookie].into_iter().filter(|name| !over.replaces(name.as_str()))
    {
        let fields = response.fields.iter().filter(|field| field.id == name && field.forward);
        let lines: Vec<(&[u8], Option<Vec<u8>>)> = fields
            .map(|field| {
                let value = field.value.of(bytes);
                let instead = match name {
                    Name::Location => words.location(value, &mut allowance),
                    Name::Refresh => words.refresh(value, &mut allowance),
                    _ => words.cookie(value, &mut allowance),
                };
                (value, instead)
            })
            .collect();
        if lines.iter().all(|(_, instead)| instead.is_none()) {
            continue;
        }
        let revised = revised.get_or_insert_with(|| over.clone());
        revised.remove(name.as_str());
        for (value, instead) in &lines {
            // All lines of a name are written together, so that they stay in order.
            revised.append(name.as_str(), instead.as_deref().unwrap_or(value));
        }
    }
    revised
}
