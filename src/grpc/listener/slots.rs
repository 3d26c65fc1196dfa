//! How many connections may be open: over TCP a number of all, of which no address has more than its share; over the unix
//! socket a few of its own, so that whoever fills the port does not keep the daemon's own user from sealing and recovering.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::connection::Accepted;
use crate::engine::site;

/// Connections over the unix socket.
const LOCAL: usize = 256;

/// Why a connection is closed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// So many are open.
    All,
    /// So many are open from its address.
    Address,
}

/// Counts what is open.
pub(super) struct Slots {
    limit: usize,
    tcp: Mutex<Tcp>,
    local: AtomicUsize,
}

#[derive(Default)]
struct Tcp {
    open: usize,
    by_site: HashMap<IpAddr, usize>,
}

impl Slots {
    /// At most `limit` over TCP, and three quarters of them from one address (or /64 of IPv6).
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, tcp: Mutex::default(), local: AtomicUsize::new(0) })
    }

    /// Takes one.
    pub(super) fn take(self: &Arc<Self>, accepted: &Accepted) -> Result<Slot, Full> {
        match accepted {
            Accepted::Tcp(_, from) => self.take_from(site(from.ip())),
            Accepted::Unix(_) => {
                let slot = Slot { slots: Arc::clone(self), site: None };
                if self.local.fetch_add(1, Ordering::AcqRel) < LOCAL { Ok(slot) } else { Err(Full::All) }
            }
        }
    }

    fn take_from(self: &Arc<Self>, site: IpAddr) -> Result<Slot, Full> {
        let mut tcp = self.tcp();
        if tcp.open >= self.limit {
            return Err(Full::All);
        }
        let of_site = tcp.by_site.entry(site).or_default();
        if *of_site >= (self.limit - self.limit / 4).max(1) {
            return Err(Full::Address);
        }
        *of_site += 1;
        tcp.open += 1;
        drop(tcp);
        Ok(Slot { slots: Arc::clone(self), site: Some(site) })
    }

    fn tcp(&self) -> MutexGuard<'_, Tcp> {
        self.tcp.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the connections that may be open. Given back when dropped.
pub(in crate::grpc) struct Slot {
    slots: Arc<Slots>,
    /// None: over the unix socket.
    site: Option<IpAddr>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(site) = self.site else {
            self.slots.local.fetch_sub(1, Ordering::AcqRel);
            return;
        };
        let mut tcp = self.slots.tcp();
        tcp.open = tcp.open.saturating_sub(1);
        if let Some(of_site) = tcp.by_site.get_mut(&site) {
            *of_site = of_site.saturating_sub(1);
            if *of_site == 0 {
                tcp.by_site.remove(&site);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_a_quarter_to_others_and_gives_back_what_it_had() {
        let slots = Slots::new(8);
        let (one, other): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let mut held: Vec<_> = (0..6).map(|_| slots.take_from(one).ok().unwrap()).collect();
        assert_eq!(slots.take_from(one).err(), Some(Full::Address));
        let others: Vec<_> = (0..2).map(|_| slots.take_from(other).ok().unwrap()).collect();
        assert_eq!(slots.take_from(other).err(), Some(Full::All));
        held.pop();
        assert!(slots.take_from(other).is_ok());
        drop((held, others));
        assert!(slots.tcp().by_site.is_empty() && slots.tcp().open == 0);
        let alone = Slots::new(1);
        assert!(alone.take_from(one).is_ok());
    }
}
