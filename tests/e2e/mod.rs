//! The whole, over its API: a broker in this process with real TLS, sockets and files, and the real command line.

mod govern;
mod oidc;
mod pipelines;
mod audit;
mod audit_cli;
mod audit;
mod canary;
mod denied;
mod input;
mod kv;
mod main_job;
mod noise;
mod retries;
mod sealed;
mod operations;
mod start;
mod tenants;
mod unauthenticated;
