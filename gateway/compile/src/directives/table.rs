//! Directives that people write into snippets, and what says the same in a typed way.

use crate::annotation::{self, State};

/// What to write instead of a directive.
#[derive(Clone, Copy, Debug)]
pub enum Instead {
    /// These annotations, without prefix.
    Annotations(&'static [&'static str]),
    /// This field of a GatewayInstance, from `spec.northSouth`.
    Field(&'static str),
    /// Something that takes a sentence.
    Sentence(&'static str),
}

use Instead::{Annotations, Field, Sentence};

impl Instead {
    /// For people.
    #[must_use]
    pub fn sentence(self) -> String {
        match self {
            Annotations(names) => {
                let (open, offered): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| !is_offered(name));
                let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                let plural = |names: &[&str]| if names.len() == 1 { "annotation" } else { "annotations" };
                match (offered.as_slice(), open.as_slice()) {
                    (offered, []) => format!("Write the {} {}.", plural(offered), list(offered)),
                    ([], open) => {
                        format!("The {} {} would say it, which this version does not obey.", plural(open), list(open))
                    }
                    (offered, open) => format!(
                        "Write the {} {}; {} would belong to it, which this version does not obey.",
                        plural(offered),
                        list(offered),
                        list(open)
                    ),
                }
            }
            Field(path) => {
                format!("Set `spec.northSouth.{path}` of the GatewayInstance, which holds for all of the lane.")
            }
            Sentence(text) => text.to_owned(),
        }
    }
}

fn is_offered(name: &str) -> bool {
    annotation::row(name).is_some_and(|row| !matches!(row.state, State::Ignored(_) | State::Refused(_)))
}

const HEADERS: Instead = Sentence(
    "List the fields and values in a ConfigMap and name it by the annotation `custom-headers`; fields of CORS have annotations of their own (`enable-cors`).",
);
const TO_BACKEND: Instead = Sentence(
    "The usual fields (Host and X-Forwarded-*) are sent anyway. The Host has the annotation `upstream-vhost`, a prefix `x-forwarded-prefix`, a Connection field `connection-proxy-header`; others belong into the application.",
);
const CONDITION: Instead = Sentence(
    "Say what the condition is for: an Ingress of its own for a host or path, `canary-by-header` for a field, `denylist-source-range` for addresses.",
);
const REDIRECT: Instead = Sentence(
    "For a redirect write the annotation `permanent-redirect` or `temporal-redirect`; for a fixed answer, an Ingress with a backend that gives it.",
);
const REAL_IP: Instead =
    Sentence("List the proxies in front in `spec.northSouth.clientAddress.trustedCIDRs` of the GatewayInstance.");
const COMPRESSION: Instead = Sentence("Compress in the application: a gateway passes content on as it is.");
const BUFFERS: Instead = Sentence("Leave it out: content is streamed, and nothing is written to disk.");
const HEADS: Instead = Field("limits.requestHeadBytes");
const CACHING: Instead = Sentence("Cache in the application or in a CDN in front: a gateway keeps no content.");
const SCRIPT: Instead =
    Sentence("There is no scripting: look for an annotation that does it, or do it in the application.");
const FILES: Instead = Sentence("Serve files from a backend: a gateway has none.");
const LOGS: Instead = Sentence(
    "Set `spec.northSouth.accessLog` of the GatewayInstance, or the annotation `enable-access-log` for one Ingress.",
);
const FIREWALL: Instead =
    Sentence("There is no web application firewall: run one in front of the gateway or in front of the application.");
const TLS: Instead = Field("tls.minVersion");

