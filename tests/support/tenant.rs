//! Another tenant, and somebody in it.

use keyward_api::v1::{CreateTenantRequest, RedeemBootstrapTokenRequest};

use super::{
    broker::Broker,
    caller::{Caller, Key},
};

impl Broker {
    /// Makes a tenant; its bootstrap token.
    pub async fn new_tenant(&self, name: &str) -> String {
        let create = CreateTenantRequest { name: name.to_owned(), description: String::new() };
        let made = self.operator().await.tenants().create_tenant(create).await.expect("the tenant is made");
        made.into_inner().operator_token
    }

    /// Makes a tenant; its first operator.
    pub async fn tenant(&self, name: &str) -> Caller {
        let bootstrap_token = self.new_tenant(name).await;
        let caller = self.caller().key(&Key::make()).connect().await;
        let redeemed = caller.auth().redeem_bootstrap_token(RedeemBootstrapTokenRequest { bootstrap_token }).await;
        caller.token(&redeemed.expect("the operator logs in").into_inner().token.unwrap().token)
    }
}
