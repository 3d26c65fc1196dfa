//! Every request of the API: from the bytes of a message to the operation that it asks for. The first byte says which.

use keyward::{
    engine::{
        EngineError, audit::*, auth::*, cluster::*, crypto::*, issuer::*, key::*, node::*, policy::*, role::*, secret::*,
        system::*, tenant::*,
    },
    method::{Action, NamePath, Resource as _},
};
use keyward_api::v1 as pb;
use prost::Message;

fn check<M, O>(bytes: &[u8])
where
    M: Message + Default,
    O: Action + TryFrom<M, Error = EngineError>,
{
    let Ok(message) = M::decode(bytes) else { return };
    match O::try_from(message) {
        Ok(operation) => {
            let resource = operation.resource();
            let name = resource.name();
            assert!(name.is_empty() || name.parse::<NamePath>().is_ok(), "{} is about {name:?}", O::METHOD.rpc);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

macro_rules! requests {
    ($($request:ident => $operation:ident),* $(,)?) => {
        const REQUESTS: &[fn(&[u8])] = &[$(check::<pb::$request, $operation>),*];
    };
}

requests! {
    AttenuateRequest => Attenuate,
    BatchDecryptRequest => BatchDecrypt,
    BatchEncryptRequest => BatchEncrypt,
    CancelKeyDestructionRequest => CancelKeyDestruction,
    CancelTenantDestructionRequest => CancelTenantDestruction,
    CreateJoinTokenRequest => CreateJoinToken,
    CreateKeyRequest => CreateKey,
    CreateTenantRequest => CreateTenant,
    DecryptRequest => Decrypt,
    DeleteIssuerRequest => DeleteIssuer,
    DeletePolicyRequest => DeletePolicy,
    DeleteRoleRequest => DeleteRole,
    DeleteSealPathRequest => DeleteSealPath,
    DeleteSecretRequest => DeleteSecret,
    DestroySecretRequest => DestroySecret,
    DestroyTenantRequest => DestroyTenant,
    DrillSealRequest => DrillSeal,
    EncryptRequest => Encrypt,
    ExplainPolicyRequest => ExplainPolicy,
    GenerateDataKeyRequest => GenerateDataKey,
    GenerateDataKeyWithoutPlaintextRequest => GenerateHiddenDataKey,
    GenerateRandomRequest => GenerateRandom,
    GetAuditRecordRequest => GetAuditRecord,
    GetCheckpointRequest => GetCheckpoint,
    GetClusterRequest => GetCluster,
    GetImportParametersRequest => GetImportParameters,
    GetIssuerRequest => GetIssuer,
    GetKeyRequest => GetKey,
    GetKeysetRequest => GetKeyset,
    GetNodeRequest => GetNode,
    GetPolicyRequest => GetPolicy,
    GetPublicKeyRequest => GetPublicKey,
    GetRoleRequest => GetRole,
    GetSealStatusRequest => GetSealStatus,
    GetSecretMetadataRequest => GetSecretMetadata,
    GetSecretRequest => GetSecret,
    GetStatusRequest => GetStatus,
    GetTenantRequest => GetTenant,
    ImportKeyRequest => ImportKey,
    InitializeRequest => Initialize,
    JoinRequest => Join,
    ListAuditLogsRequest => ListAuditLogs,
    ListClustersRequest => ListClusters,
    ListIssuersRequest => ListIssuers,
    ListKeysRequest => ListKeys,
    ListNodesRequest => ListNodes,
    ListPoliciesRequest => ListPolicies,
    ListRolesRequest => ListRoles,
    ListSealPathsRequest => ListSealPaths,
    ListSecretsRequest => ListSecrets,
    ListTenantsRequest => ListTenants,
    LoginRequest => Login,
    MacRequest => Mac,
    PutIssuerRequest => PutIssuer,
    PutPolicyRequest => PutPolicy,
    PutRoleRequest => PutRole,
    PutSealPathRequest => PutSealPath,
    PutSecretRequest => PutSecret,
    RecoverRequest => Recover,
    RedeemBootstrapTokenRequest => RedeemBootstrapToken,
    RefreshIssuerRequest => RefreshIssuer,
    RegisterClusterRequest => RegisterCluster,
    RemoteDecryptRequest => RemoteDecrypt,
    RemoteEncryptRequest => RemoteEncrypt,
    RemoveClusterRequest => RemoveCluster,
    RenewCertificateRequest => RenewCertificate,
    ReportKeysetRequest => ReportKeyset,
    ResumeTenantRequest => ResumeTenant,
    RevokeNodeRequest => RevokeNode,
    RevokeRequest => Revoke,
    RevokeSelfRequest => RevokeSelf,
    RewrapRequest => Rewrap,
    RotateClusterKeyRequest => RotateClusterKey,
    RotateKeyRequest => RotateKey,
    RotateKeyringRequest => RotateKeyring,
    RotateRootKeyRequest => RotateRootKey,
    ScheduleKeyDestructionRequest => ScheduleKeyDestruction,
    SealRequest => Seal,
    SetKeyVersionStateRequest => SetKeyVersionState,
    SignRequest => Sign,
    SuspendTenantRequest => SuspendTenant,
    TailAuditRequest => TailAudit,
    TestPoliciesRequest => TestPolicies,
    UndeleteSecretRequest => UndeleteSecret,
    UnsealRequest => Unseal,
    UpdateClusterRequest => UpdateCluster,
    UpdateKeyRequest => UpdateKey,
    UpdateSecretMetadataRequest => UpdateSecretMetadata,
    VerifyMacRequest => VerifyMac,
    VerifyRequest => Verify,
    WhoAmIRequest => WhoAmI,
}

pub(super) fn run(bytes: &[u8]) {
    if let Some((which, message)) = bytes.split_first() {
        REQUESTS[usize::from(*which) % REQUESTS.len()](message);
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    // Field 1 as a text or a message, which is what most begin with; then more of every kind of field.
    let fields: [&[u8]; 4] =
        [&[], b"\x0a\x01a", b"\x0a\x06prod/a\x12\x01b\x1a\x02\x0a\x01", b"\x0a\x03a/b\x10\x01\x18\x02\x22\x01c\x28\x01\x32\x00"];
    let each = (0..REQUESTS.len()).map(|which| u8::try_from(which).unwrap());
    each.flat_map(|which| fields.map(|fields| [&[which], fields].concat())).collect()
}
