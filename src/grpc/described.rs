//! What the API says of itself: reflection, health, and the check that every RPC has its row.
//!
//! Both services are public, read nothing of anyone's, and take no part in the pipeline.

use std::{sync::Arc, time::Duration};

use prost::Message as _;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};
use tonic_reflection::server::Builder;

use crate::{
    engine::Lifecycle,
    method::{self, METHODS, Method},
};

/// How often the seal is looked at.
const EVERY: Duration = Duration::from_millis(200);
/// Our own package.
const PACKAGE: &str = "keyward.v1";

/// An RPC that no row of the method table speaks of, or a row of none.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The descriptors cannot be read.
    #[error("the descriptors of the API cannot be read: {0}")]
    Descriptors(#[from] prost::DecodeError),
    /// There is an RPC without a row.
    #[error("`{0}` has no row in the method table; the daemon serves nothing whose access nobody decided")]
    NoRow(String),
    /// There is a row without an RPC.
    #[error("`{0}` has a row in the method table, and there is no such method")]
    NoMethod(&'static str),
    /// Reflection does not take the descriptors.
    #[error("reflection does not take the descriptors: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

fn services() -> Result<Vec<prost_types::ServiceDescriptorProto>, TableError> {
    let set = prost_types::FileDescriptorSet::decode(keyward_api::DESCRIPTORS)?;
    Ok(set.file.into_iter().filter(|file| file.package() == PACKAGE).flat_map(|file| file.service).collect())
}

/// Compares the method table with the descriptors, both ways.
///
/// # Errors
/// [`TableError`] names the first that is alone.
pub fn check_rows() -> Result<(), TableError> {
    compare(&services()?, METHODS)
}

fn compare(services: &[prost_types::ServiceDescriptorProto], rows: &[&'static Method]) -> Result<(), TableError> {
    let mut described = std::collections::BTreeSet::new();
    for service in services {
        for rpc in &service.method {
            let name = format!("{PACKAGE}.{}/{}", service.name(), rpc.name());
            if !rows.iter().any(|row| row.rpc == name) {
                return Err(TableError::NoRow(name));
            }
            described.insert(name);
        }
    }
    match rows.iter().find(|row| !described.contains(row.rpc)) {
        Some(row) => Err(TableError::NoMethod(row.rpc)),
        None => Ok(()),
    }
}

/// The RPCs whose answer is a stream.
///
/// # Errors
/// [`TableError`] when the descriptors cannot be read.
pub(super) fn streaming() -> Result<Vec<&'static str>, TableError> {
    let mut found = Vec::new();
    for service in services()? {
        for rpc in service.method.iter().filter(|rpc| rpc.server_streaming()) {
            found.extend(method::find(&format!("{PACKAGE}.{}/{}", service.name(), rpc.name())).map(|row| row.rpc));
        }
    }
    Ok(found)
}

/// Adds reflection and health. Health says that nothing is served until [`follow_seal`] says otherwise.
///
/// # Errors
/// [`TableError`] when the descriptors do not fit.
pub async fn with_description(routes: Routes) -> Result<(Routes, HealthReporter), TableError> {
    let reporter = HealthReporter::new();
    let health = HealthServer::new(HealthService::from_health_reporter(reporter.clone()));
    tell(&reporter, &names()?, false).await;
    // The older version is the only one that some clients ask, the one of grpcio for Python among them.
    let (reflection, older) = (described()?.build_v1()?, described()?.build_v1alpha()?);
    Ok((routes.add_service(health).add_service(reflection).add_service(older), reporter))
}

fn names() -> Result<Vec<String>, TableError> {
    Ok(services()?.iter().map(|service| format!("{PACKAGE}.{}", service.name())).collect())
}

/// What reflection tells: our own package and health.
fn described() -> Result<Builder<'static>, TableError> {
    let mut builder = Builder::configure()
        .register_encoded_file_descriptor_set(keyward_api::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    for name in names()? {
        builder = builder.with_service_name(name);
    }
    Ok(builder)
}

/// Tells health what the seal is in: serving while it is open. The seal service itself serves always.
pub async fn follow_seal(lifecycle: Arc<Lifecycle>, reporter: HealthReporter, stop: CancellationToken) {
    let names = names().unwrap_or_default();
    let mut told = None;
    while !stop.is_cancelled() {
        let open = lifecycle.world().is_ok();
        if told != Some(open) {
            tell(&reporter, &names, open).await;
            told = Some(open);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    tell(&reporter, &names, false).await;
}

async fn tell(reporter: &HealthReporter, names: &[String], open: bool) {
    let status = if open { ServingStatus::Serving } else { ServingStatus::NotServing };
    reporter.set_service_status("", status).await;
    for name in names {
        let status = if name.ends_with(".SealService") { ServingStatus::Serving } else { status };
        reporter.set_service_status(name, status).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_that_is_served_has_a_row() {
        check_rows().unwrap();
    }

    #[test]
    fn an_rpc_without_a_row_and_a_row_without_an_rpc_are_named() {
        let services = services().unwrap();
        let without = compare(&services, &METHODS[1..]).unwrap_err();
        assert!(matches!(&without, TableError::NoRow(rpc) if rpc == METHODS[0].rpc), "{without}");
        let Some((last, others)) = services.split_last() else { panic!("there are services") };
        let without = compare(others, METHODS).unwrap_err();
        let of_last = format!("{PACKAGE}.{}/", last.name());
        assert!(matches!(&without, TableError::NoMethod(rpc) if rpc.starts_with(&of_last)), "{without}");
    }
}
