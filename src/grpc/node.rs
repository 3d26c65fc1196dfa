//! `NodeService`.

mod watch;

use keyward_api::v1 as pb;
use keyward_sdk::secret::{Key32, Secret};
use tonic::{Code, Request, Response, Status};

use super::{
    convert::{duration, timestamp},
    door::Door,
    status,
};
use crate::audit::ForWitness;
use crate::engine::{
    Connection, EngineError, Kept,
    cluster::{HeldVersion, VersionState},
    node::{
        Certificate, GetKeyset, GiveBackKeyset, GivenVersion, Join, Joined, NodeKeyset, RemoteCiphertext,
        RemoteDecrypt, RemoteEncrypt, RemotePlaintext, RenewCertificate, Renewal, Renewed, ReportKeyset, Reported,
        SeenLog,
    },
};

impl TryFrom<pb::JoinRequest> for Join {
    type Error = EngineError;
    fn try_from(request: pb::JoinRequest) -> Result<Self, EngineError> {
        let token = Key32::from_slice(&request.token).map_err(|_| EngineError::invalid("token", "has 32 bytes"))?;
        Ok(Self { token, csr: request.csr.to_vec() })
    }
}

impl TryFrom<pb::RenewCertificateRequest> for RenewCertificate {
    type Error = EngineError;
    fn try_from(request: pb::RenewCertificateRequest) -> Result<Self, EngineError> {
        Ok(Self { csr: request.csr.to_vec(), connection: Connection::default() })
    }
}

impl TryFrom<pb::GetKeysetRequest> for GetKeyset {
    type Error = EngineError;
    fn try_from(_: pb::GetKeysetRequest) -> Result<Self, EngineError> {
        Ok(Self)
    }
}

impl TryFrom<pb::ReportKeysetRequest> for ReportKeyset {
    type Error = EngineError;
    fn try_from(request: pb::ReportKeysetRequest) -> Result<Self, EngineError> {
        let held = |held: pb::HeldVersion| {
            let random = held.random.as_ref().try_into();
            let random = random.map_err(|_| EngineError::invalid("versions.random", "has 8 bytes"))?;
            Ok(HeldVersion { version: held.version, random })
        };
        Ok(Self {
            generation: request.generation,
            versions: request.versions.into_iter().map(held).collect::<Result<_, EngineError>>()?,
            primary: request.primary,
            software: request.software,
            seen: request.seen_logs.into_iter().map(|pb::SeenLog { origin, size }| SeenLog { origin, size }).collect(),
            refused: request.refused_checkpoint,
        })
    }
}

impl TryFrom<pb::GiveBackKeysetRequest> for GiveBackKeyset {
    type Error = EngineError;
    fn try_from(request: pb::GiveBackKeysetRequest) -> Result<Self, EngineError> {
        let keyset = request.keyset.ok_or_else(|| EngineError::invalid("keyset", "say what the node holds"))?;
        let id = |bytes: &[u8]| bytes.try_into().map_err(|_| EngineError::invalid("keyset", "an id has 16 bytes"));
        Ok(Self {
            place: (id(&keyset.cluster_id)?, id(&keyset.key)?),
            generation: keyset.generation,
            primary: keyset.primary,
            versions: keyset.versions.into_iter().map(given).collect::<Result<_, EngineError>>()?,
        })
    }
}

fn given(version: pb::KeysetVersion) -> Result<GivenVersion, EngineError> {
    let state = match version.state() {
        pb::ClusterKeyState::Enabled => VersionState::Enabled,
        pb::ClusterKeyState::DecryptOnly => VersionState::DecryptOnly,
        pb::ClusterKeyState::Disabled => VersionState::Disabled,
        pb::ClusterKeyState::Unspecified => return Err(EngineError::invalid("keyset", "a version has no state")),
    };
    let random = version.random.as_ref().try_into();
    let material = Key32::from_slice(&version.material);
    Ok(GivenVersion {
        version: version.version,
        random: random.map_err(|_| EngineError::invalid("keyset", "the random part of a version has 8 bytes"))?,
        state,
        material: material.map_err(|_| EngineError::invalid("keyset", "the key of a version has 32 bytes"))?,
    })
}

impl TryFrom<pb::RemoteEncryptRequest> for RemoteEncrypt {
    type Error = EngineError;
    fn try_from(request: pb::RemoteEncryptRequest) -> Result<Self, EngineError> {
        let seed = Secret::copy_of(&request.plaintext)
            .map_err(|error| EngineError::invalid("plaintext", error.to_string()))?;
        Ok(Self { seed, version: request.version })
    }
}

impl TryFrom<pb::RemoteDecryptRequest> for RemoteDecrypt {
    type Error = EngineError;
    fn try_from(request: pb::RemoteDecryptRequest) -> Result<Self, EngineError> {
        Ok(Self { ciphertext: request.ciphertext.to_vec(), key_id: request.key_id })
    }
}

fn facts(certificate: &Certificate) -> pb::ClusterFacts {
    pb::ClusterFacts {
        name: certificate.cluster.name.to_string(),
        cluster_id: certificate.cluster.id.as_bytes().to_vec().into(),
        tenant_id: certificate.tenant.to_vec().into(),
        endpoints: certificate.endpoints.clone(),
        broker_ca: vec![certificate.broker_ca.clone().into()],
        control_key: certificate.cluster.control_key.to_vec().into(),
    }
}

fn certificate(from: &Certificate) -> pb::NodeCertificate {
    pb::NodeCertificate {
        certificate: from.certificate.clone().into(),
        node_ca: from.node_ca.clone().into(),
        not_before: Some(timestamp(from.not_before)),
        not_after: Some(timestamp(from.not_after)),
        generation: from.generation,
    }
}

