//! Several endpoints of one service: the one that worked last comes first, one that failed rests for a growing, jittered
//! while, and a call goes on to the next within its deadline.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use keyward_sdk::crypto::random;
use tokio::time::{Instant, timeout_at};

/// How long an endpoint rests after failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(200), max: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The rest after `failures` failures in a row: doubled each time, then a random point in its upper half, so that
    /// nodes that lost the broker together do not come back together.
    #[must_use]
    pub fn rest(&self, failures: u32) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(self.max);
        let half = doubled / 2;
        half + Duration::from_millis(random::below(half.as_millis() as u64 + 1)) // at most hours, far from overflow
    }
}

/// What a failed call means for the others.
#[derive(Debug)]
pub enum Failure<E> {
    /// The service answered; another endpoint would say the same.
    Final(E),
    /// This endpoint does not work; another may.
    Elsewhere(E),
}

/// Why no endpoint answered.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E> {
    /// The last endpoint's failure, or the service's own answer.
    #[error(transparent)]
    Failed(E),
    /// The deadline came first.
    #[error("no endpoint answered in time")]
    Deadline,
    /// There are none.
    #[error("no endpoints are set")]
    None,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    failures: u32,
    rests_until: Option<Instant>,
    worked: Option<Instant>,
}

/// Endpoints of one service, each with whatever is needed to call it.
#[derive(Debug)]
pub struct Endpoints<T> {
    all: Vec<(T, Mutex<State>)>,
    backoff: Backoff,
}

impl<T> Endpoints<T> {
    /// The endpoints, in the order of preference.
    pub fn new(all: impl IntoIterator<Item = T>, backoff: Backoff) -> Self {
        Self { all: all.into_iter().map(|endpoint| (endpoint, Mutex::default())).collect(), backoff }
    }

    /// The endpoints as given.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.all.iter().map(|(endpoint, _)| endpoint)
    }

    /// Those to try, best first: that worked last, then untried ones in their order, then resting ones by who is ready
    /// first. Resting ones are tried all the same when nothing else is left.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        let now = Instant::now();
        let mut order: Vec<(usize, State)> = self.all.iter().map(|(_, state)| *lock(state)).enumerate().collect();
        order.sort_by_key(|(at, state)| {
            let rest = state.rests_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
            let idle = state.worked.map_or(Duration::MAX, |worked| now.saturating_duration_since(worked));
            (rest, state.failures, idle, *at)
        });
        order.into_iter().map(|(at, _)| at).collect()
    }

    /// The endpoint at a place of [`Self::order`].
    #[must_use]
    pub fn at(&self, at: usize) -> Option<&T> {
        self.all.get(at).map(|(endpoint, _)| endpoint)
    }

    /// Notes that it works.
    pub fn worked(&self, at: usize) {
        if let Some((_, state)) = self.all.get(at) {
            *lock(state) = State { worked: Some(Instant::now()), ..State::default() };
        }
    }

    /// Notes that it does not, and says how long it rests.
    pub fn failed(&self, at: usize) -> Duration {
        let Some((_, state)) = self.all.get(at) else { return self.backoff.max };
        let mut state = lock(state);
        state.failures = state.failures.saturating_add(1);
        let rest = self.backoff.rest(state.failures);
        state.rests_until = Some(Instant::now() + rest);
        rest
    }

    /// How long until the first endpoint is rested; zero if one is.
    #[must_use]
    pub fn rest(&self) -> Duration {
        let now = Instant::now();
        let rests = self.all.iter().map(|(_, state)| lock(state).rests_until.map_or(now, |until| until));
        rests.min().map_or(self.backoff.max, |until| until.saturating_duration_since(now))
    }

    /// Calls one endpoint after the other until one answers or the deadline comes. No single try takes more than an equal
    /// share of the time that is left, so one that hangs does not use up the others' turn.
    ///
    /// # Errors
    /// [`CallError`] when none answered, or the service's own refusal.
    pub async fn call<'s, R, E, F>(
        &'s self,
        within: Duration,
        mut call: impl FnMut(&'s T) -> F,
    ) -> Result<R, CallError<E>>
    where
        F: Future<Output = Result<R, Failure<E>>>,
    {
        let deadline = Instant::now() + within;
        let order = self.order();
        let mut last = None;
        for (tried, at) in order.iter().enumerate() {
            let Some(endpoint) = self.at(*at) else { continue };
            let left = deadline.saturating_duration_since(Instant::now());
            let turns = u32::try_from(order.len() - tried).unwrap_or(u32::MAX).max(1);
            match timeout_at(Instant::now() + left / turns, call(endpoint)).await {
                Ok(Ok(answer)) => {
                    self.worked(*at);
                    return Ok(answer);
                }
                Ok(Err(Failure::Final(error))) => {
                    self.worked(*at);
                    return Err(CallError::Failed(error));
                }
                Ok(Err(Failure::Elsewhere(error))) => {
                    self.failed(*at);
                    last = Some(CallError::Failed(error));
                }
                Err(_) => {
                    self.failed(*at);
                    last.get_or_insert(CallError::Deadline);
                }
            }
        }
        Err(last.unwrap_or(CallError::None))
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Endpoints<&'static str> {
        Endpoints::new(["a", "b", "c"], Backoff::default())
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_works_is_tried_first() {
        let endpoints = three();
        let call = |at: &'static str| async move { if at == "b" { Ok(at) } else { Err(Failure::Elsewhere(at)) } };
        assert_eq!(endpoints.call(Duration::from_secs(1), |at| call(at)).await.unwrap(), "b");
        assert_eq!(endpoints.order(), [1, 2, 0]);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(endpoints.order(), [1, 2, 0], "one that failed comes after untried ones even when rested");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_hangs_leaves_time_for_the_others() {
        let endpoints = three();
        let call = |at: &'static str| async move {
            if at == "a" {
                std::future::pending::<()>().await;
            }
            Ok::<_, Failure<()>>(at)
        };
        assert_eq!(endpoints.call(Duration::from_secs(3), |at| call(at)).await.unwrap(), "b");
    }

    #[tokio::test]
    async fn a_refusal_of_the_service_is_not_asked_again_elsewhere() {
        let endpoints = three();
        let mut tried = 0;
        let refused = endpoints.call(Duration::from_secs(1), |_| {
            tried += 1;
            async { Err::<(), _>(Failure::Final("no")) }
        });
        assert!(matches!(refused.await, Err(CallError::Failed("no"))));
        assert_eq!(tried, 1);
    }

    #[test]
    fn rests_grow_and_stay_within_bounds() {
        let backoff = Backoff { first: Duration::from_millis(200), max: Duration::from_secs(30) };
        for failures in 1..40 {
            let whole = Duration::from_millis(200).saturating_mul(1 << (failures - 1).min(16)).min(backoff.max);
            let rest = backoff.rest(failures);
            assert!(rest >= whole / 2 && rest <= whole, "{failures}: {rest:?}");
        }
    }
}
