//! Routes that a host has because of what is written, and that nobody has written: redirects of `/`, and to paths with a slash at their
//! end.

use std::sync::Arc;

use bulkhead_crds::lane::Profile;
use bulkhead_model::filters::Order;
use bulkhead_model::local_path::LocalPath;
use bulkhead_model::redirect::{HostRedirect, Redirects};
use bulkhead_model::route::PathKind;
use bulkhead_model::{Filters, PathPattern, PathTable, Route};

use crate::annotation;
use crate::code::FindingCode;
use crate::findings::Notes;
use crate::hosts::{Host, Wish, does_same};

impl Host<'_, '_> {
    /// Adds them, now that all that is written is known.
    pub(crate) fn add_redirects(&mut self, profile: Profile, before: Option<&Arc<PathTable>>) {
        if profile == Profile::IngressNginx {
            self.add_slashes(before);
        }
        for wish in std::mem::take(&mut self.wishes) {
            if self.add_root(&wish, before) {
                break;
            }
        }
    }

    /// As nginx has it: who asks for a path without the slash that a rule has at its end is sent to the one with it, unless somebody
    /// else has the one without.
    fn add_slashes(&mut self, before: Option<&Arc<PathTable>>) {
        for route in self.routes.values() {
            let Some(path) = route.path.strip_suffix('/').filter(|path| !path.is_empty()) else { continue };
            let (Ok(pattern), Some(to)) = (PathPattern::exact(path), LocalPath::parse(&route.path)) else { continue };
            if matches!(route.kind, PathKind::Default | PathKind::Expression) || self.routes.contains_key(&pattern) {
                continue;
            }
            let form = route.filters.as_ref().and_then(|filters| filters.redirects.as_ref()).map(|all| all.form);
            let host = Some(HostRedirect::Slash(to));
            let redirects = Some(Redirects { host, form: form.unwrap_or_default(), ..Redirects::default() });
            let filters = Filters { order: Order::IngressNginx, redirects, ..Filters::default() };
            let further = Route {
                host: route.host.clone(),
                path: path.into(),
                kind: PathKind::Exact,
                origin: route.origin.clone(),
                client_auth: route.client_auth.clone(),
                expression: None,
                filters: Some(Arc::new(filters)),
                action: route.action.clone(),
            };
            let kept = keep(before, &pattern, further);
            self.further.insert(pattern, kept);
        }
    }

    /// Sends who asks for `/` to the page that an Ingress names, if it may say so; whether it does.
    fn add_root(&mut self, wish: &Wish<'_>, before: Option<&Arc<PathTable>>) -> bool {
        let Wish { declared, client_auth, filters } = wish;
        let (Some(page), Ok(pattern)) = (&declared.policies.redirects.root, PathPattern::exact("/")) else {
            return false;
        };
        let here = [Ok(pattern.clone()), PathPattern::prefix("/"), Ok(PathPattern::unmatched())];
        let now = here.into_iter().flatten().find_map(|pattern| self.routes.get(&pattern));
        let name = &declared.age.name;
        let is_ours =
            |route: &&Arc<Route>| route.origin.split_once('/').is_some_and(|(place, _)| *place == *name.namespace);
        if let Some(other) = now.filter(|route| !is_ours(route)) {
            let mut notes = Notes::new("Ingress", name);
            notes.add(FindingCode::AnnotationNotServed, &annotation::key("app-root"), || {
                format!(
                    "Ingress {} has the path / of the host, and is of another namespace, so it is served as that says.",
                    other.origin
                )
            });
            self.findings.extend(notes.into_list());
            return false;
        }
        let mine = self.routes.values().find(|route| route.origin == declared.origin);
        let Some(model) = now.or(mine) else { return false };
        let mut all = filters.as_deref().cloned().unwrap_or_default();
        let redirects = all.redirects.take().unwrap_or_default();
        let form = declared.policies.redirects.form;
        all.redirects = Some(Redirects { host: Some(HostRedirect::Root(page.clone())), form, ..redirects });
        let further = Route {
            host: model.host.clone(),
            path: "/".into(),
            kind: PathKind::Exact,
            origin: declared.origin.clone(),
            client_auth: client_auth.clone(),
            expression: None,
            filters: Some(Arc::new(all.known())),
            action: model.action.clone(),
        };
        let kept = keep(before, &pattern, further);
        self.further.insert(pattern, kept);
        true
    }
}

/// A route, or the one that was there before, if it is the same.
fn keep(before: Option<&Arc<PathTable>>, pattern: &PathPattern, new: Route) -> Arc<Route> {
    let is_same = |old: &&Arc<Route>| {
        let same_rule = (&old.host, &old.path, &old.origin) == (&new.host, &new.path, &new.origin);
        same_rule
            && old.client_auth == new.client_auth
            && old.filters == new.filters
            && does_same(&old.action, &new.action)
    };
    before.and_then(|table| table.get(pattern)).filter(is_same).cloned().unwrap_or_else(|| Arc::new(new))
}
