//! Stations 1 to 3: sockets, layers, and the conversion between generated messages and domain requests.
//!
//! Generated types stop here. A service file turns a message into an operation with `TryFrom`, gives it to the
//! [`door::Door`], and turns the reply back.

mod audit;
mod auth;
mod backup;
mod cluster;
pub mod convert;
mod crypto;
mod described;
pub mod door;
mod facts;
mod issuer;
mod key;
pub mod listener;
mod node;
mod policy;
mod role;
mod seal;
mod seal_shown;
mod secret;
pub mod status;
mod stream;
mod tenant;

use keyward_api::v1;

pub use self::described::{TableError, check_rows, follow_seal, with_description};
use self::door::Door;

/// The largest message that is taken. A secret has at most 1 MiB, a batch at most this.
pub const MAX_MESSAGE: usize = 4 << 20;

/// Every service, behind one door.
#[must_use]
pub fn routes(door: &Door) -> tonic::service::Routes {
    use v1::{
        audit_service_server::AuditServiceServer, auth_service_server::AuthServiceServer,
        backup_service_server::BackupServiceServer, cluster_service_server::ClusterServiceServer,
        crypto_service_server::CryptoServiceServer, issuer_service_server::IssuerServiceServer,
        key_service_server::KeyServiceServer, node_service_server::NodeServiceServer,
        policy_service_server::PolicyServiceServer, role_service_server::RoleServiceServer,
        seal_service_server::SealServiceServer, secret_service_server::SecretServiceServer,
        tenant_service_server::TenantServiceServer,
    };
    let mut routes = tonic::service::RoutesBuilder::default();
    routes
        .add_service(AuditServiceServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(AuthServiceServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(BackupServiceServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(ClusterServiceServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(CryptoServiceServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(IssuerServiceServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(KeyServiceServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(NodeServiceServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(PolicyServiceServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(RoleServiceServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(SealServiceServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(SecretServiceServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE))
        .add_service(TenantServiceServer::new(door.clone()).max_decoding_message_size(MAX_MESSAGE));
    routes.routes()
}
