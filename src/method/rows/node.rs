//! Rows of `NodeService`. A node acts on its own cluster, which its certificate names; policy is not asked.

super::rows! { "NodeService";
    /// Join with a token.
    JOIN = "Join", "node.join", Cluster, Write, Bootstrap;
    /// Renew a certificate, also an expired one: the engine looks at it.
    RENEW = "RenewCertificate", "node.renew", Cluster, Write, Bootstrap;
    /// Read the keyset.
    KEYSET = "GetKeyset", "node.keyset", Cluster, Read, Own;
    /// Follow the keyset.
    WATCH = "WatchKeyset", "node.keyset", Cluster, Read, Own;
    /// Say what is held.
    REPORT = "ReportKeyset", "node.report", Cluster, Read, Own;
    /// Give back what a restored broker does not know.
    GIVE_BACK = "GiveBackKeyset", "node.give_back", Cluster, Write, Own;
    /// Encrypt here.
    ENCRYPT = "RemoteEncrypt", "node.encrypt", Cluster, Read, Own;
    /// Decrypt here.
    DECRYPT = "RemoteDecrypt", "node.decrypt", Cluster, Read, Own;
}
