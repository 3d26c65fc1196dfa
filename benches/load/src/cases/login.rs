//! Logins with an OIDC token that may be used again, on connections with a key that the tokens are bound to.

use keyward_api::v1::{LoginRequest, auth_service_client::AuthServiceClient};

use super::{
    Case,
    calls::{Calls, expect, refused},
};
use crate::{
    load::{GrpcLine, Line, Result, Shape},
    run::{Contender, Plan, contest},
    servers::{Believed, World},
};

/// See the module.
pub(super) const CASE: Case = Case {
    name: "login-64",
    title: "Login with an OIDC token (RS256, `replay = allow`), 64 in flight on 2 connections",
    run,
};

/// What ARCHITECTURE asks for, a second.
const BAR: f64 = 5_000.0;

fn run(case: &Case, world: &World, plan: &Plan) -> Result<()> {
    let broker = world.broker.borrow();
    let request = broker.login(&world.issuer, Believed::All);
    let make = move |line| LoggingIn { client: AuthServiceClient::new(line), request: request.clone() };
    let logging_in = Calls { place: broker.place(), token: None, make };
    let mut contenders = [Contender::new("keyward", broker.measured(), logging_in)];
    contest(case, world, plan, Shape { in_flight: 64, connections: 2 }, &mut contenders, &[])?;
    println!("  bar: {BAR:.0} a second; every answer was checked: it is a token bound to the connection's key");
    Ok(())
}

struct LoggingIn {
    client: AuthServiceClient<GrpcLine>,
    request: LoginRequest,
}

impl Line for LoggingIn {
    async fn ask(&mut self) -> Result<()> {
        let reply = self.client.login(self.request.clone()).await.map_err(refused)?;
        expect(reply.get_ref().token.as_ref().is_some_and(|token| token.bound), "the token is not bound")
    }
}
