//! The whole, over its API: a broker in this process with real TLS, sockets and files, and the real command line.

mod audit;
mod audit_cli;
mod audit_way;
mod canary;
mod certificates;
mod daemon;
mod denied;
mod foreign;
mod govern;
mod identity;
mod input;
mod keys;
mod kv;
mod main_job;
mod noise;
mod oidc;
mod operations;
mod operator;
mod pipelines;
mod retries;
mod sealed;
mod start;
mod tenants;
mod unauthenticated;
mod workload;
