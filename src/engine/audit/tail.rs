//! Follows records.

use std::{collections::VecDeque, time::Duration};

use keyward_kit::{audit::read::Filter, nearest};

use super::{LOG, audit, unreadable};
use crate::{
    audit::{MAX_TAILS, Shown, Tail},
    engine::{Done, EngineError, Operation, Reply, Source, World, tenant},
    method::{Action, METHODS, Method, Name, Tenantwide, rows},
    policy::Permit,
};

/// How soon a new record is shown.
const LOOK: Duration = Duration::from_millis(100);
/// The most of the newest that can be asked for.
pub(super) const MAX_LAST: usize = 10_000;

/// Whether new records are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// The stream ends with the newest.
    No,
    /// It goes on.
    Yes,
}

/// See the module.
pub struct TailAudit {
    /// Whether new records are waited for.
    pub follow: Follow,
    /// Only of this tenant.
    pub tenant: Option<Name>,
    /// What else must fit. Its tenant is set here, from the caller's.
    pub filter: Filter,
    /// Of what is there, only so many of the newest.
    pub last: Option<usize>,
}

/// Where the records come from.
pub struct Tailing {
    tail: Tail,
    follow: Follow,
    last: Option<usize>,
    ready: VecDeque<Shown>,
}

impl Reply for Tailing {}

impl Action for TailAudit {
    const METHOD: &'static Method = &rows::audit::TAIL;
    type Resource = Tenantwide;
    fn resource(&self) -> Tenantwide {
        LOG
    }
}

impl Operation for TailAudit {
    type Reply = Tailing;

    async fn execute(&self, permit: &Permit<Self>, world: &World) -> Result<Done<Tailing>, EngineError> {
        if self.last.is_some_and(|last| last > MAX_LAST) {
            return Err(EngineError::invalid("last", format!("at most {MAX_LAST} are allowed")));
        }
        check(&self.filter)?;
        let own = permit.tenant();
        let named = self.tenant.as_ref().map(|name| tenant::find(world, name).map(|found| found.id));
        let tenant = match (named, own == world.main_tenant()) {
            (None, true) => None,
            (None, false) => Some(own),
            (Some(found), true) => Some(found?),
            // Another tenant, there or not: the same answer.
            (Some(found), false) => Some(found.ok().filter(|found| *found == own).ok_or(EngineError::Denied)?),
        };
        let filter = Filter { tenant: tenant.map(|tenant| tenant.0), ..self.filter.clone() };
        let busy = EngineError::Limit { what: "the number of audit logs that are followed", limit: MAX_TAILS as u64 };
        let tail = audit(world)?.tail(filter).ok_or(busy)?;
        Ok(Done::Answer(Tailing { tail, follow: self.follow, last: self.last, ready: VecDeque::new() }))
    }
}

/// Refuses what no record can fit: a slip of the pen must not look like "nobody did this".
fn check(filter: &Filter) -> Result<(), EngineError> {
    if let (Some(since), Some(until)) = (filter.since, filter.until)
        && since >= until
    {
        return Err(EngineError::invalid("until", "is not after `since`"));
    }
    // What the broker did by itself has a dot in its name, such as `audit.settled`.
    let Some(asked) = filter.method.as_deref().filter(|asked| asked.contains('/') || !asked.contains('.')) else {
        return Ok(());
    };
    let verb = |rpc: &'static str| rpc.rsplit('/').next().unwrap_or(rpc);
    if METHODS.iter().any(|row| row.rpc == asked || verb(row.rpc) == asked) {
        return Ok(());
    }
    let near = nearest(asked.rsplit('/').next().unwrap_or(asked), METHODS.iter().map(|row| verb(row.rpc)));
    let hint = near.map(|near| format!("; did you mean `{near}`?"));
    Err(EngineError::invalid("method", format!("there is no such RPC{}", hint.unwrap_or_default())))
}

impl Source for Tailing {
    type Item = Shown;

    async fn next(&mut self) -> Result<Option<Shown>, EngineError> {
        if let Some(last) = self.last.take() {
            self.ready = self.tail.newest(last).await.map_err(unreadable)?;
        }
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Ok(Some(record));
            }
            self.ready = self.tail.page().await.map_err(unreadable)?.into();
            if self.ready.is_empty() {
                if self.follow == Follow::No {
                    return Ok(None);
                }
                tokio::time::sleep(LOOK).await;
                while !self.tail.has_more() {
                    tokio::time::sleep(LOOK).await;
                }
            }
        }
    }
}
