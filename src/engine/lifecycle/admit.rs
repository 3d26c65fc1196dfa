//! How many calls that need no caller are let through.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use keyward_sdk::time::{Span, Timestamp};

use super::Lifecycle;
use crate::{engine::EngineError, identity::Peer, method::AuditClass};

/// Calls of one kind from one address that work while sealed, at most so many in a minute.
const EACH: u32 = 60;
/// Addresses that are told apart; those past it share one budget.
const ADDRESSES: usize = 4_096;

/// Who called how often in this minute.
#[derive(Default)]
pub(super) struct Strangers(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    since: Timestamp,
    calls: HashMap<(Option<IpAddr>, Kind), u32>,
}

/// Looking at the seal takes nothing from opening it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Looking,
    Opening,
}

/// Whether this is the daemon's own user at the other end of its unix socket.
#[must_use]
pub fn is_own_user(local: Option<u32>) -> bool {
    local == Some(rustix::process::getuid().as_raw())
}

impl Strangers {
    fn admit(&self, address: IpAddr, kind: Kind, now: Timestamp) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= counted.since.saturating_add(Span::from_minutes(1)) {
            *counted = Counted { since: now, calls: HashMap::new() };
        }
        let mut who = (Some(site(address)), kind);
        if counted.calls.len() >= ADDRESSES && !counted.calls.contains_key(&who) {
            who.0 = None;
        }
        let calls = counted.calls.entry(who).or_default();
        *calls = calls.saturating_add(1);
        *calls <= EACH
    }
}

/// What one site is given: an IPv4 address, or a /64 of IPv6.
#[must_use]
pub fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

impl Lifecycle {
    /// Lets a call through that works while sealed, within the budget of its address: a stranger who uses his up keeps no
    /// operator elsewhere from unsealing and recovering. The daemon's own user on the unix socket needs none.
    ///
    /// # Errors
    /// [`EngineError::Limit`] past it.
    pub fn admit(&self, peer: &Peer, class: AuditClass) -> Result<(), EngineError> {
        let address = match peer {
            Peer::Local { uid } if is_own_user(Some(*uid)) => return Ok(()),
            Peer::Local { .. } => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            Peer::Network(address) => address.ip(),
        };
        let kind = match class {
            AuditClass::Read => Kind::Looking,
            AuditClass::Write => Kind::Opening,
        };
        if self.strangers.admit(address, kind, self.parts.clock.now()) {
            return Ok(());
        }
        Err(EngineError::Limit { what: "calls a minute from one address that need no caller", limit: EACH.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + seconds)
    }

    #[test]
    fn a_stranger_who_uses_his_budget_up_takes_nothing_from_others() {
        let strangers = Strangers::default();
        let [noisy, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        for _ in 0..EACH {
            assert!(strangers.admit(noisy, Kind::Looking, at(0)));
        }
        assert!(!strangers.admit(noisy, Kind::Looking, at(30)));
        assert!(strangers.admit(noisy, Kind::Opening, at(30)), "looking takes nothing from opening");
        assert!(strangers.admit(other, Kind::Looking, at(30)));
        assert!(strangers.admit(noisy, Kind::Looking, at(60)), "another minute");
    }

    #[test]
    fn a_site_with_many_addresses_has_one_budget_and_memory_stays_bounded() {
        let strangers = Strangers::default();
        let admitted = (0..100_u128)
            .filter(|n| strangers.admit(Ipv6Addr::from_bits((0x2001_0db8 << 96) | n).into(), Kind::Opening, at(0)))
            .count();
        assert_eq!(admitted, EACH as usize);
        for n in 0..10_000_u32 {
            strangers.admit(std::net::Ipv4Addr::from_bits(n).into(), Kind::Opening, at(0));
        }
        assert!(strangers.0.lock().unwrap().calls.len() <= ADDRESSES + 1);
    }
}
