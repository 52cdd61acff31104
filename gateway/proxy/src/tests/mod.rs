//! A real proxy on loopback, with backends whose every byte the test decides.

mod balance;
mod clients;
mod decisions;
mod defects;
mod drain;
mod exchange;
mod external;
mod hello;
mod http2;
mod identity;
mod mirror;
mod overload;
mod passwords;
mod poisoning;
mod policies;
mod proxy_protocol;
mod retry;
mod revision;
mod support;
mod tls;
mod upstream;
mod vhost;
mod websocket;