impl From<Kept<Joined>> for pb::JoinResponse {
    fn from(Kept(joined): Kept<Joined>) -> Self {
        Self {
            certificate: Some(certificate(&joined.certificate)),
            cluster: Some(facts(&joined.certificate)),
            node_id: joined.node.id.to_string(),
            node_name: joined.node.name.to_string(),
        }
    }
}

impl From<Kept<Renewed>> for pb::RenewCertificateResponse {
    fn from(Kept(renewed): Kept<Renewed>) -> Self {
        match renewed.renewal {
            Renewal::Made(made) => Self { certificate: Some(certificate(&made)), cluster: Some(facts(&made)) },
            Renewal::Locked => Self::default(),
        }
    }
}

impl From<NodeKeyset> for pb::Keyset {
    fn from(keyset: NodeKeyset) -> Self {
        let NodeKeyset { cluster, keys, .. } = keyset;
        let version = |version: &crate::engine::cluster::VersionRecord| {
            let key = keys.iter().find(|(number, _)| *number == version.version);
            let key = key.filter(|_| version.state != VersionState::Disabled);
            pb::KeysetVersion {
                version: version.version,
                random: version.random.to_vec().into(),
                material: key.map_or_else(bytes::Bytes::new, |(_, key)| key.material.expose().to_vec().into()),
                state: pb::ClusterKeyState::from(version.state).into(),
            }
        };
        Self {
            cluster_id: cluster.id.as_bytes().to_vec().into(),
            key: cluster.key.as_bytes().to_vec().into(),
            generation: cluster.generation,
            versions: cluster.versions.iter().map(version).collect(),
            primary: cluster.primary,
            next_primary: cluster.next.map_or(0, |(next, _)| next),
            next_primary_at: cluster.next.map(|(_, at)| timestamp(at)),
            allowance: Some(cluster.allowance.into()),
            mode: pb::ClusterMode::from(cluster.mode).into(),
        }
    }
}

impl From<NodeKeyset> for pb::GetKeysetResponse {
    fn from(keyset: NodeKeyset) -> Self {
        Self { keyset: Some(keyset.into()) }
    }
}

impl From<Reported> for pb::ReportKeysetResponse {
    fn from(reported: Reported) -> Self {
        let checkpoint = reported.checkpoint.map(|ForWitness { note, verifier, from, growth }| pb::LogCheckpoint {
            note,
            verifier,
            from,
            growth: growth.into_iter().map(|hash| hash.to_vec().into()).collect(),
        });
        Self { report_again_in: Some(duration(reported.again)), give_back: reported.give_back, checkpoint }
    }
}

impl From<Kept<()>> for pb::GiveBackKeysetResponse {
    fn from(_: Kept<()>) -> Self {
        Self {}
    }
}

impl From<RemoteCiphertext> for pb::RemoteEncryptResponse {
    fn from(sealed: RemoteCiphertext) -> Self {
        Self { ciphertext: sealed.ciphertext.into(), key_id: sealed.key_id }
    }
}

impl From<RemotePlaintext> for pb::RemoteDecryptResponse {
    fn from(RemotePlaintext(seed): RemotePlaintext) -> Self {
        Self { plaintext: seed.expose().to_vec().into() }
    }
}

#[tonic::async_trait]
impl pb::node_service_server::NodeService for Door {
    async fn join(&self, request: Request<pb::JoinRequest>) -> Result<Response<pb::JoinResponse>, Status> {
        self.handle::<Join, _, _>(request).await
    }

    async fn renew_certificate(
        &self,
        request: Request<pb::RenewCertificateRequest>,
    ) -> Result<Response<pb::RenewCertificateResponse>, Status> {
        let answer: Response<pb::RenewCertificateResponse> = self.handle::<RenewCertificate, _, _>(request).await?;
        // That the node was locked is stored and recorded, so it is an outcome and no error until here.
        if answer.get_ref().certificate.is_none() {
            let text = "an old certificate was shown after a newer one had been used, so the node is locked; revoke it and join anew";
            return Err(status::refusal(Code::Unauthenticated, "NODE_LOCKED", text));
        }
        Ok(answer)
    }

    async fn get_keyset(
        &self,
        request: Request<pb::GetKeysetRequest>,
    ) -> Result<Response<pb::GetKeysetResponse>, Status> {
        self.handle::<GetKeyset, _, _>(request).await
    }

    type WatchKeysetStream = watch::Events;

    async fn watch_keyset(&self, request: Request<pb::WatchKeysetRequest>) -> Result<Response<watch::Events>, Status> {
        watch::start(self, &request).await.map(Response::new)
    }

    async fn report_keyset(
        &self,
        request: Request<pb::ReportKeysetRequest>,
    ) -> Result<Response<pb::ReportKeysetResponse>, Status> {
        self.handle::<ReportKeyset, _, _>(request).await
    }

    async fn give_back_keyset(
        &self,
        request: Request<pb::GiveBackKeysetRequest>,
    ) -> Result<Response<pb::GiveBackKeysetResponse>, Status> {
        self.handle::<GiveBackKeyset, _, _>(request).await
    }

    async fn remote_encrypt(
        &self,
        request: Request<pb::RemoteEncryptRequest>,
    ) -> Result<Response<pb::RemoteEncryptResponse>, Status> {
        self.handle::<RemoteEncrypt, _, _>(request).await
    }

    async fn remote_decrypt(
        &self,
        request: Request<pb::RemoteDecryptRequest>,
    ) -> Result<Response<pb::RemoteDecryptResponse>, Status> {
        self.handle::<RemoteDecrypt, _, _>(request).await
    }
}
