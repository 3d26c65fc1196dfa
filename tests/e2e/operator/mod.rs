//! What operators do: the seal, keys, recovery, backups, and what a broker says that cannot start.

mod backup;
mod collected;
mod housekeeping;
mod keys;
mod older;
mod recover;
mod seal;
mod start;

use keyward_api::v1::{
    GetSealStatusRequest, GetSealStatusResponse, GetSecretRequest, PutSealPathRequest, PutSecretRequest, SealMember,
    SealPath, UnsealRequest, UnsealResponse,
};
use tonic::Status;

use crate::support::{Broker, Caller};

/// A path of people.
fn people(name: &str, threshold: u32, count: u32) -> SealPath {
    let member = |at| SealMember { name: format!("person-{at}"), ..SealMember::default() };
    SealPath { name: name.to_owned(), threshold, members: (1..=count).map(member).collect() }
}

/// Puts a path of two out of three people, and gives their shares.
async fn put_people(operator: &Caller, name: &str) -> Vec<String> {
    let request = PutSealPathRequest { path: Some(people(name, 2, 3)) };
    let changed = operator.seal().put_seal_path(request).await.unwrap().into_inner();
    changed.shares.into_iter().map(|share| share.share).collect()
}

async fn seal_status(broker: &Broker) -> GetSealStatusResponse {
    broker.socket().await.seal().get_seal_status(GetSealStatusRequest {}).await.unwrap().into_inner()
}

async fn unseal(broker: &Broker, share: &str) -> Result<UnsealResponse, Status> {
    let request = UnsealRequest { share: share.to_owned() };
    broker.socket().await.seal().unseal(request).await.map(tonic::Response::into_inner)
}

async fn write(caller: &Caller, path: &str, value: &str) -> Result<(), Status> {
    let fields = [("value".to_owned(), value.to_owned().into())].into();
    let put = PutSecretRequest { path: path.to_owned(), fields, ..PutSecretRequest::default() };
    caller.secrets().put_secret(put).await.map(drop)
}

async fn read(caller: &Caller, path: &str) -> Result<String, Status> {
    let get = GetSecretRequest { path: path.to_owned(), version: 0 };
    let found = caller.secrets().get_secret(get).await?.into_inner();
    Ok(String::from_utf8(found.fields["value"].to_vec()).unwrap())
}
