//! Rows of `AuthService`.

super::rows! { "AuthService";
    /// Log in.
    LOGIN = "Login", "token.login", Token, Read, Bootstrap;
    /// Use a bootstrap token.
    REDEEM = "RedeemBootstrapToken", "token.redeem", Token, Write, Bootstrap;
    /// Narrow one's own token.
    ATTENUATE = "Attenuate", "token.attenuate", Token, Read, Own;
    /// Take tokens back.
    REVOKE = "Revoke", "token.revoke", Token, Write, Caller;
    /// Take one's own token back.
    REVOKE_SELF = "RevokeSelf", "token.revoke_self", Token, Write, Own;
    /// Show who one is.
    WHO_AM_I = "WhoAmI", "token.who_am_i", Token, Read, Own;
}
