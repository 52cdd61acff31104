//! What `up` tells: one event per change, as JSON for programs and as a line for people.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bulkhead_crds::finding::{Finding, Severity};
use bulkhead_crds::report::ClassReport;
use serde::Serialize;

use super::backends::PortId;
use super::board::Row;
use super::desired::Verdict;
use super::listen::Addresses;
use crate::name::{InstanceName, LaneId};
use crate::table::printable;
use bulkhead_crds::phase::Phase;

/// Whether something has come or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Change {
    New,
    Gone,
}

/// A lane, as events name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LaneRef {
    instance: InstanceName,
    lane: &'static str,
}

/// One change. The field `event` says which.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Event {
    /// Where the state folder is, with the logs of the lanes; gone at the end.
    State { directory: String },
    /// What is said of an instance.
    Instance {
        instance: InstanceName,
        accepted: bool,
        reason: String,
        #[serde(skip_serializing_if = "String::is_empty")]
        message: String,
        /// Fields that it sets and that this version does not act on.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        fields_not_obeyed: Vec<&'static str>,
    },
    /// How a lane is, and where it listens.
    Lane {
        #[serde(flatten)]
        lane: LaneRef,
        phase: Phase,
        http: String,
        https: String,
        admin: String,
        /// Its process, while there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pid: Option<u32>,
        #[serde(skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Whether a lane serves a class.
    Class {
        #[serde(flatten)]
        lane: LaneRef,
        class: String,
        served: bool,
        #[serde(skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// How much a lane serves.
    Routes {
        #[serde(flatten)]
        lane: LaneRef,
        ingresses: u32,
        routes: u32,
        endpoints: u32,
    },
    /// What a lane cannot take literally.
    Finding {
        #[serde(flatten)]
        lane: LaneRef,
        change: Change,
        #[serde(flatten)]
        finding: Box<Finding>,
    },
    /// How many findings a lane has beyond those that are told, and a command that lists all.
    More {
        #[serde(flatten)]
        lane: LaneRef,
        findings: u32,
        command: String,
    },
    /// What is wrong with the files.
    Problem { change: Change, message: String },
    /// A lane died and is started again after a pause.
    Restart {
        #[serde(flatten)]
        lane: LaneRef,
        reason: String,
        pause_milliseconds: u64,
    },
    /// A lane that died answers again.
    Back {
        #[serde(flatten)]
        lane: LaneRef,
    },
    /// Where a built-in backend listens.
    Backend { service: String, port: String, address: SocketAddr },
    /// A command that reaches a route of a lane.
    Try {
        #[serde(flatten)]
        lane: LaneRef,
        command: String,
    },
    /// A lane has ended for good.
    Stopped {
        #[serde(flatten)]
        lane: LaneRef,
    },
}

impl Event {
    pub(crate) fn state(directory: &Path) -> Self {
        Self::State { directory: directory.display().to_string() }
    }

    pub(crate) fn instance(instance: &InstanceName, verdict: &Verdict) -> Self {
        Self::Instance {
            instance: instance.clone(),
            accepted: verdict.accepted,
            reason: verdict.reason.clone(),
            message: verdict.message.clone(),
            fields_not_obeyed: verdict.not_obeyed.clone(),
        }
    }

    pub(crate) fn lane(id: &LaneId, row: &Row) -> Self {
        let text = |address: Option<SocketAddr>| address.map(|address| address.to_string()).unwrap_or_default();
        Self::Lane {
            lane: id.into(),
            phase: row.phase,
            http: text(row.addresses.map(|addresses| addresses.http)),
            https: text(row.addresses.map(|addresses| addresses.https)),
            admin: text(row.addresses.map(|addresses| addresses.admin)),
            pid: row.seen.pid,
            reason: row.reason().to_owned(),
        }
    }

    pub(crate) fn class(id: &LaneId, class: &ClassReport) -> Self {
        Self::Class { lane: id.into(), class: class.name.clone(), served: class.served, reason: class.reason.clone() }
    }

    pub(crate) fn routes(id: &LaneId, (ingresses, routes, endpoints): (u32, u32, u32)) -> Self {
        Self::Routes { lane: id.into(), ingresses, routes, endpoints }
    }

    pub(crate) fn finding(id: &LaneId, finding: &Finding, change: Change) -> Self {
        Self::Finding { lane: id.into(), change, finding: Box::new(finding.clone()) }
    }

    pub(crate) fn more(id: &LaneId, findings: u32, addresses: Option<Addresses>) -> Self {
        let admin = addresses.map(|addresses| format!(" {}", addresses.admin)).unwrap_or_default();
        Self::More { lane: id.into(), findings, command: format!("bulkhead findings{admin}") }
    }

    pub(crate) fn problem(message: &str, change: Change) -> Self {
        Self::Problem { change, message: message.to_owned() }
    }

    pub(crate) fn restart(id: &LaneId, reason: String, pause: Duration) -> Self {
        let pause_milliseconds = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        Self::Restart { lane: id.into(), reason, pause_milliseconds }
    }

    pub(crate) fn back(id: &LaneId) -> Self {
        Self::Back { lane: id.into() }
    }

    pub(crate) fn backend(port: &PortId, address: SocketAddr) -> Self {
        let name = if port.name.is_empty() { port.number.to_string() } else { port.name.clone() };
        Self::Backend { service: format!("{}/{}", port.namespace, port.service), port: name, address }
    }

    pub(crate) fn attempt(id: &LaneId, command: String) -> Self {
        Self::Try { lane: id.into(), command }
    }

    pub(crate) fn stopped(id: &LaneId) -> Self {
        Self::Stopped { lane: id.into() }
    }
}

impl From<&LaneId> for LaneRef {
    fn from(id: &LaneId) -> Self {
        Self { instance: id.instance.clone(), lane: id.lane.field() }
    }
}

impl fmt::Display for LaneRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.instance, self.lane)
    }
}

