//! Station 2, in part: requests that are still on their way.
//!
//! Nobody is known before a request is whole, so what it costs until then is bounded: how long it may take, how much of all
//! memory what has arrived so far may hold, and how much of that one address. It takes a place among the requests under way
//! only when it is whole: those who send slowly, or never finish, keep none.

use std::{
    collections::HashMap,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::{Code, Status};

use super::limits::Place;
use crate::{
    grpc::status::refusal,
    method::{self, Access},
};

/// How long a request may take to arrive.
const WITHIN: Duration = Duration::from_secs(10);
/// What a request on its way is taken to cost at least, in bytes.
const LEAST: usize = 4 << 10;
/// The most bytes of what strangers may send: logins, joins, shares.
const STRANGERS: usize = 64 << 10;
/// The most bytes on their way at once.
const ALL: usize = 256 << 20;
/// The most of them from one address, or one /64 of IPv6.
const EACH: usize = ALL / 16;

/// What is on its way, by address.
#[derive(Default)]
pub(super) struct OnTheWay(Mutex<Held>);

#[derive(Default)]
struct Held {
    all: usize,
    of: HashMap<IpAddr, usize>,
}

impl OnTheWay {
    fn take(&self, from: IpAddr, bytes: usize) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = held.of.get(&from).copied().unwrap_or(0).saturating_add(bytes);
        let all = held.all.saturating_add(bytes);
        if mine > EACH || all > ALL {
            return false;
        }
        held.all = all;
        held.of.insert(from, mine);
        true
    }

    fn give_back(&self, from: IpAddr, bytes: usize) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.all = held.all.saturating_sub(bytes);
        let left = held.of.get(&from).copied().unwrap_or(0).saturating_sub(bytes);
        if left == 0 {
            held.of.remove(&from);
        } else {
            held.of.insert(from, left);
        }
    }
}

/// What one request holds of it. Given back when dropped.
struct Share {
    of: Arc<OnTheWay>,
    from: IpAddr,
    bytes: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.give_back(self.from, self.bytes);
    }
}

pin_project_lite::pin_project! {
    /// A body that arrives in time and in bounds, and then takes its place among the requests under way.
    pub(super) struct Arriving<B> {
        #[pin]
        body: B,
        place: Arc<Place>,
        uri: http::Uri,
        // None for the unix socket, which only the daemon's own user reaches.
        from: Option<IpAddr>,
        on_the_way: Arc<OnTheWay>,
        by: Instant,
        timer: Option<Pin<Box<Sleep>>>,
        share: Option<Share>,
        received: usize,
    }
}

impl<B> Arriving<B> {
    pub(super) fn new(
        body: B,
        uri: http::Uri,
        from: Option<IpAddr>,
        place: Arc<Place>,
        on_the_way: Arc<OnTheWay>,
    ) -> Self {
        let by = Instant::now() + WITHIN;
        Self { body, place, uri, from, on_the_way, by, timer: None, share: None, received: 0 }
    }
}

fn exhausted(reason: &'static str, text: &str) -> Status {
    refusal(Code::ResourceExhausted, reason, text)
}

fn is_for_strangers(uri: &http::Uri) -> bool {
    let row = method::find(uri.path().trim_start_matches('/'));
    row.is_none_or(|row| matches!(row.access, Access::Bootstrap | Access::Public | Access::Sealed))
}

impl<B> Body for Arriving<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<tonic::codegen::StdError>,
{
    type Data = Bytes;
    type Error = tonic::codegen::StdError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.project();
        let hold = |share: &mut Option<Share>, bytes: usize| -> Result<(), Status> {
            let Some(from) = *this.from else { return Ok(()) };
            if !this.on_the_way.take(from, bytes) {
                return Err(exhausted("TOO_MUCH_ON_ITS_WAY", "too many requests are half sent; try again shortly"));
            }
            let mine = share.get_or_insert_with(|| Share { of: this.on_the_way.clone(), from, bytes: 0 });
            mine.bytes = mine.bytes.saturating_add(bytes);
            Ok(())
        };
        let Poll::Ready(frame) = this.body.poll_frame(cx) else {
            if this.timer.is_none() {
                if this.share.is_none() {
                    hold(this.share, LEAST.max(*this.received))?;
                }
                *this.timer = Some(Box::pin(sleep_until(*this.by)));
            }
            if let Some(timer) = this.timer {
                ready!(timer.as_mut().poll(cx));
            }
            let late = refusal(Code::DeadlineExceeded, "REQUEST_LATE", "the request did not arrive within 10 seconds");
            return Poll::Ready(Some(Err(late.into())));
        };
        let Some(frame) = frame else {
            *this.share = None;
            return Poll::Ready(this.place.take().err().map(|full| Err(full.into())));
        };
        let frame = frame.map_err(Into::into)?;
        if let Some(data) = frame.data_ref() {
            *this.received = this.received.saturating_add(data.len());
            if *this.received > STRANGERS && is_for_strangers(this.uri) {
                let large = "the message is larger than 64 KiB, which is all that this call takes";
                return Poll::Ready(Some(Err(exhausted("MESSAGE_TOO_LARGE", large).into())));
            }
            if this.share.is_some() || *this.received > STRANGERS {
                hold(this.share, data.len())?;
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        // The end has to be seen: there the request takes its place.
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn one_address_cannot_hold_all_that_may_be_on_its_way() {
        let on_the_way = OnTheWay::default();
        let [greedy, other] = [1, 2].map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
        let taken = (0..100).filter(|_| on_the_way.take(greedy, ALL / 64)).count();
        assert_eq!(taken, 4);
        assert!(on_the_way.take(other, LEAST));
        on_the_way.give_back(greedy, ALL / 64);
        assert!(on_the_way.take(greedy, ALL / 64));
        on_the_way.give_back(other, LEAST);
        on_the_way.give_back(greedy, EACH);
        let held = on_the_way.0.lock().unwrap();
        assert_eq!((held.all, held.of.len()), (0, 0), "what is given back is forgotten");
    }

    #[test]
    fn many_addresses_together_stay_within_all() {
        let on_the_way = OnTheWay::default();
        let taken = (0..100).filter(|last| on_the_way.take(IpAddr::V4(Ipv4Addr::new(192, 0, 2, *last)), EACH)).count();
        assert_eq!(taken, 16);
    }
}
