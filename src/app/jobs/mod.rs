//! What is done by the clock: ends of tenants and keys, rotation, renewal of the certificate, what is no longer needed. A
//! job that fails is tried again with the next round, and keeps no other from being done.

mod due;
mod steady;

use std::{sync::Arc, time::Duration};

use keyward_sdk::time::SharedClock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::{
    due::{Done, What},
    steady::Steady,
};
use crate::{
    audit::Audit,
    engine::{EngineError, Lifecycle, World, housekeeping},
    pipeline,
};

/// How often.
const EVERY: Duration = Duration::from_secs(60);
/// How long one job may take.
const WITHIN: Duration = Duration::from_secs(30);

/// The jobs of one daemon.
pub struct Jobs {
    lifecycle: Arc<Lifecycle>,
    audit: Arc<Audit>,
    clock: SharedClock,
    steady: Steady,
    recovered: bool,
}

impl Jobs {
    /// Nothing is done yet.
    #[must_use]
    pub fn new(lifecycle: Arc<Lifecycle>, audit: Arc<Audit>, clock: SharedClock) -> Self {
        Self { lifecycle, audit, steady: Steady::new(&*clock), clock, recovered: false }
    }

    /// Does everything once a minute while the broker is open, and settles what a crash left as soon as it opens.
    pub(super) async fn minutely(mut self, stop: CancellationToken) {
        loop {
            // A member that answers late holds nobody up who stops: what is cut short is done again after the next start.
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.round() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.lifecycle.opened() => self.recovered = false,
                () = tokio::time::sleep(EVERY) => self.lifecycle.try_again().await,
            }
        }
    }

    /// Does everything once.
    pub async fn round(&mut self) {
        self.lifecycle.forget_old_shares();
        let steady = self.steady.look(&*self.clock);
        let Ok(world) = self.lifecycle.world() else { return };
        let (now, audit) = (self.clock.now(), &self.audit);
        if !self.recovered {
            self.recovered = recover(&world, audit).await;
        }
        told("settle outcomes", settle(&world, audit)).await;
        if self.lifecycle.certificate_is_due(now) {
            self.lifecycle.serve_certificate(&world);
        }
        told("prove members", self.lifecycle.prove_when_due(now)).await;
        told("renew after a change of the seal", housekeeping::renew(&self.lifecycle, &world, now)).await;
        told("seal anew", housekeeping::reseal(&world)).await;
        told("collect", housekeeping::collect(&world, now)).await;
        // What follows goes by the wall clock, and cannot be undone.
        if !steady {
            return;
        }
        let done = Done { world: &world, audit, within: WITHIN };
        told("end tenants", done.tenants(now)).await;
        told("end keys", done.keys(What::End, now)).await;
        told("rotate keys", done.keys(What::Rotate, now)).await;
        let rings = housekeeping::rotate_rings(&self.lifecycle, &world, now, &housekeeping::RingUse::USUAL);
        told("rotate keyrings", rings).await;
        told("rotate the root", housekeeping::rotate_root(&self.lifecycle, &world, now)).await;
        told("retain", housekeeping::retain(&world, now)).await;
        told("forget", housekeeping::forget(&world, now)).await;
        told("forget replies", pipeline::forget_replies(&world, now)).await;
    }
}

async fn told(job: &'static str, work: impl Future<Output = Result<(), EngineError>>) {
    match tokio::time::timeout(WITHIN, work).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(job, %error, "Job failed, to be tried again"),
        Err(_) => warn!(job, "Job took too long, to be tried again"),
    }
}

async fn settle(world: &World, audit: &Arc<Audit>) -> Result<(), EngineError> {
    let owed = pipeline::settle_owed(world, audit, Instant::now() + WITHIN).await?;
    if owed > 0 {
        info!(owed, "Outcomes recorded that no audit sink had taken");
    }
    Ok(())
}

/// Whether everything is recorded that an earlier run left unrecorded.
async fn recover(world: &World, audit: &Arc<Audit>) -> bool {
    match pipeline::recover(world, audit, Instant::now() + WITHIN).await {
        Ok(0) => true,
        Ok(settled) => {
            warn!(settled, "Outcomes recorded that a crash had cut short");
            true
        }
        Err(error) => {
            warn!(%error, "Outcomes that a crash cut short not recorded yet, to be tried again");
            false
        }
    }
}
