//! Backends that speak something else than HTTP/1.1 in clear text.

mod authority;
mod frames;
mod grpc;
mod heads;
mod http2;
mod raw;
mod resets;
mod tls;
