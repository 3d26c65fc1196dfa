//! Free ports on loopback.

use std::net::TcpListener;

/// A port of 127.0.0.1 that nothing listened on a moment ago.
///
/// The kernel hands ports out from a wide range in random order, so another test taking the same one in between is
/// unlikely but possible: pass port 0 wherever a server takes it.
#[must_use]
pub fn free_port() -> u16 {
    free_ports::<1>()[0]
}

/// `N` different free ports.
#[must_use]
pub fn free_ports<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    std::array::from_fn(|index| held[index].local_addr().expect("a bound socket has an address").port())
}
