//! A broker in another time.

use std::sync::Arc;

use keyward::{app::jobs::Jobs, config::Config, engine::World};
use keyward_api::v1::{RecoverRequest, RedeemBootstrapTokenRequest};
use keyward_sdk::time::{Clock, ManualClock, Span, SystemClock};

use super::{
    broker::{Broker, broker},
    caller::Caller,
};

/// A broker whose clock is moved by hand, with jobs of its own that are run by hand. It is called over its socket, since
/// certificates of another time are no good to a real client.
pub struct Timed {
    pub broker: Broker,
    pub clock: Arc<ManualClock>,
    jobs: Option<Jobs>,
}

impl Timed {
    /// Starts one, with the first operator logged in.
    pub async fn start() -> Self {
        let clock = ManualClock::at(SystemClock.now());
        let broker = broker().clock(clock.clone()).start().await;
        let mut this = Self { broker, clock, jobs: None };
        this.begin();
        this
    }

    fn begin(&mut self) {
        let pipeline = self.broker.pipeline();
        let jobs = Jobs::new(pipeline.lifecycle().clone(), pipeline.audit().clone(), self.clock.clone());
        self.jobs = Some(jobs);
    }

    /// Stops it and starts it again, with other settings.
    pub async fn restart(&mut self, change: impl FnOnce(&mut Config)) {
        self.jobs = None;
        self.broker.stop().await;
        self.broker.reconfigure(change);
        self.broker.start_again().await;
        self.begin();
    }

    /// Lets time go by, and runs what is due then.
    pub async fn pass(&mut self, by: Span) {
        self.clock.advance(by);
        self.jobs.as_mut().unwrap().round().await;
    }

    /// A token lives for an hour at most: after days, an operator comes by recovery.
    pub async fn operator(&self) -> Caller {
        let local = self.broker.socket().await;
        let recovered = local.seal().recover(RecoverRequest::default()).await.unwrap().into_inner();
        let request = RedeemBootstrapTokenRequest { bootstrap_token: recovered.operator_token };
        let token = local.auth().redeem_bootstrap_token(request).await.unwrap().into_inner().token.unwrap();
        assert!(token.bound);
        local.token(&token.token)
    }

    /// What is open.
    pub fn world(&self) -> Arc<World> {
        self.broker.pipeline().lifecycle().world().unwrap()
    }
}
