//! From the start of a process to its first answer. Stops what it measures, and the broker for the provider's turn.

use std::time::Instant;

use keyward_api::v1::{WhoAmIRequest, auth_service_client::AuthServiceClient};

use super::{Case, kms};
use crate::{
    load::{Result, channel},
    measure::{median, range},
    run::Plan,
    servers::{Believed, Broker, World},
};

/// See the module.
pub(super) const CASE: Case = Case { name: "start", title: "From the start of the process to the first answer", run };

/// How often.
const STARTS: usize = 11;

fn run(case: &Case, world: &World, _: &Plan) -> Result<()> {
    println!("\n{}: {}, {STARTS} times", case.name, case.title);
    let mut fresh = world.fresh_broker();
    fresh.trust(&world.issuer);
    let took = world.runtime.block_on(starts_of(&mut fresh, world));
    say("keyward, sealed by a key file, a store and a log with next to nothing", &took, 150);
    let mut loaded = world.broker.borrow_mut();
    let took = world.runtime.block_on(starts_of(&mut loaded, world));
    say("keyward, the same, with the log of this run", &took, 150);
    // From its keyset on the disk alone: there is no broker.
    world.runtime.block_on(loaded.stop());
    let mut provider = world.provider.borrow_mut();
    let mut took = Vec::new();
    for _ in 0..STARTS {
        took.push(world.runtime.block_on(async {
            provider.stop().await;
            let from = Instant::now();
            provider.start_again();
            let place = provider.place();
            Broker::until("the provider answers", async || kms::sealed(&place).await.is_ok()).await;
            from.elapsed().as_secs_f64() * 1_000.0
        }));
    }
    say("provider, from its keyset on the disk, without a broker", &took, 50);
    Ok(())
}

async fn starts_of(broker: &mut Broker, world: &World) -> Vec<f64> {
    let session = broker.log_in(&world.issuer, Believed::One).await;
    let mut took = Vec::new();
    for _ in 0..STARTS {
        broker.stop().await;
        let from = Instant::now();
        broker.start_again();
        Broker::until("the broker knows the caller", async || {
            let Ok(line) = channel(&session.place, Some(&session.token)).await else { return false };
            AuthServiceClient::new(line).who_am_i(WhoAmIRequest {}).await.is_ok()
        })
        .await;
        took.push(from.elapsed().as_secs_f64() * 1_000.0);
    }
    took
}

fn say(what: &str, took: &[f64], bar: u32) {
    let ((least, most), middle) = (range(took.iter().copied()), median(took.iter().copied()));
    println!("  {what}: median {middle:.0} ms (bar: {bar}), {least:.0} to {most:.0}");
}