/// The line that people read.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State { directory } => write!(f, "state and logs are in {directory}"),
            Self::Instance { instance, accepted: true, fields_not_obeyed, .. } if fields_not_obeyed.is_empty() => {
                write!(f, "{instance}  accepted")
            }
            Self::Instance { instance, accepted: true, fields_not_obeyed, .. } => {
                write!(f, "{instance}  accepted; not obeyed in this version: {}", fields_not_obeyed.join(", "))
            }
            Self::Instance { instance, reason, message, .. } => {
                write!(f, "{instance}  not accepted: {reason}: {}", printable(message))
            }
            Self::Lane { lane, phase, http, https, admin, pid, reason } => {
                write!(f, "{lane}  {phase}")?;
                if !http.is_empty() {
                    write!(f, "  http://{http}  https://{https}  admin http://{admin}")?;
                }
                if let Some(pid) = pid {
                    write!(f, "  pid {pid}")?;
                }
                if reason.is_empty() { Ok(()) } else { write!(f, "  ({})", printable(reason)) }
            }
            Self::Class { lane, class, served: true, .. } => write!(f, "{lane}  serves class {}", printable(class)),
            Self::Class { lane, class, reason, .. } => {
                write!(f, "{lane}  does not serve class {}: {}", printable(class), printable(reason))
            }
            Self::Routes { lane, ingresses, routes, endpoints } => {
                write!(f, "{lane}  routes: {routes}, Ingresses: {ingresses}, endpoints: {endpoints}")
            }
            Self::Finding { lane, change: Change::Gone, finding } => {
                write!(f, "{lane}  solved: {}", sentence(finding))
            }
            Self::Finding { lane, change: Change::New, finding } => write!(f, "{lane}  {}", sentence(finding)),
            Self::More { lane, findings: 0, .. } => write!(f, "{lane}  all findings are told"),
            Self::More { lane, findings, command } => write!(f, "{lane}  and {findings} more: {command}"),
            Self::Problem { change: Change::Gone, message } => write!(f, "solved: {}", printable(message)),
            Self::Problem { change: Change::New, message } => write!(f, "problem: {}", printable(message)),
            Self::Restart { lane, reason, pause_milliseconds } => {
                write!(f, "{lane}  {}; starting again in {pause_milliseconds} ms", printable(reason))
            }
            Self::Back { lane } => write!(f, "{lane}  is back"),
            Self::Backend { service, port, address } => {
                write!(f, "backend of {}:{} at {address}", printable(service), printable(port))
            }
            Self::Try { command, .. } => write!(f, "  {command}"),
            Self::Stopped { lane } => write!(f, "{lane}  stopped"),
        }
    }
}

/// A finding in one line.
pub(crate) fn sentence(finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    // What concerns an object as a whole names no field.
    let field = if finding.field.is_empty() { String::new() } else { format!(" {}:", finding.field) };
    printable(&format!("{word}: {}:{field} {} {}", finding.object, finding.message, finding.remedy))
}

#[cfg(test)]
mod tests {
    use bulkhead_crds::names::LaneName;

    use super::super::phase::Observation;
    use super::*;

    fn id() -> LaneId {
        LaneId {
            instance: InstanceName { namespace: "ns".to_owned(), name: "name".to_owned() },
            lane: LaneName::NorthSouth,
        }
    }

    #[test]
    fn a_lane_event_has_the_documented_shape() {
        let [http, https, admin] = [8080, 8180, 8280].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let addresses = Addresses { http, https, admin };
        let row = Row {
            class: "c".to_owned(),
            phase: Phase::Listening,
            addresses: Some(addresses),
            seen: Observation::default(),
            routes: std::sync::Arc::default(),
        };
        let expected = r#"{"event":"lane","instance":"ns/name","lane":"northSouth","phase":"Listening","http":"127.0.0.1:8080","https":"127.0.0.1:8180","admin":"127.0.0.1:8280"}"#;
        assert_eq!(serde_json::to_string(&Event::lane(&id(), &row)).unwrap(), expected);
    }

    #[test]
    fn a_finding_about_a_whole_object_has_no_empty_field() {
        let finding = |field: &str| Finding {
            object: bulkhead_crds::finding::ObjectRef::new("Service", "port", "pier"),
            field: field.to_owned(),
            severity: Severity::Warning,
            code: "Code".to_owned(),
            message: "Message.".to_owned(),
            remedy: "Remedy.".to_owned(),
        };
        assert_eq!(sentence(&finding("")), "warning: Service port/pier: Message. Remedy.");
        assert_eq!(sentence(&finding("spec")), "warning: Service port/pier: spec: Message. Remedy.");
    }

    #[test]
    fn a_sentence_of_others_cannot_steer_the_terminal() {
        let event = Event::restart(&id(), "\u{1b}]0;x\u{7}".to_owned(), Duration::from_millis(200));
        assert!(!event.to_string().contains('\u{1b}'));
        let problem = Event::problem("a\nb", Change::New).to_string();
        assert_eq!(problem.lines().count(), 1);
    }
}