/// By the name of the directive, in alphabetical order.
pub(super) const TABLE: &[(&str, Instead)] = &[
    ("access_by_lua_block", SCRIPT),
    ("access_log", LOGS),
    ("add_header", HEADERS),
    ("allow", Annotations(&["allowlist-source-range"])),
    ("auth_basic", Annotations(&["auth-type", "auth-secret", "auth-realm"])),
    ("auth_basic_user_file", Annotations(&["auth-type", "auth-secret"])),
    ("auth_request", Annotations(&["auth-url"])),
    ("auth_request_set", Annotations(&["auth-response-headers"])),
    ("brotli", COMPRESSION),
    ("brotli_types", COMPRESSION),
    ("client_body_buffer_size", BUFFERS),
    ("client_body_timeout", Field("limits.requestContentIdleTimeout")),
    ("client_header_buffer_size", HEADS),
    ("client_header_timeout", Field("limits.requestHeadTimeout")),
    ("client_max_body_size", Annotations(&["proxy-body-size"])),
    ("content_by_lua_block", SCRIPT),
    ("default_type", FILES),
    ("deny", Annotations(&["denylist-source-range"])),
    ("error_log", LOGS),
    ("error_page", Annotations(&["custom-http-errors", "default-backend"])),
    ("expires", CACHING),
    ("gzip", COMPRESSION),
    ("gzip_types", COMPRESSION),
    ("header_filter_by_lua_block", SCRIPT),
    ("if", CONDITION),
    ("internal", Sentence("Give the path no Ingress, or `denylist-source-range`.")),
    ("keepalive_timeout", Field("limits.keepAliveIdleTimeout")),
    ("large_client_header_buffers", HEADS),
    ("limit_conn", Annotations(&["limit-connections"])),
    ("limit_rate", Annotations(&["limit-rate"])),
    ("limit_rate_after", Annotations(&["limit-rate-after"])),
    ("limit_req", Annotations(&["limit-rps", "limit-rpm", "limit-burst-multiplier"])),
    ("limit_req_status", Sentence("It is 503 with the profile IngressNginx and 429 otherwise.")),
    (
        "location",
        Sentence("Write a path of its own into the Ingress, or an Ingress of its own with annotations for that path."),
    ),
    ("modsecurity", FIREWALL),
    ("modsecurity_rules", FIREWALL),
    ("modsecurity_rules_file", FIREWALL),
    (
        "more_clear_headers",
        Sentence(
            "Leave the field away in the application: only the fields that the gateway itself sets can be changed.",
        ),
    ),
    ("more_clear_input_headers", TO_BACKEND),
    ("more_set_headers", HEADERS),
    ("more_set_input_headers", TO_BACKEND),
    ("proxy_buffer_size", BUFFERS),
    ("proxy_buffering", BUFFERS),
    ("proxy_buffers", BUFFERS),
    ("proxy_busy_buffers_size", BUFFERS),
    ("proxy_cache", CACHING),
    ("proxy_cache_bypass", CACHING),
    ("proxy_cache_key", CACHING),
    ("proxy_cache_valid", CACHING),
    ("proxy_connect_timeout", Annotations(&["proxy-connect-timeout"])),
    ("proxy_cookie_domain", Annotations(&["proxy-cookie-domain"])),
    ("proxy_cookie_path", Annotations(&["proxy-cookie-path"])),
    ("proxy_hide_header", Sentence("Leave the field away in the application.")),
    (
        "proxy_http_version",
        Sentence("Leave it out: HTTP/1.1 is spoken with backends, or HTTP/2 where `backend-protocol` is GRPC."),
    ),
    ("proxy_intercept_errors", Annotations(&["custom-http-errors"])),
    ("proxy_max_temp_file_size", BUFFERS),
    ("proxy_next_upstream", Annotations(&["proxy-next-upstream"])),
    ("proxy_next_upstream_timeout", Annotations(&["proxy-next-upstream-timeout"])),
    ("proxy_next_upstream_tries", Annotations(&["proxy-next-upstream-tries"])),
    (
        "proxy_pass",
        Sentence(
            "Name the backend in the Ingress; for a server outside of the cluster, a Service with EndpointSlices of its own.",
        ),
    ),
    ("proxy_pass_header", Sentence("Leave it out: fields of the response are passed on.")),
    ("proxy_read_timeout", Annotations(&["proxy-read-timeout"])),
    ("proxy_redirect", Annotations(&["proxy-redirect-from", "proxy-redirect-to"])),
    ("proxy_request_buffering", BUFFERS),
    ("proxy_send_timeout", Annotations(&["proxy-send-timeout"])),
    ("proxy_set_header", TO_BACKEND),
    ("proxy_ssl_name", Annotations(&["proxy-ssl-name"])),
    ("proxy_ssl_server_name", Annotations(&["proxy-ssl-server-name"])),
    ("proxy_ssl_verify", Annotations(&["proxy-ssl-verify"])),
    ("real_ip_header", REAL_IP),
    ("return", REDIRECT),
    ("rewrite", Annotations(&["rewrite-target", "use-regex"])),
    ("rewrite_by_lua_block", SCRIPT),
    ("root", FILES),
    ("satisfy", Annotations(&["satisfy"])),
    ("send_timeout", Field("limits.responseStallTimeout")),
    ("server_tokens", Sentence("Leave it out: a gateway does not name itself.")),
    ("set", Sentence("A variable does nothing by itself: see the directives that use it.")),
    ("set_by_lua_block", SCRIPT),
    ("set_real_ip_from", REAL_IP),
    ("ssl_ciphers", Annotations(&["ssl-ciphers"])),
    ("ssl_client_certificate", Annotations(&["auth-tls-secret"])),
    ("ssl_prefer_server_ciphers", Annotations(&["ssl-prefer-server-ciphers"])),
    ("ssl_protocols", TLS),
    ("ssl_verify_client", Annotations(&["auth-tls-secret", "auth-tls-verify-client"])),
    ("sub_filter", Sentence("Change content in the application: a gateway passes it on as it is.")),
    ("sub_filter_once", Sentence("Change content in the application: a gateway passes it on as it is.")),
    ("try_files", FILES),
    (
        "underscores_in_headers",
        Sentence("Name the fields with hyphens: those with underscores can be taken for others by an application."),
    ),
    ("uwsgi_pass", Sentence("Speak HTTP with the backend: write `backend-protocol` if it is HTTPS or gRPC.")),
];
