//! Rows of `ClusterService`.

super::rows! { "ClusterService";
    /// Register a cluster.
    REGISTER = "RegisterCluster", "cluster.write", Cluster, Write, Caller;
    /// Show one.
    GET = "GetCluster", "cluster.read", Cluster, Read, Caller;
    /// List them.
    LIST = "ListClusters", "cluster.read", Cluster, Read, Caller;
    /// Change one.
    UPDATE = "UpdateCluster", "cluster.write", Cluster, Write, Caller;
    /// Forget one with its key.
    REMOVE = "RemoveCluster", "cluster.remove", Cluster, Write, Caller;
    /// Let a node join.
    JOIN_TOKEN = "CreateJoinToken", "cluster.join", Cluster, Write, Caller;
    /// List nodes.
    NODES = "ListNodes", "cluster.read", Cluster, Read, Caller;
    /// Show a node.
    NODE = "GetNode", "cluster.read", Cluster, Read, Caller;
    /// Shut a node out.
    REVOKE_NODE = "RevokeNode", "cluster.revoke", Cluster, Write, Caller;
    /// Make a new version of the key.
    ROTATE = "RotateClusterKey", "cluster.rotate", Cluster, Write, Caller;
    /// Take versions from a node that a restored broker does not know.
    TAKE_BACK = "TakeBackKeyVersions", "cluster.take_back", Cluster, Write, Caller;
}
