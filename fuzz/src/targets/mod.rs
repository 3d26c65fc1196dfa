//! One file a target.

use crate::Target;

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*

        /// Every target.
        pub const TARGETS: &[Target] = &[$(Target { name: stringify!($name), run: $name::run, seeds: $name::seeds }),*];
    };
}

targets! {
    attenuated_token,
    audit_file,
    audit_note,
    audit_record,
    audit_recovery,
    backup,
    broker_config,
    certificate,
    certificate_request,
    envelope,
    ids,
    issuer_config,
    issuer_documents,
    issuer_token,
    join_string,
    keyset,
    keyset_file,
    login_answer,
    names,
    node_config,
    passphrase_blob,
    policy,
    policy_table,
    private_key,
    public_key,
    request,
    seal_record,
    share,
    token,
}
